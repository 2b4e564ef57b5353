"""The Azure that a stack lives in, as the data commands reach it.

Owns which Azure that is, and the ids of what the stack file names. Deliberately does not go through the engine: what a
command needs is in the stack file and in Azure.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from azml_cli import render
from azml_cli.project import LOCAL, Project

if TYPE_CHECKING:
    from azml.resources.arm import Arm
    from azml.resources.arm_id import ArmId


class StackAzure:
    """A stack's workspace, and a client for it."""

    def __init__(self, project: Project, stack: str) -> None:
        if stack == LOCAL:
            _point_at_local_azure(project)
        self._workspace = project.spec(stack).workspace

    @property
    def arm(self) -> "Arm":
        """A client of the Azure that the environment points at."""
        from azml.resources.arm import Arm

        return Arm()

    @property
    def workspace(self) -> "ArmId":
        """The workspace's id, as the components will have made it."""
        from azml.naming import workspace_id

        from azml.resources.arm_id import ArmId

        return ArmId.parse(workspace_id(self._workspace, subscription()))


def _point_at_local_azure(project: Project) -> None:
    import azml_local

    if not azml_local.status(project.local_azure)["running"]:
        render.fail("The local Azure is not running.\nStart it: azml local start (or all of it: azml up --local)")
    os.environ.update(azml_local.environment(project.local_azure))


def subscription() -> str:
    """The subscription that the official clients would use: the variables, else the default one of `az login`."""
    for name in ("ARM_SUBSCRIPTION_ID", "AZURE_SUBSCRIPTION_ID"):
        if given := os.environ.get(name):
            return given
    profile = Path(os.environ.get("AZURE_CONFIG_DIR", Path.home() / ".azure")) / "azureProfile.json"
    if profile.is_file():
        for entry in json.loads(profile.read_text(encoding="utf-8-sig")).get("subscriptions", []):
            if entry.get("isDefault"):
                return str(entry["id"])
    render.fail("Which subscription?\nSet AZURE_SUBSCRIPTION_ID, or sign in: az login && az account set -s NAME")


@contextmanager
def errors() -> Iterator[None]:
    """What Azure refuses ends the command with Azure's own words."""
    from azml.resources.errors import ArmError, Refused

    try:
        yield
    except (ArmError, Refused) as error:
        render.fail(str(error))
