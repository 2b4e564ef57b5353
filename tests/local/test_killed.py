"""Runs of the real engine that are killed on the way: recovered, and run again, they end as if nothing had happened.

One fault a way of getting there; `make soak` draws fifty. Expected is what an undisturbed run of the same programs
shows: urns in state, ids in Azure, predictions, processes. The tests of this file share one clone and go on from where
the one before ended, but each can start from anywhere.
"""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clone import Clone
from tests.support.faults import Bench, Fault

pytestmark = pytest.mark.engine

DEPLOYMENT = re.compile(r"PUT .*/deployments/ridge")
SAMPLE = {
    Fault("fresh", "azure-native", signal.SIGKILL, re.compile("PUT .*/registries/")): "Registry",
    Fault("forward", "engine", signal.SIGKILL, DEPLOYMENT): "ManagedOnlineDeployment",
    Fault("back", "local Azure", signal.SIGKILL, DEPLOYMENT): None,
    Fault("away", "group", signal.SIGINT, re.compile("DELETE .*/deployments/ridge")): None,
}
"""Faults, and what the engine lost track of (None: it lived, and wrote down what Azure had taken)."""


SLOW = """\
Microsoft.ContainerRegistry/registries:
  create: [{state: Creating, seconds: 2}]
"""
"""Long enough to be killed in: a registry is made in a tenth of a second otherwise."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, engine: Path) -> Iterator[Bench]:
    made = Bench(Clone.make(tmp_path_factory.mktemp("killed"), engine))
    made.slow_down(SLOW)
    made.learn()
    yield made
    made.end()


@pytest.mark.parametrize("fault", SAMPLE, ids=str)
def test_the_end_is_as_without(bench: Bench, fault: Fault) -> None:
    said = bench.disturb(fault)
    assert "MISSED" not in said, said
    if (lost := SAMPLE[fault]) is not None:
        assert re.search(rf":{lost} \S+: interrupted while creating: it is in Azure, and taken", said), said


def test_two_at_once_take_turns(bench: Bench) -> None:
    first, second = bench.at_once(2)
    assert "waiting for it" in first + second
    assert not ("waiting for it" in first and "waiting for it" in second)
    both = first + second
    assert len(re.findall(r"\d+ created$", both, re.MULTILINE)) == 1, "one made it"
    assert len(re.findall(r"\d+ unchanged$", both, re.MULTILINE)) == 1, "and the other found nothing to do"


def test_what_the_engine_notes_beside_its_state_was_cut(bench: Bench) -> None:
    """It writes these files in place, so SIGKILL can leave an empty one: `failed to load checkpoint: EOF`."""
    (file,) = (bench.clone.root / ".azml/state/.pulumi/stacks").glob("*/local.json.attrs")
    file.write_bytes(b"")
    assert "notes beside a file were cut" in bench.run("recover", "--local")
    assert "unchanged" in bench.run("up", "--local")
