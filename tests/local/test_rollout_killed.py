"""A rollout on the real engine that ends half-way: killed, or stopped for now; then forwards, back, and away.

A few ways of many: `tests/unit/resources/test_rollout_killed.py` kills at every request. The tests share one estate and
build on each other, in order.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from tests.support.clone import ROOT, Clone
from tests.support.faults import PROCESSES
from tests.support.under_load import Estate

pytestmark = pytest.mark.engine

STEPS: dict[str, Any] = {"steps": [10, 100]}
LONG = {**STEPS, "bake_time": "PT30M"}
LIMIT_S = 240.0


@pytest.fixture(scope="module")
def estate(clone: Clone) -> Estate:
    made = Estate(clone)
    made.roll_out(**LONG)
    up(made)
    return made


def up(estate: Estate) -> str:
    done = estate.clone.azml("up", "--local", timeout=LIMIT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@contextmanager
def at_ten(estate: Estate) -> Iterator[subprocess.Popen[str]]:
    """An `up` whose new release has its first share; what it says goes to its `stdout`."""
    command = subprocess.Popen(
        [ROOT / ".venv/bin/azml", "up", "--local"],
        cwd=estate.clone.root, env=estate.clone.environment, start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    with command:
        try:
            end = time.monotonic() + LIMIT_S
            while sorted(estate.traffic.values()) != [10, 90]:
                assert command.poll() is None, "it ended before its first step"
                assert time.monotonic() < end
                time.sleep(0.1)
            yield command
        finally:
            command.kill()


def test_killed_half_way_and_the_old_program_again(estate: Estate) -> None:
    before, there = estate.traffic, estate.deployments
    estate.release("second")
    with at_ten(estate) as command:
        os.killpg(command.pid, signal.SIGKILL)  # the engine and all its plugins
    assert len(estate.deployments) == 2
    estate.release("first")
    up(estate)
    assert (estate.traffic, estate.deployments) == (before, there)


def test_the_plugin_killed_half_way_and_forwards(estate: Estate) -> None:
    """The engine lives, and calls it a bug of the provider; what to do is said after it."""
    before = estate.deployments
    estate.release("second")
    with at_ten(estate) as command:
        ours = psutil.Process(command.pid).children(recursive=True)
        (plugin,) = [process for process in ours if PROCESSES["azml provider"] in " ".join(process.cmdline())]
        plugin.kill()
        said = command.communicate(timeout=LIMIT_S)[0]
    assert command.returncode == 1
    summary = said.partition("The update failed")[2]
    assert "The plugin of azml ended before it was done" in summary
    assert "Run it again: it goes on from what is there." in summary
    assert "keeps answering from" in summary
    estate.roll_out(**STEPS)
    up(estate)
    (release,) = estate.deployments
    assert estate.traffic == {release: 100}
    assert release not in before


def test_an_up_that_stops_half_way_ends_well_and_destroy_takes_all(estate: Estate) -> None:
    before = estate.deployments
    estate.roll_out(**LONG, max_up_time="PT0S")
    estate.release("third")
    said = up(estate)
    assert "stops for now at step 10 %" in said
    assert sorted(estate.traffic.values()) == [10, 90]
    assert before < estate.deployments, "what serves stays, though it left the program"
    done = estate.clone.azml("destroy", "--local")
    assert done.returncode == 0, done.stdout + done.stderr
    assert estate.clone.state == []
