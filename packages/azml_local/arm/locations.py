"""Regions: which there are, and where a resource may say it is."""

from collections.abc import Mapping
from typing import Any

from azml_local.arm.errors import ArmError
from azml_local.arm.types import ResourceType, Write

# Public Azure regions, as `az account list-locations` names them.
REGIONS = {
    "australiacentral": "Australia Central",
    "australiaeast": "Australia East",
    "australiasoutheast": "Australia Southeast",
    "brazilsouth": "Brazil South",
    "canadacentral": "Canada Central",
    "canadaeast": "Canada East",
    "centralindia": "Central India",
    "centralus": "Central US",
    "eastasia": "East Asia",
    "eastus": "East US",
    "eastus2": "East US 2",
    "francecentral": "France Central",
    "germanywestcentral": "Germany West Central",
    "israelcentral": "Israel Central",
    "italynorth": "Italy North",
    "japaneast": "Japan East",
    "japanwest": "Japan West",
    "koreacentral": "Korea Central",
    "koreasouth": "Korea South",
    "mexicocentral": "Mexico Central",
    "newzealandnorth": "New Zealand North",
    "northcentralus": "North Central US",
    "northeurope": "North Europe",
    "norwayeast": "Norway East",
    "polandcentral": "Poland Central",
    "qatarcentral": "Qatar Central",
    "southafricanorth": "South Africa North",
    "southcentralus": "South Central US",
    "southeastasia": "Southeast Asia",
    "southindia": "South India",
    "spaincentral": "Spain Central",
    "swedencentral": "Sweden Central",
    "switzerlandnorth": "Switzerland North",
    "uaenorth": "UAE North",
    "uksouth": "UK South",
    "ukwest": "UK West",
    "westcentralus": "West Central US",
    "westeurope": "West Europe",
    "westindia": "West India",
    "westus": "West US",
    "westus2": "West US 2",
    "westus3": "West US 3",
}


def normal(location: str) -> str:
    """Write a region as ARM does: `West US 2` is `westus2`."""
    return location.replace(" ", "").lower()


def refuse_no_location(type_: ResourceType, body: Mapping[str, Any]) -> None:
    """Refuse an absent location, as ARM does before the provider sees the body (common-deployment-errors)."""
    if "location" in type_.facts.top_level and not any(body[name] for name in body if name.lower() == "location"):
        raise ArmError(400, "LocationRequired", "The location property is required for this definition.")


def refuse_bad_location(type_: ResourceType, write: Write) -> None:
    """Normalise the body's location; refuse an unknown or changed one with ARM's errors."""
    if "location" not in type_.facts.top_level:
        return
    given = write.body["location"]
    location = normal(given)
    if location not in REGIONS:
        raise ArmError(
            400,
            "LocationNotAvailableForResourceType",
            f"The provided location '{given}' is not available for resource type '{type_.type}'. List of available "
            f"regions for the resource type is '{','.join(REGIONS)}'.",
        )
    write.body["location"] = location
    if write.existing is not None and write.existing.body.get("location", location) != location:
        raise _moved(write, str(write.existing.body["location"]), location)


def _moved(write: Write, old: str, new: str) -> ArmError:
    group = write.id.group
    if group is None or group.key == write.id.key:
        return ArmError(
            409,
            "InvalidResourceGroupLocation",
            f"Invalid resource group location '{new}'. The Resource group already exists in location '{old}'.",
        )
    return ArmError(
        409,
        "InvalidResourceLocation",
        f"The resource '{write.id.name}' already exists in location '{old}' in resource group '{group.name}'. "
        f"A resource with the same name cannot be created in location '{new}'. Please select a new resource name.",
    )
