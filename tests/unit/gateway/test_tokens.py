import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.running_gateway import gateway, models


class _Verifier(BaseHTTPRequestHandler):
    """Accepts the token `good`."""

    server: "_Server"

    def do_GET(self) -> None:
        self.server.asked.append(self.headers["authorization"])
        self.send_response(200 if self.headers["authorization"] == "Bearer good" else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Verifier)
        self.asked: list[str] = []


@contextmanager
def verifier() -> Iterator[_Server]:
    server = _Server()
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def config(server: _Server, address: str, cache_s: float) -> dict[str, object]:
    auth = {"mode": "token", "verify": f"127.0.0.1:{server.server_address[1]}", "cache_s": cache_s}
    return {"auth": auth, "traffic": {"blue": 100}, "deployments": {"blue": {"instances": [address]}}}


def test_the_verifier_decides_and_a_yes_is_remembered(tmp_path: Path) -> None:
    with models("m") as [model], verifier() as judge, gateway(tmp_path, **config(judge, model.address, 60)) as endpoint:
        assert [endpoint.call(key="good").status for _ in range(3)] == [200, 200, 200]
        assert judge.asked == ["Bearer good"]
        refused = [endpoint.call(key="bad") for _ in range(2)]
        assert judge.asked == ["Bearer good", "Bearer bad", "Bearer bad"]
        assert endpoint.call(key=None).status == 401
    assert [each.status for each in refused] == [401, 401]
    assert "token" in refused[0].body.decode()


def test_without_a_cache_every_request_is_checked(tmp_path: Path) -> None:
    with models("m") as [model], verifier() as judge, gateway(tmp_path, **config(judge, model.address, 0)) as endpoint:
        assert [endpoint.call(key="good").status for _ in range(2)] == [200, 200]
        assert len(judge.asked) == 2


def test_a_verifier_that_is_gone_is_503_not_an_open_door(tmp_path: Path) -> None:
    with models("m") as [model]:
        with verifier() as judge:
            settings = config(judge, model.address, 0)
        with gateway(tmp_path, **settings) as endpoint:
            assert endpoint.call(key="good").status == 503
        assert model.requests == []
