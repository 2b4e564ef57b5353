"""An Azure ML registry: models and environments that several workspaces share.

Owns the registry and the group it stands in where it is given none. Deliberately puts nothing into it, and makes no
role: who may read it (AzureML Registry User) is for its owners to say.
"""

from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi_azure_native import resources

from azml.arm_words import switch
from azml.azure_ml import AzureMlRegistry
from azml.component import given, spec_of
from azml.resources.resource import token
from azml.spec.registry import RegistrySpec, ReplicationLocationSpec


class RegistryStorageArgs(TypedDict):
    """The storage that Azure makes for one region of a registry."""

    storage_account_hns: NotRequired[bool]
    """Whether it has a hierarchical namespace. Absent: false."""
    storage_account_type: NotRequired[str]
    """How it is kept: standard_lrs (when absent), standard_grs, standard_ragrs, standard_zrs and so on."""
    replication_count: NotRequired[int]
    """How many accounts there are. Absent: 1."""


class ReplicationLocationArgs(TypedDict):
    """One region of a registry."""

    location: str
    """Azure region."""
    storage_config: NotRequired[RegistryStorageArgs]
    """Storage of the region."""


class IntellectualPropertyArgs(TypedDict):
    """Whose the assets are."""

    publisher: str
    """Name of the publisher."""


class SystemCreatedAcrArgs(TypedDict):
    """The container registry that Azure makes for a registry."""

    acr_account_sku: NotRequired[str]
    """premium."""


class RegistryArgs(TypedDict):
    """Arguments of `Registry`."""

    name: str
    """Name of the registry, as in azureml://registries/NAME/…"""
    existing: NotRequired[str]
    """ARM id of a registry to use and never change."""
    location: NotRequired[str]
    """Azure region that it is run from. Required unless `existing` is given."""
    resource_group: NotRequired[pulumi.Input[str]]
    """Name of the resource group. Absent: one is made."""
    description: NotRequired[str]
    """What the registry is for; Azure keeps it as the tag `description`."""
    tags: NotRequired[dict[str, str]]
    """Tags of the registry."""
    public_network_access: NotRequired[str]
    """enabled (when absent) or disabled: whether it is reached from the internet."""
    replication_locations: NotRequired[list[ReplicationLocationArgs]]
    """Regions that it is in, its own among them. Absent: its own alone."""
    intellectual_property: NotRequired[IntellectualPropertyArgs]
    """Whose the assets are."""
    container_registry: NotRequired[SystemCreatedAcrArgs]
    """The container registry of every region."""
    protect: NotRequired[bool]
    """Whether the engine refuses to delete or replace it, and the resource group that is made for it. Absent: false."""


class Registry(pulumi.ComponentResource):
    """An Azure ML registry on storage and container registries that Azure makes for it."""

    registry_id: pulumi.Output[str]
    """ARM id of the registry."""
    location: pulumi.Output[str]
    """Azure region that it is run from."""

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("Registry"), name, {}, opts)
        spec = spec_of(RegistrySpec, f"Registry {name}", args, besides=("protect",))
        if spec.existing is not None:
            registry = AzureMlRegistry(name, {}, pulumi.ResourceOptions(parent=self, id=spec.existing))
        else:
            keep = pulumi.ResourceOptions(parent=self, protect=args.get("protect"))
            group = args.get("resource_group") or _group(name, spec, keep)
            registry = AzureMlRegistry(name, {"resourceGroupName": group, **_inputs(spec)}, keep)
        self.registry_id, self.location = registry.id, registry.location
        self.register_outputs({"registry_id": self.registry_id, "location": self.location})


def _group(name: str, spec: RegistrySpec, keep: pulumi.ResourceOptions) -> pulumi.Output[str]:
    return resources.ResourceGroup(f"{name}-rg", location=spec.location, tags=spec.tags, opts=keep).name


def _inputs(spec: RegistrySpec) -> dict[str, Any]:
    """The registry as azure-native wants it. Its identity is Azure's own: az ml knows no other."""
    regions = spec.replication_locations or [ReplicationLocationSpec(location=spec.location or "")]
    description = {} if spec.description is None else {"description": spec.description}
    found: dict[str, Any] = given(
        {
            "registryName": spec.name,
            "location": spec.location,
            "identity": {"type": "SystemAssigned"},
            "publicNetworkAccess": switch(spec.public_network_access),
            "intellectualPropertyPublisher": spec.intellectual_property and spec.intellectual_property.publisher,
            "regionDetails": [_region(each, spec.container_registry.acr_account_sku) for each in regions],
            "tags": {**description, **spec.tags},
        }
    )
    return found


def _region(region: ReplicationLocationSpec, acr_sku: str) -> dict[str, Any]:
    storage = region.storage_config
    tier, _, replication = storage.storage_account_type.partition("_")
    account = {
        "storageAccountHnsEnabled": storage.storage_account_hns,
        "storageAccountType": f"{tier.capitalize()}_{replication.upper()}",
        "allowBlobPublicAccess": False,
    }
    return {
        "location": region.location,
        "acrDetails": [{"systemCreatedAcrAccount": {"acrAccountSku": acr_sku.capitalize()}}],
        "storageAccountDetails": [{"systemCreatedStorageAccount": account}] * storage.replication_count,
    }
