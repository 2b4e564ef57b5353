"""Traffic: moved when everything is ready, put back when it fails, and drained only by its owner."""

from collections.abc import Callable
from typing import Any

import pytest

from azml.resources import endpoint_body
from azml.resources.arm_id import ArmId
from azml.resources.errors import ArmError, Refused
from azml.resources.managed_online_deployment import ManagedOnlineDeploymentHandler
from azml.resources.rollout import RolloutHandler
from azml.resources.wire import UNKNOWN
from tests.unit.resources.conftest import Azure

HANDLER = RolloutHandler()
ML = "2025-12-01"
RENAMED = "urn:pulumi:dev::p::azml:index:Rollout::another"


@pytest.fixture
def endpoint(azure: Azure) -> str:
    """An endpoint with blue and green, neither of them serving."""
    path = azure.endpoint(tags={"policy": "theirs"})
    azure.deployment(path, "blue")
    azure.deployment(path, "green")
    return path


def inputs(endpoint: str, mirror: dict[str, int] | None = None, **traffic: int) -> dict[str, Any]:
    more = {} if mirror is None else {"mirrorTraffic": mirror}
    return HANDLER.check({"endpointId": endpoint, "traffic": traffic, **more})


def live(azure: Azure, endpoint: str) -> endpoint_body.Endpoint:
    found = endpoint_body.find(azure.work(), ArmId.parse(endpoint))
    assert found is not None
    return found


def tamper(azure: Azure, endpoint: str, **traffic: int) -> None:
    endpoint_body.merge(azure.work(), ArmId.parse(endpoint), lambda now: ({"traffic": traffic}, now.tags))


def test_it_moves_traffic_and_marks_it(azure: Azure, endpoint: str) -> None:
    state = HANDLER.create(azure.work(), inputs(endpoint, blue=90, green=10))
    now = live(azure, endpoint)
    assert now.traffic == {"blue": 90, "green": 10}
    assert now.tags == {"policy": "theirs", "azml-rollout": state["rolloutId"]}
    after = inputs(endpoint, green=100)
    HANDLER.update(azure.work(), inputs(endpoint, blue=90, green=10), after, state)
    assert live(azure, endpoint).traffic == {"green": 100}
    assert any("green 100 %" in text for severity, text in azure.said if severity == "info")


def test_mirroring_begins_and_ends(azure: Azure, endpoint: str) -> None:
    first = inputs(endpoint, {"green": 20}, blue=100)
    state = HANDLER.create(azure.work(), first)
    assert live(azure, endpoint).mirror_traffic == {"green": 20}
    HANDLER.update(azure.work(), first, inputs(endpoint, blue=100), state)
    assert live(azure, endpoint).mirror_traffic == {}
    assert live(azure, endpoint).traffic == {"blue": 100}


def test_it_holds_where_the_service_merges_traffic_maps(
    azure: Azure, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a PUT replaces the map or merges it is not documented: who loses all is named, with 0."""
    put = azure.arm.put

    def merging(id_: str, version: str, sent: Callable[[], dict[str, Any]], work: Any) -> Any:
        body = sent()
        traffic = {**azure.get(id_)["properties"].get("traffic", {}), **body["properties"].get("traffic", {})}
        return put(id_, version, {**body, "properties": {**body["properties"], "traffic": traffic}}, work)

    state = HANDLER.create(azure.work(), inputs(endpoint, blue=100))
    monkeypatch.setattr(azure.arm, "put", merging)
    HANDLER.update(azure.work(), {}, inputs(endpoint, green=100), state)
    assert live(azure, endpoint).traffic == {"green": 100}
    HANDLER.delete(azure.work(), state)
    assert live(azure, endpoint).traffic == {}


@pytest.mark.parametrize("missing", ["absent", "failed"])
def test_nothing_moves_to_what_is_not_ready(azure: Azure, endpoint: str, missing: str) -> None:
    from azml_local.scoring.contract import DeploymentFailed

    state = HANDLER.create(azure.work(), inputs(endpoint, blue=100))
    before = azure.get(endpoint)
    if missing == "failed":
        azure.plane.fail["failed"] = DeploymentFailed("ResourceNotReady", "crashed")
        body = azure.theirs.deployment_body(azure.theirs.assets(azure.workspace))
        azure.theirs.send("PUT", f"{endpoint}/deployments/failed", body)
        for _ in range(100):
            if azure.get(f"{endpoint}/deployments/failed")["properties"]["provisioningState"] == "Failed":
                break
    with pytest.raises(Refused, match=rf"not touched(.|\n)*{missing} is"):
        HANDLER.update(azure.work(), {}, inputs(endpoint, blue=50, **{missing: 50}), state)
    after = azure.get(endpoint)
    assert after["properties"]["traffic"] == before["properties"]["traffic"]
    assert after["tags"] == before["tags"]


def test_a_move_that_fails_leaves_the_map_of_before(
    azure: Azure, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Azure takes the PUT, changes the map, and then says that it failed."""
    state = HANDLER.create(azure.work(), inputs(endpoint, blue=90, green=10))
    put, calls = azure.arm.put, []

    def failing(*args: Any) -> Any:
        answer = put(*args)
        calls.append(args)
        if len(calls) == 1:
            raise ArmError("InternalServerError", "the region is on fire", 500)
        return answer

    monkeypatch.setattr(azure.arm, "put", failing)
    with pytest.raises(Refused, match=r"on fire(.|\n)*as before: blue 90 %, green 10 %"):
        HANDLER.update(azure.work(), {}, inputs(endpoint, green=100), state)
    assert live(azure, endpoint).traffic == {"blue": 90, "green": 10}
    assert live(azure, endpoint).memory.rollout == state["rolloutId"]


def test_a_move_that_azure_refuses_changes_nothing(
    azure: Azure, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = HANDLER.create(azure.work(), inputs(endpoint, blue=100))

    def refusing(*_: Any) -> Any:
        raise ArmError("BadRequest", "no", 400)

    monkeypatch.setattr(azure.arm, "put", refusing)
    with pytest.raises(Refused, match="as before: blue 100 %"):
        HANDLER.update(azure.work(), {}, inputs(endpoint, green=100), state)
    assert live(azure, endpoint).traffic == {"blue": 100}


def test_a_change_that_azure_does_not_make_is_noticed(
    azure: Azure, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = HANDLER.create(azure.work(), inputs(endpoint, blue=100))
    monkeypatch.setattr(azure.arm, "put", lambda *_: {})
    with pytest.raises(Refused, match="made it blue 100 %"):
        HANDLER.update(azure.work(), {}, inputs(endpoint, green=100), state)


def test_tampering_is_a_difference_and_is_mended(azure: Azure, endpoint: str) -> None:
    wanted = inputs(endpoint, blue=100)
    state = HANDLER.create(azure.work(), wanted)
    assert HANDLER.difference(azure.work(), wanted, state, wanted).drifted == {}
    tamper(azure, endpoint, blue=0, green=100)
    found = HANDLER.difference(azure.work(), wanted, state, wanted).drifted
    assert found.keys() == {"traffic"}
    assert "green 100 %" in found["traffic"]
    HANDLER.update(azure.work(), wanted, wanted, state)
    assert live(azure, endpoint).traffic == {"blue": 100}


def test_a_missing_marker_is_a_difference(azure: Azure, endpoint: str) -> None:
    wanted = inputs(endpoint, blue=100)
    state = HANDLER.create(azure.work(), wanted)
    endpoint_body.patch_tags(azure.work(), ArmId.parse(endpoint), lambda _: {})
    assert HANDLER.difference(azure.work(), wanted, state, wanted).drifted.keys() == {"rolloutId"}
    HANDLER.update(azure.work(), wanted, wanted, state)
    assert live(azure, endpoint).memory.rollout == state["rolloutId"]
    assert live(azure, endpoint).traffic == {"blue": 100}


def test_what_was_left_in_place_is_deleted_once_it_is_drained(azure: Azure, endpoint: str) -> None:
    first, second = inputs(endpoint, blue=50, green=50), inputs(endpoint, green=100)
    state = HANDLER.create(azure.work(), first)
    deployments = ManagedOnlineDeploymentHandler()
    deployments.delete(azure.work(), azure.deployment_inputs(endpoint, "blue"))
    assert live(azure, endpoint).memory.retired == ("blue",)
    HANDLER.update(azure.work(), first, second, state)
    assert azure.arm.find(f"{endpoint}/deployments/blue", ML) is None
    assert live(azure, endpoint).memory.retired == ()
    assert live(azure, endpoint).traffic == {"green": 100}


def test_what_waits_without_traffic_is_a_difference(azure: Azure, endpoint: str) -> None:
    wanted = inputs(endpoint, green=100)
    state = HANDLER.create(azure.work(), wanted)
    endpoint_body.remember(azure.work(), ArmId.parse(endpoint), lambda now: now.with_retired("blue", stays=True))
    assert "blue" in HANDLER.difference(azure.work(), wanted, state, wanted).drifted["rolloutId"]
    HANDLER.update(azure.work(), wanted, wanted, state)
    assert azure.arm.find(f"{endpoint}/deployments/blue", ML) is None
    assert HANDLER.difference(azure.work(), wanted, state, wanted).drifted == {}


def test_delete_drains_and_tidies_up(azure: Azure, endpoint: str) -> None:
    state = HANDLER.create(azure.work(), inputs(endpoint, {"green": 10}, blue=100))
    ManagedOnlineDeploymentHandler().delete(azure.work(), azure.deployment_inputs(endpoint, "blue"))
    HANDLER.delete(azure.work(), state)
    now = live(azure, endpoint)
    assert (now.traffic, now.mirror_traffic) == ({}, {})
    assert now.tags == {"policy": "theirs"}
    assert azure.arm.find(f"{endpoint}/deployments/blue", ML) is None
    assert azure.arm.find(f"{endpoint}/deployments/green", ML) is not None


def test_a_renamed_rollout_cuts_no_traffic(azure: Azure, endpoint: str) -> None:
    """The engine makes the one of the new name, then deletes the one of the old."""
    old = HANDLER.create(azure.work(), inputs(endpoint, blue=100))
    new = HANDLER.create(azure.work(RENAMED), inputs(endpoint, blue=100))
    assert old["rolloutId"] != new["rolloutId"]
    HANDLER.delete(azure.work(), old)
    assert live(azure, endpoint).traffic == {"blue": 100}
    assert live(azure, endpoint).memory.rollout == new["rolloutId"]


def test_with_the_endpoint_gone_there_is_nothing_to_delete(azure: Azure, endpoint: str) -> None:
    state = HANDLER.create(azure.work(), inputs(endpoint, blue=100))
    azure.theirs.ok("DELETE", endpoint)
    HANDLER.delete(azure.work(), state)
    assert HANDLER.difference(azure.work(), inputs(endpoint, blue=100), state, inputs(endpoint, blue=100)).drifted
    assert HANDLER.read(azure.work(), f"{endpoint}#x", state) is None


@pytest.mark.parametrize("traffic", [{"blue": 99}, {"blue": 60, "green": 60}])
def test_shares_add_up(traffic: dict[str, int]) -> None:
    with pytest.raises(Refused, match="100"):
        HANDLER.check({"endpointId": "e", "traffic": traffic})


def test_shares_may_be_unknown_in_a_preview(azure: Azure) -> None:
    wanted = HANDLER.check({"endpointId": UNKNOWN, "traffic": {"blue": UNKNOWN}})
    assert HANDLER.preview_id(wanted) == ""
    assert HANDLER.difference(azure.work(), {}, {"rolloutId": "r"}, wanted).drifted == {}


def test_refresh_and_import(azure: Azure, endpoint: str) -> None:
    wanted = inputs(endpoint, blue=100)
    state = HANDLER.create(azure.work(), wanted)
    id_ = HANDLER.id_of(wanted, state)
    assert HANDLER.read(azure.work(), id_, wanted) == (wanted, state)
    tamper(azure, endpoint, blue=0, green=100)
    refreshed = HANDLER.read(azure.work(), id_, wanted)
    assert refreshed is not None
    assert refreshed[0]["traffic"] == {"green": 100}
    imported = HANDLER.read(azure.work(), endpoint, {})
    assert imported is not None
    assert imported[0] == {"endpointId": endpoint, "traffic": {"green": 100}}
    assert imported[1]["rolloutId"] == state["rolloutId"]


OTHERS = "urn:pulumi:prod::other::azml:index:Rollout::r"


def test_an_endpoint_of_others_gets_its_traffic_back(azure: Azure, endpoint: str) -> None:
    """What the endpoint served before this stack came is what it serves when the stack is gone."""
    tamper(azure, endpoint, blue=100)
    wanted = inputs(endpoint, blue=90, green=10)
    state = HANDLER.create(azure.work(OTHERS), wanted)
    state = HANDLER.update(azure.work(OTHERS), wanted, inputs(endpoint, green=100), state)
    HANDLER.delete(azure.work(OTHERS), state)
    assert live(azure, endpoint).traffic == {"blue": 100}
    assert "azml-rollout" not in live(azure, endpoint).tags


def test_traffic_that_cannot_be_given_back_stays(azure: Azure, endpoint: str) -> None:
    tamper(azure, endpoint, blue=100)
    state = HANDLER.create(azure.work(OTHERS), inputs(endpoint, green=100))
    azure.theirs.ok("DELETE", f"{endpoint}/deployments/blue")
    with pytest.raises(Refused, match="blue 100 %"):
        HANDLER.delete(azure.work(OTHERS), state)
    assert live(azure, endpoint).traffic == {"green": 100}


def test_an_endpoint_of_our_own_is_drained(azure: Azure, endpoint: str) -> None:
    tamper(azure, endpoint, blue=100)
    state = HANDLER.create(azure.work(), inputs(endpoint, green=100))
    HANDLER.delete(azure.work(), state)
    assert live(azure, endpoint).traffic == {}
