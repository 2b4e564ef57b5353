"""The engine a command runs: found, or built once, and started so that its output and Ctrl-C reach the right process.

Finding and building belong to `engine/build.py`; what the engine runs with belongs to `project`.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from azml_cli import render, share
from azml_cli.project import LOCAL, Project


def bin_dir() -> Path:
    """Folder with `pulumi` and its Python host; the engine is built where there is none (minutes, once)."""
    builder = share.folder("engine") / "build.py"
    found = subprocess.run([sys.executable, builder], stdout=subprocess.PIPE, text=True, check=False)
    if found.returncode != 0:
        raise SystemExit(render.FAILED)  # build.py has said why
    return Path(found.stdout.splitlines()[-1])


class LocalEngine:
    """The engine on the local stack: own PULUMI_HOME with the stand-in in it, own backend, clients on loopback."""

    def __init__(self, project: Project) -> None:
        """Have an engine and a running local Azure; ends the command where one of them cannot be had."""
        import azml_local
        from azml_cli import plugin

        folder = bin_dir()
        project.state.mkdir(exist_ok=True)
        project.state.chmod(0o700)  # state, logs and keys are its owner's alone
        with render.progress("Local Azure") as step:
            try:
                azml_local.start(project.local_azure, step)
            except azml_local.NotRunning as error:
                render.fail(str(error))
        self.project, self.pulumi = project, folder / "pulumi"
        self.environment = project.pulumi_environment(folder) | azml_local.environment(project.local_azure)
        project.engine_state.mkdir(parents=True, exist_ok=True)
        for one in (plugin.azml(), plugin.azure_native_stand_in()):
            one.install(project.state / "pulumi")

    @property
    def has_stack(self) -> bool:
        """Whether the backend knows the stack."""
        return any((self.project.engine_state / ".pulumi" / "stacks").glob(f"*/{LOCAL}.json*"))

    def ensure_stack(self) -> None:
        """Make the stack in the backend where it is not there yet."""
        if self.has_stack:
            return
        command: list[str | Path] = [self.pulumi, "stack", "init", LOCAL, "--non-interactive"]
        made = subprocess.run(
            command, cwd=self.project.root, env=self.environment, capture_output=True, text=True, check=False
        )
        if made.returncode != 0:
            render.fail(made.stderr.strip() or made.stdout.strip())

    def run(self, *arguments: str) -> int:
        """Run a pulumi command on the local stack, its output as it comes; its exit code."""
        command: Sequence[str | Path] = [self.pulumi, *arguments, "--stack", LOCAL]
        with subprocess.Popen(command, cwd=self.project.root, env=self.environment) as engine:
            while True:
                try:
                    return engine.wait()
                except KeyboardInterrupt:  # the terminal sent it to the engine too, which cancels and cleans up
                    continue
