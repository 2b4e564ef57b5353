"""An Azure ML registry: models, environments and components for many workspaces, in several regions.

Owns the items of `registries`, in the field names of `az ml registry`. Deliberately not the container registry of a
workspace, which is another thing (`container_registry`), and nothing that is in a registry.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator

from azml.facts import names
from azml.spec.base import Finding, Spec, refusal, rule
from azml.spec.existing import Existing
from azml.spec.references import arm_id
from azml.spec.resource_group import ResourceGroup
from azml.spec.types import AnyCase, Flag, PublicNetworkAccess, Region, Tags, named, whole


def _azures_own(allowed: str) -> BeforeValidator:
    """Refuse resources of one's own: az ml reads their ids, and the service takes none."""

    def judge(value: Any) -> Any:
        if isinstance(value, str | list):
            raise refusal(
                Finding(
                    "names something of yours, and a registry stands on what Azure makes for it only (docs: az ml "
                    "registry create)",
                    value=value,
                    allowed=allowed,
                    fix="leave it out",
                )
            )
        return value

    return BeforeValidator(judge)


class RegistryStorageSpec(Spec):
    """The storage that Azure makes for one region of a registry."""

    storage_account_hns: Flag = False
    """Whether it has a hierarchical namespace."""
    storage_account_type: Annotated[
        Literal[
            "standard_lrs",
            "standard_grs",
            "standard_ragrs",
            "standard_zrs",
            "standard_gzrs",
            "standard_ragzrs",
            "premium_lrs",
            "premium_zrs",
        ],
        AnyCase(),
    ] = "standard_lrs"
    """How it is kept, for example `Standard_LRS`."""
    replication_count: Annotated[int, whole(1)] = 1
    """How many accounts there are."""


class ReplicationLocationSpec(Spec):
    """One region of a registry."""

    location: Region
    """Azure region."""
    storage_config: Annotated[
        RegistryStorageSpec, _azures_own("storage_account_type, storage_account_hns, replication_count")
    ] = RegistryStorageSpec()
    """Storage of the region."""


class SystemCreatedAcrSpec(Spec):
    """The container registry that Azure makes for a registry."""

    acr_account_sku: Annotated[Literal["premium"], AnyCase()] = "premium"
    """Tier. Only premium."""


class IntellectualPropertySpec(Spec):
    """Whose the assets are."""

    publisher: str
    """Name of the publisher."""


class RegistrySpec(Existing):
    """An Azure ML registry."""

    forgotten: ClassVar = Spec.forgotten | {
        *("id", "identity", "kind", "sku", "managed_resource_group", "mlflow_registry_uri", "discovery_url"),
    }
    elsewhere: ClassVar = {"regions": "write replication_locations: [{location: REGION}]"}

    name: Annotated[str, named(names.REGISTRY)]
    """Name of the registry, as in azureml://registries/NAME/…"""
    existing: Annotated[str, arm_id("Microsoft.MachineLearningServices/registries")] | None = None
    """ARM id of a registry to use and never change."""
    location: Region | None = None
    """Azure region that the registry is run from. Required unless `existing` is given."""
    resource_group: ResourceGroup | None = None
    """Resource group, by name: it must exist. Absent: that of the workspace, or one is made."""
    description: str | None = None
    """What the registry is for. Azure keeps it as the tag `description`."""
    tags: Tags = {}
    """Tags of the registry, over the estate's own."""
    public_network_access: PublicNetworkAccess = "enabled"
    """Whether the registry is reached from the internet."""
    replication_locations: list[ReplicationLocationSpec] = []
    """Regions that the registry is in, `location` among them. Absent: `location` alone."""
    intellectual_property: IntellectualPropertySpec | None = None
    """Whose the assets are."""
    container_registry: Annotated[SystemCreatedAcrSpec, _azures_own("acr_account_sku: premium")] = (
        SystemCreatedAcrSpec()
    )
    """The container registry of every region."""

    @rule
    def _has_a_region(self) -> Iterator[Finding]:
        if self.existing is None and self.location is None:
            yield Finding("is missing", ("location",), allowed="Azure region", fix="add location")

    @rule
    def _its_own_region_is_among_them(self) -> Iterator[Finding]:
        regions = [each.location for each in self.replication_locations]
        if regions and self.location is not None and self.location not in regions:
            yield Finding(
                f"lacks the registry's own location {self.location}",
                ("replication_locations",),
                ", ".join(regions),
                allowed="a list with the registry's location in it",
                fix=f"add {{location: {self.location}}}",
            )
