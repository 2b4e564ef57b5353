"""The engine's side of the protocol, as far as a provider sees it: starts the plugin, asks, and takes its messages."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc, status_pb2


class Messages(engine_pb2_grpc.EngineServicer):
    """What the provider told the user."""

    def __init__(self) -> None:
        self.said: list[tuple[str, bool]] = []

    def Log(self, request: Any, _context: Any) -> empty_pb2.Empty:  # noqa: N802 - the protocol's name
        self.said.append((request.message, request.ephemeral))
        return empty_pb2.Empty()


@dataclass
class Plugin:
    """A running provider."""

    stub: provider_pb2_grpc.ResourceProviderStub
    messages: Messages
    process: subprocess.Popen[str]

    def urn(self, kind: str, name: str = "t") -> str:
        return f"urn:pulumi:dev::p::azml:index:Parent$azml:index:{kind}::{name}"

    def check(self, kind: str, **inputs: Any) -> dict[str, Any]:
        return plain(self.checked(kind, **inputs).inputs)

    def checked(self, kind: str, **inputs: Any) -> Any:
        return self.stub.Check(provider_pb2.CheckRequest(urn=self.urn(kind), news=wire(inputs)))

    def create(self, kind: str, inputs: dict[str, Any], *, preview: bool = False) -> Any:
        request = provider_pb2.CreateRequest(urn=self.urn(kind), properties=wire(inputs), preview=preview)
        return self.stub.Create(request)

    def diff(self, kind: str, id_: str, state: dict[str, Any], old: dict[str, Any], new: dict[str, Any]) -> Any:
        return self.stub.Diff(
            provider_pb2.DiffRequest(urn=self.urn(kind), id=id_, olds=wire(state), old_inputs=wire(old), news=wire(new))
        )


def secret(value: Any) -> PropertyValue:
    """A value that the user declared secret."""
    return property_value(value).with_secret(True)


def property_value(value: Any) -> PropertyValue:
    if isinstance(value, PropertyValue):
        return value
    if isinstance(value, dict):
        return PropertyValue({key: property_value(item) for key, item in value.items()})
    if isinstance(value, list):
        return PropertyValue([property_value(item) for item in value])
    return PropertyValue(float(value) if isinstance(value, int) and not isinstance(value, bool) else value)


def wire(values: dict[str, Any]) -> Any:
    return PropertyValue.marshal_map({key: property_value(value) for key, value in values.items()})


def plain(struct: Any) -> dict[str, Any]:
    """Values without their marks, by the SDK's own reader."""

    def value(item: PropertyValue) -> Any:
        inner: Any = item.value
        if item.type.name == "MAP":
            return {key: value(each) for key, each in inner.items()}
        return [value(each) for each in inner] if item.type.name == "ARRAY" else inner

    return {key: value(item) for key, item in PropertyValue.unmarshal_map(struct).items()}


def init_failed(error: grpc.RpcError) -> Any:
    """The detail that keeps a failed resource in state, if the error has one."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            detail = provider_pb2.ErrorResourceInitFailed()
            assert status.details[0].Unpack(detail)
            return detail
    return None


@contextmanager
def running(environment: dict[str, str]) -> Iterator[Plugin]:
    """Start the plugin as the language host does, and an engine that listens to it."""
    messages = Messages()
    server = grpc.server(ThreadPoolExecutor(4))
    engine_pb2_grpc.add_EngineServicer_to_server(messages, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    process = subprocess.Popen(
        [sys.executable, "-m", "azml", f"127.0.0.1:{port}"], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
        plugin = Plugin(provider_pb2_grpc.ResourceProviderStub(channel), messages, process)
        plugin.stub.Configure(provider_pb2.ConfigureRequest())
        yield plugin
    process.terminate()
    process.wait(10)
    process.stdout.close()
    server.stop(None)


def later(seconds: float, what: Any) -> None:
    """Do something while a call is under way."""
    threading.Timer(seconds, what).start()
