"""A release: made, adopted, scaled, explained when it fails, and never deleted under its callers."""

import threading
from typing import Any

import pytest

from azml.resources import deployment_body, endpoint_body
from azml.resources.arm_id import ArmId
from azml.resources.errors import Incomplete, Refused
from azml.resources.managed_online_deployment import ManagedOnlineDeploymentHandler
from azml_local.scoring.contract import DeploymentFailed
from tests.unit.resources.conftest import Azure

HANDLER = ManagedOnlineDeploymentHandler()
ML = "2025-12-01"


def path(state: dict[str, Any]) -> str:
    return f"{state['endpointId']}/deployments/{state['name']}"


def traffic(azure: Azure, endpoint: str, **shares: int) -> None:
    endpoint_body.merge(azure.work(), ArmId.parse(endpoint), lambda live: ({"traffic": shares}, live.tags))


def test_it_is_made_as_wanted(azure: Azure) -> None:
    endpoint = azure.endpoint()
    state = azure.deployment(
        endpoint,
        "ridge-1",
        deployment="ridge",
        release="abc",
        instanceCount=2,
        environmentVariables={"A": "1"},
        requestSettings={"requestTimeout": "PT1M30S", "maxConcurrentRequestsPerInstance": 4},
        tags={"a": "1"},
        properties={"mine": "1"},
    )
    live = azure.get(path(state))
    properties = live["properties"]
    assert live["sku"] == {"name": "Default", "capacity": 2}
    own = {"azml.release": "abc", "azml.deployment": "ridge", "azml.owner": azure.work().urn}
    assert properties["properties"] == {"mine": "1", **own}
    assert properties["codeConfiguration"]["scoringScript"] == "score.py"
    assert properties["environmentVariables"] == {"A": "1"}
    assert state["provisioningState"] == "Succeeded"
    assert HANDLER.difference(azure.work(), state, state, HANDLER.check(inputs_of(state))).drifted == {}


def inputs_of(state: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in state.items() if key != "provisioningState"}


def test_scaling_is_a_patch_and_the_rest_a_put(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    state = azure.deployment(azure.endpoint(), "blue", tags={"a": "1"})
    old = inputs_of(state)
    sent: list[str] = []
    for verb in ("put", "patch"):
        real = getattr(azure.arm, verb)
        monkeypatch.setattr(azure.arm, verb, lambda *a, verb=verb, real=real: (sent.append(verb), real(*a))[1])
    HANDLER.update(azure.work(), old, {**old, "instanceCount": 3, "tags": {"b": "2"}}, state)
    live = azure.get(path(state))
    assert (sent, live["sku"]["capacity"], live["tags"]) == (["patch"], 3, {"b": "2"})
    changed = {**old, "instanceCount": 3, "tags": {"b": "2"}, "description": "d"}
    HANDLER.update(azure.work(), {**old, "instanceCount": 3, "tags": {"b": "2"}}, changed, state)
    assert sent == ["patch", "put"]
    assert azure.get(path(state))["properties"]["description"] == "d"


@pytest.mark.parametrize("change", [{"tags": {"b": "2"}}, {"description": "d"}])
def test_an_autoscaler_s_count_survives_every_update(azure: Azure, change: dict[str, Any]) -> None:
    state = azure.deployment(azure.endpoint(), "blue")
    old = inputs_of(state)
    azure.theirs.ok("PATCH", path(state), {"sku": {"name": "Default", "capacity": 5}})
    assert HANDLER.difference(azure.work(), old, state, old).drifted == {}
    HANDLER.update(azure.work(), old, {**old, **change}, state)
    assert azure.get(path(state))["sku"]["capacity"] == 5


def test_what_leaves_the_program_leaves_the_deployment(azure: Azure) -> None:
    state = azure.deployment(
        azure.endpoint(), "blue", environmentVariables={"A": "1", "B": "2"}, modelMountPath="/m", description="d"
    )
    old = inputs_of(state)
    after = {**old, "environmentVariables": {"A": "1"}}
    del after["modelMountPath"]
    HANDLER.update(azure.work(), old, after, state)
    properties = azure.get(path(state))["properties"]
    assert properties["environmentVariables"] == {"A": "1"}
    assert properties.get("modelMountPath") is None
    assert properties["description"] == "d"


def test_a_warm_twin_is_adopted(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    state = azure.deployment(azure.endpoint(), "blue-1", release="1")
    monkeypatch.setattr(azure.arm, "put", None)
    inputs = azure.deployment_inputs(state["endpointId"], "blue-1", release="1", instanceCount=2)
    adopted = HANDLER.create(azure.work(), inputs)
    assert adopted["provisioningState"] == "Succeeded"
    assert azure.get(path(state))["sku"]["capacity"] == 2


@pytest.mark.parametrize("release", ["2", None])
def test_a_foreign_one_is_refused(azure: Azure, release: str | None) -> None:
    endpoint = azure.endpoint()
    if release is None:
        body = azure.theirs.deployment_body(azure.theirs.assets(azure.workspace))
        azure.theirs.ok("PUT", f"{endpoint}/deployments/blue", body)
    else:
        azure.deployment(endpoint, "blue", release=release)
    with pytest.raises(Refused, match="exists already"):
        HANDLER.create(azure.work(), azure.deployment_inputs(endpoint, "blue", release="1"))


def test_a_failed_start_is_explained_and_stays(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = azure.endpoint()
    log = "Traceback\nModuleNotFoundError: No module named 'sklearn'"
    monkeypatch.setattr(azure.plane, "logs", lambda *_: log)
    azure.plane.fail["blue"] = DeploymentFailed("ResourceNotReady", "User container has crashed")
    inputs = azure.deployment_inputs(endpoint, "blue", release="1")
    with pytest.raises(Incomplete) as caught:
        HANDLER.create(azure.work(), inputs)
    text = str(caught.value)
    assert "User container has crashed" in text
    assert log in text
    assert "Likely cause" in text
    assert "'sklearn'" in text.partition("Likely cause")[2]
    assert caught.value.id.endswith("/deployments/blue")
    state = {**inputs, "provisioningState": "Failed"}
    assert HANDLER.difference(azure.work(), inputs, state, inputs).drifted.keys() == {"provisioningState"}
    assert HANDLER.update(azure.work(), inputs, inputs, state)["provisioningState"] == "Succeeded"


def test_a_log_that_azure_quoted_is_not_repeated(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure.plane, "logs", lambda *_: "boom in init()")
    azure.plane.fail["blue"] = DeploymentFailed("ResourceNotReady", "crashed:\nboom in init()")
    with pytest.raises(Incomplete) as caught:
        HANDLER.create(azure.work(), azure.deployment_inputs(azure.endpoint(), "blue"))
    assert str(caught.value).count("boom in init()") == 1


def test_a_refused_create_leaves_nothing_in_state(azure: Azure) -> None:
    with pytest.raises(Refused):
        HANDLER.create(azure.work(), azure.deployment_inputs(azure.endpoint(), "blue", instanceType="Standard_None"))


def test_one_that_is_under_way_is_waited_for(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was killed left it creating: it is used when it is ready, not started again."""
    endpoint = azure.endpoint()
    inputs = azure.deployment_inputs(endpoint, "blue", release="1")
    azure.plane.gate.clear()
    body = deployment_body.body("eastus", None, {}, inputs, azure.work().urn)
    azure.theirs.send("PUT", f"{endpoint}/deployments/blue", body).raise_for_status()
    monkeypatch.setattr(azure.arm, "put", None)
    monkeypatch.setattr("azml.resources.managed_online_deployment.POLL_SECONDS", 0.1)
    threading.Timer(0.5, azure.plane.gate.set).start()
    assert HANDLER.create(azure.work(), inputs)["provisioningState"] == "Succeeded"


def test_an_instance_type_cannot_change_in_place(azure: Azure) -> None:
    state = azure.deployment(azure.endpoint(), "blue")
    old = inputs_of(state)
    with pytest.raises(Refused, match="release: auto"):
        HANDLER.difference(azure.work(), old, state, {**old, "instanceType": "Standard_DS2_v2"})


def test_what_serves_is_left_in_place_and_listed(azure: Azure) -> None:
    endpoint = azure.endpoint()
    blue, green = azure.deployment(endpoint, "blue"), azure.deployment(endpoint, "green")
    traffic(azure, endpoint, blue=100)
    HANDLER.delete(azure.work(), blue)
    HANDLER.delete(azure.work(), green)
    assert azure.get(path(blue))["properties"]["provisioningState"] == "Succeeded"
    assert azure.arm.find(path(green), ML) is None
    live = azure.get(endpoint)
    assert live["tags"] == {"azml-retired": "blue"}
    assert live["properties"]["traffic"] == {"blue": 100}
    HANDLER.delete(azure.work(), blue)
    assert azure.get(endpoint)["tags"] == {"azml-retired": "blue"}


def test_deletes_at_the_same_time_lose_no_name(azure: Azure) -> None:
    endpoint = azure.endpoint()
    states = [azure.deployment(endpoint, name) for name in ("one", "two", "three")]
    traffic(azure, endpoint, one=30, two=30, three=40)
    threads = [threading.Thread(target=HANDLER.delete, args=(azure.work(), state)) for state in states]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(azure.get(endpoint)["tags"]["azml-retired"].split(",")) == {"one", "two", "three"}


def test_deleting_with_everything_gone_is_no_error(azure: Azure) -> None:
    endpoint = azure.endpoint()
    state = azure.deployment(endpoint, "blue")
    azure.theirs.ok("DELETE", path(state))
    HANDLER.delete(azure.work(), state)
    azure.theirs.ok("DELETE", endpoint)
    HANDLER.delete(azure.work(), state)


def test_gone_is_made_again(azure: Azure) -> None:
    state = azure.deployment(azure.endpoint(), "blue")
    old = inputs_of(state)
    azure.theirs.ok("DELETE", path(state))
    assert HANDLER.difference(azure.work(), old, state, old).drifted.keys() == {"gone"}
    assert HANDLER.update(azure.work(), old, old, state)["provisioningState"] == "Succeeded"


def test_import_gives_what_a_program_would_say(azure: Azure) -> None:
    state = azure.deployment(azure.endpoint(), "blue", environmentVariables={"A": "1"}, description="d")
    found = HANDLER.read(azure.work(), path(state), {})
    assert found is not None
    for key, value in inputs_of(state).items():
        assert found[0][key] == value
    assert "environmentVariables" in HANDLER.sensitive


def test_code_and_script_come_together(azure: Azure) -> None:
    with pytest.raises(Refused, match="together"):
        azure.deployment_inputs("e", "blue", scoringScript=None)


def test_another_stack_s_deployment_is_not_taken_over(azure: Azure) -> None:
    """Every fixed deployment is the release `fixed`: whose it is decides."""
    endpoint = azure.endpoint()
    state = azure.deployment(endpoint, "blue")
    before = azure.get(path(state))
    other = azure.work("urn:pulumi:prod::other::azml:index:ManagedOnlineDeployment::blue")
    with pytest.raises(Refused, match="not this stack's"):
        HANDLER.create(other, azure.deployment_inputs(endpoint, "blue", instanceCount=3))
    assert azure.get(path(state)) == before


def test_a_retired_deployment_that_comes_back_is_kept(azure: Azure) -> None:
    endpoint = azure.endpoint(tags={})
    state = azure.deployment(endpoint, "blue")
    retire(azure, endpoint, "blue")
    HANDLER.create(azure.work(), inputs_of(state))
    assert "azml-retired" not in (azure.get(endpoint).get("tags") or {})


def test_a_retired_deployment_without_traffic_is_deleted(azure: Azure) -> None:
    """Nobody else may be left to do it."""
    endpoint = azure.endpoint(tags={})
    state = azure.deployment(endpoint, "blue")
    retire(azure, endpoint, "blue")
    HANDLER.delete(azure.work(), state)
    assert azure.arm.find(path(state), ML) is None
    assert "azml-retired" not in (azure.get(endpoint).get("tags") or {})


def retire(azure: Azure, endpoint: str, name: str) -> None:
    endpoint_body.remember(azure.work(), ArmId.parse(endpoint), lambda live: live.with_retired(name, stays=True))


def test_a_size_can_change_where_nothing_is_there(azure: Azure) -> None:
    state = azure.deployment(azure.endpoint(), "blue")
    old = inputs_of(state)
    HANDLER.delete(azure.work(), state)
    found = HANDLER.difference(azure.work(), old, state, {**old, "instanceType": "Standard_DS4_v2"})
    assert "gone" in found.drifted


def test_properties_are_added_and_never_changed(azure: Azure) -> None:
    state = azure.deployment(azure.endpoint(), "blue", properties={"a": "1"})
    old = inputs_of(state)
    more = {**old, "properties": {"a": "1", "b": "2"}}
    assert HANDLER.difference(azure.work(), old, state, more).changed == {"properties"}
    HANDLER.update(azure.work(), old, more, state)
    assert azure.get(path(state))["properties"]["properties"]["b"] == "2"
    with pytest.raises(Refused, match=r"other properties: a\. Azure lets properties be added"):
        HANDLER.difference(azure.work(), old, state, {**old, "properties": {}})
