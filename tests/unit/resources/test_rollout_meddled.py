"""Others are at the same endpoint: a person who holds a rollout, another program, deployments that are not ours."""

import threading
from dataclasses import replace
from typing import Any

import pytest

from azml.resources import endpoint_body, rollout_control
from azml.resources.arm_id import ArmId
from azml.resources.endpoint_body import Endpoint, set_traffic
from azml.resources.errors import ArmError, Incomplete, Refused
from azml.resources.gates.verdict import Outcome
from azml.resources.rollout_memory import Maps, Memory, Progress, Status, written
from tests.support.tiny_engine import program
from tests.unit.resources.conftest import Azure
from tests.unit.resources.rollouts import ENDPOINT, Estate, Gates

STEPS: dict[str, Any] = {"steps": [10, 50, 100], "gates": {"smoke": ["r.json"]}}
HOLDING: dict[str, Any] = {**STEPS, "maxUpTime": "PT0S"}
A, B, C = (program({name: 100}, **STEPS) for name in "abc")
OTHERS = "urn:pulumi:prod::another"


@pytest.fixture
def estate(gates: Gates) -> Estate:
    """An `up` that ended well with release b at 10 %, beside a."""
    made = Estate()
    made.stack.up(A)
    gates.figures_ = lambda _: Outcome.UNKNOWN
    made.stack.up(program({"b": 100}, **HOLDING))
    gates.figures_ = lambda _: Outcome.PASS
    assert made.live == {"a": 90, "b": 10}
    made.arm.writes.clear()
    return made


def say(estate: Estate, word: str) -> None:
    getattr(rollout_control, word)(estate.stack.work("Rollout::x"), ENDPOINT)


@pytest.mark.parametrize("word", ["pause", "abort"])
def test_a_held_rollout_that_is_renamed_cuts_no_traffic(estate: Estate, word: str) -> None:
    say(estate, word)
    live = estate.live
    renamed = program({"b": 100}, name="another", **STEPS)
    assert estate.stack.up(renamed) == ["create Rollout::another", "delete Rollout::rollout"]
    assert estate.live == live
    progress = estate.memory.progress
    assert progress is not None
    assert progress.status != "running"
    assert estate.stack.changes(renamed) == {}
    say(estate, "resume")
    estate.stack.up(renamed)
    assert (estate.live, estate.deployments) == ({"b": 100}, {"b"})


def test_what_has_to_go_goes_while_a_rollout_is_held(estate: Estate) -> None:
    """A release that was kept, and whose time ran out meanwhile."""
    estate.arm.there[f"{ENDPOINT.key}/deployments/z"] = {"name": "z", "properties": {}, "sku": {}}
    estate.remember(lambda memory: replace(memory, retired=(*memory.retired, "z"), previous={"z": 1}))
    say(estate, "pause")
    assert estate.stack.changes(B)["Rollout::rollout"] == {"rolloutId", "maxUpTime"}
    estate.stack.up(B)
    assert (estate.live, estate.deployments) == ({"a": 90, "b": 10}, {"a", "b"})
    assert estate.stack.changes(B) == {}


def test_on_failure_deletes_no_deployment_of_others(gates: Gates) -> None:
    """The traffic may name a deployment that somebody else made."""
    estate = Estate(owner=OTHERS)
    for name in ("theirs", "green"):
        estate.arm.there[f"{ENDPOINT.key}/deployments/{name}"] = {"name": name, "properties": {}, "sku": {}}
    estate.tamper(Maps({"theirs": 100}))
    wanted = {"Rollout::rollout": program({"green": 100}, **STEPS, onFailure="delete")["Rollout::rollout"]}
    gates.before = lambda _: Outcome.FAIL
    with pytest.raises(Refused, match="green does not go live"):
        estate.stack.up(wanted)
    assert estate.deployments == {"theirs", "green"}
    gates.before, gates.figures_ = lambda _: Outcome.PASS, lambda _: Outcome.FAIL
    with pytest.raises(Refused, match="as before: theirs 100 %"):
        estate.stack.up(wanted)
    assert estate.deployments == {"theirs", "green"}


def test_what_a_first_run_left_half_way_is_destroyed(gates: Gates) -> None:
    """Ctrl-C in the very first rollout on an endpoint of others: the engine has to know what it is to take away."""
    estate = Estate(owner=OTHERS)
    estate.arm.there[f"{ENDPOINT.key}/deployments/theirs"] = {"name": "theirs", "properties": {}, "sku": {}}
    estate.tamper(Maps({"theirs": 100}))

    def cancel(_: str) -> Outcome:
        estate.stack.cancelled.set()
        return Outcome.UNKNOWN

    gates.figures_ = cancel
    with pytest.raises(Incomplete, match="was interrupted"):
        estate.stack.up(A)
    assert estate.live == {"theirs": 90, "a": 10}
    estate.stack.cancelled.clear()
    estate.stack.destroy()
    assert (estate.live, estate.deployments) == ({"theirs": 100}, {"theirs"})
    assert estate.endpoint.tags == {"team": "x"}


def test_traffic_that_somebody_moves_while_a_gate_fails_stays(estate: Estate, gates: Gates) -> None:
    def tamper(_: str) -> Outcome:
        estate.tamper(Maps({"a": 30, "b": 70}))
        return Outcome.FAIL

    gates.figures_ = tamper
    with pytest.raises(Refused, match="changed by someone else during the rollout: it is a 30 %, b 70 %, and stays so"):
        estate.stack.up(B)
    assert estate.live == {"a": 30, "b": 70}


def test_an_abort_while_a_gate_fails_is_remembered(estate: Estate, gates: Gates) -> None:
    def abort(_: str) -> Outcome:
        say(estate, "abort")
        return Outcome.FAIL

    gates.figures_ = abort
    with pytest.raises(Refused, match="was aborted"):
        estate.stack.up(B)
    assert estate.live == {"a": 100}
    assert estate.stack.changes(B)["Rollout::rollout"] == {"maxUpTime"}, "nothing moves"


def test_an_abort_right_after_a_step_went_live_is_remembered(estate: Estate) -> None:
    """Azure is done with the step, and this run has not looked yet: its pause between two looks is seconds long."""

    def abort(_: int) -> None:
        if estate.live == {"a": 50, "b": 50}:
            estate.arm.after_write = lambda _: None
            say(estate, "abort")

    estate.arm.after_write = abort
    with pytest.raises(Refused, match="was aborted"):
        estate.stack.up(B)
    assert estate.live == {"a": 100}
    assert estate.stack.changes(B)["Rollout::rollout"] == {"maxUpTime"}, "nothing moves"


def test_an_abort_that_azure_takes_first_is_not_overwritten(azure: Azure) -> None:
    """The next step meets the abort's operation: what is sent once that is over is made from what it left."""
    path = azure.endpoint()
    azure.deployment(path, "blue")
    azure.deployment(path, "green")
    id_, before = ArmId.parse(path), Maps({"blue": 100})
    progress = Progress("x", before, 10, 1.0)

    def at(maps: Maps, status: Status) -> Endpoint:
        memory = Memory(progress=replace(progress, status=status))
        return endpoint_body.merge(
            azure.work(), id_, lambda live: (set_traffic(live, maps), written(live.tags, memory))
        )

    at(Maps({"blue": 90, "green": 10}), "running")
    body = azure.theirs.deployment_body(azure.theirs.assets(azure.workspace))
    seen: list[str] = []

    def half(live: Endpoint) -> tuple[dict[str, Any], dict[str, str]]:
        assert live.memory.progress is not None
        seen.append(live.memory.progress.status)
        if len(seen) == 1:  # between this look and the request
            at(before, "aborted")
            azure.plane.gate.clear()
            azure.theirs.send("PUT", f"{path}/deployments/other", body).raise_for_status()
            threading.Timer(0.3, azure.plane.gate.set).start()
        return {}, live.tags

    endpoint_body.merge(azure.work(), id_, half)
    assert seen == ["running", "aborted"]


def test_what_a_person_gave_up_stays_given_up_in_every_run(estate: Estate) -> None:
    say(estate, "abort")
    estate.stack.up(B)
    estate.stack.up(B)
    assert estate.memory.given_up == ("b",)


def test_another_rollout_that_began_meanwhile_is_not_put_back(estate: Estate, gates: Gates) -> None:
    """Azure refuses our step, because somebody else's program began a rollout of its own: theirs stays."""
    estate.arm.there[f"{ENDPOINT.key}/deployments/c"] = {"name": "c", "properties": {}, "sku": {}}
    theirs = Progress(Maps({"c": 100}).fingerprint, Maps({"a": 90, "b": 10}), 10, 1.0)

    def take_over(_: int) -> None:
        estate.arm.before_write = lambda _: None
        estate.tamper(Maps({"a": 80, "b": 10, "c": 10}))
        estate.remember(lambda memory: replace(memory, progress=theirs))
        raise ArmError("BadRequest", "no", 400)

    estate.arm.before_write = take_over
    with pytest.raises(Refused, match="Another rollout has begun meanwhile"):
        estate.stack.up(B)
    assert estate.live == {"a": 80, "b": 10, "c": 10}
    assert estate.memory.progress == theirs


def test_what_somebody_made_live_after_an_abort_is_what_the_next_release_begins_with(
    estate: Estate, gates: Gates
) -> None:
    say(estate, "abort")
    estate.tamper(Maps({"a": 60, "b": 40}))
    estate.arm.writes.clear()
    gates.figures_ = lambda _: Outcome.FAIL
    with pytest.raises(Refused, match="as before: a 60 %, b 40 %"):
        estate.stack.up(C)
    assert estate.been == [{"a": 54, "b": 36, "c": 10}, {"a": 60, "b": 40}]


def test_what_cannot_be_put_back_is_not_said_to_be(estate: Estate, gates: Gates) -> None:
    gates.figures_ = lambda _: Outcome.FAIL

    def refuse(_: int) -> None:
        raise ArmError("InternalServerError", "on fire", 500)

    estate.arm.before_write = refuse
    with pytest.raises(Refused, match="Putting a 100 % back failed") as caught:
        estate.stack.up(B)
    assert "was put back" not in str(caught.value)


def test_who_is_being_scaled_can_be_put_back(estate: Estate, gates: Gates) -> None:
    """Traffic was moved by hand while nothing ran, and an autoscaler is at work on a: b shows again what it can do."""
    estate.tamper(Maps({"a": 80, "b": 20}))
    estate.arm.there[f"{ENDPOINT.key}/deployments/a"]["properties"]["provisioningState"] = "Updating"
    gates.before = lambda _: Outcome.FAIL
    with pytest.raises(Refused):
        estate.stack.up(B)
    assert estate.live != {"b": 100}
