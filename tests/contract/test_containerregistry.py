"""azure-mgmt-containerregistry: registries, their names and credentials."""

import re
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.containerregistry import ContainerRegistryManagementClient

from tests.contract import estate
from tests.contract.clients import Clients, refused

BODY = {"location": "eastus", "sku": {"name": "Basic"}}
TYPE = "Microsoft.ContainerRegistry/registries"


@pytest.fixture
def client(clients: Clients) -> ContainerRegistryManagementClient:
    return clients.of(ContainerRegistryManagementClient)


@pytest.fixture
def name() -> str:
    return f"cr{uuid4().hex[:12]}"


@pytest.fixture
def registry(client: ContainerRegistryManagementClient, group: str, name: str) -> str:
    client.registries.begin_create(group, name, BODY).result()
    return name


def test_life(client: ContainerRegistryManagementClient, group: str, name: str) -> None:
    registries = client.registries
    answers: list[Any] = []
    made = registries.begin_create(group, name, BODY, raw_response_hook=answers.append).result()
    assert answers[0].http_response.status_code == 201
    assert (made.name, made.sku.tier) == (name, "Basic")
    assert re.fullmatch(r"127\.0\.0\.1:\d+", made.properties.login_server)
    assert made.properties.provisioning_state == "Succeeded"
    assert registries.begin_create(group, name, BODY, raw_response_hook=answers.append).result().id == made.id
    assert registries.get(group, name).properties.admin_user_enabled is False
    assert name in [found.name for found in registries.list_by_resource_group(group)]
    assert name in [found.name for found in registries.list()]
    changed = registries.begin_update(group, name, {"tags": {"a": "1"}, "sku": {"name": "Premium"}}).result()
    assert (changed.tags, changed.sku.tier) == ({"a": "1"}, "Premium")
    registries.begin_delete(group, name).result()
    registries.begin_delete(group, name).result()
    with pytest.raises(ResourceNotFoundError) as error:
        registries.get(group, name)
    assert refused(error) == (404, "ResourceNotFound")


def test_a_name_is_taken_everywhere(client: ContainerRegistryManagementClient, clients: Clients, registry: str) -> None:
    taken = client.registries.check_name_availability({"name": registry, "type": TYPE})
    assert (taken.name_available, taken.reason) == (False, "AlreadyExists")
    assert client.registries.check_name_availability({"name": "crnobodyhas", "type": TYPE}).name_available is True
    bad = client.registries.check_name_availability({"name": "with-dash", "type": TYPE})
    assert (bad.name_available, bad.reason) == (False, "Invalid")
    with pytest.raises(ResourceExistsError) as error:
        client.registries.begin_create(estate.group(clients), registry, BODY)
    assert refused(error) == (409, "AlreadyInUse")
    assert f"The registry DNS name {registry}.azurecr.io is already in use." in error.value.message


def test_the_admin_is_off_until_it_is_on(client: ContainerRegistryManagementClient, group: str, registry: str) -> None:
    with pytest.raises(HttpResponseError) as error:
        client.registries.list_credentials(group, registry)
    assert refused(error)[0] == 400
    client.registries.begin_update(group, registry, {"properties": {"adminUserEnabled": True}}).result()
    first = client.registries.list_credentials(group, registry)
    assert first.username == registry
    assert [one.name for one in first.passwords] == ["password", "password2"]
    again = client.registries.regenerate_credential(group, registry, {"name": "password2"})
    assert again.passwords[0].value == first.passwords[0].value
    assert again.passwords[1].value != first.passwords[1].value
