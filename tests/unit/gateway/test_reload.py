import http.client
import socket
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.running_gateway import KEYS, RunningGateway, gateway, models


def load(endpoint: RunningGateway, until: threading.Event) -> list[int]:
    """Request after request over one connection; the statuses. A dropped connection is an exception."""
    connection = http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=10)
    statuses = []
    while not until.is_set():
        connection.request("POST", "/score", b"{}", {"Authorization": f"Bearer {KEYS[0]}"})
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
    connection.close()
    return statuses


def test_traffic_moves_under_load_without_a_failed_request(tmp_path: Path) -> None:
    with models("a", "b") as [a, b]:
        deployments = {each.name: {"instances": [each.address], "max_concurrent": 8} for each in (a, b)}
        with gateway(tmp_path, traffic={"a": 100}, deployments=deployments) as endpoint:
            done = threading.Event()
            with ThreadPoolExecutor(4) as pool:
                callers = [pool.submit(load, endpoint, done) for _ in range(4)]
                for generation in range(2, 12):
                    share = generation * 5
                    answer = endpoint.reload(traffic={"a": 100 - share, "b": share})
                    assert answer == (200, {"generation": generation})
                    time.sleep(0.05)
                assert endpoint.reload(traffic={"b": 100}, deployments={"b": deployments["b"]})[0] == 200
                after = len(a.requests)
                time.sleep(0.1)
                done.set()
                statuses = [status for each in callers for status in each.result()]
            assert set(statuses) == {200}
            assert len(statuses) == len(a.requests) + len(b.requests)
            assert len(a.requests) <= after + 4  # at most what was under way
            assert b.requests


def test_a_request_under_way_finishes_on_an_instance_that_left(tmp_path: Path) -> None:
    with models("old", "new") as [old, new]:
        config = {"traffic": {"blue": 100}, "deployments": {"blue": {"instances": [old.address]}}}
        with gateway(tmp_path, **config) as endpoint, ThreadPoolExecutor(1) as pool:
            slow = pool.submit(endpoint.call, body={"sleep": 0.5})
            while not old.active:
                time.sleep(0.01)
            endpoint.reload(deployments={"blue": {"instances": [new.address]}})
            assert endpoint.metrics()["active"] == {new.address: 0, old.address: 1}
            assert endpoint.call().model == "new"
            assert slow.result().model == "old"
            endpoint.reload()
            assert endpoint.metrics()["active"] == {new.address: 0}


def test_a_body_that_is_still_coming_when_its_deployment_goes_reaches_the_next_one(tmp_path: Path) -> None:
    """A slow upload outlives the release that it was meant for: it loses no answer by that."""
    with models("old", "new") as [old, new]:
        deployments = {each.name: {"instances": [each.address]} for each in (old, new)}
        with gateway(tmp_path, traffic={"old": 100}, deployments=deployments) as endpoint:
            head = f"POST /score HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEYS[0]}\r\ncontent-length: 2\r\n"
            with socket.create_connection(("127.0.0.1", endpoint.port), timeout=10) as caller:
                caller.sendall(head.encode() + b"expect: 100-continue\r\n\r\n{")
                assert caller.recv(4096).startswith(b"HTTP/1.1 100"), "a deployment is chosen"
                endpoint.reload(traffic={"new": 100}, deployments={"new": deployments["new"]})
                caller.sendall(b"}")
                assert caller.recv(4096).startswith(b"HTTP/1.1 200")
            assert [len(each.requests) for each in (old, new)] == [0, 1]


def test_keys_change_at_once(tmp_path: Path) -> None:
    with models("m") as [model]:
        config = {"traffic": {"m": 100}, "deployments": {"m": {"instances": [model.address]}}}
        with gateway(tmp_path, **config) as endpoint:
            endpoint.reload(auth={"mode": "key", "keys": ["fresh", KEYS[1]]})
            assert [endpoint.call(key=key).status for key in (KEYS[0], KEYS[1], "fresh")] == [401, 200, 200]


def test_a_bad_config_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    with models("m") as [model]:
        config = {"traffic": {"m": 100}, "deployments": {"m": {"instances": [model.address]}}}
        with gateway(tmp_path, **config) as endpoint:
            status, answer = endpoint.reload(traffic={"m": 300})
            assert status == 400
            assert "300" in answer["error"]
            status, answer = endpoint.reload(traffic={"m": 100}, listen={"port": 1})
            assert status == 400
            assert "port" in answer["error"]
            assert endpoint.metrics()["generation"] == 1
            assert endpoint.call().status == 200


def test_an_unchanged_split_goes_on_where_it_was(tmp_path: Path) -> None:
    with models("a", "b") as [a, b]:
        deployments = {each.name: {"instances": [each.address]} for each in (a, b)}
        with gateway(tmp_path, traffic={"a": 99, "b": 1}, deployments=deployments) as endpoint:
            for _ in range(100):
                endpoint.call()
                endpoint.reload()
        assert (len(a.requests), len(b.requests)) == (99, 1)


def test_sigterm_lets_requests_finish_and_takes_no_new_ones(tmp_path: Path) -> None:
    with models("m") as [model]:
        config = {"traffic": {"m": 100}, "deployments": {"m": {"instances": [model.address]}}}
        with gateway(tmp_path, **config) as endpoint, ThreadPoolExecutor(1) as pool:
            slow = pool.submit(endpoint.call, body={"sleep": 0.8})
            while not model.active:
                time.sleep(0.01)
            endpoint.process.terminate()
            time.sleep(0.3)
            assert endpoint.process.poll() is None
            try:
                endpoint.call("/", "GET", key=None)
                refused = False
            except ConnectionRefusedError:
                refused = True
            assert slow.result().status == 200
            endpoint.process.wait(5)
    assert refused


def test_draining_has_an_end(tmp_path: Path) -> None:
    with models("m") as [model]:
        settings = {"instances": [model.address], "request_timeout_s": 60}
        config = {"traffic": {"m": 100}, "deployments": {"m": settings}, "drain_s": 1}
        with gateway(tmp_path, **config) as endpoint, ThreadPoolExecutor(1) as pool:
            slow = pool.submit(endpoint.call, body={"sleep": 4})
            while not model.active:
                time.sleep(0.01)
            endpoint.process.terminate()
            endpoint.process.wait(3)
            with pytest.raises((http.client.HTTPException, ConnectionError)):
                slow.result()


def test_only_the_owner_reaches_the_admin_socket_and_only_two_commands_exist(tmp_path: Path) -> None:
    with gateway(tmp_path) as endpoint:
        assert stat.S_IMODE(endpoint.socket.stat().st_mode) == 0o600
        assert endpoint.admin("GET", "/reload")[0] == 404
        assert endpoint.admin("POST", "/score")[0] == 404
        assert endpoint.call("/metrics", "GET").status == 404  # nothing of it on the endpoint's own port
