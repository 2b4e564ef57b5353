"""Nobody who asks an endpoint notices its releases: an independent client at a steady rate, on the real engine.

What is right is computed by the client, not by azml. The tests of this file share one estate that is asked from the
first address on, and build on each other, in order; `make soak` has every kind of release at 200 requests a second.
"""

from collections.abc import Iterator

import pytest

from tests.support.asking import Answers, Asking
from tests.support.clone import Clone
from tests.support.under_load import GATES, NOBODY_YET, Estate, counted

pytestmark = pytest.mark.engine

RATE = 30
"""Requests a second."""
STEPS = {"steps": [20, 100], "bake_time": "PT2S", "gates": GATES}
First = tuple[Estate, Asking, Answers]


@pytest.fixture(scope="module")
def first(clone: Clone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[First]:
    estate = Estate(clone)
    estate.roll_out(**STEPS)
    with estate.first_up(tmp_path_factory.mktemp("client"), RATE) as (asking, done, answers):
        assert done.returncode == 0, done.stdout + done.stderr
        yield estate, asking, answers


def test_a_first_deployment(first: First) -> None:
    """Asked before there is anything to ask: once somebody answers, nobody is turned away again."""
    _, _, answers = first
    there = next(number for number, each in enumerate(answers.all) if not each.failed)
    assert {(each.status, each.said) for each in answers.all[:there]} <= {NOBODY_YET}
    assert not Answers(answers.all[there:]).failed, answers


def test_a_release_that_fails_to_start(first: First) -> None:
    estate, asking, _ = first
    before = estate.traffic
    estate.release("bad", "fails init()")
    done, answers = estate.up(asking)
    assert done.returncode != 0
    assert answers.all
    assert not answers.failed, answers
    assert estate.traffic == before
    assert answers.deployments == set(before)


def test_a_good_release_in_steps(first: First) -> None:
    estate, asking, _ = first
    estate.roll_out(**STEPS, keep_previous="PT1H")
    before = estate.traffic
    estate.release("good")
    done, answers = estate.up(asking)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not answers.failed, answers
    (release,) = estate.traffic
    assert answers.deployments == {release, *before}
    both = answers.between(release)
    assert 0.1 < sum(each.deployment == release for each in both) / len(both) < 0.3, "a fifth, while it was watched"
    assert answers.all[-1].deployment == release
    assert estate.deployments == {release, *before}, "what served before stays ready; what failed to start is gone"


def test_a_release_with_wrong_numbers_answers_nobody(first: First) -> None:
    """A gate sees it before any live share: not one caller is told a wrong number."""
    estate, asking, _ = first
    before = estate.traffic
    estate.release("wrong", "answers wrong numbers")
    done, answers = estate.up(asking)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "golden[0]" in said
    assert not answers.failed, answers
    assert answers.deployments == set(before) == set(estate.traffic)


def test_the_way_back_and_the_deletion_of_what_it_leaves(first: First) -> None:
    """The old program again: its release is warm, so there are no steps, and it takes over at once."""
    estate, asking, _ = first
    estate.roll_out(**STEPS)
    before = estate.traffic
    estate.release("first")
    done, answers = estate.up(asking)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not answers.failed, answers
    (release,) = estate.deployments
    assert estate.traffic == {release: 100} != before
    assert len(answers.between(release)) < RATE, "a second of both at most, where a step would bake for two"


SHARE, GRAIN_S, LAG_S = 0.2, 1, 1
DETECTION_S = 2 * GRAIN_S + LAG_S + 10
"""From the first failure to the old map: a grain that began before the step counts for nothing, the next one has to
end and to be there; the rest is for a busy machine to ask, and to move the traffic."""


def test_a_fault_that_only_live_requests_show(first: First) -> None:
    """Gates ask about one patient, callers about two. Failures are no more than the step's share until it is seen."""
    estate, asking, _ = first
    before = estate.traffic
    metrics = {"grain": f"PT{GRAIN_S}S", "lag": f"PT{LAG_S}S"}
    gates = {**GATES, "max_error_rate": 0.01, "min_requests": 5, "metrics": metrics}
    estate.roll_out(steps=[int(SHARE * 100), 100], bake_time="PT1M", gates=gates)
    estate.release("live", "fails for two patients at once")
    done, answers = estate.up(asking)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert estate.traffic == before
    assert {each.status for each in answers.failed} == {424}
    assert 0 < len(answers.failed) <= SHARE * RATE * DETECTION_S, answers
    known = answers.failed_before(answers.failed[-1].sent - GRAIN_S - LAG_S)
    assert known <= counted(said) <= len(answers.failed), said
