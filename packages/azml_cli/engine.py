"""The engine a command runs: found, or built once, and started so that its output and signals reach the right process.

Finding and building belong to `engine/build.py`; what the engine runs with belongs to `project`, and what a killed one
left is put in order by `recovery`.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from azml_cli import render, share
from azml_cli.alone import take_turn
from azml_cli.project import LOCAL, Project

if TYPE_CHECKING:
    from azml_cli.recovery.repair import Step

_PR_SET_PDEATHSIG = 1
_LOGGED_OUT = "PULUMI_ACCESS_TOKEN must be set"
_KEPT_LOGS = 20
"""Log files of the engine, which writes one a command."""


def bin_dir() -> Path:
    """Folder with `pulumi` and its Python host; the engine is built where there is none (minutes, once)."""
    builder = share.folder("engine") / "build.py"
    found = subprocess.run([sys.executable, builder], stdout=subprocess.PIPE, text=True, check=False)
    if found.returncode != 0:
        raise SystemExit(render.FAILED)  # build.py has said why
    return Path(found.stdout.splitlines()[-1])


def in_its_words(said: str) -> str:
    """What the engine said of a stack on Azure, and what to do where its words are not for people."""
    said = said.strip()
    return f"{said}\nLog in to where the stack's state is kept: pulumi login" if _LOGGED_OUT in said else said


class LocalEngine:
    """The engine on the local stack: own PULUMI_HOME with the stand-ins in it, own backend, clients on loopback.

    One at a time in a project: a second one waits until the first one's process ends.
    """

    def __init__(self, project: Project) -> None:
        """Have an engine and a running local Azure; ends the command where one of them cannot be had."""
        import azml_local
        from azml_cli import plugin

        folder = bin_dir()
        project.state.mkdir(exist_ok=True)
        project.state.chmod(0o700)  # state, logs and keys are its owner's alone
        self._turn = take_turn(project)
        with render.progress("Local Azure") as step:
            try:
                azml_local.start(project.local_azure, step)
            except azml_local.NotRunning as error:
                render.fail(str(error))
        self.project, self.pulumi = project, folder / "pulumi"
        self.environment = project.pulumi_environment(folder) | azml_local.environment(project.local_azure)
        project.engine_state.mkdir(parents=True, exist_ok=True)
        for one in (plugin.azml(), plugin.azure_native_stand_in(), plugin.docker_stand_in()):
            one.install(project.state / "pulumi")
        _trim(project.state / "pulumi" / "logs")

    @property
    def journal(self) -> Path:
        """What the engine has done in a run that has not ended well; there is none after one that has."""
        return self.project.engine_state / "events.json"

    @property
    def has_stack(self) -> bool:
        """Whether the backend knows the stack."""
        from azml_cli.recovery import checkpoint

        return checkpoint.file_of(self.project.engine_state, self.project.name, LOCAL).exists()

    def ensure_stack(self) -> None:
        """Make the stack in the backend where it is not there yet, and put in order what a killed run left of it."""
        from azml_cli.recovery import checkpoint

        if self.has_stack:
            self.mend()
            return
        checkpoint.drop_cut_attributes(self.project.engine_state)
        command: list[str | Path] = [self.pulumi, "stack", "init", LOCAL, "--non-interactive"]
        made = subprocess.run(
            command, cwd=self.project.root, env=self.environment, capture_output=True, text=True, check=False
        )
        if made.returncode != 0:
            render.fail(made.stderr.strip() or made.stdout.strip())

    def mend(self) -> None:
        """Put in order what a killed run left, and say what was done. Costs nothing where the last one ended well."""
        from azml_cli.recovery import checkpoint, locks

        at = self.project.engine_state, self.project.name, LOCAL
        file = checkpoint.file_of(*at)
        if (
            self.journal.exists()
            or locks.of_stack(*at)
            or not checkpoint.is_whole(file)
            or '"pending_operations"' in file.read_text(encoding="utf-8")
        ):
            for step in self.recover():
                render.note(str(step))

    def recover(self) -> "list[Step]":
        """Put in order what a killed run left; ends the command where only a person can go on."""
        from azml_cli import recover

        return recover.local(self)

    def run(self, *arguments: str, machine: bool = False) -> int:
        """Run a pulumi command on the local stack, its output as it comes; its exit code.

        `machine`: stdout is for a document, and all that the engine says goes to stderr.
        """
        command: Sequence[str | Path] = [
            self.pulumi, *arguments, "--stack", LOCAL, "--event-log", str(self.journal),
        ]  # fmt: skip
        debug = {"PULUMI_DEBUG_COMMANDS": "true"}  # without it the engine takes no --event-log
        with subprocess.Popen(
            command,
            cwd=self.project.root,
            env=self.environment | debug,
            stdout=sys.stderr if machine else None,
            preexec_fn=_ended_with(os.getpid()),  # noqa: PLW1509 - there are no other threads
        ) as engine:
            signal.signal(signal.SIGTERM, lambda *_: engine.send_signal(signal.SIGTERM))
            while True:
                try:
                    code = engine.wait()
                    break
                except KeyboardInterrupt:  # the terminal sent it to the engine too, which cancels and cleans up
                    continue
        if code == 0:
            self.journal.unlink(missing_ok=True)
        return code


def _ended_with(parent: int) -> Callable[[], None] | None:
    """Have the engine cancel and clean up, as on SIGTERM, when this process is killed. Linux alone can do that."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def set_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return set_signal


def _trim(logs: Path) -> None:
    files = sorted(logs.glob("*.log"), key=lambda file: file.stat().st_mtime)
    for file in files[:-_KEPT_LOGS]:
        file.unlink(missing_ok=True)
