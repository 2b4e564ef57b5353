"""azure-mgmt-machinelearningservices: Azure ML registries."""

from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.machinelearningservices import MachineLearningServicesMgmtClient

from tests.contract.clients import Clients, refused


@pytest.fixture
def registries(clients: Clients) -> Any:
    return clients.of(MachineLearningServicesMgmtClient).registries


def body(location: str = "eastus") -> dict[str, Any]:
    account = {"storageAccountHnsEnabled": False, "storageAccountType": "Standard_LRS"}
    region = {
        "location": location,
        "acrDetails": [{"systemCreatedAcrAccount": {"acrAccountSku": "Premium"}}],
        "storageAccountDetails": [{"systemCreatedStorageAccount": account}],
    }
    return {
        "location": "eastus",
        "identity": {"type": "SystemAssigned"},
        "properties": {"publicNetworkAccess": "Enabled", "regionDetails": [region]},
    }


def test_life(registries: Any, group: str) -> None:
    name = f"reg-{uuid4().hex[:8]}"
    made = registries.begin_create_or_update(group, name, body()).result()
    assert (made.name, made.location, made.type) == (name, "eastus", "Microsoft.MachineLearningServices/registries")
    assert made.identity.principal_id
    assert name in made.discovery_url
    (region,) = registries.get(group, name).region_details
    assert region.acr_details[0].system_created_acr_account.acr_account_name
    assert name in [found.name for found in registries.list(group)]
    assert name in [found.name for found in registries.list_by_subscription()]
    assert registries.update(group, name, {"tags": {"team": "risk"}}).tags == {"team": "risk"}
    registries.begin_delete(group, name).result()
    with pytest.raises(ResourceNotFoundError):
        registries.get(group, name)


def test_its_own_region_is_one_of_its_regions(registries: Any, group: str) -> None:
    with pytest.raises(HttpResponseError) as error:
        registries.begin_create_or_update(group, f"reg-{uuid4().hex[:8]}", body("westus")).result()
    assert refused(error) == (400, "ValidationError")


def test_names_are_held_to_azure_s_rule(registries: Any, group: str) -> None:
    with pytest.raises(HttpResponseError) as error:
        registries.begin_create_or_update(group, "r" * 33 + "x", body()).result()
    assert error.value.status_code == 400
