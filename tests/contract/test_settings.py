"""What Azure does not document is a setting; here each of its values, seen by azure-mgmt-machinelearningservices.

The values are what Azure may do. Which it does is not known, so both must be survived.
"""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.mgmt.machinelearningservices import MachineLearningServicesMgmtClient
from azure.mgmt.resource.resources import ResourceManagementClient

from tests.contract import estate
from tests.contract.clients import Clients, refused
from tests.unit.local.support import Running

Settings = Callable[..., None]
ML = MachineLearningServicesMgmtClient
At = tuple[str, str]
NEWEST, WITH_ACLS = "2025-12-01", "2024-10-01-preview"


@pytest.fixture
def ml(clients: Clients) -> ML:
    return clients.of(MachineLearningServicesMgmtClient)


@pytest.fixture(scope="module")
def workspace(clients: Clients, group: str) -> Any:
    return estate.workspace(clients, group)


@pytest.fixture(scope="module")
def at(group: str, workspace: Any) -> At:
    return group, workspace.name


@pytest.fixture(scope="module")
def body(clients: Clients, at: At, workspace: Any) -> dict[str, Any]:
    return estate.deployment_body(clients, at, workspace)


@pytest.fixture
def endpoint(ml: ML, at: At) -> str:
    return put(ml, at, f"x-{uuid4().hex[:8]}").name


@pytest.fixture
def serving(ml: ML, at: At, endpoint: str, body: dict[str, Any]) -> str:
    """An endpoint whose deployment `blue` has all traffic."""
    deploy(ml, at, endpoint, body)
    put(ml, at, endpoint, traffic={"blue": 100})
    return endpoint


def put(ml: ML, at: At, name: str, **properties: Any) -> Any:
    given = {"location": "eastus", "properties": {"authMode": "Key", **properties}}
    return ml.online_endpoints.begin_create_or_update(*at, name, given).result()


def deploy(ml: ML, at: At, endpoint: str, body: dict[str, Any], name: str = "blue", **properties: Any) -> Any:
    given = {**body, "properties": {**body["properties"], **properties}}
    sent = json.dumps(given).encode()
    return ml.online_deployments.begin_create_or_update(*at, endpoint, name, sent).result()


@pytest.mark.parametrize(("value", "traffic"), [("clears", {}), ("keeps", {"blue": 100})])
def test_endpoint_put_without_traffic(
    ml: ML, at: At, serving: str, settings: Settings, value: str, traffic: dict[str, int]
) -> None:
    settings(endpoint_put_without_traffic=value)
    put(ml, at, serving, description="changed")
    assert ml.online_endpoints.get(*at, serving).properties.traffic == traffic


@pytest.mark.parametrize("value", ["refused", "allowed"])
def test_auth_mode_change(ml: ML, at: At, endpoint: str, settings: Settings, value: str) -> None:
    settings(auth_mode_change=value)
    if value == "allowed":
        assert put(ml, at, endpoint, authMode="AMLToken").properties.auth_mode == "AMLToken"
        return
    with pytest.raises(HttpResponseError, match="authMode"):
        put(ml, at, endpoint, authMode="AMLToken")


@pytest.mark.parametrize("value", ["allowed", "refused"])
def test_endpoint_identity_change(ml: ML, at: At, endpoint: str, settings: Settings, value: str) -> None:
    settings(endpoint_identity_change=value)
    change = {"identity": {"type": "SystemAssigned"}}
    if value == "allowed":
        assert ml.online_endpoints.begin_update(*at, endpoint, change).result().identity.principal_id
        return
    with pytest.raises(HttpResponseError, match="identity"):
        ml.online_endpoints.begin_update(*at, endpoint, change)


@pytest.mark.parametrize("value", ["refused", "allowed"])
def test_instance_type_change(
    ml: ML, at: At, endpoint: str, body: dict[str, Any], settings: Settings, value: str
) -> None:
    deploy(ml, at, endpoint, body)
    settings(instance_type_change=value)
    if value == "allowed":
        changed = deploy(ml, at, endpoint, body, instanceType="Standard_DS4_v2")
        assert changed.properties.instance_type == "Standard_DS4_v2"
        return
    with pytest.raises(HttpResponseError, match="instanceType"):
        deploy(ml, at, endpoint, body, instanceType="Standard_DS4_v2")


@pytest.mark.parametrize("value", ["endpoint", "any"])
def test_deployment_location(
    ml: ML, at: At, endpoint: str, body: dict[str, Any], settings: Settings, value: str
) -> None:
    settings(deployment_location=value)
    elsewhere = {**body, "location": "westus"}
    if value == "any":
        assert deploy(ml, at, endpoint, elsewhere).location == "westus"
        return
    with pytest.raises(HttpResponseError, match="eastus"):
        deploy(ml, at, endpoint, elsewhere)


@pytest.mark.parametrize("value", ["one", "one_each"])
def test_endpoint_operations(
    ml: ML, azure: Running, at: At, endpoint: str, body: dict[str, Any], settings: Settings, value: str
) -> None:
    settings(endpoint_operations=value)
    azure.plane.gate.clear()
    try:
        sent = json.dumps(body).encode()
        first = ml.online_deployments.begin_create_or_update(*at, endpoint, "blue", sent)
        if value == "one_each":
            second = ml.online_deployments.begin_create_or_update(*at, endpoint, "green", sent)
        else:
            with pytest.raises(HttpResponseError) as error:
                ml.online_deployments.begin_create_or_update(*at, endpoint, "green", sent)
            assert refused(error) == (409, "Conflict")
            second = first
    finally:
        azure.plane.gate.set()
    assert [each.result().properties.provisioning_state for each in (first, second)] == ["Succeeded"] * 2


@pytest.mark.parametrize("value", ["reduced", "reserve", "interrupted"])
def test_rolling_update(
    ml: ML, azure: Running, at: At, endpoint: str, body: dict[str, Any], settings: Settings, value: str
) -> None:
    """What each does to instances: tests/unit/scoring/test_updates.py."""
    settings(rolling_update=value)
    made = deploy(ml, at, endpoint, body)
    assert azure.plane.deployments[made.id].updates.capacity == value


@pytest.mark.parametrize("value", ["stops", "rolls_back"])
def test_failed_update(
    ml: ML, azure: Running, at: At, endpoint: str, body: dict[str, Any], settings: Settings, value: str
) -> None:
    settings(failed_update=value)
    made = deploy(ml, at, endpoint, body)
    assert azure.plane.deployments[made.id].updates.failed == value


@pytest.mark.parametrize(("most", "gib"), [(None, 14), (100, 14), (0.5, 0.5)])
def test_instance_memory_gb(
    ml: ML,
    azure: Running,
    at: At,
    endpoint: str,
    body: dict[str, Any],
    settings: Settings,
    most: float | None,
    gib: float,
) -> None:
    """A Standard_DS3_v2 has 14 GiB (virtual-machines: DSv2-series)."""
    settings(instance_memory_gb=most)
    made = deploy(ml, at, endpoint, body)
    assert azure.plane.deployments[made.id].memory_bytes == gib * 2**30


@pytest.mark.parametrize(("value", "stage"), [("clears", None), ("keeps", "Production")])
def test_model_put_without_stage(ml: ML, at: At, settings: Settings, value: str, stage: str | None) -> None:
    settings(model_put_without_stage=value)
    name, given = f"m-{uuid4().hex[:6]}", {"modelUri": "azureml://datastores/workspaceblobstore/paths/m"}
    for properties in ({**given, "stage": "Production"}, given):
        sent = json.dumps({"properties": properties}).encode()
        made: list[Any] = []
        ml.model_versions.create_or_update(*at, name, "1", sent, raw_response_hook=made.append)
    assert json.loads(made[0].http_response.text())["properties"].get("stage") == stage


@pytest.mark.parametrize("value", ["refused", "fails"])
def test_out_of_quota(ml: ML, at: At, endpoint: str, body: dict[str, Any], settings: Settings, value: str) -> None:
    """One DS3_v2 has 4 cores and counts twice: ceil(1.2 x 1) (quota-allocation-online-deployment)."""
    settings(out_of_quota=value, quota_cores={"Standard_DS3_v2": 7})
    sent, deployments = json.dumps(body).encode(), ml.online_deployments
    if value == "refused":
        with pytest.raises(HttpResponseError, match="OutOfQuota"):
            deployments.begin_create_or_update(*at, endpoint, "blue", sent)
        return
    poller = deployments.begin_create_or_update(*at, endpoint, "blue", sent)
    with pytest.raises(HttpResponseError) as error:
        poller.result()
    assert refused(error)[1] == "OutOfQuota"
    assert deployments.get(*at, endpoint, "blue").properties.provisioning_state == "Failed"


@pytest.mark.parametrize(("value", "tags"), [("replaces", {"b": "2"}), ("merges", {"a": "1", "b": "2"})])
def test_patch_tags(
    resources: ResourceManagementClient, clients: Clients, settings: Settings, value: str, tags: dict[str, str]
) -> None:
    settings(patch_tags=value)
    name = estate.group(clients)
    resources.resource_groups.update(name, {"tags": {"a": "1"}})
    assert resources.resource_groups.update(name, {"tags": {"b": "2"}}).tags == tags


@pytest.mark.parametrize("value", ["ResourceNotFound", "BadArgument"])
def test_traffic_to_missing_code(ml: ML, at: At, endpoint: str, settings: Settings, value: str) -> None:
    settings(traffic_to_missing_code=value)
    with pytest.raises(HttpResponseError) as error:
        put(ml, at, endpoint, traffic={"nobody": 100})
    assert error.value.error is not None
    assert [detail.code for detail in error.value.error.details] == [value]


@pytest.mark.parametrize("status", [400, 409])
def test_delete_with_traffic_status(ml: ML, at: At, serving: str, settings: Settings, status: int) -> None:
    settings(delete_with_traffic_status=status)
    with pytest.raises(HttpResponseError) as error:
        ml.online_deployments.begin_delete(*at, serving, "blue")
    assert error.value.status_code == status


@pytest.mark.parametrize("codes", [{}, {"EndpointAlreadyExists": "Conflict"}])
def test_error_codes(
    ml: ML, clients: Clients, at: At, endpoint: str, settings: Settings, codes: dict[str, str]
) -> None:
    """An endpoint's name is unique in its region (how-to-manage-quotas), the code of the refusal is not documented."""
    settings(error_codes=codes)
    other = estate.workspace(clients, at[0]).name
    with pytest.raises(ResourceExistsError) as error:
        put(ml, (at[0], other), endpoint)
    assert refused(error) == (409, codes.get("EndpointAlreadyExists", "EndpointAlreadyExists"))


@pytest.mark.parametrize("days", [14, 0])
def test_workspace_soft_delete_days(ml: ML, clients: Clients, at: At, settings: Settings, days: int) -> None:
    settings(workspace_soft_delete_days=days)
    body = estate.workspace_body(clients, at[0])
    name = f"mlw-{uuid4().hex[:6]}"
    ml.workspaces.begin_create_or_update(at[0], name, body).result()
    ml.workspaces.begin_delete(at[0], name).result()
    if days == 0:
        assert ml.workspaces.begin_create_or_update(at[0], name, body).result().name == name
        return
    with pytest.raises(HttpResponseError, match="Soft-deleted workspace exists"):
        ml.workspaces.begin_create_or_update(at[0], name, body)


@pytest.mark.parametrize(("value", "action"), [("clears", None), ("keeps", "Deny")])
def test_workspace_put_without_network_acls(
    resources: ResourceManagementClient,
    clients: Clients,
    group: str,
    settings: Settings,
    value: str,
    action: str | None,
) -> None:
    settings(workspace_put_without_network_acls=value)
    made, by_id = estate.workspace(clients, group), resources.resources
    body = by_id.get_by_id(made.id, api_version=NEWEST).as_dict()
    given = {name: body[name] for name in ("location", "identity")}
    needed = ("storageAccount", "keyVault", "applicationInsights")
    properties = {name: body["properties"][name] for name in needed}
    closed = {**properties, "networkAcls": {"defaultAction": "Deny"}}
    by_id.begin_create_or_update_by_id(made.id, {**given, "properties": closed}, api_version=WITH_ACLS).result()
    by_id.begin_create_or_update_by_id(made.id, {**given, "properties": properties}, api_version=NEWEST).result()
    found = by_id.get_by_id(made.id, api_version=WITH_ACLS).properties.get("networkAcls") or {}
    assert found.get("defaultAction") == action


def test_a_patch_may_say_where_it_is(ml: ML, at: At, endpoint: str) -> None:
    """azure-native sends the whole body when a user-assigned identity is taken away."""
    same = json.dumps({"location": "East US", "tags": {"a": "1"}}).encode()
    assert ml.online_endpoints.begin_update(*at, endpoint, same).result().tags == {"a": "1"}
    with pytest.raises(HttpResponseError):
        ml.online_endpoints.begin_update(*at, endpoint, json.dumps({"location": "westus"}).encode())
