"""A release goes live step by step, holds, is put back, goes on in the next run: each outcome, on a model of ARM."""

import time
from dataclasses import replace
from typing import Any

import pytest

from azml.resources import rollout_control, work
from azml.resources.errors import ArmError, Interrupted, Refused
from azml.resources.gates.verdict import Outcome
from azml.resources.managed_online_endpoint import ManagedOnlineEndpointHandler
from azml.resources.rollout_memory import Maps
from tests.support.tiny_engine import WORKSPACE, program
from tests.unit.resources.rollouts import ENDPOINT, Estate, Gates

STEPS: dict[str, Any] = {"steps": [10, 50, 100], "gates": {"smoke": ["r.json"]}}
HOLDING: dict[str, Any] = {**STEPS, "maxUpTime": "PT0S"}
"""A run stops at the first step that has to wait."""
A, B, C = program({"a": 100}, **STEPS), program({"b": 100}, **STEPS), program({"c": 100}, **STEPS)
B_HOLDS, C_HOLDS = program({"b": 100}, **HOLDING), program({"c": 100}, **HOLDING)


@pytest.fixture
def estate(gates: Gates) -> Estate:
    """An endpoint with release a live."""
    made = Estate()
    made.stack.up(A)
    made.stack.said.clear()
    made.arm.writes.clear()
    gates.asked.clear()
    gates.gates.clear()
    return made


def at_ten(estate: Estate, gates: Gates) -> None:
    """An `up` that ended well at 10 %, because too little was known there."""
    gates.figures_ = lambda _: Outcome.UNKNOWN
    estate.stack.up(B_HOLDS)
    gates.figures_ = lambda _: Outcome.PASS
    assert estate.live == {"a": 90, "b": 10}


def test_a_first_release_goes_live_at_once_after_its_gates(gates: Gates) -> None:
    estate = Estate()
    assert estate.stack.up(A) == ["create Deployment::a", "create Rollout::rollout"]
    assert estate.been == [{"a": 100}]
    assert gates.asked == [("before", "a", 0)]
    assert estate.stack.changes(A) == {}


def test_a_good_release_goes_through_all_steps(estate: Estate, gates: Gates) -> None:
    assert estate.stack.up(B) == ["create Deployment::b", "update Rollout::rollout", "delete Deployment::a"]
    assert estate.been == [{"a": 90, "b": 10}, {"a": 50, "b": 50}, {"b": 100}]
    assert list(dict.fromkeys(gates.asked)) == [("before", "b", 0), ("figures", "b", 10), ("figures", "b", 50)]
    assert gates.asked[0] == gates.asked[-1] == ("before", "b", 0), "before any live share, and at the last step"
    assert gates.asked.count(("before", "b", 0)) == 4
    assert estate.deployments == {"b"}
    assert estate.memory.progress is None
    assert estate.endpoint.tags == {"team": "x", "azml-rollout": estate.memory.rollout}
    assert estate.stack.changes(B) == {}
    assert "Traffic of ep: b 100 %." in estate.told("info")


def test_settings_alone_move_nothing(estate: Estate) -> None:
    changed = program({"a": 100}, steps=[20, 100], bakeTime="PT1H", keepPrevious="PT1H", onFailure="delete")
    assert estate.stack.changes(changed)["Rollout::rollout"] == {"steps", "bakeTime", "keepPrevious", "onFailure"}
    estate.stack.up(changed)
    assert estate.arm.writes == []
    moved_files = program({"a": 100}, steps=[10, 50, 100], gates={"smoke": ["/elsewhere/r.json"]})
    estate.stack.up(A)
    assert estate.stack.changes(moved_files) == {}, "where files lie differs between machines"


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.UNKNOWN, Outcome.UNREACHABLE])
def test_a_gate_before_live_stops_everything(estate: Estate, gates: Gates, outcome: Outcome) -> None:
    gates.before = lambda _: outcome
    before = estate.endpoint
    with pytest.raises(Refused, match=r"b does not go live: .* not touched: a 100 %.(.|\n)*the report on b$"):
        estate.stack.up(B)
    assert estate.been == []
    given_up = ("b",) if outcome is Outcome.FAIL else ()
    assert (estate.endpoint.maps, estate.memory) == (before.maps, replace(before.memory, given_up=given_up))
    assert estate.deployments == {"a", "b"}, "kept, with its logs"
    assert estate.stack.up(A) == ["delete Deployment::b"], "the way back is nothing but its end"
    assert estate.memory == before.memory


@pytest.mark.parametrize("share", [0, 10])
def test_who_was_given_up_has_another_try(estate: Estate, gates: Gates, share: int) -> None:
    gates.figures_ = gates.before = lambda _: Outcome.FAIL if estate.live.get("b", 0) == share else Outcome.PASS
    with pytest.raises(Refused, match="report on b"):
        estate.stack.up(B)
    assert estate.memory.given_up == ("b",)
    gates.figures_ = gates.before = lambda _: Outcome.PASS
    estate.stack.up(B)
    assert (estate.live, estate.memory.given_up) == ({"b": 100}, ())


def test_a_bad_release_is_deleted_where_that_is_wanted_and_one_that_is_not_reached_stays(
    estate: Estate, gates: Gates
) -> None:
    deleting = program({"b": 100}, **STEPS, onFailure="delete")
    gates.before = lambda _: Outcome.UNREACHABLE
    with pytest.raises(Refused, match="report on b"):
        estate.stack.up(deleting)
    assert estate.deployments == {"a", "b"}
    gates.before = lambda _: Outcome.FAIL
    estate.arm.fail_deletes = True
    with pytest.raises(Refused, match=r"report on b$"):
        estate.stack.up(deleting)
    assert "Deployment b, which failed, could not be deleted: Conflict" in estate.told("warning")
    assert estate.memory.given_up == ("b",), "the next release takes its place"
    estate.arm.fail_deletes = False
    with pytest.raises(Refused, match=r"report on b\n\nDeleted, as on_failure says: b\."):
        estate.stack.up(deleting)
    assert estate.deployments == {"a"}
    gates.before = lambda _: Outcome.PASS
    estate.stack.up(deleting)
    assert (estate.live, estate.deployments) == ({"b": 100}, {"b"})


@pytest.mark.parametrize("deleting", [False, True])
@pytest.mark.parametrize("share", [10, 50])
def test_a_release_that_fails_at_a_step_is_put_back(estate: Estate, gates: Gates, share: int, deleting: bool) -> None:
    estate.stack.up(program({"a": 100}, {"shadow": 20}, **STEPS))
    was = estate.endpoint.maps
    gates.figures_ = lambda _: Outcome.FAIL if estate.live["b"] == share else Outcome.PASS
    wanted = program({"b": 100}, idle=("shadow",), **STEPS, onFailure="delete" if deleting else "keep")
    with pytest.raises(Refused, match=rf"step {share} %(.|\n)*as before: a 100 %(.|\n)*the report on b since"):
        estate.stack.up(wanted)
    assert estate.endpoint.maps == was == Maps({"a": 100}, {"shadow": 20})
    assert estate.memory.progress is None
    assert estate.deployments == {"a", "shadow"} | (set() if deleting else {"b"})
    gates.figures_ = lambda _: Outcome.PASS
    estate.stack.up(wanted)
    assert (estate.live, estate.deployments) == ({"b": 100}, {"b", "shadow"})


def test_own_requests_decide_at_the_last_step_too(estate: Estate, gates: Gates) -> None:
    gates.before = lambda _: Outcome.FAIL if estate.live.get("b") == 100 else Outcome.PASS
    with pytest.raises(Refused, match=r"step 100 %(.|\n)*as before: a 100 %"):
        estate.stack.up(B)
    assert (estate.live, estate.memory.progress) == ({"a": 100}, None)


def test_what_is_not_known_holds_and_the_next_run_goes_on(estate: Estate, gates: Gates) -> None:
    gates.figures_ = lambda _: Outcome.UNKNOWN
    done = estate.stack.up(B_HOLDS)
    assert done == ["create Deployment::b", "update Rollout::rollout", "delete Deployment::a"]
    assert (estate.live, estate.deployments) == ({"a": 90, "b": 10}, {"a", "b"})
    assert estate.memory.retired == ("a",)
    assert "stops for now at step 10 % (a 90 %, b 10 %), and too little is known" in estate.told("warning")
    assert "max_error_rate of b: what b shows" in estate.told("warning")
    assert estate.stack.changes(B_HOLDS) == {"Rollout::rollout": {"traffic"}}
    assert "step 10 %" in estate.stack.said[-1][1] or "step 10 %" in estate.told("info")
    gates.asked.clear()
    gates.figures_ = lambda _: Outcome.PASS
    estate.stack.up(B_HOLDS)
    assert gates.asked[0] == ("figures", "b", 10), "what was asked before live is not asked again"
    assert (estate.live, estate.deployments) == ({"b": 100}, {"b"})
    assert estate.been == [{"a": 90, "b": 10}, {"a": 50, "b": 50}, {"b": 100}]
    assert estate.stack.changes(B_HOLDS) == {}


def test_a_run_waits_for_what_is_not_known_yet(estate: Estate, gates: Gates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "SAY_AGAIN_SECONDS", 0)
    answers = iter([Outcome.UNKNOWN] * 3)
    gates.figures_ = lambda _: next(answers, Outcome.PASS)
    estate.stack.up(B)
    assert gates.asked.count(("figures", "b", 10)) == 4
    asked_then = [question for question, _, _ in gates.asked[:6]]
    assert asked_then == ["before", *["figures"] * 4, "before"], "own requests would be counted among those waited for"
    assert estate.live == {"b": 100}
    assert "step 10 % waits for what is wanted (max_error_rate; so far: what b shows); a 90 %" in estate.told("status")


def test_figures_that_own_requests_are_among_judge_no_more(estate: Estate, gates: Gates) -> None:
    """What is sent again waits for figures of what came after it: our own would hide bad ones of others."""
    sent = list[float]()

    def not_compared_twice(_: str) -> Outcome:
        estate.arm.ahead += 60
        sent.append(estate.arm.now())
        return Outcome.UNKNOWN if len(sent) in (2, 3) else Outcome.PASS

    gates.before = not_compared_twice
    estate.stack.up(B)
    asked = [question for question, _, _ in gates.asked]
    assert asked == ["before", *["figures", "before"] * 4, "before"]
    assert all(since >= at for since, at in zip(gates.since, sent, strict=False))


def test_a_step_is_watched_for_its_time_counted_over_runs(estate: Estate, gates: Gates) -> None:
    wanted = program({"b": 100}, **HOLDING, bakeTime="PT1H")
    estate.stack.up(wanted)
    assert estate.live == {"a": 90, "b": 10}
    assert "which lasts until" in estate.told("warning")
    estate.stack.up(wanted)
    assert estate.live == {"a": 90, "b": 10}
    progress = estate.memory.progress
    assert progress is not None
    assert time.time() - 60 < progress.since <= time.time()
    estate.remember(lambda memory: replace(memory, progress=replace(progress, since=progress.since - 3600)))
    estate.stack.up(wanted)
    assert estate.live == {"a": 50, "b": 50}


def test_a_step_began_when_azure_says_so(estate: Estate, gates: Gates) -> None:
    """Its figures go by its clock: by ours, own requests from before the step would be among them."""
    estate.arm.ahead = 600
    at_ten(estate, gates)
    progress = estate.memory.progress
    assert progress is not None
    assert time.time() + 590 < progress.since <= time.time() + 600


def test_figures_are_those_of_requests_after_azure_was_done(estate: Estate, gates: Gates) -> None:
    """Traffic takes a while to move, and this one takes a minute."""

    def take_a_minute(_: int) -> None:
        if estate.live.get("b") == 10 and not estate.arm.ahead:
            estate.arm.ahead = 60

    estate.arm.after_write = take_a_minute
    began = time.time()
    estate.stack.up(B)
    assert gates.since[0] >= began + 60


def test_a_failure_is_seen_while_the_step_is_young(estate: Estate, gates: Gates) -> None:
    answers = iter([Outcome.PASS, Outcome.UNKNOWN, Outcome.FAIL])
    gates.figures_ = lambda _: next(answers)
    with pytest.raises(Refused, match="step 10 %"):
        estate.stack.up(program({"b": 100}, **STEPS, bakeTime="PT1H"))
    assert (estate.live, estate.memory.progress) == ({"a": 100}, None)


@pytest.mark.parametrize("merges", [False, True])
def test_copies_come_before_live_requests(estate: Estate, gates: Gates, merges: bool) -> None:
    estate.arm.merges = merges
    copied = {**STEPS, "gates": {"smoke": ["r.json"], "mirrorFirst": {"percent": 20, "bakeTime": "PT0S"}}}
    gates.figures_ = lambda _: Outcome.UNKNOWN
    estate.stack.up(program({"b": 100}, **copied, maxUpTime="PT0S"))
    assert estate.endpoint.maps == Maps({"a": 100}, {"b": 20})
    assert "copies to b 20 % (a 100 %)" in estate.told("warning")
    gates.figures_ = lambda _: Outcome.FAIL
    with pytest.raises(Refused, match=r"copies to b 20 %(.|\n)*report on b$"):
        estate.stack.up(program({"b": 100}, **copied))
    assert estate.endpoint.maps == Maps({"a": 100})
    gates.figures_ = lambda _: Outcome.PASS
    estate.stack.up(program({"b": 100}, **copied))
    assert estate.endpoint.maps == Maps({"b": 100})


def test_ctrl_c_leaves_it_where_it_is(estate: Estate, gates: Gates) -> None:
    def cancel(_: str) -> Outcome:
        estate.stack.cancelled.set()
        return Outcome.UNKNOWN

    gates.figures_ = cancel
    with pytest.raises(Interrupted, match=r"rollout of ep was interrupted\. The next `pulumi up` goes on"):
        estate.stack.up(B)
    assert estate.live == {"a": 90, "b": 10}
    estate.stack.cancelled.clear()
    gates.figures_ = lambda _: Outcome.PASS
    estate.stack.up(B)
    assert (estate.live, estate.deployments) == ({"b": 100}, {"b"})


def test_paused_while_it_runs(estate: Estate, gates: Gates) -> None:
    def pause(_: str) -> Outcome:
        if estate.memory.progress is not None and estate.memory.progress.status == "running":
            rollout_control.pause(estate.stack.work("Rollout::x"), ENDPOINT)
        return Outcome.PASS

    gates.figures_ = pause
    estate.stack.up(B)
    assert estate.live == {"a": 90, "b": 10}, "noticed before the next request"
    assert "is paused: its traffic stays as it is" in estate.told("warning")
    assert estate.stack.changes(B) == {}
    writes = len(estate.arm.writes)
    estate.stack.up(B)
    assert len(estate.arm.writes) == writes
    estate.stack.said.clear()
    estate.stack.up(program({"b": 100}, **{**STEPS, "keepPrevious": "PT1M"}))
    assert estate.told("warning").count("is paused") == 1, "another setting: said by the update alone"
    gates.figures_ = lambda _: Outcome.PASS
    standing = rollout_control.resume(estate.stack.work("Rollout::x"), ENDPOINT)
    assert standing.newcomers == {"b": 10}
    estate.stack.up(B)
    assert (estate.live, estate.deployments) == ({"b": 100}, {"b"})


def test_aborted_while_it_runs(estate: Estate, gates: Gates) -> None:
    estate.arm.ahead, began = -3600, int(time.time())

    def abort(_: str) -> Outcome:
        estate.arm.ahead = 0
        rollout_control.abort(estate.stack.work("Rollout::x"), ENDPOINT)
        return Outcome.UNKNOWN

    gates.figures_ = abort
    with pytest.raises(Refused, match=r"was aborted. Its traffic is as before: a 100 %"):
        estate.stack.up(B)
    assert (estate.live, estate.memory.given_up) == ({"a": 100}, ("b",))
    progress = estate.memory.progress
    assert progress is not None
    assert began <= progress.since <= time.time(), "when it was aborted, not when the step began"
    estate.arm.ahead = 0
    gates.figures_ = lambda _: Outcome.PASS
    assert estate.stack.changes(B) == {}
    assert estate.stack.up(B) == ["delete Deployment::a"]
    assert (estate.live, estate.deployments) == ({"a": 100}, {"a", "b"}), "it serves, so it stays"
    estate.stack.up(C)
    assert (estate.live, estate.deployments) == ({"c": 100}, {"c"}), "another release goes live, and nothing is left"


def test_an_aborted_release_starts_again_when_it_is_told_to(estate: Estate, gates: Gates) -> None:
    at_ten(estate, gates)
    rollout_control.abort(estate.stack.work("Rollout::x"), ENDPOINT)
    estate.stack.up(B)
    assert estate.live == {"a": 100}
    rollout_control.resume(estate.stack.work("Rollout::x"), ENDPOINT)
    gates.asked.clear()
    estate.stack.up(B)
    assert gates.asked[0] == ("before", "b", 0)
    assert (estate.live, estate.deployments) == ({"b": 100}, {"b"})


def test_what_was_aborted_is_forgotten_once_something_else_was_wanted(estate: Estate, gates: Gates) -> None:
    at_ten(estate, gates)
    rollout_control.abort(estate.stack.work("Rollout::x"), ENDPOINT)
    estate.stack.up(A)
    assert estate.memory.progress is None
    estate.stack.up(B)
    assert (estate.live, estate.deployments) == ({"b": 100}, {"b"})


@pytest.mark.parametrize("word", ["pause", "resume", "abort"])
def test_there_is_nothing_to_tell_a_rollout_that_is_over(estate: Estate, word: str) -> None:
    with pytest.raises(Refused, match="No rollout is on its way on ep: its traffic is a 100 %"):
        getattr(rollout_control, word)(estate.stack.work("Rollout::x"), ENDPOINT)


def test_what_cannot_be_put_back_is_not_aborted(estate: Estate, gates: Gates) -> None:
    at_ten(estate, gates)
    estate.tamper(Maps({"b": 100}))
    del estate.arm.there[f"{ENDPOINT.key}/deployments/a"]
    with pytest.raises(Refused, match="a is not there any more"):
        rollout_control.abort(estate.stack.work("Rollout::x"), ENDPOINT)


def test_another_release_half_way(estate: Estate, gates: Gates) -> None:
    at_ten(estate, gates)
    estate.arm.writes.clear()
    gates.figures_ = lambda _: Outcome.UNKNOWN
    done = estate.stack.up(C_HOLDS)
    assert done == ["create Deployment::c", "update Rollout::rollout", "delete Deployment::b"]
    assert estate.been == [{"a": 100}, {"a": 90, "c": 10}], "what served before is put back first"
    assert estate.deployments == {"a", "c"}
    gates.figures_ = lambda _: Outcome.PASS
    estate.stack.up(C_HOLDS)
    assert (estate.live, estate.deployments, estate.memory.retired) == ({"c": 100}, {"c"}, ())


def test_the_old_program_half_way(estate: Estate, gates: Gates) -> None:
    at_ten(estate, gates)
    estate.arm.writes.clear()
    gates.asked.clear()
    done = estate.stack.up(A)
    assert done == ["create Deployment::a", "update Rollout::rollout", "delete Deployment::b"]
    assert (estate.been, gates.asked) == ([{"a": 100}], [])
    assert (estate.deployments, estate.memory.retired) == ({"a"}, ())
    assert estate.stack.changes(A) == {}


def test_destroyed_half_way(estate: Estate, gates: Gates) -> None:
    at_ten(estate, gates)
    estate.stack.destroy()
    assert (estate.live, estate.deployments, estate.endpoint.tags) == ({}, set(), {"team": "x"})


def test_two_releases_at_once(gates: Gates) -> None:
    estate = Estate()
    estate.stack.up(program({"main-1": 90, "other-1": 10}, **STEPS))
    estate.stack.up(program({"main-2": 90, "other-2": 10}, **STEPS))
    assert estate.been[1] == {"main-1": 81, "other-1": 9, "main-2": 9, "other-2": 1}
    assert set(gates.rivals) == {"main-1"}, "compared with who serves most"
    assert [sum(live.values()) for live in estate.been] == [100] * 4
    assert estate.deployments == {"main-2", "other-2"}
    gates.figures_ = lambda name: Outcome.FAIL if name == "other-3" else Outcome.PASS
    with pytest.raises(Refused, match="Release other-3 failed"):
        estate.stack.up(program({"main-3": 90, "other-3": 10}, **STEPS))
    assert estate.live == {"main-2": 90, "other-2": 10}, "both go back: the map is one"


def test_traffic_that_somebody_moves_during_a_rollout(estate: Estate, gates: Gates) -> None:
    def tamper(_: str) -> Outcome:
        estate.tamper(Maps({"a": 100}))
        return Outcome.PASS

    gates.figures_ = tamper
    with pytest.raises(Refused, match="changed by someone else during the rollout: it is a 100 %, and stays so"):
        estate.stack.up(B)
    assert estate.live == {"a": 100}
    gates.figures_ = lambda _: Outcome.PASS
    gates.asked.clear()
    estate.stack.up(B)
    assert gates.asked[0] == ("before", "b", 0)
    assert estate.live == {"b": 100}


def test_traffic_that_somebody_moves_later_goes_the_whole_way_again(estate: Estate, gates: Gates) -> None:
    """Whoever moved it had a reason: the release that is in the program has to show again what it can do."""
    estate.stack.up(program({"b": 100}, idle=("a",), **STEPS))
    estate.tamper(Maps({"a": 100}))
    gates.before = lambda _: Outcome.FAIL
    with pytest.raises(Refused, match="b does not go live"):
        estate.stack.up(program({"b": 100}, idle=("a",), **STEPS))
    assert estate.live == {"a": 100}


def test_the_endpoint_is_deleted_by_hand(estate: Estate, gates: Gates) -> None:
    def gone(_: str) -> Outcome:
        estate.arm.there.clear()
        return Outcome.PASS

    gates.figures_ = gone
    with pytest.raises(Refused, match="Endpoint ep was deleted while its traffic was being moved"):
        estate.stack.up(B)
    assert "gone" in estate.stack.changes(B)["Rollout::rollout"] | {"gone"}
    estate.arm.there = Estate().arm.there
    gates.figures_ = lambda _: Outcome.PASS
    estate.stack.up(B)
    assert (estate.live, estate.deployments) == ({"b": 100}, {"b"})


def test_a_renamed_rollout_goes_on_and_cuts_nothing(estate: Estate, gates: Gates) -> None:
    at_ten(estate, gates)
    estate.arm.writes.clear()
    renamed = program({"b": 100}, name="another", **STEPS)
    assert estate.stack.up(renamed) == ["create Rollout::another", "delete Rollout::rollout"]
    assert estate.been == [{"a": 50, "b": 50}, {"b": 100}]
    assert estate.deployments == {"b"}
    assert estate.stack.changes(renamed) == {}


def test_azure_fails_half_way(estate: Estate, gates: Gates) -> None:
    """The request for 50 % is taken, and then fails: what served before the rollout serves again."""

    def fail(_: int) -> None:
        estate.arm.after_write = lambda _: None
        raise ArmError("InternalServerError", "the region is on fire", 500)

    estate.arm.after_write = lambda number: fail(number) if estate.live.get("b") == 50 else None
    with pytest.raises(Refused, match=r"on fire\nThe traffic is as before: a 100 %"):
        estate.stack.up(B)
    assert (estate.live, estate.memory.progress) == ({"a": 100}, None)


@pytest.mark.parametrize("state", ["Succeeded", "Failed"])
def test_a_change_of_the_endpoint_moves_no_traffic_and_forgets_nothing(
    estate: Estate, gates: Gates, state: str
) -> None:
    """Tags of a whole stack, description, identity: written while a release is at 10 %."""
    at_ten(estate, gates)
    estate.arm.there[ENDPOINT.key]["properties"]["provisioningState"] = state
    handler, maps, memory = ManagedOnlineEndpointHandler(), estate.endpoint.maps, estate.memory
    old = {"workspaceId": WORKSPACE, "name": "ep", "authMode": "Key", "tags": {"team": "x"}}
    new = {**old, "tags": {"cost": "1"}, "description": "new", "identity": {"type": "None"}}
    handler.update(estate.stack.work("Endpoint::ep"), handler.check(old), handler.check(new), {})
    assert (estate.endpoint.maps, estate.memory) == (maps, memory)
    assert estate.endpoint.tags.items() >= {"cost": "1"}.items()
    assert "team" not in estate.endpoint.tags
    estate.stack.up(B)
    assert (estate.live, estate.deployments) == ({"b": 100}, {"b"})
