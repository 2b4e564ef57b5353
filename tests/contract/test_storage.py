"""azure-mgmt-storage: accounts, keys, containers."""

from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.storage import StorageManagementClient

from tests.contract import estate
from tests.contract.clients import Clients, refused

BODY = {"location": "eastus", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}


@pytest.fixture
def client(clients: Clients) -> StorageManagementClient:
    return clients.of(StorageManagementClient)


@pytest.fixture(scope="module")
def account(clients: Clients, group: str) -> str:
    name: str = estate.storage_account(clients, group).name
    return name


@pytest.fixture
def name() -> str:
    return f"st{uuid4().hex[:12]}"


class TestAccounts:
    def test_life(self, client: StorageManagementClient, group: str, name: str) -> None:
        accounts = client.storage_accounts
        answers: list[Any] = []
        made = accounts.begin_create(group, name, BODY, raw_response_hook=answers.append).result()
        assert answers[0].http_response.status_code == 202
        assert (made.name, made.kind, made.sku.name, made.sku.tier) == (name, "StorageV2", "Standard_LRS", "Standard")
        assert made.properties.provisioning_state == "Succeeded"
        assert accounts.begin_create(group, name, BODY, raw_response_hook=answers.append).result().id == made.id
        assert answers[-1].http_response.status_code == 200
        assert accounts.get_properties(group, name).properties.primary_endpoints.blob
        assert name in [found.name for found in accounts.list_by_resource_group(group)]
        assert name in [found.name for found in accounts.list()]
        changed = accounts.update(group, name, {"tags": {"a": "1"}, "properties": {"minimumTlsVersion": "TLS1_2"}})
        assert (changed.tags, changed.properties.minimum_tls_version) == ({"a": "1"}, "TLS1_2")
        accounts.delete(group, name)
        accounts.delete(group, name)
        with pytest.raises(ResourceNotFoundError) as error:
            accounts.get_properties(group, name)
        assert refused(error) == (404, "ResourceNotFound")

    def test_keys(self, client: StorageManagementClient, group: str, account: str) -> None:
        first = client.storage_accounts.list_keys(group, account).keys_property
        assert [key.key_name for key in first] == ["key1", "key2"]
        again = client.storage_accounts.regenerate_key(group, account, {"keyName": "key2"}).keys_property
        assert again[0].value == first[0].value
        assert again[1].value != first[1].value
        with pytest.raises(HttpResponseError) as error:
            client.storage_accounts.regenerate_key(group, account, {"keyName": "key9"})
        assert refused(error)[0] == 400

    def test_a_name_is_taken_everywhere(self, client: StorageManagementClient, clients: Clients, account: str) -> None:
        taken = client.storage_accounts.check_name_availability({"name": account, "type": estate.STORAGE})
        assert (taken.name_available, taken.reason) == (False, "AlreadyExists")
        assert taken.message == f"The storage account named {account} is already taken."
        free = client.storage_accounts.check_name_availability({"name": "stnobodyhas", "type": estate.STORAGE})
        assert free.name_available is True
        bad = client.storage_accounts.check_name_availability({"name": "St-1", "type": estate.STORAGE})
        assert (bad.name_available, bad.reason) == (False, "AccountNameInvalid")
        elsewhere = estate.group(clients)
        with pytest.raises(ResourceExistsError) as error:
            client.storage_accounts.begin_create(elsewhere, account, BODY)
        assert refused(error) == (409, "StorageAccountAlreadyTaken")

    def test_hierarchical_namespaces_stay_as_they_are(
        self, client: StorageManagementClient, group: str, account: str
    ) -> None:
        """`isHnsEnabled` is create-only."""
        with pytest.raises(HttpResponseError) as error:
            client.storage_accounts.begin_create(group, account, {**BODY, "properties": {"isHnsEnabled": True}})
        assert refused(error)[0] == 400


class TestContainers:
    def test_life(self, client: StorageManagementClient, group: str, account: str) -> None:
        containers = client.blob_containers
        made = containers.create(group, account, "models", {"properties": {"metadata": {"a": "1"}}})
        assert (made.name, made.type) == ("models", "Microsoft.Storage/storageAccounts/blobServices/containers")
        assert containers.get(group, account, "models").container_properties.public_access == "None"
        assert "models" in [found.name for found in containers.list(group, account)]
        changed = containers.update(group, account, "models", {"properties": {"metadata": {"b": "2"}}})
        assert changed.container_properties.metadata["b"] == "2"
        containers.delete(group, account, "models")
        containers.delete(group, account, "models")
        with pytest.raises(ResourceNotFoundError):
            containers.get(group, account, "models")

    @pytest.mark.parametrize("name", ["UPPER", "a", "two--dashes"])
    def test_names_that_are_refused(self, client: StorageManagementClient, group: str, account: str, name: str) -> None:
        """3 to 63 lower-case letters, digits and single dashes (resource-name-rules); the client checks the length."""
        with pytest.raises((HttpResponseError, ValueError)):
            client.blob_containers.create(group, account, name, {})

    def test_the_blob_service(self, client: StorageManagementClient, group: str, account: str) -> None:
        services = client.blob_services
        assert services.get_service_properties(group, account).name == "default"
        wanted = {"properties": {"deleteRetentionPolicy": {"enabled": True, "days": 7}}}
        services.set_service_properties(group, account, wanted)
        found = services.get_service_properties(group, account).blob_service_properties
        assert (found.delete_retention_policy.enabled, found.delete_retention_policy.days) == (True, 7)
        assert [one.name for one in services.list(group, account)] == ["default"]
