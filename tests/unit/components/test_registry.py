"""An Azure ML registry: exactly these resources, set up so."""

from typing import Any

import pytest

import azml
from azml.azure_ml import AzureMlRegistry
from azml.component import InvalidArgs
from tests.support.planned import SUBSCRIPTION, Registered, planned

TYPE = "azure-native:machinelearningservices:Registry"


def registry(**args: Any) -> list[Registered]:
    full = {"name": "shared", "location": "eastus", **args}
    return planned(lambda: azml.Registry("shared", full))  # type: ignore[arg-type]


def inputs(made: list[Registered]) -> dict[str, Any]:
    (found,) = (resource for resource in made if resource.type == TYPE)
    return found.inputs


def test_the_smallest_is_in_its_own_region_and_group() -> None:
    made = registry()
    assert [(resource.type, resource.name) for resource in made] == [
        ("azml:index:Registry", "shared"),
        (TYPE, "shared"),
        ("azure-native:resources:ResourceGroup", "shared-rg"),
    ]
    assert inputs(made) == {
        "registryName": "shared",
        "resourceGroupName": "shared-rg",
        "location": "eastus",
        "identity": {"type": "SystemAssigned"},
        "publicNetworkAccess": "Enabled",
        "regionDetails": [
            {
                "location": "eastus",
                "acrDetails": [{"systemCreatedAcrAccount": {"acrAccountSku": "Premium"}}],
                "storageAccountDetails": [
                    {
                        "systemCreatedStorageAccount": {
                            "storageAccountHnsEnabled": False,
                            "storageAccountType": "Standard_LRS",
                            "allowBlobPublicAccess": False,
                        }
                    }
                ],
            }
        ],
    }


def test_regions_with_storage_of_their_own() -> None:
    said = inputs(
        registry(
            resource_group="rg-mine",
            public_network_access="disabled",
            intellectual_property={"publisher": "us"},
            replication_locations=[
                {"location": "eastus"},
                {
                    "location": "West Europe",
                    "storage_config": {"storage_account_type": "Standard_RAGZRS", "replication_count": 2.0},
                },
            ],
        )
    )
    assert (said["resourceGroupName"], said["publicNetworkAccess"]) == ("rg-mine", "Disabled")
    assert said["intellectualPropertyPublisher"] == "us"
    east, west = said["regionDetails"]
    assert (east["location"], west["location"]) == ("eastus", "westeurope")
    assert len(east["storageAccountDetails"]) == 1
    kinds = [found["systemCreatedStorageAccount"]["storageAccountType"] for found in west["storageAccountDetails"]]
    assert kinds == ["Standard_RAGZRS", "Standard_RAGZRS"]


def test_a_description_is_kept_where_azure_can_keep_it() -> None:
    assert inputs(registry(description="d", tags={"a": "1"}))["tags"] == {"description": "d", "a": "1"}
    assert inputs(registry(description="d", tags={"description": "mine"}))["tags"] == {"description": "mine"}


def test_an_existing_one_is_only_read() -> None:
    id_ = f"{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.MachineLearningServices/registries/theirs"
    made = planned(lambda: azml.Registry("r", {"name": "theirs", "existing": id_}))
    assert [(resource.type, resource.inputs.get("registryName")) for resource in made] == [
        ("azml:index:Registry", None),
        (TYPE, None),
    ]


def test_wrong_arguments_are_all_said_at_once() -> None:
    with pytest.raises(InvalidArgs) as caught:
        registry(name="x", replication_locations=[{"location": "westus"}])
    assert "name" in str(caught.value)
    with pytest.raises(InvalidArgs, match="location"):
        planned(lambda: azml.Registry("r", {"name": "shared"}))


def test_the_lean_class_is_azure_native_s_own() -> None:
    """Same token and input names as the class of the SDK that it stands for."""
    from pulumi._types import input_type_py_to_pulumi_names
    from pulumi_azure_native import machinelearningservices

    said = inputs(registry(tags={"a": "1"}, intellectual_property={"publisher": "us"}))
    assert set(said) <= set(input_type_py_to_pulumi_names(machinelearningservices.RegistryArgs).values())
    assert machinelearningservices.Registry.pulumi_type == AzureMlRegistry.token
    region, account = (
        machinelearningservices.RegistryRegionArmDetailsArgs,
        (machinelearningservices.SystemCreatedStorageAccountArgs),
    )
    made = said["regionDetails"][0]
    assert set(made) <= set(input_type_py_to_pulumi_names(region).values())
    names = set(input_type_py_to_pulumi_names(account).values())
    assert set(made["storageAccountDetails"][0]["systemCreatedStorageAccount"]) <= names
