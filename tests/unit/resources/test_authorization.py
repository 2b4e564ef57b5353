"""Roles that were just given are waited for; without one the refusal says which role is missing, at once.

The local Azure lets roles decide about blobs here, and makes new ones wait.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from azml.facts.roles import ROLES, definition_id
from azml.resources import authorization
from azml.resources.authorization import patient, role_for
from azml.resources.errors import ArmError, Interrupted
from azml.resources.model_version import ModelVersionHandler
from azml_local.arm import errors as arm_errors
from tests.unit.local.support import Running
from tests.unit.resources.conftest import Azure

MODEL = ModelVersionHandler()
CONTRIBUTOR = "Storage Blob Data Contributor"
DELAY_SECONDS = 1.5


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorization, "PAUSE_SECONDS", (0.1, 0.4))


@pytest.fixture
def keyless(azure: Azure, local: Running, monkeypatch: pytest.MonkeyPatch) -> str:
    """A workspace whose blobs open by role alone; a role works after a while."""
    made = azure.theirs.workspace(
        azure.theirs.group(), f"keyless{uuid4().hex[:6]}", {"allowSharedKeyAccess": False},
        systemDatastoresAuthMode="identity",
    )  # fmt: skip
    monkeypatch.setattr(local.azure, "settings", replace(local.azure.settings, blob_roles_after_seconds=DELAY_SECONDS))
    return made


def assign(azure: Azure, local: Running, scope: str, role: str) -> None:
    definition = definition_id(role, local.azure.identity.subscription_id)
    properties = {
        "principalId": local.azure.identity.object_id,
        "principalType": "ServicePrincipal",
        "roleDefinitionId": definition,
    }
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid4()}"
    azure.theirs.ok("PUT", path, {"properties": properties})


def upload(azure: Azure, workspace: str, folder: Path) -> None:
    inputs = MODEL.check({"workspaceId": workspace, "name": "m", "path": str(folder)})
    MODEL.create(azure.work(), inputs)


def test_a_fresh_role_is_waited_for(azure: Azure, local: Running, keyless: str, folder: Path) -> None:
    account = azure.get(keyless)["properties"]["storageAccount"]
    assign(azure, local, account, CONTRIBUTOR)
    began = time.monotonic()
    upload(azure, keyless, folder)
    assert time.monotonic() - began >= DELAY_SECONDS - 0.5
    said = [text for severity, text in azure.said if severity == "status"]
    assert any(f"waiting for the role {CONTRIBUTOR}" in text and "10 minutes" in text for text in said)


def test_without_a_role_it_is_said_at_once(azure: Azure, keyless: str, folder: Path) -> None:
    account = azure.get(keyless)["properties"]["storageAccount"]
    with pytest.raises(ArmError) as caught:
        upload(azure, keyless, folder)
    assert f"missing: {CONTRIBUTOR} (or one with more) on {account}" in str(caught.value)


def test_a_role_below_or_elsewhere_is_none(azure: Azure, local: Running, keyless: str, folder: Path) -> None:
    account = azure.get(keyless)["properties"]["storageAccount"]
    container = azure.get(f"{keyless}/datastores/workspaceblobstore")["properties"]["containerName"]
    assign(azure, local, f"{account}/blobServices/default/containers/{container}", CONTRIBUTOR)
    assign(azure, local, azure.theirs.group(), CONTRIBUTOR)
    with pytest.raises(ArmError, match="missing"):
        upload(azure, keyless, folder)


def test_the_wait_for_a_role_ends_with_ctrl_c(azure: Azure, local: Running, keyless: str, folder: Path) -> None:
    assign(azure, local, azure.get(keyless)["properties"]["storageAccount"], CONTRIBUTOR)
    azure.cancelled.set()
    with pytest.raises(Interrupted):
        upload(azure, keyless, folder)


def refusing(times: int, code: str = "AuthorizationFailed") -> Any:
    """What ARM says of a role that it does not know of yet, so many times, and then that it is done."""
    left = [times]

    def attempt() -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise ArmError(code, "The client 'c' does not have authorization to perform action 'a'.", 403)
        return "done"

    return attempt


def test_an_old_role_is_not_waited_for(azure: Azure, local: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    group = azure.theirs.group()
    assign(azure, local, group, "Contributor")
    assert patient(azure.work(), group, "Contributor", refusing(2)) == "done"
    monkeypatch.setattr(authorization, "PROPAGATION_SECONDS", 0.0)
    with pytest.raises(ArmError, match="missing: Contributor"):
        patient(azure.work(), group, "Contributor", refusing(1))


def test_what_no_role_mends_is_not_waited_for(azure: Azure, local: Running) -> None:
    group = azure.theirs.group()
    assign(azure, local, group, "Contributor")
    for code in ("RequestDisallowedByPolicy", "AuthorizationFailure"):
        with pytest.raises(ArmError, match=code):
            patient(azure.work(), group, "Contributor", refusing(1, code))


def test_a_write_to_arm_is_as_patient(
    azure: Azure, local: Running, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """ARM refuses the first two writes, as it does for seconds after a role was given."""
    workspace = azure.theirs.workspace(azure.theirs.group())
    type_ = local.azure.types.get("Microsoft.MachineLearningServices/workspaces/models/versions")
    assert type_ is not None
    refused, check = [0], type_.check

    def unwilling(write: Any) -> None:
        if refused[0] < 2:
            refused[0] += 1
            raise arm_errors.ArmError(403, "AuthorizationFailed", "The client does not have authorization.")
        check(write)

    monkeypatch.setattr(type_, "check", unwilling)
    with pytest.raises(ArmError, match="missing: AzureML Data Scientist") as caught:
        upload(azure, workspace, folder)
    assert str(caught.value).endswith(f"on {workspace}.")
    assign(azure, local, workspace, "AzureML Data Scientist")
    upload(azure, workspace, folder)
    assert refused == [2]


@pytest.mark.parametrize(
    ("resource", "below", "role"),
    [
        ("Microsoft.MachineLearningServices/workspaces/w", "/models/m/versions/1", "AzureML Data Scientist"),
        # built-in-roles: workspaces/write and workspaces/delete are notActions of the Data Scientist.
        ("Microsoft.MachineLearningServices/workspaces/w", "", "Contributor"),
        ("Microsoft.KeyVault/vaults/v", "", "Contributor"),
    ],
)
def test_the_role_for_a_write(resource: str, below: str, role: str) -> None:
    id_ = f"/subscriptions/s/resourceGroups/g/providers/{resource}"
    assert role_for(f"{id_}{below}") == (role, id_)
    assert role in ROLES


def test_what_is_in_no_group_needs_a_role_on_the_subscription() -> None:
    deleted = "/subscriptions/s/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/v/purge"
    assert role_for(deleted) == ("Contributor", "/subscriptions/s")
