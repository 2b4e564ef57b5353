"""`azml recover`: a stack put in order after a run of the engine was killed.

Owns which stack, and what is said; the rules are in `recovery`.
"""

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote, urlsplit

import typer

from azml_cli import render
from azml_cli.project import LOCAL, Project

if TYPE_CHECKING:
    from azml.resources.arm import Arm
    from azml_cli.engine import LocalEngine
    from azml_cli.recovery.repair import Backend, Step
    from azml_cli.recovery.state import Engine


def recover(
    *,
    stack: Annotated[str | None, typer.Option("--stack", "-s", help="The stack, for example dev.")] = None,
    local: Annotated[bool, typer.Option("--local", help="On the local Azure: the stack `local`.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Put a stack in order after a killed update: stale locks, pending operations. `azml up` does so by itself."""
    chosen = LOCAL if local else stack
    if chosen is None or (local and stack not in (None, LOCAL)):
        render.fail("Say which stack: --local, or --stack STACK.", render.USAGE)
    project = Project.find()
    if chosen == LOCAL:
        from azml_cli.engine import LocalEngine

        engine = LocalEngine(project)
        steps = engine.recover() if engine.has_stack else []
    else:
        steps = _elsewhere(project, chosen)
    if json_:
        render.emit_json({"stack": chosen, "steps": [vars(step) for step in steps]})
        return
    for step in steps:
        render.say(str(step))
    if not steps:
        render.say(f"Stack {chosen} is in order: no stale lock, no interrupted operation.")


def local(engine: "LocalEngine") -> "list[Step]":
    """Put the local stack in order. Who calls holds the project's lock, so no other azml is at work on it."""
    from azml_cli.recovery.repair import Backend
    from azml_cli.recovery.state import Engine

    os.environ.update(engine.environment)  # for the client of Azure
    project = engine.project
    asked = Engine(engine.pulumi, project.root, engine.environment, LOCAL)
    return _mended(asked, Backend(project.engine_state, project.name, alone=True), engine.journal)


def _elsewhere(project: Project, stack: str) -> "list[Step]":
    from azml_cli.engine import bin_dir
    from azml_cli.recovery.state import Engine

    engine = Engine(bin_dir() / "pulumi", project.root, os.environ, stack)
    return _mended(engine, _backend(engine, project), None)


def _mended(engine: "Engine", backend: "Backend | None", journal: Path | None) -> "list[Step]":
    from azml_cli import azure
    from azml_cli.engine import in_its_words
    from azml_cli.recovery import repair
    from azml_cli.recovery.state import EngineFailed

    try:
        with azure.errors(), render.progress("Recover") as report:
            released, since = repair.release(backend, engine.stack) if backend else ([], 0.0)
            freed = repair.unblock(backend, engine.stack) if backend else []
            whole = repair.restore(backend, engine) if backend else []
            mended = repair.repair(engine, _arm, journal, since, report, restored=bool(whole))
            return [*released, *freed, *whole, *mended]
    except repair.Undecided as error:
        render.fail(error.problems)
    except EngineFailed as error:
        render.fail(f"The engine cannot work on stack {engine.stack}.\n{in_its_words(str(error))}")


@cache
def _arm() -> "Arm":
    from azml.resources.arm import Arm

    return Arm()


def _backend(engine: "Engine", project: Project) -> "Backend | None":
    """The stack's backend, where it is a folder: of the others only the engine knows who holds a stack."""
    import json
    import subprocess

    from azml_cli.recovery.repair import Backend

    asked = subprocess.run(
        [engine.pulumi, "whoami", "--json"],
        cwd=engine.root, env=dict(engine.environment), capture_output=True, text=True, check=False,
    )  # fmt: skip
    url = urlsplit(json.loads(asked.stdout)["url"]) if asked.returncode == 0 else None
    if url is None or url.scheme != "file":
        return None
    return Backend(Path(unquote(url.netloc + url.path)).expanduser(), project.name)
