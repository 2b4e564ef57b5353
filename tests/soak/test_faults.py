"""Faults drawn from a seed: `make soak`, or `make soak SEED=7 FAULTS=200`. Every one is told with the seed."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clone import Clone
from tests.support.faults import Bench, Fault, drawn

pytestmark = [pytest.mark.engine, pytest.mark.soak]

SEED = int(os.environ.get("SEED") or random.randrange(10**6))
FAULTS = int(os.environ.get("FAULTS") or 50)


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
