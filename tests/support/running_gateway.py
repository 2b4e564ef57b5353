"""Both sides of the gateway in tests: a real model server that does as its requests say, and the gateway's process."""

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KEYS = ["primary-key", "secondary-key"]


class _Handler(BaseHTTPRequestHandler):
    """Answers a JSON body such as `{"sleep": 1, "status": 500, "break": true, "stream": 3}`, or {} with 200."""

    server: "_Server"

    def do_GET(self) -> None:
        self._answer({})

    def do_HEAD(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length)
        always = self.server.model.always
        self._answer((json.loads(body) if body.startswith(b"{") else {}) if always is None else always)

    def _answer(self, wanted: dict[str, Any]) -> None:
        model = self.server.model
        with model.lock:
            model.requests.append((self.command, self.path, dict(self.headers.items())))
            model.active += 1
            model.most_active = max(model.most_active, model.active)
        with ExitStack() as working, suppress(OSError):  # the gateway hung up: what some tests are about
            working.callback(model.leave)
            self._write(wanted, working)

    def _write(self, wanted: dict[str, Any], working: ExitStack) -> None:
        self.server.model.begin()
        time.sleep(wanted.get("sleep", 0))
        if wanted.get("die"):
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        body = json.dumps({"model": self.server.model.name}).encode()
        self.send_response(wanted.get("status", 200))
        self.send_header("content-type", "application/json")
        self.send_header("x-from-model", "yes")
        if "stream" in wanted:  # no length: the answer ends with the connection
            self.end_headers()
            for piece in range(wanted["stream"]):
                self.wfile.write(b" " * wanted.get("padding", 0) + f"piece {piece}\n".encode())
                time.sleep(wanted.get("pause", 0))
            return
        if wanted.get("status") == 204:
            self.send_header("content-length", "5")  # wrong, and seen in the wild
            self.end_headers()
            return
        self.send_header("content-length", str(len(body) + (10 if wanted.get("break") else 0)))
        self.end_headers()
        working.close()  # who has the whole answer may ask the next at once, before this thread goes on
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, model: "Model") -> None:
        super().__init__(("127.0.0.1", model.port), _Handler)
        self.model = model


@dataclass
class Model:
    """A model server. `requests` are (method, path, headers) in order, `most_active` the highest concurrency seen.

    `always` is what it does whatever a request's body says.
    """

    name: str = "model"
    port: int = 0
    always: dict[str, Any] | None = None
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    active: int = 0
    most_active: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def begin(self) -> None:
        """Take a request on; what a test wants to happen first."""

    def leave(self) -> None:
        with self.lock:
            self.active -= 1

    @contextmanager
    def serving(self) -> Iterator["Model"]:
        server = _Server(self)
        self.port = server.server_address[1]
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@contextmanager
def models(*names: str) -> Iterator[list[Model]]:
    """Start one model server for each name."""
    if not names:
        yield []
        return
    with Model(names[0]).serving() as first, models(*names[1:]) as rest:
        yield [first, *rest]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def model(self) -> str:
        name: str = json.loads(self.body)["model"]
        return name


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(self._path))


class RunningGateway:
    """A gateway process and its config file."""

    def __init__(self, directory: Path, config: dict[str, Any]) -> None:
        self.port = free_port()
        self.socket = directory / "admin.sock"
        self.file = directory / "gateway.json"
        self.config: dict[str, Any] = {
            "endpoint": "churn",
            "listen": {"port": self.port},
            "admin_socket": str(self.socket),
            "auth": {"mode": "key", "keys": KEYS},
            **config,
        }
        self.save()
        self.process = subprocess.Popen([sys.executable, "-m", "azml_gateway", "--config", str(self.file)])

    def save(self) -> None:
        temporary = self.file.with_suffix(".new")
        temporary.write_text(json.dumps(self.config))
        temporary.replace(self.file)

    def wait(self) -> None:
        deadline = time.monotonic() + 10
        while True:
            assert self.process.poll() is None, "the gateway ended"
            try:
                self.call("/", "GET", key=None)
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, "the gateway does not listen"
                time.sleep(0.01)
            else:
                return

    def call(
        self,
        path: str = "/score",
        method: str = "POST",
        *,
        key: str | None = KEYS[0],
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request over its own connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        everything = dict(headers or {})
        if key is not None:
            everything["Authorization"] = f"Bearer {key}"
        try:
            raw = body if isinstance(body, bytes) else json.dumps(body or {})
            connection.request(method, path, None if method == "GET" else raw, everything)
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def calls(self, bodies: list[object]) -> list[Reply]:
        """All at once, each over its own connection."""
        with ThreadPoolExecutor(len(bodies)) as pool:
            return list(pool.map(lambda body: self.call(body=body), bodies))

    def admin(self, method: str, path: str) -> tuple[int, dict[str, Any]]:
        connection = _UnixConnection(self.socket)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
            return response.status, answer
        finally:
            connection.close()

    def reload(self, **changes: object) -> tuple[int, dict[str, Any]]:
        self.config |= changes
        self.save()
        return self.admin("POST", "/reload")

    def metrics(self) -> dict[str, Any]:
        status, answer = self.admin("GET", "/metrics")
        assert status == 200
        return answer

    def idle(self) -> bool:
        """No request is in progress any more, within a second."""
        deadline = time.monotonic() + 1
        while any(self.metrics()["active"].values()):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(10)


@contextmanager
def gateway(directory: Path, **config: object) -> Iterator[RunningGateway]:
    """Start a gateway for a config (listen, admin socket and keys are given) and end it afterwards."""
    running = RunningGateway(directory, config)
    try:
        running.wait()
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait(10)
