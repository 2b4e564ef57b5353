"""Keys of a service, through the provider as the engine meets it: made once, secret everywhere, the same ever after."""

import os
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2

from tests.support import provider_plugin
from tests.support.provider_plugin import Plugin, plain, wire

KEYS = "ServiceKeys"
NAMES = ["primaryKey", "secondaryKey"]


@pytest.fixture(scope="module", name="plugin")
def _plugin() -> Iterator[Plugin]:
    with provider_plugin.running({**os.environ}) as found:
        yield found


@pytest.fixture(name="made")
def _made(plugin: Plugin) -> provider_pb2.CreateResponse:
    inputs = plugin.check(KEYS, service="diabetes")
    created: provider_pb2.CreateResponse = plugin.create(KEYS, inputs)
    return created


def values(struct: Any) -> dict[str, Any]:
    return {name: value for name, value in plain(struct).items() if name in NAMES}


def test_two_secrets_that_differ_and_that_no_other_service_has(plugin: Plugin, made: Any) -> None:
    found = PropertyValue.unmarshal_map(made.properties)
    assert all(found[name].is_secret for name in NAMES)
    both = {*values(made.properties).values(), *values(plugin.create(KEYS, {"service": "other"}).properties).values()}
    assert len(both) == 4
    assert all(len(key) >= 43 for key in both), "256 bits in base64url are 43 characters"


def test_a_preview_knows_none(plugin: Plugin) -> None:
    planned = plugin.create(KEYS, {"service": "diabetes"}, preview=True)
    assert planned.id == ""
    found = PropertyValue.unmarshal_map(planned.properties)
    assert [found[name].is_secret for name in NAMES] == [True, True]
    assert [found[name].value for name in NAMES] == [rpc.UNKNOWN, rpc.UNKNOWN]


def test_an_update_and_a_refresh_keep_them_and_keep_them_secret(plugin: Plugin, made: Any) -> None:
    state = made.properties
    again = plugin.stub.Update(
        provider_pb2.UpdateRequest(
            urn=plugin.urn(KEYS), id=made.id, olds=state, news=wire({"service": "diabetes"}), old_inputs=wire({})
        )
    )
    read = plugin.stub.Read(
        provider_pb2.ReadRequest(
            urn=plugin.urn(KEYS), id=made.id, properties=state, inputs=wire({"service": "diabetes"})
        )
    )
    for answer in (again, read):
        assert values(answer.properties) == values(state)
        found = PropertyValue.unmarshal_map(answer.properties)
        assert all(found[name].is_secret for name in NAMES)


def test_nothing_differs_and_nothing_can_be_imported(plugin: Plugin, made: Any) -> None:
    inputs = {"service": "diabetes"}
    found = plugin.diff(KEYS, made.id, plain(made.properties), inputs, inputs)
    assert found.changes == provider_pb2.DiffResponse.DIFF_NONE
    with pytest.raises(grpc.RpcError) as caught:
        plugin.stub.Read(provider_pb2.ReadRequest(urn=plugin.urn(KEYS), id="diabetes"))
    assert "cannot be imported" in caught.value.details()
