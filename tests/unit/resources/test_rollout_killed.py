"""Killed at every request of every kind of run: recovered and run again, forwards or to the old program, all is well.

That is: the wanted map, nothing in Azure that neither program nor a way back needs, nothing left to do; and on the way
never a map that nobody asked for. On a model of ARM, so that it can be every request, before and after Azure took it.
"""

import contextlib
from dataclasses import dataclass
from typing import Any

import pytest

from azml.resources.gates.verdict import Outcome
from azml.resources.rollout_plan import traffic_at
from tests.support.arm_model import Killed
from tests.support.tiny_engine import Values, program
from tests.unit.resources.rollouts import Estate, Gates

STEPS: dict[str, Any] = {"steps": [10, 50, 100], "gates": {"smoke": ["r.json"]}}
KEEPING: dict[str, Any] = {**STEPS, "keepPrevious": "PT1H"}
Program = dict[str, Values]


@dataclass(frozen=True)
class Run:
    """A run that is killed: of which program, after which others; `holds`: the last of these ended at 10 %."""

    name: str
    before: tuple[Program, ...]
    wanted: Program
    holds: bool = False

    def __str__(self) -> str:
        return self.name


def of(name: str, **settings: Any) -> Program:
    return program({name: 100}, **settings)


TWO = program({"main-2": 90, "other-2": 10}, **KEEPING)
RUNS = [
    Run("first release", (), of("a", **STEPS)),
    Run("release", (of("a", **STEPS),), of("b", **STEPS)),
    Run("release that keeps", (of("a", **KEEPING), of("b", **KEEPING)), of("c", **KEEPING)),
    Run("way back", (of("a", **KEEPING), of("b", **KEEPING)), of("a", **KEEPING)),
    Run("superseding", (of("a", **STEPS), of("b", **STEPS)), of("c", **STEPS), holds=True),
    Run("back half-way", (of("a", **STEPS), of("b", **STEPS)), of("a", **STEPS), holds=True),
    Run("going on", (of("a", **STEPS), of("b", **STEPS)), of("b", **STEPS), holds=True),
    Run("two releases", (program({"main-1": 90, "other-1": 10}, **KEEPING),), TWO),
    Run("renamed", (of("a", **STEPS),), program({"a": 100}, name="another", **STEPS)),
    Run("destroy", (of("a", **KEEPING), of("b", **KEEPING)), {}),
    Run("destroy half-way", (of("a", **STEPS), of("b", **STEPS)), {}, holds=True),
]


def begun(run: Run, gates: Gates) -> Estate:
    """The estate before the run that is killed."""
    estate = Estate()
    for number, each in enumerate(run.before, 1):
        if run.holds and number == len(run.before):
            gates.figures_ = lambda _: Outcome.UNKNOWN
            each = {
                key: ({**inputs, "maxUpTime": "PT0S"} if "Rollout" in key else inputs) for key, inputs in each.items()
            }
        estate.stack.up(each)
    gates.figures_ = lambda _: Outcome.PASS
    estate.arm.writes.clear()
    return estate


def shares(wanted: Program) -> dict[str, int]:
    return next((inputs["traffic"] for key, inputs in wanted.items() if "Rollout" in key), {})


def asked_for(programs: list[Program]) -> list[dict[str, int]]:
    """Maps of the programs, and those at the steps between any two of them."""
    ends = [shares(each) for each in programs]
    between = [traffic_at(old, new, step) for old in ends for new in ends if old and new for step in (10, 50)]
    return [*ends, {}, *between]


@pytest.mark.parametrize("then", ["forwards", "back"])
@pytest.mark.parametrize("run", RUNS, ids=str)
def test_the_end_is_as_without(gates: Gates, run: Run, then: str) -> None:
    undisturbed = begun(run, gates)
    undisturbed.stack.up(run.wanted)
    old = run.before[-1] if run.before else {}
    wanted = run.wanted if then == "forwards" else old
    for number in range(1, len(undisturbed.arm.writes) + 1):
        for moment in ("before_write", "after_write"):
            estate = begun(run, gates)
            _killed(estate, run.wanted, moment, number)
            estate.stack.up(wanted)
            where = f"{moment} {number}: {estate.arm.writes}"
            _is_well(estate, wanted, where)
            assert all(live in asked_for([*run.before, run.wanted]) for live in estate.been), where


def test_killed_twice(gates: Gates) -> None:
    run = RUNS[2]
    for first in range(1, 12):
        for second in range(1, 6):
            estate = begun(run, gates)
            _killed(estate, run.wanted, "after_write", first)
            _killed(estate, run.before[-1], "before_write", len(estate.arm.writes) + second)
            estate.stack.up(run.wanted)
            _is_well(estate, run.wanted, f"{first}, {second}: {estate.arm.writes}")


def _killed(estate: Estate, wanted: Program, moment: str, number: int) -> None:
    """Run it until a certain request; a run that ends before that is not killed."""

    def kill(now: int) -> None:
        if now == number:
            raise Killed

    setattr(estate.arm, moment, kill)
    with contextlib.suppress(Killed):
        estate.stack.up(wanted)
    setattr(estate.arm, moment, lambda _: None)


def _is_well(estate: Estate, wanted: Program, where: str) -> None:
    memory, names = estate.memory, {inputs["name"] for key, inputs in wanted.items() if "Deployment" in key}
    assert estate.live == shares(wanted), where
    assert memory.progress is None, where
    assert names <= estate.deployments, where
    assert estate.deployments - names <= set(memory.retired) & memory.previous.keys(), where
    assert not names & set(memory.retired), where
    assert estate.stack.changes(wanted) == {}, where
    if not wanted:
        assert estate.endpoint.tags == {"team": "x"}, where
