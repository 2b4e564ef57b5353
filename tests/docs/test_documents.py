"""What the documents tell people to type works, and prints what they show.

README and everything in `docs/` but the decisions, read as a person would: from top to bottom, in one clone, in one
shell a document. Not run are commands marked `<!-- needs Azure -->`, those that another test runs and that name it
(`<!-- run by tests/… -->`), and `make test`, which would run itself: of that, what make would do. pytest lists them.
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from azml.spec import load
from azml.spec.reader import read
from tests.support.clone import Clone
from tests.support.documents import Command, blocks, commands, endings

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted(path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "adr")]
NEXT = "\x1e"
"""Printed before each command: the ASCII record separator, which no command prints."""
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, engine: Path) -> Iterator[Clone]:
    made = Clone.make(tmp_path_factory.mktemp("docs"), engine)
    for name in ("requirements.txt", "pyproject.toml"):
        os.utime(made.root / name, (0, 0))  # the environment is shared: make must not install it anew
    yield made
    made.azml("local", "stop")


def ids(documents: list[Path]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in documents]


WITH_COMMANDS = [document for document in DOCUMENTS if commands(document)]


@pytest.mark.engine
@pytest.mark.parametrize("document", WITH_COMMANDS, ids=ids(WITH_COMMANDS))
def test_commands_do_what_is_shown(
    document: Path, clone: Clone, record_property: Callable[[str, object], None]
) -> None:
    run: list[Command] = []
    for command in commands(document):
        if command.elsewhere is None:
            run.append(command)
        if command.elsewhere is not None or command.text.startswith("make test"):
            why = command.elsewhere or "would run itself; what make would do was asked"
            record_property("not run", f"{command.place}: {command.text.strip()} ({why})")
    outputs = typed(run, clone)
    shown = endings(document)
    for command, output in zip(run, outputs, strict=True):
        assert without_ports(command.output).rstrip() in without_ports(output), command.place
        ending = shown.pop(command.text.partition("#")[0].strip(), "")
        assert without_ports(output).rstrip().endswith(without_ports(ending).rstrip()), command.place
    assert not shown, "output is shown of commands that the document does not have"


def typed(lines: list[Command], clone: Clone) -> list[str]:
    """Run commands in one shell, as make does it: the first that fails ends it. What each printed."""
    script = ["set -euo pipefail"]
    for command in lines:
        script += [f"printf '{NEXT}'; printf '{NEXT}' >&2", re.sub(r"^make test\b", "make -n test", command.text)]
    shell = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=clone.root, env=environment(clone), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    outputs = shell.stdout.split(NEXT)[1:]
    assert shell.returncode == 0, (
        f"{lines[len(outputs) - 1].place}: {lines[len(outputs) - 1].text}\n{outputs[-1]}{shell.stderr.split(NEXT)[-1]}"
    )
    return outputs


def environment(clone: Clone) -> dict[str, str]:
    """The shell of somebody who has just cloned: nothing of the make that runs this test."""
    return {key: value for key, value in clone.environment.items() if not key.startswith(("MAKE", "MFLAGS", "AZURE_"))}


def without_ports(text: str) -> str:
    return re.sub(r"(127\.0\.0\.1|localhost):\d+", r"\1:PORT", text)


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids(DOCUMENTS))
def test_what_is_run_elsewhere_names_who_runs_it(document: Path) -> None:
    for command in commands(document):
        if command.elsewhere is not None and command.elsewhere.startswith("run by "):
            assert (ROOT / command.elsewhere.removeprefix("run by ")).exists(), command.place


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids(DOCUMENTS))
def test_yaml_is_what_azml_reads(document: Path, clone: Clone) -> None:
    for block in blocks(document):
        if block.language in {"yaml", "yml"}:
            file = clone.root / "stacks" / f"Pulumi.line{block.line}.yaml"
            file.write_text(block.text, encoding="utf-8")
            if "config" in read(file).map:
                load(file.parent, f"line{block.line}")
            file.unlink()
