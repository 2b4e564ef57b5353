"""Nobody who asks an endpoint notices its releases: an independent client at a steady rate, on the real engine.

What is right is computed by the client, not by azml. The tests of this file share one estate that is asked from the
first address on, and build on each other, in order; `make soak` has all of them at 200 requests a second.
"""

from collections.abc import Iterator

import pytest

from tests.support.clone import Clone
from tests.support.under_load import NOBODY_YET, Answers, Asking, Estate

pytestmark = pytest.mark.engine

RATE = 30
"""Requests a second."""
First = tuple[Estate, Asking, Answers]


@pytest.fixture(scope="module")
def first(clone: Clone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[First]:
    estate = Estate(clone)
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


def test_a_good_release_and_the_deletion_of_the_old(first: First) -> None:
    estate, asking, _ = first
    before = estate.deployments
    estate.release("good")
    done, answers = estate.up(asking)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not answers.failed, answers
    (release,) = estate.deployments
    assert release not in before, "the old one and the failed one are gone"
    assert estate.traffic == {release: 100}
    assert release in answers.deployments
    assert answers.deployments & before
    assert answers.all[-1].deployment == release


def test_a_rollback(first: First) -> None:
    """The old program again, though its deployment is gone: it comes back, and takes over."""
    estate, asking, _ = first
    before = estate.traffic
    estate.release("first")
    done, answers = estate.up(asking)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not answers.failed, answers
    (release,) = estate.deployments
    assert estate.traffic == {release: 100} != before
    assert answers.deployments == {release, *before}
