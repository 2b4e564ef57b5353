"""The workspace's fields: what az ml takes is taken, what Azure refuses later is refused here.

Microsoft's own loader (azure-ai-ml) is asked about every shape that the corpus and its schema have. Where we are
stricter, Azure itself is: the reason stands beside the case.
"""

from pathlib import Path
from typing import Any

import pytest

from azml.spec import SpecError, WorkspaceSpec
from tests.support import official

GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/g/providers"
STORAGE = f"{GROUP}/Microsoft.Storage/storageAccounts/st1"
VAULT = f"{GROUP}/Microsoft.KeyVault/vaults/kv1"
IDENTITY = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/mine"
SUBNET = f"{GROUP}/Microsoft.Network/virtualNetworks/v/subnets/s"
HUB = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/hub"
KEY = "https://kv1.vault.azure.net/keys/k/0123456789abcdef0123456789abcdef"
ENDPOINT = {"service_resource_id": STORAGE, "subresource_target": "blob", "spark_enabled": True}
TAG = {"service_tag": "DataFactory", "protocol": "TCP", "port_ranges": "80, 8080-8089"}


def network(*rules: dict[str, Any], mode: str = "allow_only_approved_outbound", **more: Any) -> dict[str, Any]:
    return {"managed_network": {"isolation_mode": mode, "outbound_rules": list(rules), **more}}


TAKEN_BY_BOTH: list[dict[str, Any]] = [
    {},
    {"id": "x", "discovery_url": "u", "mlflow_tracking_uri": "u"},
    {"location": "EastUS", "description": "d", "display_name": "D", "tags": {"purpose": "demo"}},
    {"hbi_workspace": True},
    {"hbi_workspace": "yes"},
    {"storage_account": STORAGE, "key_vault": VAULT},
    {"container_registry": f"{GROUP}/Microsoft.ContainerRegistry/registries/cr123"},
    {"application_insights": f"{GROUP}/Microsoft.Insights/components/a"},
    {"customer_managed_key": {"key_vault": VAULT, "key_uri": KEY}},
    {
        "customer_managed_key": {
            "key_vault": VAULT,
            "key_uri": KEY,
            "storage_id": STORAGE,
            "cosmosdb_id": f"{GROUP}/Microsoft.DocumentDB/databaseAccounts/c",
            "search_id": f"{GROUP}/Microsoft.Search/searchServices/s",
        }
    },
    {"image_build_compute": "cpu-compute"},
    {"public_network_access": "Disabled"},
    {"public_network_access": "disabled"},
    {"network_acls": {"default_action": "Deny", "ip_rules": [{"value": "203.0.113.0/24"}]}},
    {"network_acls": {"default_action": "Allow"}},
    {"system_datastores_auth_mode": "identity"},
    {"identity": {"type": "SystemAssigned", "tenant_id": "t", "principal_id": "p"}},
    {"identity": {"type": "system_assigned"}},
    {"identity": {"type": "user_assigned", "user_assigned_identities": {IDENTITY: {"client_id": "c"}}}},
    {"identity": {"type": "system_assigned,user_assigned", "user_assigned_identities": {IDENTITY: {}}}},
    {
        "identity": {"type": "user_assigned", "user_assigned_identities": {IDENTITY: {}, f"{IDENTITY}2": {}}},
        "primary_user_assigned_identity": IDENTITY,
    },
    {"managed_network": {"isolation_mode": "AllowInternetOutbound"}},
    {"managed_network": {"isolation_mode": "disabled", "network_id": "n", "status": {"spark_ready": True}}},
    network({"name": "a", "type": "private_endpoint", "destination": ENDPOINT}),
    network({"name": "a", "type": "private_endpoint", "destination": ENDPOINT, "fqdns": ["a.example.com"]}),
    network({"name": "a", "destination": {**ENDPOINT, "spark_enabled": "True"}}, mode="AllowInternetOutbound"),
    network({"name": "a", "type": "service_tag", "destination": TAG}),
    network({"name": "a", "destination": {**TAG, "address_prefixes": ["203.0.113.0/24"]}}),
    network(
        {"name": "a", "type": "fqdn", "destination": "www.contoso.com", "category": "Required", "status": "Active"}
    ),
    network({"name": "a", "destination": "*.fabrikam.com"}, firewall_sku="Basic"),
    {**network(), "provision_network_now": True},
    {"enable_data_isolation": True, "allow_roleassignment_on_rg": False},
    {"identity": {"type": "system_assigned"}, "allow_roleassignment_on_rg": True},
    {"serverless_compute": {}},
    {"serverless_compute": {"custom_subnet": "None"}},
    {"serverless_compute": {"custom_subnet": SUBNET, "no_public_ip": True}},
    {"workspace_hub": HUB},
    {"resource_group": "rg-mine"},
]
REFUSED_BY_BOTH: list[dict[str, Any]] = [
    {"name": None},
    {"nmae": "x"},
    {"app_insights": "x"},
    {"friendly_name": "x"},
    {"private_endpoints": {"approval_type": "auto"}},
    {"provisioning_state": "Succeeded"},
    {"storage_account": "st1"},
    {"storage_account": "/subscriptions/<SUBSCRIPTION_ID>/resourceGroups/<RESOURCE_GROUP>"},
    {"customer_managed_key": {"key_vault": VAULT, "key_uri": "kv1/k"}},
    {"public_network_access": "off"},
    {"hbi_workspace": "perhaps"},
    {"network_acls": {"default_action": "Deny"}},
    {"network_acls": {"default_action": "Maybe", "ip_rules": [{"value": "203.0.113.7"}]}},
    {"network_acls": {"ip_rules": [{"value": "203.0.113.7"}]}},
    {"identity": {"type": "mine"}},
    {"managed_network": {"isolation_mode": "open"}},
    network({"name": "a", "type": "service_tag", "destination": {**TAG, "service_tag": None}}),
    network({"destination": "www.contoso.com"}),
    network(firewall_sku="premium"),
    {"serverless_compute": {"custom_subnet": "s"}},
    {"workspace_hub": "hub"},
    {"image_build_compute": {"name": "cpu"}},
    {"tags": "a"},
]
# Fields, what is refused, and why Azure would.
REFUSED_BY_US = {
    "another kind of id": ({"storage_account": VAULT}, "storage_account"),
    "a name that is too long": ({"name": "m" * 33}, "name"),
    "half a key": ({"customer_managed_key": {"key_vault": VAULT}}, "customer_managed_key.key_uri"),
    "no key at all": ({"customer_managed_key": {}}, "customer_managed_key.key_vault"),
    "a key of another vault": (
        {"customer_managed_key": {"key_vault": f"{VAULT}2", "key_uri": KEY}},
        "customer_managed_key.key_uri",
    ),
    "rules without a network": (
        network({"name": "a", "destination": "www.contoso.com"}, mode="disabled"),
        "managed_network.outbound_rules",
    ),
    "a host where the internet is open": (
        network({"name": "a", "destination": "www.contoso.com"}, mode="allow_internet_outbound"),
        "managed_network.outbound_rules.a.type",
    ),
    "a tag where the internet is open": (
        network({"name": "a", "destination": TAG}, mode="allow_internet_outbound"),
        "managed_network.outbound_rules.a.type",
    ),
    "two rules of one name": (
        network({"name": "a", "destination": "www.contoso.com"}, {"name": "A", "destination": "b.org"}),
        "managed_network.outbound_rules.A.name",
    ),
    "an address for a host": (
        network({"name": "a", "destination": "https://www.contoso.com"}),
        "managed_network.outbound_rules.a.destination",
    ),
    "a port beyond the last": (
        network({"name": "a", "destination": {**TAG, "port_ranges": "80, 65536"}}),
        "managed_network.outbound_rules.a.destination.port_ranges",
    ),
    "a range that runs backwards": (
        network({"name": "a", "destination": {**TAG, "port_ranges": "90-80"}}),
        "managed_network.outbound_rules.a.destination.port_ranges",
    ),
    "a protocol that is none": (
        network({"name": "a", "destination": {**TAG, "protocol": "HTTP"}}),
        "managed_network.outbound_rules.a.destination.protocol",
    ),
    "a service that the account has not": (
        network({"name": "a", "destination": {**ENDPOINT, "subresource_target": "vault"}}),
        "managed_network.outbound_rules.a.destination.subresource_target",
    ),
    "a firewall without its network": (
        {"managed_network": {"isolation_mode": "allow_internet_outbound", "firewall_sku": "basic"}},
        "managed_network.firewall_sku",
    ),
    "a network to provision that is none": ({"provision_network_now": True}, "provision_network_now"),
    "private nodes in Azure's network": (
        {"serverless_compute": {"no_public_ip": True}},
        "serverless_compute.no_public_ip",
    ),
    "addresses without the internet": (
        {"public_network_access": "disabled", "network_acls": {"default_action": "Allow"}},
        "network_acls",
    ),
    "no address": (
        {"network_acls": {"default_action": "Deny", "ip_rules": [{"value": "x"}]}},
        "network_acls.ip_rules.[0].value",
    ),
    "an identity that is not assigned": (
        {"primary_user_assigned_identity": IDENTITY},
        "primary_user_assigned_identity",
    ),
    "two identities, none the primary": (
        {"identity": {"type": "user_assigned", "user_assigned_identities": {IDENTITY: {}, f"{IDENTITY}2": {}}}},
        "primary_user_assigned_identity",
    ),
    "a type without its identity": (
        {"identity": {"type": "user_assigned"}},
        "identity.user_assigned_identities",
    ),
    "roles that are given before anything can be said": (
        {"identity": {"type": "system_assigned"}, "allow_roleassignment_on_rg": False},
        "allow_roleassignment_on_rg",
    ),
    "what the hub has": ({"workspace_hub": HUB, "storage_account": STORAGE}, "storage_account"),
    "an auth mode that is none": ({"system_datastores_auth_mode": "password"}, "system_datastores_auth_mode"),
    "settings of something that is only used": ({"key_vault": {"existing": VAULT, "sku": "premium"}}, "key_vault.sku"),
    "a group that is none": ({"resource_group": {"existing": VAULT}}, "resource_group"),
    "logs for insights that have theirs": (
        {
            "log_analytics": f"{GROUP}/Microsoft.OperationalInsights/workspaces/l",
            "application_insights": f"{GROUP}/Microsoft.Insights/components/a",
        },
        "log_analytics",
    ),
}


def ours(fields: dict[str, Any]) -> list[str]:
    given = {key: value for key, value in {"name": "mlw-x", **fields}.items() if value is not None}
    try:
        WorkspaceSpec.from_args(given)
    except SpecError as error:
        return [problem.path for problem in error.problems]
    return []


@pytest.mark.parametrize("fields", TAKEN_BY_BOTH, ids=str)
def test_what_az_ml_takes(fields: dict[str, Any], tmp_path: Path) -> None:
    assert official.takes("workspace", {"name": "mlw-x", **fields}, tmp_path)
    assert ours(fields) == []


@pytest.mark.parametrize("fields", REFUSED_BY_BOTH, ids=str)
def test_what_az_ml_refuses(fields: dict[str, Any], tmp_path: Path) -> None:
    assert not official.takes("workspace", {"name": "mlw-x", **fields}, tmp_path)
    assert ours(fields) != []


@pytest.mark.parametrize("why", REFUSED_BY_US)
def test_what_azure_would_refuse_later(why: str) -> None:
    fields, at = REFUSED_BY_US[why]
    assert ours(fields) == [at]


def test_every_field_of_az_ml_is_known() -> None:
    known = set(WorkspaceSpec.model_fields) | WorkspaceSpec.forgotten
    assert official.fields_of("workspace.WorkspaceSchema") <= known


def test_something_existing_in_either_spelling() -> None:
    plain = WorkspaceSpec.from_args({"name": "mlw-x", "storage_account": STORAGE, "resource_group": "g"})
    block = WorkspaceSpec.from_args(
        {
            "name": "mlw-x",
            "storage_account": {"existing": STORAGE},
            "resource_group": {"existing": "/subscriptions/s/resourceGroups/g"},
        }
    )
    assert plain == block


def test_a_subnet_is_taken_away_by_the_word_none() -> None:
    made = WorkspaceSpec.from_args({"name": "mlw-x", "serverless_compute": {"custom_subnet": "None"}})
    assert made.serverless_compute is not None
    assert made.serverless_compute.custom_subnet is None


def test_a_placeholder_says_so() -> None:
    with pytest.raises(SpecError) as caught:
        WorkspaceSpec.from_args(
            {"name": "mlw-x", "key_vault": VAULT.replace("11111111-1111-1111-1111-111111111111", "<SUBSCRIPTION_ID>")}
        )
    assert "a template that was not filled in" in str(caught.value)
