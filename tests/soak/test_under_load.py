"""Releases of every kind while an independent client asks 200 times a second; what it saw is printed with each.

The tests of this file share one estate that is asked from the first address on, and go on from where the one before
ended. `tests/local/test_under_load.py` has a sample of them at a lower rate.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clone import Clone
from tests.support.under_load import NOBODY_YET, Answers, Asking, Estate

pytestmark = [pytest.mark.engine, pytest.mark.soak, pytest.mark.timeout(1800)]

RATE = float(os.environ.get("RATE") or 200)
"""Requests a second; a machine with less than two cores to spare needs a lower one."""
First = tuple[Estate, Asking, Answers]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, engine: Path) -> Iterator[First]:
    clone = Clone.make(tmp_path_factory.mktemp("load"), engine)
    estate = Estate(clone)
    try:
        with estate.first_up(tmp_path_factory.mktemp("client"), RATE) as (asking, done, answers):
            assert done.returncode == 0, done.stdout + done.stderr
            yield estate, asking, answers
    finally:
        clone.azml("local", "stop")


@pytest.fixture
def live(first: First) -> tuple[Estate, Asking]:
    """An estate with a good release that serves, whatever the test before left."""
    estate, asking, _ = first
    estate.release("first")
    done, answers = estate.up(asking)
    assert done.returncode == 0, done.stdout + done.stderr
    told("back to the first release", answers)
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


@pytest.mark.parametrize("fault", ["fails init()"])
def test_a_release_that_never_gets_live(live: tuple[Estate, Asking], fault: str) -> None:
    estate, asking = live
    before = estate.traffic
    estate.release("bad", fault)
    done, answers = estate.up(asking)
    assert done.returncode != 0
    assert estate.traffic == before
    assert answers.deployments == set(before)
    told(f"a release that {fault}", answers)


@pytest.mark.parametrize("turn", range(3))
def test_good_releases_one_after_another(live: tuple[Estate, Asking], turn: int) -> None:
    """Each one takes over at once, the old one is deleted, and the rollback of the next test makes it again."""
    estate, asking = live
    before = estate.deployments
    estate.release(f"good {turn}")
    done, answers = estate.up(asking)
    assert done.returncode == 0, done.stdout + done.stderr
    (release,) = estate.deployments
    assert answers.deployments == {release, *before}
    told("a good release at once, and the deletion of the old", answers)


def test_destroy_ends_what_is_asked(live: tuple[Estate, Asking]) -> None:
    """What is asked after the end is refused, and up to the end it is answered: no answer is a wrong one."""
    estate, asking = live
    done, answers = estate.run(asking, "destroy")
    assert done.returncode == 0, done.stdout + done.stderr
    last = max(number for number, each in enumerate(answers.all) if not each.failed)
    assert not Answers(answers.all[: last + 1]).failed, answers
    assert {each.status for each in answers.all[last + 1 :]} <= {0, 404}, answers
