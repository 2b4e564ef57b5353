"""The plugin answering over gRPC, configured against a small ARM."""

from collections.abc import Iterator

import pytest

from azml_local.azure_native.provider import Provider
from azml_local.stand_in import server
from azml_local.stand_in.engine import Engine
from tests.support.provider_client import Client
from tests.support.tiny_arm import TinyArm, tiny_arm


@pytest.fixture(name="arm")
def _arm(monkeypatch: pytest.MonkeyPatch) -> Iterator[TinyArm]:
    with tiny_arm() as arm:
        for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET", "SUBSCRIPTION_ID"):
            monkeypatch.delenv(f"ARM_{name}", raising=False)
        for key, value in arm.environment.items():
            monkeypatch.setenv(key, value)
        yield arm


@pytest.fixture(name="unconfigured")
def _unconfigured() -> Iterator[Client]:
    engine = Engine(None)
    provider = Provider("3.29.0", engine)
    running, port = server.serve("azure-native", provider, engine)
    client = Client(port)
    yield client
    client.channel.close()
    running.stop(grace=None).wait()
    provider.close()


@pytest.fixture(name="client")
def _client(arm: TinyArm, unconfigured: Client) -> Client:
    unconfigured.configure()
    return unconfigured
