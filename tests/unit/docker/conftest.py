"""The plugin answering over gRPC, a program's folder with a context in it, and a small registry."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as wire

from azml_local.docker.provider import Provider
from azml_local.stand_in import server
from azml_local.stand_in.engine import Engine
from tests.support.provider_client import Client
from tests.support.tiny_registry import PASSWORD, USER, TinyRegistry, tiny_registry

DOCKERFILE = """FROM mcr.microsoft.com/base:1
COPY code /var/azureml-app/code
COPY models /var/azureml-app/azureml-models
ENV AZML_PORT=5001
ENTRYPOINT ["python", "-m", "azml_gateway.container"]
"""


class Heard(engine_pb2_grpc.EngineServicer):
    """What the plugin told the engine: severity, text, whether in the status line only."""

    def __init__(self) -> None:
        self.said: list[tuple[int, str, bool]] = []

    def Log(self, request: engine_pb2.LogRequest, _context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: N802
        self.said.append((request.severity, request.message, request.ephemeral))
        return empty_pb2.Empty()

    def warnings(self) -> list[str]:
        return [text for severity, text, _ in self.said if severity == engine_pb2.WARNING]

    def status(self) -> list[str]:
        return [text for severity, text, ephemeral in self.said if ephemeral and severity == engine_pb2.INFO]


@dataclass
class Program:
    """The folder that a program runs in: relative paths begin here."""

    folder: Path
    registry: TinyRegistry
    more: dict[str, Any] = field(default_factory=dict)

    def write(self, name: str, text: str = "x", mode: int = 0o644) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    def inputs(self, **more: Any) -> dict[str, Any]:
        """Inputs as azml gives them."""
        return {
            "imageName": f"{self.registry.host}/diabetes:t1",
            "build": {"context": "ctx", "dockerfile": "ctx/Dockerfile", "platform": "linux/amd64"},
            "registry": {"server": self.registry.host, "username": USER, "password": PASSWORD},
            "skipPush": False,
            "buildOnPreview": False,
            **more,
        }


@pytest.fixture(name="registry")
def _registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TinyRegistry]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    with tiny_registry(tmp_path) as registry:
        monkeypatch.setenv("SSL_CERT_FILE", str(registry.bundle))
        yield registry


@pytest.fixture(name="program")
def _program(tmp_path: Path, registry: TinyRegistry, monkeypatch: pytest.MonkeyPatch) -> Program:
    folder = tmp_path / "stacks"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    program = Program(folder, registry)
    program.write("ctx/Dockerfile", DOCKERFILE)
    program.write("ctx/code/score.py", "def run(data): ...\n")
    program.write("ctx/models/diabetes/1/model.bin", "weights")
    return program


@pytest.fixture(name="heard")
def _heard() -> Heard:
    return Heard()


@pytest.fixture(name="client")
def _client(heard: Heard, registry: TinyRegistry) -> Iterator[Client]:
    listening = grpc.server(ThreadPoolExecutor(2))
    engine_pb2_grpc.add_EngineServicer_to_server(heard, listening)
    engine = Engine(f"127.0.0.1:{listening.add_insecure_port('127.0.0.1:0')}")
    listening.start()
    running, port = server.serve("docker", Provider("5.2.0", engine), engine)
    client = Client(port)
    client.call("Configure", wire.ConfigureRequest())
    yield client
    client.channel.close()
    running.stop(grace=None).wait()
    listening.stop(grace=None).wait()
