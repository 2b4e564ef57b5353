"""What a rollout adds to the time that it is told to take, and how soon a release of before answers again.

The engine says how long the rollout took; the steady client, who knows nothing of azml, says when an old release
answered. Both at 20 requests a second on an estate like the sample's.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.report import show
from tests.support.asking import Asking
from tests.support.clone import Clone
from tests.support.under_load import Estate

pytestmark = [pytest.mark.bench, pytest.mark.engine, pytest.mark.timeout(1800)]

RATE = 20
ROUNDS = 5
STEPS = list(range(5, 101, 5))
BAKE_S = 1
_TOOK = re.compile(r"azml:index:Rollout \S+ updated \((?:(\d+)m)?(\d+)s\)")
"""Whole seconds: twenty steps tell a twentieth of one."""


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory, engine: Path) -> Iterator[tuple[Estate, Asking]]:
    clone = Clone.make(tmp_path_factory.mktemp("rollout"), engine)
    estate = Estate(clone)
    try:
        with estate.first_up(tmp_path_factory.mktemp("client"), RATE) as (asking, done, _):
            assert done.returncode == 0, done.stdout + done.stderr
            yield estate, asking
    finally:
        clone.azml("local", "stop")


def test_overhead_of_a_step(serving: tuple[Estate, Asking]) -> None:
    """Reading what is live, the PUT and its wait, asking whether to go on: all but bake times; there are no gates."""
    estate, asking = serving
    estate.roll_out(steps=STEPS, bake_time=f"PT{BAKE_S}S")
    figures = []
    for turn in range(ROUNDS):
        estate.release(f"turn {turn}")
        done, answers = estate.up(asking)
        assert done.returncode == 0, done.stdout + done.stderr
        assert not answers.failed, answers
        minutes, rest = _TOOK.findall(done.stdout)[-1]
        seconds = int(minutes or 0) * 60 + int(rest)
        figures.append((seconds - (len(STEPS) - 1) * BAKE_S) / len(STEPS))
    show(f"rollout in {len(STEPS)} steps, beyond bake times", figures, 2, "s a step")


def test_way_back_to_a_warm_release(serving: tuple[Estate, Asking]) -> None:
    """From `up` of the old program to the first answer of its release. Two releases in turn: each way is one back."""
    estate, asking = serving
    estate.roll_out(steps=STEPS, bake_time=f"PT{BAKE_S}S", keep_previous="PT1H")
    estate.release("other")
    assert estate.up(asking)[0].returncode == 0
    figures = []
    for turn in range(ROUNDS):
        (old,) = estate.deployments - set(estate.traffic)
        estate.release(["turn 4", "other"][turn % 2])
        began = time.time()
        done, answers = estate.up(asking)
        assert done.returncode == 0, done.stdout + done.stderr
        assert not answers.failed, answers
        figures.append(next(each.sent + each.latency_s for each in answers.all if each.deployment == old) - began)
    show("way back to a warm release, to its first answer", figures, 5, "s")
