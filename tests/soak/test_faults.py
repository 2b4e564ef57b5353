"""Faults drawn from a seed: `make soak`, or `make soak SEED=7 FAULTS=200`. Every one is told with the seed."""

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clone import Clone
from tests.support.faults import Bench, Fault, Victim, Way

pytestmark = [pytest.mark.engine, pytest.mark.soak]

SEED = int(os.environ.get("SEED") or random.randrange(10**6))
FAULTS = int(os.environ.get("FAULTS") or 50)

_VICTIMS: tuple[Victim, ...] = (
    "engine", "azure-native", "local Azure", "azml provider", "engine", "azml", "group", "make", "program",
)  # fmt: skip
_SIGNALS: dict[Victim, tuple[signal.Signals, ...]] = {
    "group": (signal.SIGINT, signal.SIGTERM),
    "engine": (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM),
    "azml": (signal.SIGKILL, signal.SIGTERM),
    "local Azure": (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM),
}
_WAYS: tuple[Way, ...] = ("fresh", "forward", "back", "fresh", "away")


def drawn(seed: int, count: int) -> list[Fault]:
    """Draw faults: every victim and every way has its turn, moments and signals are random."""
    chance = random.Random(seed)
    return [
        Fault(
            chance.choice(_WAYS),
            victim := _VICTIMS[number % len(_VICTIMS)],
            chance.choice(_SIGNALS.get(victim, (signal.SIGKILL,))),
            chance.random(),
        )
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, engine: Path) -> Iterator[Bench]:
    made = Bench(Clone.make(tmp_path_factory.mktemp("soak"), engine))
    made.learn()
    yield made
    made.end()


@pytest.mark.parametrize("fault", drawn(SEED, FAULTS), ids=str)
def test_the_end_is_as_without(bench: Bench, fault: Fault) -> None:
    print(f"\nseed {SEED}, {fault}", flush=True)
    said = bench.disturb(fault)
    print("\n".join(line for line in said.splitlines() if ": interrupted while" in line or line.endswith("MISSED")))
