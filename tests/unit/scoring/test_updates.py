"""Updates in place, probes and memory: instances one by one, while the others serve."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from azml_local.scoring import Deployment, DeploymentFailed, Probe
from azml_local.scoring.contract import Updates
from azml_local.scoring.fleet import Fleet
from tests.support.scoring_plane import ENDPOINT, PATIENT, QUICK, SCORE, Load, Rig, rig, until

BLUE = f"{ENDPOINT.id}/deployments/blue"


class Node:
    """An instance without a process, which counts who serves whenever one comes or goes."""

    def __init__(self, address: str, seen: Callable[[], None]) -> None:
        self.address: str | None = address
        self.up = True
        self._seen = seen

    async def stop(self) -> None:
        self.address, self.up = None, False
        self._seen()


class Nodes:
    """A generation whose instances are there at once; the `broken`th start fails."""

    def __init__(self, name: str, instances: int, seen: Callable[[], None], broken: int = 0, **more: Any) -> None:
        self.deployment = Deployment("id", "blue", "endpoint", instances=instances, **more)
        self.instances: list[Any] = []
        self._name, self._seen, self._broken, self._starts = name, seen, broken, 0

    async def start(self, count: int) -> None:
        self._starts += 1
        if self._starts == self._broken:
            raise DeploymentFailed("ResourceNotReady", "broken")
        self.instances += [Node(f"{self._name}{self._starts}.{each}", self._seen) for each in range(count)]
        self._seen()

    async def end(self) -> None:
        for each in self.instances:
            await each.stop()

    def note(self, _line: str) -> None:
        pass


def roll(instances: int, wanted: int | None = None, broken: int = 0, **rules: Any) -> tuple[list[int], list[str]]:
    """Update so many instances: how many served at each moment, and who serves afterwards."""
    served: list[int] = []
    fleet: Fleet

    async def told() -> None:
        served.append(len(fleet.addresses))

    async def drained(_addresses: object, _limit_s: float) -> None:
        pass

    async def run() -> list[str]:
        nonlocal fleet
        old: Any = Nodes("old", instances, lambda: None)
        new: Any = Nodes("new", wanted or instances, lambda: None, broken, updates=Updates(**rules))
        fleet = Fleet(old.deployment, told, drained)
        await fleet.begin(old, lambda _: None)
        try:
            await fleet.update(new, lambda _: None)
        except DeploymentFailed:
            assert broken
        return [each[:3] for each in fleet.addresses]

    return served, asyncio.run(run())


@pytest.mark.parametrize(
    ("instances", "at_a_time", "fewest"), [(10, 2, 8), (20, 4, 16), (14, 2, 12), (5, 1, 4), (2, 1, 1), (1, 1, 1)]
)
def test_twenty_percent_of_the_nodes_are_updated_at_a_time(instances: int, at_a_time: int, fewest: int) -> None:
    """Ten nodes, two at a time: how-to-deploy-online-endpoints. One node has a successor before it goes."""
    served, left = roll(instances)
    assert min(served) == fewest
    assert max(abs(one - other) for one, other in pairwise(served)) == at_a_time
    assert left == ["new"] * instances


@pytest.mark.parametrize(("instances", "fewest", "most"), [(10, 10, 12), (5, 5, 6), (1, 1, 2)])
def test_within_the_reserve_as_many_serve_as_before(instances: int, fewest: int, most: int) -> None:
    served, left = roll(instances, capacity="reserve")
    assert (min(served), max(served)) == (fewest, most)
    assert left == ["new"] * instances


def test_an_only_instance_may_be_interrupted() -> None:
    served, left = roll(1, capacity="interrupted")
    assert (served, left) == ([0, 1, 1], ["new"])


@pytest.mark.parametrize(("instances", "wanted"), [(2, 5), (5, 2), (10, 1)])
def test_an_update_may_scale_too(instances: int, wanted: int) -> None:
    assert roll(instances, wanted)[1] == ["new"] * wanted


@pytest.mark.parametrize(
    ("broken", "failed", "left"),
    [
        (1, "stops", {"old": 8}),
        (3, "stops", {"new": 4, "old": 4}),
        (1, "rolls_back", {"old": 10}),
        (3, "rolls_back", {"old": 10}),
    ],
)
def test_what_an_update_that_fails_leaves(broken: int, failed: str, left: dict[str, int]) -> None:
    """ "Only the 20% of the nodes are in failed state and will not take any traffic; the rest 80% will be serving."""
    served, serving = roll(10, broken=broken, failed=failed)
    assert {name: serving.count(name) for name in sorted(set(serving))} == left
    assert min(served) >= 4


def play(directory: Path, scenario: Callable[[Rig], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        async with rig(directory) as made:
            await scenario(made)

    asyncio.run(run())


def test_a_rolling_update_fails_no_request_and_one_that_fails_stops(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.put(rig.deployment(version="old", instances=2))
        async with Load(rig.uri) as load:
            await rig.put(rig.deployment(version="new", instances=2))
        assert {each.status for each in load.answers} == {200}
        assert await versions(rig) == ["new", "new"]
        assert len(rig.children()) == 5  # the gateway, two servers, a worker each

        once = tmp_path / "once"  # the second instance that starts finds it taken
        broken = SCORE.replace("    pass\n", f"    os.mkdir({str(once)!r})\n")
        async with Load(rig.uri) as load:
            with pytest.raises(DeploymentFailed, match="FileExistsError"):
                await rig.put(rig.deployment(broken, version="broken", instances=2))
        assert {each.status for each in load.answers} == {200}
        assert (await rig.result())["version"] == "broken"  # what its update ended is not started again
        assert len(rig.children()) == 3
        assert "FileExistsError" in log(rig)
        assert "the update stops; 1 of 2 instances were updated" in log(rig)
        assert len(list((rig.home / "deployments").glob("*/*/code"))) == 1

    play(tmp_path, scenario)


async def versions(rig: Rig) -> list[str]:
    """Ask two instances at once."""
    answers = await asyncio.gather(*(rig.result(sleep=0.5) for _ in range(2)))
    return sorted(each["version"] for each in answers)


def test_an_instance_that_is_not_ready_gets_no_requests_and_comes_back(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        quick = Probe(initial_delay_s=0, period_s=0.2, timeout_s=0.2, success_threshold=2, failure_threshold=2)
        await rig.put(rig.deployment(readiness=quick, startup=PATIENT, request_timeout_s=5))
        pid = (await rig.result())["pid"]
        busy = asyncio.create_task(rig.score(sleep=2))  # the only worker: the probe waits behind it
        await until(lambda: "failed its readiness probe: it gets no requests" in log(rig))
        assert (await rig.score()).status == 503
        assert (await busy).status == 200  # what it works on is not broken off
        await until(lambda: "passed its readiness probe: it gets requests" in log(rig))
        assert (await rig.result())["pid"] == pid

    play(tmp_path, scenario)


def test_liveness_is_not_asked_before_a_startup_probe_succeeds(tmp_path: Path) -> None:
    slow = SCORE.replace("    pass\n", "    time.sleep(2)\n")

    async def scenario(rig: Rig) -> None:
        with pytest.raises(DeploymentFailed, match="failed its liveness probe 2 times") as caught:
            await rig.put(rig.deployment(slow, liveness=QUICK))
        assert "init() takes longer than the liveness probe allows" in caught.value.message
        await rig.put(rig.deployment(slow, liveness=QUICK, startup=PATIENT))
        assert (await rig.score()).status == 200

    play(tmp_path, scenario)


LEAKS = """
import json
kept = []
def init():
    pass
def run(data):
    kept.append(bytearray(json.loads(data).get("leak", 0) << 20))
    return len(kept)
"""


def test_an_instance_that_takes_too_much_memory_is_killed_and_started_again(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.put(rig.deployment(LEAKS, memory_bytes=300 << 20))
        server = next(each for each in rig.children() if "azureml_inference_server_http" in each.cmdline())
        assert (await rig.score(leak=20)).status == 200
        await asyncio.sleep(1.5)
        assert server.is_running()
        assert (await rig.score(leak=300)).status in (200, 503)
        await until(lambda: not server.is_running())
        await until(lambda: "OOMKilled, its processes used" in log(rig))
        assert "of the 300 MiB that its instance type has; it is started again in 0.5 s" in log(rig)
        await until(lambda: log(rig).count("is ready again") == 1)
        assert (await rig.score(leak=1)).body == 1
        greedy = LEAKS.replace("    pass", "    kept.append(bytearray(400 << 20))\n    import time; time.sleep(30)")
        with pytest.raises(DeploymentFailed, match="OOMKilled") as caught:
            await rig.put(replace(rig.deployment(greedy), memory_bytes=300 << 20))
        assert "Choose a larger instance_type" in caught.value.message
        assert (await rig.score(leak=1)).status == 200  # an only instance goes after its successor is there

    play(tmp_path, scenario)


def log(rig: Rig) -> str:
    return rig.plane.logs(BLUE, "InferenceServer", 500)
