"""Releases of every kind while an independent client asks 200 times a second; what it saw is printed with each.

The tests of this file share one estate that is asked from the first address on, and go on from where the one before
ended. `tests/local/test_under_load.py` has a sample of them at a lower rate.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.asking import Answers, Asking
from tests.support.clone import Clone
from tests.support.under_load import GATES, NOBODY_YET, SLOW_S, Estate, counted

pytestmark = [pytest.mark.engine, pytest.mark.soak, pytest.mark.timeout(1800)]

RATE = float(os.environ.get("RATE") or 200)
"""Requests a second; a machine with less than two cores to spare needs a lower one."""
OWN = {**GATES, "latency_p95_ms": int(SLOW_S * 600)}
SHARE, GRAIN_S, LAG_S = 0.1, 60, 10
METRICS = {"grain": "PT1M", "lag": f"PT{LAG_S}S"}
STEPS = {"steps": [10, 50, 100], "bake_time": "PT10S", "gates": {**OWN, "metrics": METRICS}}
LIVE = {
    "steps": [int(SHARE * 100), 50, 100],
    "bake_time": "PT3M",
    "gates": {**OWN, "max_error_rate": 0.01, "metrics": METRICS},
}
DETECTION_S = 2 * GRAIN_S + LAG_S + 15
"""From the first failure to the old map, with the grain of Azure Monitor: the minute that began before the step counts
for nothing, the next one has to end and to be there; the rest is to ask, and to move the traffic."""
First = tuple[Estate, Asking, Answers]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, engine: Path) -> Iterator[First]:
    clone = Clone.make(tmp_path_factory.mktemp("load"), engine)
    estate = Estate(clone)
    estate.roll_out(**STEPS)
    try:
        with estate.first_up(tmp_path_factory.mktemp("client"), RATE) as (asking, done, answers):
            assert done.returncode == 0, done.stdout + done.stderr
            yield estate, asking, answers
    finally:
        clone.azml("local", "stop")


@pytest.fixture
def live(first: First) -> tuple[Estate, Asking]:
    """An estate with a good release that serves, whatever the test before left, and that takes its next one in steps.

    Back at once: the steps wait for minutes of Azure Monitor, and they are a test of their own.
    """
    estate, asking, _ = first
    estate.roll_out(steps=[100], gates=OWN)
    estate.release("first")
    done, answers = estate.up(asking)
    assert done.returncode == 0, done.stdout + done.stderr
    told("back to the first release", answers)
    estate.roll_out(**STEPS)
    return estate, asking


def told(what: str, answers: Answers) -> None:
    """Nobody was turned away, or told wrong numbers; printed, so that a run leaves its figures."""
    print(f"\n{what}: {answers}", flush=True)
    assert not answers.failed


def test_a_first_deployment(first: First) -> None:
    _, _, answers = first
    there = next(number for number, each in enumerate(answers.all) if not each.failed)
    assert {(each.status, each.said) for each in answers.all[:there]} <= {NOBODY_YET}
    told("first deployment, from its first answer on", Answers(answers.all[there:]))


@pytest.mark.parametrize("fault", ["fails init()", "answers 500", "answers wrong numbers", "is slow"])
def test_a_fault_that_a_gate_sees_costs_nobody_an_answer(live: tuple[Estate, Asking], fault: str) -> None:
    estate, asking = live
    before = estate.traffic
    estate.release("bad", fault)
    done, answers = estate.up(asking)
    assert done.returncode != 0
    assert estate.traffic == before
    assert answers.deployments == set(before)
    told(f"a release that {fault}", answers)


@pytest.mark.parametrize("fault", ["fails for two patients at once", "fails after a while", "leaks until killed"])
def test_a_fault_that_only_live_requests_show(live: tuple[Estate, Asking], fault: str) -> None:
    estate, asking = live
    before = estate.traffic
    estate.roll_out(**LIVE)
    estate.release("bad", fault)
    done, answers = estate.up(asking)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert estate.traffic == before
    reported, most = counted(said), SHARE * RATE * DETECTION_S
    print(f"\na release that {fault}: {answers}\n  {most:.0f} may fail; the report counts {reported}", flush=True)
    (bad,) = {each.deployment for each in answers.failed}
    assert bad not in before
    assert 0 < len(answers.failed) <= most
    assert answers.failed_before(answers.failed[-1].sent - GRAIN_S - LAG_S) <= reported <= len(answers.failed), said


def test_a_good_release_through_all_steps_and_the_deletion_of_the_old(live: tuple[Estate, Asking]) -> None:
    estate, asking = live
    before = estate.deployments
    estate.release("good")
    done, answers = estate.up(asking)
    assert done.returncode == 0, done.stdout + done.stderr
    (release,) = estate.deployments
    assert answers.deployments == {release, *before}
    told("a good release in three steps, and the deletion of the old", answers)


@pytest.mark.parametrize("turn", range(3))
def test_good_releases_at_once(live: tuple[Estate, Asking], turn: int) -> None:
    """Each one takes over at once, the old one is deleted, and the rollback of the next test makes it again."""
    estate, asking = live
    before = estate.deployments
    estate.roll_out(steps=[100])
    estate.release(f"at once {turn}")
    done, answers = estate.up(asking)
    assert done.returncode == 0, done.stdout + done.stderr
    (release,) = estate.deployments
    assert answers.deployments == {release, *before}
    told("a good release at once, and the deletion of the old", answers)


def test_the_way_back_to_a_warm_release(live: tuple[Estate, Asking]) -> None:
    """There and back four times; what is kept warm serves at once."""
    estate, asking = live
    estate.roll_out(**STEPS, keep_previous="PT1H")
    for turn, name in enumerate(["other", "first"] * 2):
        estate.release(name)
        done, answers = estate.up(asking)
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(estate.deployments) == 2
        told("a release whose predecessor stays" if turn == 0 else "the way back", answers)


def test_releases_in_place(live: tuple[Estate, Asking]) -> None:
    """One deployment of three instances that is changed where it is: a fifth of them at a time."""
    estate, asking = live
    estate.in_place(3)
    for name, fault in [("one", None), ("two", None), ("bad", "fails init()"), ("three", None)]:
        estate.release(name, fault)
        done, answers = estate.up(asking)
        assert (done.returncode == 0) == (fault is None), done.stdout + done.stderr
        told(f"in place: a release that {fault}" if fault else "in place: a good release", answers)


def test_destroy_ends_what_is_asked(live: tuple[Estate, Asking]) -> None:
    """What is asked after the end is refused, and up to the end it is answered: no answer is a wrong one."""
    estate, asking = live
    done, answers = estate.run(asking, "destroy")
    assert done.returncode == 0, done.stdout + done.stderr
    last = max(number for number, each in enumerate(answers.all) if not each.failed)
    assert not Answers(answers.all[: last + 1]).failed, answers
    assert {each.status for each in answers.all[last + 1 :]} <= {0, 404}, answers
