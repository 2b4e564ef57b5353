"""The engine is asked for azml's plugin before anything else is imported, and nobody waits for the answer."""

import gc
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

import grpc
import pytest
from pulumi.runtime import mocks, settings
from pulumi.runtime.proto import provider_pb2, resource_pb2, resource_pb2_grpc

from azml.plugin_start import start_plugin


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """An engine that is slow to answer."""

    def __init__(self) -> None:
        self.asked: list[resource_pb2.ResourceInvokeRequest] = []
        self.came, self.may_answer = threading.Event(), threading.Event()

    def Invoke(self, request: resource_pb2.ResourceInvokeRequest, context: object) -> provider_pb2.InvokeResponse:  # noqa: N802, ARG002 - the protocol's
        self.asked.append(request)
        self.came.set()
        self.may_answer.wait(30)
        return provider_pb2.InvokeResponse()


@pytest.fixture
def monitor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Monitor]:
    monitor, server = Monitor(), grpc.server(ThreadPoolExecutor(1))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        monkeypatch.setattr(settings.SETTINGS, "monitor", resource_pb2_grpc.ResourceMonitorStub(channel))
        yield monitor
        monitor.may_answer.set()
        server.stop(None).wait()


def test_the_engine_is_asked_for_the_plugin_of_this_version_and_not_waited_for(monitor: Monitor) -> None:
    start_plugin()
    gc.collect()
    assert monitor.came.wait(30)
    (request,) = monitor.asked
    assert request.tok.split(":")[0] == "azml"
    assert request.version == version("azml")


def test_without_an_engine_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings.SETTINGS, "monitor", mocks.MockMonitor(_None()))
    start_plugin()


class _None(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, object]]:
        raise AssertionError(args.name)

    def call(self, args: mocks.MockCallArgs) -> dict[str, object]:
        raise AssertionError(args.token)
