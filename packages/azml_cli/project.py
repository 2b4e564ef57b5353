"""The project a command runs in: its folder, its stacks, and what its commands run with.

Owns where things are (`.azml/`, `stacks/`) and the environment of engine and clients. Deliberately does not start
anything.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from azml_cli import render

if TYPE_CHECKING:
    from azml.spec import Problem, StackSpec

LOCAL = "local"
"""The stack that lives on the local Azure."""

PASSPHRASE = "azml-local"  # noqa: S105 - public on purpose, see docs/adr
"""Of the local stack's state, whose salt is committed: no place for real secrets."""


@dataclass(frozen=True)
class Project:
    """A folder with a Pulumi.yaml."""

    root: Path

    @classmethod
    def find(cls) -> "Project":
        """The project around the working directory; ends the command where there is none."""
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (folder / "Pulumi.yaml").is_file():
                return cls(folder)
        render.fail(
            f"No Pulumi.yaml in {here} or above it.\nBegin a project here: azml init\n"
            "Or go to a project's folder first.",
            render.USAGE,
        )

    @property
    def name(self) -> str:
        """The project's name, which the backend keeps its stacks under; ends the command where there is none."""
        from azml.spec import SpecError
        from azml.spec.project import project

        try:
            return project(self.root)
        except SpecError as error:
            render.fail(error.problems)

    @property
    def stacks(self) -> Path:
        """The folder of the stack files. Raises `SpecError` where Pulumi.yaml does not tell."""
        from azml.spec import stack_folder

        return stack_folder(self.root)

    @property
    def state(self) -> Path:
        """What azml keeps for this project, outside version control."""
        return self.root / ".azml"

    @property
    def engine_state(self) -> Path:
        """Where the engine keeps the local stack's state."""
        return self.state / "state"

    @property
    def local_azure(self) -> Path:
        """Home of the local Azure."""
        return self.state / "local"

    def spec(self, stack: str) -> "StackSpec":
        """The stack's validated config; ends the command with every problem there is."""
        from azml.spec import SpecError, load

        try:
            return load(self.stacks, stack)
        except SpecError as error:
            render.fail(error.problems)

    def unreadable(self, stack: str) -> "list[Problem]":
        """What keeps the engine from reading the stack's file, with its line."""
        from azml.spec import SpecError
        from azml.spec.project import refuse_unreadable

        try:
            refuse_unreadable(self.root, stack)
        except SpecError as error:
            return error.problems
        return []

    def pulumi_environment(self, bin_dir: Path) -> dict[str, str]:
        """What the engine runs with on the local Azure: own home and backend, no plugin downloads.

        A project that names no environment of its own runs in the one that azml runs in.
        """
        return os.environ | {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(bin_dir), os.environ.get("PATH", "")]),
            "PULUMI_HOME": str(self.state / "pulumi"),
            "PULUMI_BACKEND_URL": self.engine_state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
