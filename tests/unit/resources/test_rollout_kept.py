"""The release of before stays ready for a while: the way back is one request, and nothing stays for good.

Also what stays on an endpoint of others: nothing but what they had.
"""

import time
from dataclasses import replace
from typing import Any

import pytest

from azml.resources.errors import Refused
from azml.resources.gates.verdict import Outcome
from azml.resources.managed_online_deployment import ManagedOnlineDeploymentHandler
from azml.resources.rollout_memory import Maps
from tests.support.arm_model import Killed
from tests.support.tiny_engine import program
from tests.unit.resources.rollouts import ENDPOINT, Estate, Gates

KEEPING: dict[str, Any] = {
    "steps": [10, 100],
    "keepPrevious": "PT1H",
    "gates": {"smoke": ["r.json"], "golden": [{"request": "r.json", "expected": "e.json"}]},
}
A, B, C = (program({name: 100}, **KEEPING) for name in "abc")
OTHERS = "urn:pulumi:prod::another"


@pytest.fixture
def estate(gates: Gates) -> Estate:
    """Release b is live, and a is kept."""
    made = Estate()
    made.stack.up(A)
    made.stack.up(B)
    gates.asked.clear()
    gates.gates.clear()
    made.arm.writes.clear()
    return made


def expire(estate: Estate) -> None:
    """An hour passes."""
    estate.remember(lambda memory: replace(memory, previous=dict.fromkeys(memory.previous, int(time.time()) - 1)))


def test_who_leaves_stays_for_its_time(estate: Estate) -> None:
    assert (estate.live, estate.deployments) == ({"b": 100}, {"a", "b"})
    assert (estate.memory.retired, [*estate.memory.previous]) == (("a",), ["a"])
    assert time.time() + 3500 < estate.memory.previous["a"] <= time.time() + 3600
    assert estate.told("info").count("for a way back") == 1, "by its Delete"
    assert estate.stack.changes(B) == {}
    expire(estate)
    assert estate.stack.changes(B) == {"Rollout::rollout": {"rolloutId"}}
    assert estate.stack.up(B) == ["update Rollout::rollout"]
    assert (estate.live, estate.deployments, estate.memory.retired) == ({"b": 100}, {"b"}, ())
    assert estate.memory.previous == {}
    assert estate.stack.changes(B) == {}


def test_the_way_back_is_one_request_after_a_smoke_test(estate: Estate, gates: Gates) -> None:
    done = estate.stack.up(A)
    assert done == ["create Deployment::a", "update Rollout::rollout", "delete Deployment::b"]
    assert estate.been == [{"a": 100}]
    assert (gates.asked, gates.gates) == ([("before", "a", 0)], [{"smoke": ["r.json"]}])
    assert (estate.memory.retired, [*estate.memory.previous]) == (("b",), ["b"]), "and forwards again"
    estate.stack.up(B)
    assert (estate.live, estate.deployments) == ({"b": 100}, {"a", "b"})


def test_the_way_back_while_another_release_is_at_ten_percent(estate: Estate, gates: Gates) -> None:
    gates.figures_ = lambda _: Outcome.UNKNOWN
    estate.stack.up(program({"c": 100}, **KEEPING, maxUpTime="PT0S"))
    assert (estate.live, estate.deployments) == ({"b": 90, "c": 10}, {"a", "b", "c"})
    estate.arm.writes.clear()
    estate.stack.up(A)
    assert estate.been == [{"a": 100}]
    assert (estate.live, estate.deployments) == ({"a": 100}, {"a", "b"})


def test_who_left_the_program_on_the_way_is_kept_and_that_is_said(estate: Estate, gates: Gates) -> None:
    """Its Delete came when it still served: only the rollout can say it."""
    gates.figures_ = lambda _: Outcome.UNKNOWN
    estate.stack.up(program({"c": 100}, **KEEPING, maxUpTime="PT0S"))
    gates.figures_ = lambda _: Outcome.PASS
    estate.stack.said.clear()
    estate.stack.up(C)
    assert "Deployment b stays ready for a way back until" in estate.told("info")
    assert estate.deployments == {"b", "c"}


def test_a_way_back_that_fails_its_smoke_test_moves_and_deletes_nothing(estate: Estate, gates: Gates) -> None:
    gates.before = lambda _: Outcome.FAIL
    with pytest.raises(Refused, match="a does not go live"):
        estate.stack.up(program({"a": 100}, **KEEPING, onFailure="delete"))
    assert (estate.live, estate.deployments) == ({"b": 100}, {"a", "b"})


def test_a_way_back_beside_a_new_release_is_a_release(gates: Gates) -> None:
    estate = Estate()
    estate.stack.up(program({"main-1": 50, "other-1": 50}, **KEEPING))
    estate.stack.up(program({"main-2": 50, "other-1": 50}, **KEEPING))
    assert [*estate.memory.previous] == ["main-1"]
    gates.gates.clear()
    estate.arm.writes.clear()
    estate.stack.up(program({"main-1": 50, "other-2": 50}, **KEEPING))
    assert all("golden" in asked for asked in gates.gates)
    assert estate.been == [{"main-2": 45, "other-1": 45, "main-1": 5, "other-2": 5}, {"main-1": 50, "other-2": 50}]


def test_only_the_direct_predecessor_is_kept(estate: Estate) -> None:
    estate.stack.up(C)
    assert (estate.live, estate.deployments) == ({"c": 100}, {"b", "c"})
    assert (estate.memory.retired, [*estate.memory.previous]) == (("b",), ["b"])


def test_who_is_kept_and_still_in_the_program_is_never_deleted(gates: Gates) -> None:
    estate = Estate()
    estate.stack.up(program({"a": 100}, idle=("b",), **KEEPING))
    both = program({"b": 100}, idle=("a",), **KEEPING)
    estate.stack.up(both)
    assert [*estate.memory.previous] == ["a"]
    expire(estate)
    assert estate.stack.changes(both) == {}
    estate.stack.up(both)
    assert estate.deployments == {"a", "b"}
    estate.stack.up(program({"b": 100}, **KEEPING))
    assert estate.deployments == {"b"}


def test_once_destroy_has_begun_nobody_was_kept(estate: Estate, gates: Gates) -> None:
    """Killed after its first request: what comes back then is a release, with all its gates."""

    def kill(_: int) -> None:
        raise Killed

    estate.arm.after_write = kill
    with pytest.raises(Killed):
        estate.stack.destroy()
    estate.arm.after_write = lambda _: None
    assert estate.live == {}
    estate.stack.up(A)
    assert [sorted(asked) for asked in gates.gates[:1]] == [["golden", "smoke"]]
    assert estate.live == {"a": 100}


@pytest.mark.parametrize("expired", [False, True])
def test_destroy_takes_all(estate: Estate, expired: bool) -> None:
    if expired:
        expire(estate)
    estate.stack.destroy()
    assert (estate.live, estate.deployments, estate.endpoint.tags) == ({}, set(), {"team": "x"})


def test_a_preview_says_what_staying_costs(estate: Estate) -> None:
    estate.arm.there[f"{ENDPOINT.key}/deployments/b"]["sku"]["capacity"] = 3
    estate.stack.said.clear()
    rollout = estate.stack._handler("Rollout::rollout")
    rollout.foresee(estate.stack.work("Rollout::rollout"), C["Rollout::rollout"])
    assert estate.told("info") == "b stays ready for PT1H after it served: 3 × Standard_DS3_v2."
    estate.stack.said.clear()
    rollout.foresee(estate.stack.work("Rollout::rollout"), {**C["Rollout::rollout"], "keepPrevious": "PT0S"})
    assert estate.stack.said == []


def test_who_was_recovered_is_not_deleted_by_the_rollout(gates: Gates) -> None:
    """A killed create of what waits to be deleted: recovery takes it into state, so the rollout must not."""
    estate = Estate()
    estate.stack.up(A)
    gates.figures_ = lambda _: Outcome.UNKNOWN
    estate.stack.up(program({"b": 100}, **KEEPING, maxUpTime="PT0S"))
    assert estate.memory.retired == ("a",)
    handler, work = ManagedOnlineDeploymentHandler(), estate.stack.work("Deployment::a")
    assert handler.left(work, handler.check(A["Deployment::a"])) is not None
    assert estate.memory.retired == ()


def test_an_endpoint_of_others_gets_back_what_it_had(gates: Gates) -> None:
    """Its maps are remembered with the first request, so a kill right after it forgets nothing."""
    estate = Estate(owner=OTHERS)
    for name in ("theirs", "shadow"):
        estate.arm.there[f"{ENDPOINT.key}/deployments/{name}"] = {"name": name, "properties": {}, "sku": {}}
    estate.tamper(Maps({"theirs": 100}, {"shadow": 5}))
    wanted = program({"a": 100}, steps=[10, 100])

    def kill(_: int) -> None:
        if estate.live != {"theirs": 100}:
            raise Killed

    estate.arm.after_write = kill
    with pytest.raises(Killed):
        estate.stack.up(wanted)
    estate.arm.after_write = lambda _: None
    assert estate.memory.theirs == Maps({"theirs": 100}, {"shadow": 5})
    estate.stack.up(wanted)
    assert estate.live == {"a": 100}
    assert estate.memory.theirs == Maps({"theirs": 100}, {"shadow": 5})
    estate.stack.destroy()
    assert estate.endpoint.maps == Maps({"theirs": 100}, {"shadow": 5})
    assert (estate.deployments, estate.endpoint.tags) == ({"theirs", "shadow"}, {"team": "x"})


def test_a_release_that_fails_on_an_endpoint_of_others_leaves_no_trace(gates: Gates) -> None:
    estate = Estate(owner=OTHERS)
    estate.arm.there[f"{ENDPOINT.key}/deployments/theirs"] = {"name": "theirs", "properties": {}, "sku": {}}
    estate.tamper(Maps({"theirs": 100}))
    gates.figures_ = lambda _: Outcome.FAIL
    with pytest.raises(Refused, match="as before: theirs 100 %"):
        estate.stack.up(program({"a": 100}, **KEEPING))
    assert (estate.live, estate.endpoint.tags) == ({"theirs": 100}, {"team": "x", "azml-given-up": "a"})
    estate.stack.up({})
    assert (estate.live, estate.deployments) == ({"theirs": 100}, {"theirs"})
    assert estate.endpoint.tags == {"team": "x"}
