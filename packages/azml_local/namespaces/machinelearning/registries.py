"""Registries: their regions, and the accounts that Azure makes for them. Nothing can be put into one here."""

import uuid
from typing import Any, ClassVar

from azml.facts import names
from azml_local.arm.errors import ArmError
from azml_local.arm.types import Reply, ResourceType, Write


class Registries(ResourceType):
    """An Azure Machine Learning registry."""

    type = "Microsoft.MachineLearningServices/registries"
    evidence = "ARM's types 2025-12-01"
    not_enforced = "replication, public network access; a registry holds no assets here"
    rule = names.REGISTRY
    puts = Reply(follow="Azure-AsyncOperation")
    patches = Reply()
    deletes = Reply(updated=202, follow="Location")
    patchable = ("tags", "sku", "identity")
    defaults: ClassVar = {"properties": {"publicNetworkAccess": "Enabled"}}

    def check(self, write: Write) -> None:
        """Its own region is one of them."""
        regions = [_folded(region.get("location", "")) for region in write.properties.get("regionDetails") or []]
        if _folded(write.body["location"]) not in regions:
            raise ArmError(
                400,
                "ValidationError",
                f"The registry's location '{write.body['location']}' must be one of properties.regionDetails.",
            )

    def fill(self, write: Write) -> None:
        """Addresses, and ids of what is made in the registry's own group."""
        name, subscription = write.id.name, self.azure.identity.subscription_id
        group = write.properties.get("managedResourceGroup") or {
            "resourceId": f"/subscriptions/{subscription}/resourceGroups/azureml-rg-{name}_{uuid.uuid4()}"
        }
        write.properties["managedResourceGroup"] = group
        write.properties["discoveryUrl"] = f"{self.azure.url}/registrymanagement/v1.0/registries/{name}/discovery"
        write.properties["mlFlowRegistryUri"] = f"azureml://{self.azure.authority}/mlflow/v1.0/registries/{name}"
        for region in write.properties["regionDetails"]:
            made = [*_made(region, "acrDetails", "systemCreatedAcrAccount")]
            _name(made, group["resourceId"], "Microsoft.ContainerRegistry/registries", "acrAccountName")
            made = [*_made(region, "storageAccountDetails", "systemCreatedStorageAccount")]
            _name(made, group["resourceId"], "Microsoft.Storage/storageAccounts", "storageAccountName")


def _made(region: dict[str, Any], details: str, kind: str) -> list[dict[str, Any]]:
    return [detail[kind] for detail in region.get(details) or [] if kind in detail]


def _name(made: list[dict[str, Any]], group: str, type_: str, field: str) -> None:
    for account in made:
        name = account.setdefault(field, uuid.uuid4().hex[:24])
        account["armResourceId"] = {"resourceId": f"{group}/providers/{type_}/{name}"}


def _folded(location: str) -> str:
    return location.replace(" ", "").lower()


DECLARED = (Registries,)
