"""Whatever a client sends, the answer is Azure's kind of answer: never a 500, never a body that ARM's types forbid."""

import copy
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from azure.core.rest import HttpRequest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azml.facts import arm_types
from azml_local.arm.ids import parse, parse_id
from tests.unit.local.support import Arm, Running

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 200)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.just("/x/y"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def estate(local: Running) -> Iterator[tuple[Arm, dict[str, dict[str, Any]]]]:
    """One good body a type, by the id to send it to."""
    with Arm(local) as arm:
        group = arm.group()
        workspace = arm.workspace(group)
        endpoint = arm.endpoint(workspace)
        properties = arm.assets(workspace)
        role = f"{arm.sub}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
        at = f"{group}/providers"
        sku = {"family": "A", "name": "standard"}
        bodies = {
            group: {"location": "eastus", "tags": {"a": "b"}},
            f"{at}/Microsoft.Storage/storageAccounts/st{uuid4().hex[:9]}": {
                "location": "eastus",
                "kind": "StorageV2",
                "sku": {"name": "Standard_LRS"},
                "identity": {"type": "SystemAssigned"},
                "properties": {"allowSharedKeyAccess": True, "networkAcls": {"defaultAction": "Allow"}},
            },
            f"{at}/Microsoft.KeyVault/vaults/kv-{uuid4().hex[:9]}": {
                "location": "eastus",
                "properties": {"tenantId": str(uuid4()), "sku": sku, "softDeleteRetentionInDays": 7},
            },
            f"{at}/Microsoft.ContainerRegistry/registries/cr{uuid4().hex[:9]}": {
                "location": "eastus",
                "sku": {"name": "Basic"},
                "properties": {"adminUserEnabled": False},
            },
            f"{at}/Microsoft.Insights/components/fuzzed": {
                "location": "eastus",
                "kind": "web",
                "properties": {"Application_Type": "web", "WorkspaceResourceId": "/x"},
            },
            f"{at}/Microsoft.OperationalInsights/workspaces/fuzzed": {"location": "eastus", "properties": {}},
            f"{at}/Microsoft.Authorization/roleAssignments/{uuid4()}": {
                "properties": {"principalId": str(uuid4()), "roleDefinitionId": role, "principalType": "User"}
            },
            workspace: arm.ok("GET", workspace),
            f"{workspace}/datastores/fuzzed": {
                "properties": {"datastoreType": "AzureBlob", "credentials": {"credentialsType": "None"}}
            },
            f"{workspace}/models/fuzzed/versions/1": {"properties": {"modelUri": "azureml://x", "tags": {"a": "b"}}},
            f"{workspace}/environments/fuzzed/versions/1": {"properties": {"image": "x", "condaFile": "y"}},
            endpoint: {"location": "eastus", "properties": {"authMode": "Key", "traffic": {}, "mirrorTraffic": {}}},
            f"{endpoint}/deployments/fuzzed": arm.deployment_body(
                properties,
                requestSettings={"requestTimeout": "PT5S"},
                livenessProbe={"period": "PT1S", "failureThreshold": 3},
                environmentVariables={"A": "b"},
            ),
        }
        yield arm, bodies


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_body_breaks_it(estate: tuple[Arm, dict[str, dict[str, Any]]], data: st.DataObject) -> None:
    arm, bodies = estate
    path = data.draw(st.sampled_from(sorted(bodies)), label="path")
    body = copy.deepcopy(bodies[path])
    places = list(_places(body))
    holder, key = data.draw(st.sampled_from(places), label="place")
    holder[key] = data.draw(JSON, label="value")
    method = data.draw(st.sampled_from(["PUT", "PUT", "PATCH"]), label="method")
    response = arm.send(method, path, body)
    answer = response.json() if response.text() else {}
    assert response.status_code < 500 or answer["error"]["code"] == "NotImplemented"
    if response.status_code >= 400:
        assert answer["error"]["code"]
        assert answer["error"]["message"]
    shown = arm.send("GET", path)
    if shown.status_code == 200:
        type_ = arm_types.resource(shown.json()["type"])
        assert [p for p in type_.problems(shown.json(), response=True) if p.level == "error"] == []


@given(path=st.text("/aB.%?#- \t\u00fc", max_size=40) | st.from_regex(r"(/(subscriptions|providers|x|%2f|\.\.)){1,6}"))
@settings(max_examples=60, deadline=None)
def test_no_path_breaks_it(estate: tuple[Arm, dict[str, dict[str, Any]]], path: str) -> None:
    from urllib.parse import quote

    arm, _ = estate
    address = f"{arm.sub}{quote(path)}?api-version=2024-01-01"
    response = arm.client.send_request(HttpRequest("GET", arm.client.format_url(address)))
    assert response.status_code < 500 or response.json()["error"]["code"] == "NotImplemented"


@given(st.lists(st.text(st.characters(codec="ascii", exclude_characters="/%"), min_size=1, max_size=6), max_size=8))
def test_an_id_reads_back_as_written(segments: list[str]) -> None:
    at = parse("/" + "/".join(segments)).at
    if at is not None:
        again = parse_id(str(at))
        assert again is not None
        assert again.key == at.key


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (holder, key) within a body."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key
        yield from _places(inner)
