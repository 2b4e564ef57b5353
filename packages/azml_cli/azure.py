"""The Azure that a stack lives in, as the data commands reach it.

Owns which Azure that is, and where the stack's workspace is in it (the engine knows: it is an output of the stack).
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from azml_cli import render
from azml_cli.engine import bin_dir, in_its_words
from azml_cli.project import LOCAL, Project

if TYPE_CHECKING:
    from azml.resources.arm import Arm
    from azml.resources.arm_id import ArmId


NO_OUTPUT = "does not have output property"
"""The engine's words for an output that a stack has not got (yet)."""


class StackAzure:
    """A client for a stack's Azure, and the id of its workspace."""

    def __init__(self, project: Project, stack: str) -> None:
        self.spec = project.spec(stack)  # a stack that is none, or is wrong, is said before anything is asked
        self._project, self._stack = project, stack
        if stack == LOCAL:
            os.environ.update(_local_environment(project))

    @cached_property
    def arm(self) -> "Arm":
        """A client of the Azure that the environment points at."""
        from azml.resources.arm import Arm

        return Arm()

    @cached_property
    def workspace(self) -> "ArmId":
        """The id of the stack's workspace; ends the command where the stack has none (yet)."""
        from azml.resources.arm_id import ArmId

        found = self.output("workspace_id")
        if not found:
            up = "azml up --local" if self._stack == LOCAL else f"pulumi up -s {self._stack}"
            render.fail(f"Stack {self._stack} has no workspace yet.\nMake it: {up}")
        return ArmId.parse(str(found))

    def output(self, name: str) -> Any:
        """An output of the stack, a secret one as it is; None where the stack has none of that name (yet)."""
        engine = bin_dir()
        environment = self._project.pulumi_environment(engine) if self._stack == LOCAL else os.environ
        asked = subprocess.run(
            [engine / "pulumi", "stack", "output", name, "--json", "--show-secrets", "--stack", self._stack,
             "--non-interactive"],
            cwd=self._project.root, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if asked.returncode != 0 and NO_OUTPUT not in asked.stderr:
            render.fail(f"Stack {self._stack} cannot be read.\n{in_its_words(asked.stderr)}")
        return json.loads(asked.stdout) if asked.stdout.strip() else None


def _local_environment(project: Project) -> dict[str, str]:
    import azml_local

    try:
        return azml_local.environment(project.local_azure)
    except azml_local.NotRunning as error:
        render.fail(str(error))


@contextmanager
def errors() -> Iterator[None]:
    """What Azure refuses ends the command with Azure's own words."""
    from azml.resources.errors import ArmError, Refused

    try:
        yield
    except (ArmError, Refused) as error:
        render.fail(str(error))
