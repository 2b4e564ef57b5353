"""ARM's types against the typed SDK's classes, bodies from Azure's documentation, and damage done to those bodies."""

import importlib
import inspect
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azml.facts import arm_types

# Bodies as Azure's REST reference prints them in its samples, shortened.
STORAGE_ACCOUNT = {
    "sku": {"name": "Standard_GRS"},
    "kind": "Storage",
    "location": "eastus",
    "properties": {
        "keyPolicy": {"keyExpirationPeriodInDays": 20},
        "allowBlobPublicAccess": False,
        "minimumTlsVersion": "TLS1_2",
        "encryption": {
            "services": {"blob": {"keyType": "Account", "enabled": True}},
            "keySource": "Microsoft.Storage",
        },
    },
    "tags": {"key1": "value1"},
}
VAULT = {
    "location": "westus",
    "properties": {
        "tenantId": "00000000-0000-0000-0000-000000000000",
        "sku": {"family": "A", "name": "standard"},
        "accessPolicies": [
            {
                "tenantId": "00000000-0000-0000-0000-000000000000",
                "objectId": "00000000-0000-0000-0000-000000000000",
                "permissions": {"keys": ["encrypt", "decrypt"], "secrets": ["get", "list"]},
            }
        ],
        "enabledForDeployment": True,
        "publicNetworkAccess": "Enabled",
    },
}
ROLE_ASSIGNMENT = {
    "properties": {
        "roleDefinitionId": "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/0b5fe924",
        "principalId": "ce2ce14e-85d7-4629-bdbc-454d0519d987",
        "principalType": "User",
    }
}
ONLINE_DEPLOYMENT = {
    "location": "westeurope",
    "kind": "string",
    "sku": {"name": "Default", "capacity": 1},
    "properties": {
        "endpointComputeType": "Managed",
        "instanceType": "Standard_DS3_v2",
        "model": "/subscriptions/s/…/models/m/versions/1",
        "codeConfiguration": {"codeId": "/subscriptions/s/…/codes/c/versions/1", "scoringScript": "score.py"},
        "environmentVariables": {"A": "b"},
        "requestSettings": {"requestTimeout": "PT5S", "maxConcurrentRequestsPerInstance": 1},
        "livenessProbe": {"failureThreshold": 1, "initialDelay": "PT5M", "period": "PT5M", "timeout": "PT5M"},
        "scaleSettings": {"scaleType": "Default"},
    },
}
BODIES: list[tuple[str, dict[str, Any]]] = [
    ("Microsoft.Resources/resourceGroups", {"location": "eastus"}),
    ("Microsoft.Storage/storageAccounts", STORAGE_ACCOUNT),
    ("Microsoft.KeyVault/vaults", VAULT),
    ("Microsoft.Authorization/roleAssignments", ROLE_ASSIGNMENT),
    ("Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments", ONLINE_DEPLOYMENT),
]
SDK = [  # module of the typed SDK, class, the same resource for ARM
    ("resources", "ResourceGroup", "Microsoft.Resources/resourceGroups"),
    ("storage", "StorageAccount", "Microsoft.Storage/storageAccounts"),
    ("storage", "BlobContainer", "Microsoft.Storage/storageAccounts/blobServices/containers"),
    ("keyvault", "Vault", "Microsoft.KeyVault/vaults"),
    ("operationalinsights", "Workspace", "Microsoft.OperationalInsights/workspaces"),
    ("applicationinsights", "Component", "Microsoft.Insights/components"),
    ("containerregistry", "Registry", "Microsoft.ContainerRegistry/registries"),
    ("managedidentity", "UserAssignedIdentity", "Microsoft.ManagedIdentity/userAssignedIdentities"),
    ("authorization", "RoleAssignment", "Microsoft.Authorization/roleAssignments"),
    ("machinelearningservices", "Workspace", "Microsoft.MachineLearningServices/workspaces"),
    ("machinelearningservices", "OnlineEndpoint", "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"),
    ("machinelearningservices", "Compute", "Microsoft.MachineLearningServices/workspaces/computes"),
    ("monitor", "AutoscaleSetting", "Microsoft.Insights/autoscaleSettings"),
    ("iothub", "IotHubResource", "Microsoft.Devices/IotHubs"),
    ("containerservice", "ManagedCluster", "Microsoft.ContainerService/managedClusters"),
]


def errors(type_: str, body: Any, **options: Any) -> list[tuple[str, str]]:
    found = arm_types.resource(type_).problems(body, **options)
    return [(problem.path, problem.code) for problem in found if problem.level == "error"]


@pytest.mark.parametrize(("type_", "body"), BODIES, ids=lambda value: value if isinstance(value, str) else "")
def test_bodies_of_the_documentation_are_in_order(type_: str, body: dict[str, Any]) -> None:
    assert arm_types.resource(type_).problems(body) == []


def _arguments(module: str, name: str) -> set[str]:
    """Names of a typed resource's arguments, folded: `applicationtype` for `application_type`."""
    loaded = importlib.import_module(f"pulumi_azure_native.{module}")
    args = getattr(loaded, f"{name}InitArgs", None) or getattr(loaded, f"{name}Args")
    found = inspect.getmembers(args, lambda member: isinstance(member, property))
    return {_folded(argument) for argument, _ in found}


def _folded(name: str) -> str:
    return name.replace("_", "").lower()


@pytest.mark.parametrize(("module", "name", "type_"), SDK, ids=[name for _, name, _ in SDK])
def test_the_typed_sdk_takes_what_arm_takes(module: str, name: str, type_: str) -> None:
    """An argument of the typed SDK is part of the path, or a writable property, `properties` flattened or renamed."""
    body = arm_types.resource(type_).body
    inner = body.properties["properties"].shape
    shapes = [body, inner, *inner.variants.values()]
    writable = {_folded(key) for shape in shapes for key, known in shape.properties.items() if not known.read_only}
    unknown = _arguments(module, name) - writable
    path = {"accountname", "containername", "resourcename", "scope"}
    renamed = {f"{name}properties".lower(), "enablehttpstrafficonly", "enablenfsv3", "networkruleset"}
    assert {key for key in unknown - path - renamed if not key.endswith("name")} == set()


def test_types_are_found_in_any_case_and_written_as_arm_does() -> None:
    found = arm_types.resource("MICROSOFT.storage/StorageAccounts")
    assert (found.type, found.version) == ("Microsoft.Storage/storageAccounts", "2024-01-01")
    assert found is arm_types.resource("microsoft.storage/storageaccounts")
    assert {"location", "sku", "kind", "tags", "identity", "properties"} <= found.top_level
    assert "id" not in found.top_level


def test_the_newest_version_is_taken_unless_one_is_named() -> None:
    assert arm_types.resource("Microsoft.Resources/resourceGroups").version == "2025-04-01"
    assert arm_types.resource("Microsoft.Resources/resourceGroups", "2024-03-01").version == "2024-03-01"
    with pytest.raises(arm_types.UnknownType, match="known: 2024-03-01, 2025-04-01"):
        arm_types.resource("Microsoft.Resources/resourceGroups", "1999-01-01")


@pytest.mark.parametrize(
    ("type_", "told"),
    [
        ("Microsoft.Nothing/things", "known: Microsoft.Authorization"),
        ("Microsoft.Storage/storageAcounts", "did you mean microsoft.storage/storageaccounts"),
    ],
)
def test_an_unknown_type_is_a_lookup_error_that_helps(type_: str, told: str) -> None:
    with pytest.raises(LookupError, match=told):
        arm_types.resource(type_)


def test_every_type_of_the_data_loads_and_has_a_body() -> None:
    for path in arm_types._DATA.glob("*.json"):
        entries, _ = arm_types._namespace(path.stem.lower())
        for type_, versions in entries.items():
            for version in versions:
                assert arm_types.resource(type_, version).top_level, (type_, version)


DEPLOYMENT = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments"


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"sku": None}, "", ""),
        ({"location": 3}, "location", "type"),
        ({"location": None}, "location", "required"),
        ({"properties": None}, "properties", "required"),
        ({"propertys": {}}, "propertys", "unknown"),
        ({"sku": {"name": "Default", "capacity": True}}, "sku.capacity", "type"),
        ({"sku": {"name": "Default", "capacity": 1.5}}, "sku.capacity", "type"),
        ({"sku": {"name": "Default", "capacity": 2.0}}, "", ""),
        ({"sku": {"name": "Default", "tier": "Gold"}}, "sku.tier", "enum"),
        ({"properties": {"endpointComputeType": "Toaster"}}, "properties.endpointComputeType", "enum"),
        ({"properties": {}}, "properties.endpointComputeType", "required"),
        ({"tags": {"a": 1}}, "tags.a", "type"),
    ],
)
def test_damage_is_found_where_it_is(change: dict[str, Any], path: str, code: str) -> None:
    assert errors(DEPLOYMENT, {**ONLINE_DEPLOYMENT, **change}) == ([(path, code)] if path else [])


def test_lists_are_numbered_and_bounds_are_named() -> None:
    policies = [*VAULT["properties"]["accessPolicies"], {"tenantId": "x"}]  # type: ignore[index]
    body = {**VAULT, "properties": {**VAULT["properties"], "accessPolicies": policies}}  # type: ignore[dict-item]
    found = errors("Microsoft.KeyVault/vaults", body)
    assert ("properties.accessPolicies[1].objectId", "required") in found
    assert ("properties.accessPolicies[1].permissions", "required") in found
    account = arm_types.resource("Microsoft.Storage/storageAccounts")
    assert {problem.code for problem in account.problems(STORAGE_ACCOUNT, name="No")} == {"length", "pattern"}


def test_other_case_read_only_and_open_values_are_notes() -> None:
    body = {**STORAGE_ACCOUNT, "kind": "storagev2", "Location": "eastus"}
    del body["location"]
    body["properties"] = {"primaryEndpoints": {}, "minimumTlsVersion": "TLS9_9"}
    found = {(problem.level, problem.path, problem.code) for problem in _storage(body)}
    assert found == {
        ("note", "kind", "case"),
        ("note", "Location", "case"),
        ("note", "properties.primaryEndpoints", "read-only"),
        ("note", "properties.minimumTlsVersion", "enum"),
    }


def _storage(body: Any, **options: Any) -> list[arm_types.Problem]:
    return arm_types.resource("Microsoft.Storage/storageAccounts").problems(body, **options)


def test_an_answer_may_carry_what_a_request_may_not() -> None:
    answer = {**ROLE_ASSIGNMENT, "id": "/x", "name": "x", "type": "y"}
    answer["properties"] = {**ROLE_ASSIGNMENT["properties"], "scope": "/subscriptions/s"}
    type_ = arm_types.resource("Microsoft.Authorization/roleAssignments")
    assert type_.problems(answer, response=True) == []
    assert [problem.code for problem in type_.problems(answer)] == ["read-only"]


def test_a_secret_is_never_quoted() -> None:
    body = {**ONLINE_DEPLOYMENT, "properties": {"endpointComputeType": "Managed", "model": ["hunter2"]}}
    assert "hunter2" in str(arm_types.resource(DEPLOYMENT).problems(body))
    datastore = {
        "properties": {"datastoreType": "AzureBlob", "credentials": {"credentialsType": "AccountKey", "secrets": {}}}
    }
    datastore["properties"]["credentials"]["secrets"] = {"secretsType": "AccountKey", "key": ["hunter2"]}  # type: ignore[index]
    found = arm_types.resource("Microsoft.MachineLearningServices/workspaces/datastores").problems(datastore)
    assert [problem.path for problem in found] == ["properties.credentials.secrets.key"]
    assert "hunter2" not in str(found)


def test_actions_say_what_they_take_and_answer() -> None:
    taken, answered = arm_types.resource("Microsoft.Storage/storageAccounts").actions["regenerateKey"]
    assert taken is not None
    assert taken.properties["keyName"].required
    assert "keys" in answered.properties


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(body=JSON, key=st.sampled_from(sorted(ONLINE_DEPLOYMENT)))
def test_no_body_breaks_the_check(body: Any, key: str) -> None:
    """Any JSON gets an answer, and a body that is not an object is one error."""
    type_ = arm_types.resource(DEPLOYMENT)
    type_.problems({**ONLINE_DEPLOYMENT, key: body})
    type_.problems({**ONLINE_DEPLOYMENT, "properties": {"endpointComputeType": "Managed", key: body}})
    assert isinstance(body, dict) or [problem.code for problem in type_.problems(body)] == ["type"]
