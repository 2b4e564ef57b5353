"""Registries that are not open to the internet: refused from outside, as ACR does, and open from inside."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from azure.mgmt.containerregistry import ContainerRegistryManagementClient

from tests.contract.clients import Clients
from tests.support.registry_client import Client, basic

CLOSED: list[dict[str, Any]] = [
    {"publicNetworkAccess": "Disabled"},
    {"networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"action": "Allow", "value": "203.0.113.0/24"}]}},
]


@pytest.mark.parametrize("closed", CLOSED, ids=["no public access", "ip rules"])
@pytest.mark.parametrize(("network", "status"), [("outside", 403), ("inside", 200)])
def test_registry_network(
    clients: Clients,
    group: str,
    settings: Callable[..., None],
    network: str,
    status: int,
    closed: dict[str, Any],
) -> None:
    settings(registry_network=network)
    client = clients.of(ContainerRegistryManagementClient)
    body = {"location": "eastus", "sku": {"name": "Premium"}, "properties": {"adminUserEnabled": True, **closed}}
    name = f"cr{uuid4().hex[:12]}"
    host = client.registries.begin_create(group, name, body).result().properties.login_server
    password = client.registries.list_credentials(group, name).passwords[0].value
    with Client(host, str(clients.azure.home.ca), authorization=basic(name, password)) as data:
        answer = data.send("GET", "/v2/")
    assert answer.status == status
    if status == 403:
        # The words are those of the document container-registry-troubleshoot-access
        assert answer.codes == ["DENIED"]
        assert "client with IP '127.0.0.1' is not allowed access" in answer.json["errors"][0]["message"]
