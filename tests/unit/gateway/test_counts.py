"""What the gateway writes down, read as its documentation says it looks."""

import json
import signal
import time
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from azml_gateway.counts import Second, append, milliseconds, read, step
from tests.support.running_gateway import RunningGateway, gateway, models


def lines(folder: Path) -> list[dict[str, list[list[int]]]]:
    """Every whole line."""
    return [json.loads(line) for file in sorted(folder.iterdir()) for line in file.read_text().splitlines() if line]


def requests(folder: Path, kind: str = "live") -> Counter[tuple[object, ...]]:
    """Sum by deployment, status and the model's status."""
    found: Counter[tuple[object, ...]] = Counter()
    for line in lines(folder):
        for deployment, status, model_status, _, count in line.get(kind, []):
            found[deployment, status, model_status] += count
    return found


def written(endpoint: RunningGateway, folder: Path, number: int) -> None:
    """Wait until so many requests are on disk."""
    end = time.monotonic() + 5
    while not folder.exists() or sum(requests(folder).values()) < number:
        assert time.monotonic() < end, endpoint.metrics()
        time.sleep(0.05)


def test_every_request_is_written_down(tmp_path: Path) -> None:
    folder, begun = tmp_path / "counts", int(time.time())
    with models("blue", "shadow") as [blue, shadow]:
        deployments = {
            "blue": {"instances": [blue.address], "request_timeout_s": 0.2},
            "shadow": {"instances": [shadow.address], "max_concurrent": 10},
        }
        with gateway(
            tmp_path, traffic={"blue": 100}, mirror={"shadow": 50}, deployments=deployments, counts=str(folder)
        ) as endpoint:
            for body in ({}, {}, {"status": 500}, {"sleep": 0.5}):
                endpoint.call(body=body)
            endpoint.call(key="wrong")
            endpoint.call("/", "GET", key=None)  # liveness is no request to the endpoint
            assert endpoint.idle()
            assert endpoint.stop() == 0
    assert requests(folder) == {("blue", 200, 200): 2, ("blue", 424, 500): 1, ("blue", 408, 0): 1, ("", 401, 0): 1}
    assert sum(requests(folder, "mirror").values()) == 2
    assert set(lines(folder)[0]) <= {"t", "connections", "live", "mirror"}
    seconds = list(read(folder, begun, time.time() + 1))
    assert sum(second.connected for second in seconds) >= 6
    assert all(begun <= second.at <= time.time() for second in seconds)
    (slow,) = [key[3] for second in seconds for key in second.live if key[1] == 408]
    assert 195 < milliseconds(slow) < 450


def test_counts_outlive_a_killed_gateway(tmp_path: Path) -> None:
    """Up to the second it was in; and the next gateway goes on in the same file, whatever the last line looks like."""
    folder = tmp_path / "counts"
    with models("m") as [model]:
        config = {"traffic": {"m": 100}, "deployments": {"m": {"instances": [model.address]}}, "counts": str(folder)}
        with gateway(tmp_path, **config) as endpoint:
            for _ in range(3):
                endpoint.call()
            written(endpoint, folder, 3)
            endpoint.process.send_signal(signal.SIGKILL)
            endpoint.process.wait()
        (file,) = folder.iterdir()
        cut = file.read_bytes() + b'\n{"t": 12, "live": [["m", 2'
        file.write_bytes(cut)
        with gateway(tmp_path, **config) as endpoint:
            endpoint.call()
            endpoint.stop()
    seconds = read(folder, 0, time.time() + 1)
    assert sum(count for second in seconds for count in second.live.values()) == 4


def test_a_folder_that_cannot_be_written_to_costs_no_request(tmp_path: Path) -> None:
    (tmp_path / "counts").write_text("a file")
    with models("m") as [model]:
        config = {"traffic": {"m": 100}, "deployments": {"m": {"instances": [model.address]}}}
        with gateway(tmp_path, **config, counts=str(tmp_path / "counts")) as endpoint:
            assert endpoint.call().status == 200
            time.sleep(1.2)  # past the moment of writing
            assert endpoint.call().status == 200
            assert endpoint.metrics()["deployments"]["m"]["status"] == {"200": 2}


def test_only_a_day_is_kept(tmp_path: Path) -> None:
    now = 500_000 * 3600
    for hours in (30, 25, 24, 1, 0):
        append(tmp_path, Second(now - hours * 3600, connected=1))
    assert [second.at for second in read(tmp_path, 0, now + 1)] == [now - 24 * 3600, now - 3600, now]
    assert list(read(tmp_path / "nowhere", 0, now)) == []


@given(st.floats(0, 1000))
def test_a_step_is_at_most_one_percent_from_any_latency_in_it(seconds: float) -> None:
    said = milliseconds(step(seconds))
    assert abs(said - seconds * 1000) <= 0.01 * (seconds * 1000 + 0.001)
