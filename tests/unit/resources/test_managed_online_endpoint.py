"""The endpoint: changed without touching its traffic, or what others wrote on it."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest

from azml.resources.arm_id import ArmId
from azml.resources.endpoint_body import Endpoint, merge
from azml.resources.errors import Incomplete, Refused
from azml.resources.managed_online_endpoint import ManagedOnlineEndpointHandler
from azml.resources.wire import UNKNOWN
from azml_local.scoring.contract import DeploymentFailed
from tests.unit.resources.conftest import Azure

HANDLER = ManagedOnlineEndpointHandler()
URN = "urn:pulumi:dev::p::azml:index:ManagedOnlineEndpoint::e"
OTHER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"


def wanted(azure: Azure, **inputs: Any) -> dict[str, Any]:
    base = {"workspaceId": azure.workspace, "name": f"ep-{uuid4().hex[:8]}", "authMode": "Key"}
    return HANDLER.check({**base, **inputs})


def made(azure: Azure, **inputs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    checked = wanted(azure, **inputs)
    return checked, HANDLER.create(azure.work(URN), checked)


def serving(azure: Azure, inputs: dict[str, Any]) -> str:
    """Give it a deployment with all the traffic, and the tags of a rollout and of a policy."""
    path = HANDLER.arm_id(inputs).text
    azure.deployment(path, "blue")
    merge(
        azure.work(),
        ArmId.parse(path),
        lambda live: ({"traffic": {"blue": 100}}, {**live.tags, "azml-rollout": "r", "policy": "theirs"}),
    )
    return path


def test_it_is_made_with_what_callers_need(azure: Azure) -> None:
    inputs, state = made(azure, description="d", tags={"a": "1"})
    live = azure.get(HANDLER.arm_id(inputs).text)
    assert state["scoringUri"] == live["properties"]["scoringUri"] != ""
    assert state["principalId"] == live["identity"]["principalId"] != ""
    assert live["location"] == "eastus", "the workspace's"
    assert live["properties"]["description"] == "d"
    keys = azure.theirs.ok("POST", f"{HANDLER.arm_id(inputs).text}/listKeys")
    assert keys["primaryKey"] not in str(state)


@pytest.mark.parametrize(
    "change",
    [
        {"tags": {"a": "2"}},
        {"description": "other"},
        {"properties": {"more": "1"}},
        {"publicNetworkAccess": "Disabled"},
        {"tags": {}, "description": "both"},
    ],
)
def test_no_update_touches_traffic_or_what_others_wrote(azure: Azure, change: dict[str, Any]) -> None:
    inputs, state = made(azure, tags={"a": "1"}, description="d")
    path = serving(azure, inputs)
    after = {**inputs, **change}
    assert HANDLER.difference(azure.work(), inputs, state, after).changed == change.keys()
    HANDLER.update(azure.work(URN), inputs, after, state)
    live = azure.get(path)
    assert live["properties"]["traffic"] == {"blue": 100}
    assert live["tags"] == {**after["tags"], "azml-rollout": "r", "policy": "theirs"}
    assert live["properties"]["description"] == after["description"]
    assert live["properties"]["publicNetworkAccess"] == after["publicNetworkAccess"]
    assert live["properties"]["properties"]["azml.owner"] == URN


def test_tags_go_by_patch(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PATCH cannot take traffic away, whatever else happens."""
    inputs, state = made(azure, tags={"a": "1"})
    monkeypatch.setattr(azure.arm, "put", None)
    HANDLER.update(azure.work(URN), inputs, {**inputs, "tags": {"a": "2"}}, state)
    assert azure.get(HANDLER.arm_id(inputs).text)["tags"] == {"a": "2"}


def test_nothing_to_change_is_not_written(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, state = made(azure, tags={"a": "1"}, description="d")
    monkeypatch.setattr(azure.arm, "put", None)
    monkeypatch.setattr(azure.arm, "patch", None)
    assert HANDLER.update(azure.work(URN), inputs, inputs, state) == state


def test_a_service_that_merges_tags_gets_a_put(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether PATCH replaces tags is not documented for endpoints: what should go, goes."""
    inputs, state = made(azure, tags={"a": "1", "b": "1"})
    real = azure.arm.patch

    def merging(id_: str, version: str, body: Callable[[], dict[str, Any]], work: Any) -> Any:
        return real(id_, version, {"tags": {**azure.get(id_)["tags"], **body()["tags"]}}, work)

    monkeypatch.setattr(azure.arm, "patch", merging)
    HANDLER.update(azure.work(URN), inputs, {**inputs, "tags": {"a": "2"}}, state)
    assert azure.get(HANDLER.arm_id(inputs).text)["tags"] == {"a": "2"}


def test_one_that_others_made_is_refused(azure: Azure) -> None:
    inputs = wanted(azure)
    azure.theirs.endpoint(azure.workspace, inputs["name"])
    with pytest.raises(Refused, match=r"exists already(.|\n)*pulumi import"):
        HANDLER.create(azure.work(URN), inputs)


def test_one_of_another_stack_is_refused(azure: Azure) -> None:
    inputs, _ = made(azure)
    with pytest.raises(Refused, match="exists already"):
        HANDLER.create(azure.work(URN.replace("dev", "prod")), inputs)


def test_one_that_an_interrupted_run_made_is_ours(azure: Azure) -> None:
    inputs, _ = made(azure, tags={"a": "1"})
    state = HANDLER.create(azure.work(URN), {**inputs, "tags": {"a": "2"}})
    assert azure.get(HANDLER.arm_id(inputs).text)["tags"] == {"a": "2"}
    assert state["scoringUri"]


def test_drift_is_seen_and_mended(azure: Azure) -> None:
    inputs, state = made(azure, description="d", tags={"a": "1"})
    path = serving(azure, inputs)
    assert HANDLER.difference(azure.work(), inputs, state, inputs).drifted == {}
    merge(azure.work(), ArmId.parse(path), lambda _: ({"description": "theirs"}, {"policy": "theirs"}))
    found = HANDLER.difference(azure.work(), inputs, state, inputs)
    assert found.drifted.keys() == {"description", "tags"}
    HANDLER.update(azure.work(URN), inputs, inputs, state)
    assert HANDLER.difference(azure.work(), inputs, state, inputs).drifted == {}
    assert azure.get(path)["tags"] == {"a": "1", "policy": "theirs"}
    assert azure.get(path)["properties"]["traffic"] == {"blue": 100}


def test_gone_is_made_again(azure: Azure) -> None:
    inputs, state = made(azure)
    HANDLER.delete(azure.work(), state)
    assert HANDLER.difference(azure.work(), inputs, state, inputs).drifted.keys() == {"gone"}
    assert HANDLER.update(azure.work(URN), inputs, inputs, state)["scoringUri"]


def test_delete_takes_its_deployments_along_and_twice_is_fine(azure: Azure) -> None:
    inputs, state = made(azure)
    path = serving(azure, inputs)
    HANDLER.delete(azure.work(), state)
    HANDLER.delete(azure.work(), state)
    assert azure.arm.find(path, "2025-12-01") is None


def test_identity_goes_by_patch_and_is_compared(azure: Azure) -> None:
    identity = azure.workspace.split("/providers/")[0]
    identity += f"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-{uuid4().hex[:6]}"
    azure.theirs.ok("PUT", identity, {"location": "eastus"})
    inputs, state = made(azure, identity={"type": "UserAssigned", "userAssignedIdentities": [identity]})
    assert HANDLER.difference(azure.work(), inputs, state, inputs).drifted == {}
    after = {**inputs, "identity": {"type": "SystemAssigned"}}
    HANDLER.update(azure.work(URN), inputs, after, state)
    assert azure.get(HANDLER.arm_id(inputs).text)["identity"]["type"] == "SystemAssigned"


def test_a_refused_create_leaves_nothing_in_state(azure: Azure) -> None:
    with pytest.raises(Refused) as caught:
        HANDLER.create(azure.work(URN), wanted(azure, name="x"))
    assert "3 to 32 characters" in str(caught.value)


def test_a_create_that_was_cancelled_stays_in_state(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, put = threading.Event(), azure.plane.put_endpoint

    async def held(endpoint: Any) -> str:
        await asyncio.to_thread(gate.wait)
        return await put(endpoint)

    monkeypatch.setattr(azure.plane, "put_endpoint", held)
    threading.Timer(0.3, azure.cancelled.set).start()
    inputs = wanted(azure)
    with pytest.raises(Incomplete, match="Cancelled") as caught:
        HANDLER.create(azure.work(URN), inputs)
    assert caught.value.id == HANDLER.arm_id(inputs).text
    gate.set()
    azure.cancelled.clear()
    assert HANDLER.create(azure.work(URN), inputs)["scoringUri"], "the next run takes it from there"


def test_import_gives_what_a_program_would_say(azure: Azure) -> None:
    inputs, state = made(azure, description="d", tags={"a": "1"})
    path = serving(azure, inputs)
    found = HANDLER.read(azure.work(), path, {})
    assert found is not None
    imported = {**inputs, "location": "eastus", "tags": {"a": "1", "policy": "theirs"}}
    assert found[0] == imported
    assert found[1]["scoringUri"] == state["scoringUri"]


def test_what_others_added_outlives_refresh_and_update(azure: Azure) -> None:
    """`policy` is another's tag: a refresh that finds ours changed must not make theirs ours, to be removed next."""
    inputs, _ = made(azure, tags={"a": "1"})
    path = serving(azure, inputs)
    azure.theirs.ok("PATCH", path, {"tags": {**azure.get(path)["tags"], "a": "2"}})
    refreshed = HANDLER.read(azure.work(), path, inputs)
    assert refreshed is not None
    assert refreshed[0] == {**inputs, "tags": {"a": "2"}}
    HANDLER.update(azure.work(URN), refreshed[0], inputs, refreshed[1])
    assert azure.get(path)["tags"] == {"a": "1", "azml-rollout": "r", "policy": "theirs"}


def test_zeros_are_no_traffic() -> None:
    endpoint = Endpoint(ArmId.parse("/subscriptions/s/resourceGroups/g/providers/N/t/n"), {"properties": {}})
    assert endpoint.traffic == {}
    body = {"properties": {"traffic": {"blue": 0, "green": 100}, "mirrorTraffic": {"blue": 10}}}
    endpoint = Endpoint(endpoint.id, body)
    assert endpoint.traffic == {"green": 100}
    assert endpoint.serves("blue")
    assert not endpoint.serves("red")


@pytest.mark.parametrize("state", ["Failed", "Canceled"])
def test_one_that_did_not_succeed_is_written_again(azure: Azure, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    """Everything is as wanted but the state: it is drift, and one PUT mends it and leaves the traffic."""
    inputs, made_state = made(azure, tags={"a": "1"})
    path = serving(azure, inputs)
    leave(azure, path, state)
    found = HANDLER.difference(azure.work(), inputs, made_state, inputs).drifted
    assert found.keys() == {"provisioningState"}
    assert f"is {state} in Azure" in found["provisioningState"]
    monkeypatch.setattr(azure.arm, "patch", None)
    after = HANDLER.update(azure.work(URN), inputs, inputs, made_state)
    assert after["scoringUri"]
    assert after["provisioningState"] == "Succeeded"
    live = azure.get(path)
    assert live["properties"]["provisioningState"] == "Succeeded"
    assert live["properties"]["traffic"] == {"blue": 100}
    assert live["tags"] == {"a": "1", "azml-rollout": "r", "policy": "theirs"}
    assert live["identity"]["type"] == "SystemAssigned"
    assert HANDLER.difference(azure.work(), inputs, after, inputs).drifted == {}


@pytest.mark.parametrize("state", ["Creating", "Updating"])
def test_one_that_is_under_way_is_waited_for(azure: Azure, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    """A preview and a refresh do not wait; an update does, and writes nothing when it then is as wanted."""
    inputs, made_state = made(azure)
    path = HANDLER.arm_id(inputs).text
    leave(azure, path, state)
    with monkeypatch.context() as patch:
        patch.setattr("azml.resources.work.Work.wait", None)
        assert HANDLER.difference(azure.work(), inputs, made_state, inputs).drifted.keys() == {"provisioningState"}
        read = HANDLER.read(azure.work(), path, inputs)
    assert read is not None
    assert (read[0], read[1]["provisioningState"]) == (inputs, state)
    monkeypatch.setattr("azml.resources.managed_online_endpoint.POLL_SECONDS", 0.1)
    monkeypatch.setattr(azure.arm, "put", None)
    threading.Timer(0.5, leave, (azure, path, "Succeeded")).start()
    assert HANDLER.update(azure.work(URN), inputs, inputs, made_state)["provisioningState"] == "Succeeded"


def test_a_wait_that_was_cancelled_stays_in_state(azure: Azure) -> None:
    inputs, _ = made(azure)
    leave(azure, HANDLER.arm_id(inputs).text, "Creating")
    azure.cancelled.set()
    with pytest.raises(Incomplete, match="Cancelled"):
        HANDLER.create(azure.work(URN), inputs)


def test_a_create_that_azure_took_and_then_failed_is_mended(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing(_endpoint: Any) -> str:
        raise DeploymentFailed("InternalServerError", "no capacity")

    inputs = wanted(azure)
    with monkeypatch.context() as patch:
        patch.setattr(azure.plane, "put_endpoint", failing)
        with pytest.raises(Incomplete) as caught:
            HANDLER.create(azure.work(URN), inputs)
    id_ = HANDLER.arm_id(inputs).text
    assert caught.value.id == id_
    assert azure.get(id_)["properties"]["provisioningState"] == "Failed"
    read = HANDLER.read(azure.work(), id_, inputs)
    assert read is not None
    assert HANDLER.preview(inputs, read[1])["scoringUri"] is UNKNOWN
    assert HANDLER.difference(azure.work(), inputs, read[1], inputs).drifted.keys() == {"provisioningState"}
    assert HANDLER.update(azure.work(URN), inputs, inputs, read[1])["scoringUri"]


def leave(azure: Azure, path: str, state: str) -> None:
    """Give it the provisioning state that a run which did not finish leaves behind."""
    with closing(sqlite3.connect(azure.theirs.running.home.database, isolation_level=None)) as database:
        sql = "UPDATE resources SET body = json_set(body, '$.properties.provisioningState', ?) WHERE key = ?"
        assert database.execute(sql, (state, path.lower())).rowcount == 1


def test_properties_are_added_and_never_changed(azure: Azure) -> None:
    inputs, state = made(azure, properties={"a": "1"})
    more = {**inputs, "properties": {"a": "1", "b": "2"}}
    assert HANDLER.difference(azure.work(URN), inputs, state, more).changed == {"properties"}
    for changed in ({"a": "2"}, {}):
        with pytest.raises(Refused, match=r"other properties: a\. Azure lets properties be added"):
            HANDLER.difference(azure.work(URN), inputs, state, {**inputs, "properties": changed})


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ({"workspaceId": OTHER}, True),
        ({"workspaceId": UNKNOWN}, True),
        ({"workspaceId": UNKNOWN, "location": UNKNOWN}, True),
        ({"workspaceId": UNKNOWN, "location": "westus"}, False),
        ({"location": "westus"}, True),
        ({"name": "another"}, False),
    ],
)
def test_the_old_one_goes_first_where_it_holds_the_name(azure: Azure, change: dict[str, Any], first: bool) -> None:
    """Names of online endpoints are unique in a region, not in a workspace (how-to-manage-quotas)."""
    old = wanted(azure, location="eastus")
    assert HANDLER.in_the_way(old, {**old, **change}) is first
