"""Which addresses reach a workspace: written in the API version that has them, and kept so."""

from dataclasses import replace
from typing import Any

import pytest

from azml.resources.workspace_network_acls import PREVIEW, WorkspaceNetworkAclsHandler
from tests.unit.local.support import Running
from tests.unit.resources.conftest import Azure

OFFICE = [{"value": "203.0.113.0/24"}]


def wanted(workspace: str, **more: Any) -> dict[str, Any]:
    fields = {"workspaceId": workspace, "defaultAction": "Deny", "ipRules": OFFICE, **more}
    return WorkspaceNetworkAclsHandler().check(fields)


def live(azure: Azure, workspace: str) -> Any:
    return azure.theirs.ok("GET", workspace, **{"api-version": PREVIEW})["properties"].get("networkAcls")


@pytest.fixture
def workspace(azure: Azure) -> str:
    return azure.theirs.workspace(azure.theirs.group())


def test_a_life(azure: Azure, workspace: str) -> None:
    handler = WorkspaceNetworkAclsHandler()
    inputs = wanted(workspace)
    assert handler.left(azure.work(), inputs) is None
    state = handler.create(azure.work(), inputs)
    assert live(azure, workspace) == {"defaultAction": "Deny", "ipRules": OFFICE}
    assert handler.left(azure.work(), inputs) == inputs
    assert handler.drift(azure.work(), inputs, state) == {}
    again = wanted(workspace, ipRules=[*OFFICE, {"value": "198.51.100.7"}])
    handler.update(azure.work(), inputs, again, state)
    assert len(live(azure, workspace)["ipRules"]) == 2
    assert handler.read(azure.work(), workspace, {}) == (again, again)
    handler.delete(azure.work(), again)
    assert live(azure, workspace) == {"defaultAction": "Allow", "ipRules": []}


def test_nothing_else_of_the_workspace_changes(azure: Azure, workspace: str) -> None:
    before = azure.get(workspace)["properties"]
    WorkspaceNetworkAclsHandler().create(azure.work(), wanted(workspace))
    after = azure.get(workspace)["properties"]
    assert after == before
    assert "networkAcls" not in after, "the version of today does not have it"


@pytest.mark.parametrize("put", ["clears", "keeps"])
def test_what_a_put_in_another_version_takes_away_is_seen(
    azure: Azure, local: Running, workspace: str, monkeypatch: pytest.MonkeyPatch, put: str
) -> None:
    monkeypatch.setattr(
        local.azure,
        "settings",
        replace(local.azure.settings, workspace_put_without_network_acls=put),  # type: ignore[arg-type]
    )
    handler, inputs = WorkspaceNetworkAclsHandler(), wanted(workspace)
    handler.create(azure.work(), inputs)
    shown = azure.get(workspace)
    body = {key: shown[key] for key in ("location", "identity")}
    names = ("storageAccount", "keyVault", "applicationInsights")
    azure.theirs.ok("PUT", workspace, {**body, "properties": {name: shown["properties"][name] for name in names}})
    found = handler.drift(azure.work(), inputs, inputs)
    assert set(found) == ({"defaultAction", "ipRules"} if put == "clears" else set())


def test_with_its_workspace_it_is_gone(azure: Azure, workspace: str) -> None:
    azure.theirs.ok("DELETE", workspace, forceToPurge="true")
    WorkspaceNetworkAclsHandler().delete(azure.work(), wanted(workspace))
    assert WorkspaceNetworkAclsHandler().read(azure.work(), workspace, wanted(workspace)) is None
