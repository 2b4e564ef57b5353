"""The container registry that images of environments are built into.

Owns the block `container_registry`. Deliberately does not describe images.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from azml.facts import names
from azml.spec.base import Finding, Spec, rule
from azml.spec.existing import Existing
from azml.spec.references import arm_id
from azml.spec.types import AnyCase, Flag, PublicNetworkAccess, Region, Tags, named


class ContainerRegistrySpec(Existing):
    """An Azure container registry."""

    forgotten: ClassVar = Spec.forgotten | {"id", "login_server", "provisioning_state"}

    name: Annotated[str, named(names.CONTAINER_REGISTRY)] | None = None
    """Name of the registry, once in all of Azure. Absent: one is made up."""
    existing: Annotated[str, arm_id("Microsoft.ContainerRegistry/registries")] | None = None
    """ARM id of a registry to use and never change."""
    location: Region | None = None
    """Azure region. Absent: that of the workspace."""
    resource_group: Annotated[str, named(names.RESOURCE_GROUP)] | None = None
    """Resource group. Absent: that of the workspace."""
    sku: Annotated[Literal["basic", "standard", "premium"], AnyCase()] = "standard"
    """Tier: storage, throughput and features."""
    admin_user_enabled: Flag = False
    """Whether the registry has a user with a password. Azure ML needs none."""
    anonymous_pull_enabled: Flag = False
    """Whether anyone may pull. Not in tier basic."""
    public_network_access: PublicNetworkAccess = "enabled"
    """Whether the registry is reached from the internet. Only tier premium can do without."""
    tags: Tags = {}
    """Tags of the registry, over the estate's own."""

    @rule
    def _private_needs_premium(self) -> Iterator[Finding]:
        if self.public_network_access == "disabled" and self.sku != "premium":
            yield Finding(
                f"a {self.sku} registry is always public",
                ("public_network_access",),
                self.public_network_access,
                allowed="enabled, or disabled with sku premium",
                fix="set sku: premium",
            )

    @rule
    def _anonymous_pull_needs_standard(self) -> Iterator[Finding]:
        if self.anonymous_pull_enabled and self.sku == "basic":
            yield Finding(
                "a basic registry has no anonymous pull",
                ("anonymous_pull_enabled",),
                value=True,
                allowed="true with sku standard or premium",
                fix="set sku: standard",
            )
