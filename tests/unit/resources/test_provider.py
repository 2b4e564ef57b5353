"""The provider as the engine meets it: a process, gRPC, and words that reach a user."""

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.proto import provider_pb2

from tests.support import provider_plugin
from tests.support.provider_plugin import Plugin, init_failed, later, plain, secret, wire
from tests.unit.resources.conftest import Azure

ENDPOINT = "ManagedOnlineEndpoint"
DEPLOYMENT = "ManagedOnlineDeployment"


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the provider writes what it did not expect."""
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def process(environment: dict[str, str], logs: Path) -> Iterator[Plugin]:
    with provider_plugin.running({**os.environ, **environment, "TMPDIR": str(logs)}) as found:
        yield found


@pytest.fixture
def plugin(process: Plugin) -> Plugin:
    """The one provider of this file, with nothing said yet."""
    process.messages.said.clear()
    return process


def endpoint(plugin: Plugin, azure: Azure) -> tuple[str, dict[str, Any], dict[str, Any]]:
    inputs = plugin.check(ENDPOINT, workspaceId=azure.workspace, name=f"ep-{uuid4().hex[:8]}", authMode="Key")
    made = plugin.create(ENDPOINT, inputs)
    return made.id, inputs, plain(made.properties)


def test_a_life(plugin: Plugin, azure: Azure) -> None:
    planned = plugin.check(ENDPOINT, workspaceId=azure.workspace, name=f"ep-{uuid4().hex[:8]}", authMode="Key")
    assert planned["publicNetworkAccess"] == "Enabled", "a preview shows what Azure would fill in"
    preview = plugin.create(ENDPOINT, planned, preview=True)
    assert preview.id == f"{azure.workspace}/onlineEndpoints/{planned['name']}", "known before it is made"
    made = plugin.create(ENDPOINT, planned)
    assert made.id == preview.id
    state = plain(made.properties)
    assert state["scoringUri"].startswith("http")
    none = plugin.diff(ENDPOINT, made.id, state, planned, planned)
    assert none.changes == provider_pb2.DiffResponse.DIFF_NONE
    wanted = {**planned, "description": "d"}
    some = plugin.diff(ENDPOINT, made.id, state, planned, wanted)
    assert some.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert some.detailedDiff["description"].kind == provider_pb2.PropertyDiff.ADD
    request: dict[str, Any] = {"urn": plugin.urn(ENDPOINT), "id": made.id}
    plugin.stub.Update(
        provider_pb2.UpdateRequest(**request, olds=wire(state), old_inputs=wire(planned), news=wire(wanted))
    )
    read = plugin.stub.Read(provider_pb2.ReadRequest(**request, properties=wire(state), inputs=wire(wanted)))
    assert plain(read.inputs)["description"] == "d"
    plugin.stub.Delete(provider_pb2.DeleteRequest(**request, properties=wire(state)))
    gone = plugin.stub.Read(provider_pb2.ReadRequest(**request, properties=wire(state), inputs=wire(wanted)))
    assert gone.id == ""


def test_another_name_is_another_resource(plugin: Plugin, azure: Azure) -> None:
    id_, inputs, state = endpoint(plugin, azure)
    found = plugin.diff(ENDPOINT, id_, state, inputs, {**inputs, "name": "other"})
    assert list(found.replaces) == ["name"]
    assert found.detailedDiff["name"].kind == provider_pb2.PropertyDiff.UPDATE_REPLACE
    assert not found.deleteBeforeReplace
    moved = plugin.diff(ENDPOINT, id_, state, {**inputs, "location": "eastus"}, {**inputs, "location": "westus"})
    assert moved.deleteBeforeReplace, "the same ARM id: the old one goes first"


def test_drift_is_shown_and_said_unless_it_is_ignored(plugin: Plugin, azure: Azure) -> None:
    id_, inputs, state = endpoint(plugin, azure)
    wanted = {**inputs, "tags": {"a": "1"}}
    found = plugin.diff(ENDPOINT, id_, {**state, **wanted}, wanted, wanted)
    assert found.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert not found.detailedDiff["tags"].inputDiff
    assert any("tags" in text and not ephemeral for text, ephemeral in plugin.messages.said)
    ignored = plugin.stub.Diff(
        provider_pb2.DiffRequest(
            urn=plugin.urn(ENDPOINT),
            id=id_,
            olds=wire(state),
            old_inputs=wire(wanted),
            news=wire(wanted),
            ignoreChanges=["tags"],
        )
    )
    assert ignored.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_gone_is_a_difference(plugin: Plugin, azure: Azure) -> None:
    id_, inputs, state = endpoint(plugin, azure)
    azure.theirs.ok("DELETE", id_)
    found = plugin.diff(ENDPOINT, id_, state, inputs, inputs)
    assert found.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert "scoringUri" in found.detailedDiff
    assert any("gone in Azure" in text for text, _ in plugin.messages.said)


def test_secrets_stay_secret_in_state(plugin: Plugin, azure: Azure) -> None:
    id_, _, _ = endpoint(plugin, azure)
    inputs = azure.deployment_inputs(id_, "blue", environmentVariables={"OPEN": "1"})
    inputs["environmentVariables"]["HIDDEN"] = secret("s3cr3t")
    checked = plugin.checked(DEPLOYMENT, **inputs)
    made = plugin.create(DEPLOYMENT, PropertyValue.unmarshal_map(checked.inputs))
    assert azure.get(made.id)["properties"]["environmentVariables"] == {"OPEN": "1", "HIDDEN": "s3cr3t"}
    for struct in (checked.inputs, made.properties):
        variables: Any = PropertyValue.unmarshal_map(struct)["environmentVariables"].value
        assert variables["HIDDEN"].is_secret
        assert not variables["OPEN"].is_secret
    imported = plugin.stub.Read(provider_pb2.ReadRequest(urn=plugin.urn(DEPLOYMENT), id=made.id))
    for struct in (imported.inputs, imported.properties):
        assert PropertyValue.unmarshal_map(struct)["environmentVariables"].is_secret


def test_a_refusal_is_text_and_nothing_else(plugin: Plugin, azure: Azure) -> None:
    id_, _, _ = endpoint(plugin, azure)
    with pytest.raises(grpc.RpcError) as caught:
        plugin.create("Rollout", {"endpointId": id_, "traffic": {"blue": 100}})
    assert caught.value.code() == grpc.StatusCode.UNKNOWN
    assert "deployment blue is not there" in caught.value.details()
    assert "Traceback" not in caught.value.details()
    assert init_failed(caught.value) is None


def test_an_error_of_azure_is_text_and_nothing_else(plugin: Plugin, azure: Azure) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        plugin.create("Rollout", {"endpointId": f"{azure.workspace}/onlineEndpoints/none", "traffic": {"b": 100}})
    assert re.match(r"\w*NotFound: .*none", caught.value.details())


def test_wrong_inputs_are_check_failures(plugin: Plugin) -> None:
    found = plugin.checked("Rollout", endpointId="e", traffic={"blue": 99})
    assert "99" in found.failures[0].reason


def test_what_azure_took_and_then_failed_stays_in_state(plugin: Plugin, azure: Azure) -> None:
    from azml_local.scoring.contract import DeploymentFailed

    id_, _, _ = endpoint(plugin, azure)
    azure.plane.fail["blue"] = DeploymentFailed("ResourceNotReady", "crashed")
    inputs = azure.deployment_inputs(id_, "blue", environmentVariables={"HIDDEN": "s3cr3t"})
    inputs["environmentVariables"] = {"HIDDEN": secret("s3cr3t")}
    with pytest.raises(grpc.RpcError) as caught:
        plugin.create(DEPLOYMENT, inputs)
    detail = init_failed(caught.value)
    assert detail.id == f"{id_}/deployments/blue"
    assert "crashed" in detail.reasons[0]
    variables: Any = PropertyValue.unmarshal_map(detail.properties)["environmentVariables"].value
    assert variables["HIDDEN"].is_secret
    assert detail.inputs == wire(inputs)


def test_an_unexpected_error_is_one_line_and_a_file(plugin: Plugin, azure: Azure, logs: Path) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        plugin.create(ENDPOINT, {"workspaceId": azure.workspace, "name": "no-identity"})
    text = caught.value.details()
    assert "\n" not in text
    (file,) = (path for path in logs.glob("azml-*.log") if str(path) in text)
    assert "Traceback" in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_an_unknown_resource_is_refused(plugin: Plugin) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        plugin.create("Nonsense", {})
    assert "azml has no resource azml:index:Nonsense" in caught.value.details()


def test_cancel_ends_a_wait_at_once(azure: Azure, environment: dict[str, str]) -> None:
    with provider_plugin.running({**os.environ, **environment}) as plugin:
        id_, _, _ = endpoint(plugin, azure)
        azure.plane.gate.clear()
        later(0.5, lambda: plugin.stub.Cancel(empty_pb2.Empty()))
        started = time.monotonic()
        with pytest.raises(grpc.RpcError) as caught:
            plugin.create(DEPLOYMENT, azure.deployment_inputs(id_, "blue"))
        assert time.monotonic() - started < 3
        assert init_failed(caught.value).id.endswith("/blue")
        azure.plane.gate.set()


def test_waiting_shows_on_the_status_line(plugin: Plugin, azure: Azure) -> None:
    id_, _, _ = endpoint(plugin, azure)
    azure.plane.gate.clear()
    later(1.6, azure.plane.gate.set)
    plugin.create(DEPLOYMENT, azure.deployment_inputs(id_, "blue"))
    said = [text for text, _ in plugin.messages.said if text.startswith("creating deployment blue")]
    assert said == ["creating deployment blue"], "not at every poll"
    assert ("creating deployment blue", True) in plugin.messages.said


def test_handlers_do_not_wait_for_each_other(plugin: Plugin, azure: Azure) -> None:
    """Four creates that are held back at once come back together."""
    ids = [endpoint(plugin, azure)[0] for _ in range(4)]
    azure.plane.gate.clear()
    calls = [
        plugin.stub.Create.future(
            provider_pb2.CreateRequest(
                urn=plugin.urn(DEPLOYMENT), properties=wire(azure.deployment_inputs(id_, "blue"))
            )
        )
        for id_ in ids
    ]
    for id_ in ids:
        for _ in range(200):
            if azure.arm.find(f"{id_}/deployments/blue", "2025-12-01"):
                break
            time.sleep(0.02)
        else:
            pytest.fail("a create waits for another one")
    azure.plane.gate.set()
    assert {call.result(20).id for call in calls} == {f"{id_}/deployments/blue" for id_ in ids}


def test_the_schema_names_everything(plugin: Plugin) -> None:
    schema = json.loads(plugin.stub.GetSchema(provider_pb2.GetSchemaRequest()).schema)
    custom = {name.split(":")[-1] for name, item in schema["resources"].items() if not item["isComponent"]}
    assert custom == {
        "CodeVersion",
        "ContainerTrial",
        "DataVersion",
        "EnvironmentVersion",
        DEPLOYMENT,
        ENDPOINT,
        "ImageAlias",
        "ModelVersion",
        "NameClaim",
        "RegistryCredential",
        "Rollout",
        "ServiceKeys",
        "WorkspaceNetworkAcls",
    }


@pytest.mark.parametrize(
    ("rpc", "request_"),
    [
        ("Parameterize", provider_pb2.ParameterizeRequest()),
        ("GetMapping", provider_pb2.GetMappingRequest(key="terraform")),
        ("GetMappings", provider_pb2.GetMappingsRequest()),
    ],
)
def test_what_it_does_not_take_part_in_is_unimplemented(plugin: Plugin, rpc: str, request_: Any) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        getattr(plugin.stub, rpc)(request_)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_nothing_but_the_port_is_printed(plugin: Plugin, azure: Azure, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(grpc.RpcError):
        plugin.create(ENDPOINT, {"workspaceId": azure.workspace, "name": "no-identity"})
    with pytest.raises(grpc.RpcError):
        plugin.create("Nonsense", {})
    assert capfd.readouterr() == ("", "")
