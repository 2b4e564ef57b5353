"""Messages to the engine."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as wire

from azml_local.azure_native.provider import Provider
from azml_local.stand_in import server
from azml_local.stand_in.engine import Engine
from tests.support.provider_client import Client, Failure
from tests.support.tiny_arm import SUBSCRIPTION, TinyArm

GROUP = "azure-native:resources:ResourceGroup"
RG = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"


class Log(engine_pb2_grpc.EngineServicer):
    def __init__(self) -> None:
        self.said: list[tuple[int, str, str]] = []

    def Log(self, request: engine_pb2.LogRequest, _context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: N802
        self.said.append((request.severity, request.urn, request.message))
        return empty_pb2.Empty()


@pytest.fixture(name="heard")
def _heard(arm: TinyArm) -> Iterator[tuple[Client, Log]]:
    """A plugin whose engine listens."""
    log = Log()
    listening = grpc.server(ThreadPoolExecutor(2))
    engine_pb2_grpc.add_EngineServicer_to_server(log, listening)
    engine = Engine(f"127.0.0.1:{listening.add_insecure_port('127.0.0.1:0')}")
    listening.start()
    provider = Provider("3.29.0", engine)
    running, port = server.serve("azure-native", provider, engine)
    client = Client(port)
    client.configure()
    yield client, log
    client.channel.close()
    running.stop(grace=None).wait()
    listening.stop(grace=None).wait()
    provider.close()


def test_a_read_that_fails_after_a_write_warns(arm: TinyArm, heard: tuple[Client, Log]) -> None:
    client, log = heard
    arm.script("GET", RG, (404, {}, None), (403, {}, {"error": {"code": "No", "message": "not you"}}))
    client.create(GROUP, {"resourceGroupName": "rg", "location": "x"})
    urn = f"urn:pulumi:dev::project::{GROUP}::thing"
    told = 'Failed to read resource after Create: Status=403 Code="No" Message="not you"'
    assert log.said == [(engine_pb2.WARNING, urn, told)]


def test_an_unexpected_failure_is_one_line_and_the_rest_is_for_debugging(
    arm: TinyArm, heard: tuple[Client, Log], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback reaches a user."""
    client, log = heard
    monkeypatch.setattr("azml_local.azure_native.crud.create", lambda *_: 1 / 0)
    with pytest.raises(Failure) as caught:
        client.create(GROUP, {"resourceGroupName": "rg", "location": "x"})
    told = "azure-native stand-in: Create failed unexpectedly: ZeroDivisionError: division by zero"
    assert caught.value.message == told
    (severity, _, text), *more = log.said
    assert (severity, more) == (engine_pb2.DEBUG, [])
    assert "Traceback" in text


def test_an_engine_that_is_gone_is_no_failure(arm: TinyArm) -> None:
    Engine("127.0.0.1:1").warn("urn", "text")
    Engine(None).warn("urn", "text")


def test_calls_that_are_not_emulated_say_so(unconfigured: Client) -> None:
    with pytest.raises(Failure, match="Method not found"):
        unconfigured.call("Construct", wire.ConstructRequest())
