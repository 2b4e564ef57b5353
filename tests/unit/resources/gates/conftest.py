"""Releases behind a real gateway, as own requests and Azure Monitor see them."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from azml.resources.arm_id import ArmId
from azml.resources.gates import ask
from azml.resources.gates.verdict import Outcome, Verdict
from azml.resources.handler import ML
from tests.support.running_gateway import RunningGateway, gateway
from tests.unit.resources.conftest import Azure

NEW, OLD = "ridge-new", "ridge-old"


@dataclass
class Model:
    """A scoring server. `answer` says what a request body gets: status and what is sent as JSON."""

    answer: Callable[[Any], tuple[int, Any]] = lambda _body: (200, [1.0, 2.0])
    swagger: dict[str, Any] = field(default_factory=dict)
    """OpenAPI documents by version; "" without one being asked for. Others are 404."""
    seconds: Callable[[int], float] = lambda _number: 0.0
    """How long the nth request takes, from 1."""
    asked: list[Any] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    connections: int = 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def setup(self) -> None:
        super().setup()
        self.server.model.connections += 1

    def do_GET(self) -> None:
        document = self.server.model.swagger.get(self.path.partition("?version=")[2])
        self._send((200, document) if document is not None else (404, {"message": "Swagger version is not valid."}))

    def do_POST(self) -> None:
        model = self.server.model
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        model.asked.append(body)
        model.at.append(time.monotonic())
        time.sleep(model.seconds(len(model.asked)))
        self._send(model.answer(body))

    def _send(self, answer: tuple[int, Any]) -> None:
        status, content = answer
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, model: Model) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.model = model


@contextmanager
def serving(model: Model) -> Iterator[str]:
    """Run it; its address."""
    server = _Server(model)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Releases:
    """An endpoint with two releases behind its gateway: all live requests go to the old one."""

    azure: Azure
    endpoint: ArmId
    gateway: RunningGateway
    models: dict[str, Model]
    folder: Path
    uri: list[str]
    """Where endpoints that are made answer: the last one."""

    @property
    def new(self) -> Model:
        return self.models[NEW]

    @property
    def old(self) -> Model:
        return self.models[OLD]

    def file(self, content: Any, name: str = "request.json") -> str:
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def asked(self, gates: dict[str, Any], live: str | None = OLD) -> list[Verdict]:
        return ask.before_live(self.azure.work(), gates, self.endpoint, NEW, live)

    def verdict(self, gates: dict[str, Any], live: str | None = OLD) -> Verdict:
        (found,) = self.asked(gates, live)
        return found

    def elsewhere(self, uri: str) -> "Releases":
        """The same with another endpoint, which answers at this address."""
        self.uri.append(uri)
        return replace(self, endpoint=ArmId.parse(self.azure.endpoint()))

    def limit(self, deployment: str, **settings: Any) -> None:
        self.gateway.config["deployments"][deployment] |= settings
        assert self.gateway.reload()[0] == 200


@pytest.fixture(scope="module")
def served(shared: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Releases]:
    """An endpoint for all tests of a file."""
    folder = tmp_path_factory.mktemp("gateway")
    models = {NEW: Model(), OLD: Model()}
    with ExitStack() as running:
        addresses = {name: running.enter_context(serving(model)) for name, model in models.items()}
        config = {name: {"instances": [address]} for name, address in addresses.items()}
        ends = running.enter_context(gateway(folder, traffic={OLD: 100}, deployments=config))
        patch = running.enter_context(pytest.MonkeyPatch.context())
        uri = [f"http://127.0.0.1:{ends.port}/score"]

        async def put_endpoint(_endpoint: object) -> str:
            return uri[-1]

        patch.setattr(shared.plane, "put_endpoint", put_endpoint)
        endpoint = shared.endpoint()
        shared.endpoints.remove(endpoint)  # it is there longer than one test
        keys = shared.arm.post(f"{endpoint}/listKeys", ML)
        ends.reload(auth={"mode": "key", "keys": [keys["primaryKey"], keys["secondaryKey"]]})
        yield Releases(shared, ArmId.parse(endpoint), ends, models, folder, uri)


@pytest.fixture
def releases(served: Releases, azure: Azure, tmp_path: Path) -> Iterator[Releases]:
    """Both releases answer well and at once; what a test changes is put back."""
    config = deepcopy(served.gateway.config)
    for model in served.models.values():
        vars(model).update(vars(Model()))
    yield replace(served, azure=azure, folder=tmp_path)
    served.gateway.reload(**config)


def outcomes(verdicts: list[Verdict]) -> dict[str, Outcome]:
    return {verdict.gate: verdict.outcome for verdict in verdicts}
