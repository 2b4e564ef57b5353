"""azure-mgmt-keyvault: vaults, and what becomes of deleted ones."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.keyvault.models import Vault

from tests.contract.clients import Clients, refused


@pytest.fixture
def client(clients: Clients) -> KeyVaultManagementClient:
    return clients.of(KeyVaultManagementClient)


@pytest.fixture
def name() -> str:
    return f"kv-{uuid4().hex[:12]}"


@pytest.fixture
def body(clients: Clients) -> dict[str, Any]:
    properties = {
        "tenantId": clients.azure.azure.identity.tenant_id,
        "sku": {"family": "A", "name": "standard"},
        "enableRbacAuthorization": True,
        "softDeleteRetentionInDays": 7,
    }
    return {"location": "eastus", "properties": properties}


@pytest.fixture
def vault(client: KeyVaultManagementClient, group: str, name: str, body: dict[str, Any]) -> Iterator[Vault]:
    yield client.vaults.begin_create_or_update(group, name, body).result()
    client.vaults.delete(group, name)


class TestVaults:
    def test_life(self, client: KeyVaultManagementClient, group: str, name: str, body: dict[str, Any]) -> None:
        made = client.vaults.begin_create_or_update(group, name, body).result()
        assert (made.name, made.location, made.type) == (name, "eastus", "Microsoft.KeyVault/vaults")
        assert made.properties.vault_uri == f"https://{name}.vault.azure.net/"
        assert made.properties.enable_soft_delete is True
        assert client.vaults.get(group, name).properties.soft_delete_retention_in_days == 7
        assert name in [found.name for found in client.vaults.list_by_resource_group(group)]
        assert name in [found.name for found in client.vaults.list_by_subscription()]
        changed = client.vaults.update(group, name, {"tags": {"team": "risk"}})
        assert changed.tags == {"team": "risk"}
        client.vaults.delete(group, name)
        client.vaults.delete(group, name)
        with pytest.raises(ResourceNotFoundError) as error:
            client.vaults.get(group, name)
        assert refused(error) == (404, "ResourceNotFound")

    def test_names_are_taken_or_free(self, client: KeyVaultManagementClient, vault: Vault) -> None:
        taken = client.vaults.check_name_availability({"name": vault.name, "type": "Microsoft.KeyVault/vaults"})
        assert (taken.name_available, taken.reason) == (False, "AlreadyExists")
        free = client.vaults.check_name_availability({"name": "kv-nobody-has", "type": "Microsoft.KeyVault/vaults"})
        assert free.name_available is True
        bad = client.vaults.check_name_availability({"name": "1kv", "type": "Microsoft.KeyVault/vaults"})
        assert (bad.name_available, bad.reason) == (False, "AccountNameInvalid")


class TestDeletedVaults:
    """Soft delete is mandatory, 7 to 90 days, and a deleted vault keeps its name."""

    @pytest.fixture
    def deleted(self, client: KeyVaultManagementClient, group: str, name: str, body: dict[str, Any]) -> str:
        body["tags"] = {"kept": "yes"}
        client.vaults.begin_create_or_update(group, name, body).result()
        client.vaults.delete(group, name)
        return name

    def test_it_is_shown(self, client: KeyVaultManagementClient, group: str, deleted: str) -> None:
        shown = client.vaults.get_deleted(deleted, "eastus")
        assert shown.name == deleted
        assert shown.properties.vault_id.endswith(
            f"/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{deleted}"
        )
        assert (shown.properties.scheduled_purge_date - shown.properties.deletion_date).days == 7
        assert deleted in [found.name for found in client.vaults.list_deleted()]
        with pytest.raises(ResourceNotFoundError):
            client.vaults.get_deleted(deleted, "westus")

    def test_its_name_is_taken(
        self, client: KeyVaultManagementClient, group: str, deleted: str, body: dict[str, Any]
    ) -> None:
        with pytest.raises(ResourceExistsError) as error:
            client.vaults.begin_create_or_update(group, deleted, body)
        assert refused(error) == (409, "ConflictError")
        assert "already exists in deleted state" in error.value.message

    def test_it_can_be_recovered(
        self, client: KeyVaultManagementClient, group: str, deleted: str, body: dict[str, Any]
    ) -> None:
        body["properties"]["createMode"] = "recover"
        back = client.vaults.begin_create_or_update(group, deleted, {**body, "tags": {}}).result()
        assert back.tags == {"kept": "yes"}
        assert deleted not in [found.name for found in client.vaults.list_deleted()]
        client.vaults.delete(group, deleted)

    def test_it_can_be_purged(
        self, client: KeyVaultManagementClient, group: str, deleted: str, body: dict[str, Any]
    ) -> None:
        client.vaults.begin_purge_deleted(deleted, "eastus").result()
        with pytest.raises(ResourceNotFoundError):
            client.vaults.get_deleted(deleted, "eastus")
        with pytest.raises(ResourceNotFoundError):
            client.vaults.begin_purge_deleted(deleted, "eastus")
        again = client.vaults.begin_create_or_update(group, deleted, {**body, "tags": {}}).result()
        assert not again.tags
        client.vaults.delete(group, deleted)

    def test_purge_protection_protects(
        self, client: KeyVaultManagementClient, group: str, name: str, body: dict[str, Any]
    ) -> None:
        body["properties"]["enablePurgeProtection"] = True
        client.vaults.begin_create_or_update(group, name, body).result()
        client.vaults.delete(group, name)
        with pytest.raises(HttpResponseError) as error:
            client.vaults.begin_purge_deleted(name, "eastus")
        assert refused(error) == (405, "MethodNotAllowed")
