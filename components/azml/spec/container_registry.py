"""The container registry that images of environments are built into, and serving images pushed to.

Owns the block `container_registry`, in the words of `az acr`, and what each tier of Azure's can do. Deliberately does
not describe an image (`serving_image`), and not the Azure ML registries (`registries`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from azml.facts import container_registries as facts
from azml.facts import names
from azml.spec.base import Finding, Spec, rule, twins
from azml.spec.existing import Existing
from azml.spec.managed_network import IpRange
from azml.spec.references import arm_id
from azml.spec.resource_group import ResourceGroup
from azml.spec.serving_image import ServingImageSpec
from azml.spec.types import AnyCase, Flag, PublicNetworkAccess, Region, Tags, named, whole


class ContainerRegistrySpec(Existing):
    """An Azure container registry."""

    forgotten: ClassVar = Spec.forgotten | {"id", "login_server", "provisioning_state"}

    name: Annotated[str, named(names.CONTAINER_REGISTRY)] | None = None
    """Name of the registry, once in all of Azure. Absent: one is made up."""
    existing: Annotated[str, arm_id("Microsoft.ContainerRegistry/registries")] | None = None
    """ARM id of a registry to use and never change."""
    location: Region | None = None
    """Azure region. Absent: that of the workspace."""
    resource_group: ResourceGroup | None = None
    """Resource group. Absent: that of the workspace."""
    sku: Annotated[Literal["basic", "standard", "premium"], AnyCase()] = "standard"
    """Tier: storage, throughput and features."""
    admin_user_enabled: Flag = False
    """Whether the registry has a user with a password. Azure ML needs none."""
    anonymous_pull_enabled: Flag = False
    """Whether anyone may pull. Not in tier basic."""
    public_network_access: PublicNetworkAccess = "enabled"
    """Whether the registry is reached from the internet. Only tier premium can do without."""
    ip_rules: list[IpRange] | None = None
    """IPv4 addresses or ranges that alone may reach the registry. Absent: all may. Tier premium."""
    data_endpoint_enabled: Flag = False
    """Whether layers come from a host of the registry's own, which firewalls can name. Tier premium."""
    retention_days: Annotated[int, whole(0, facts.MAX_RETENTION_DAYS)] | None = None
    """Days until a manifest without a tag is deleted. Absent: never. Tier premium."""
    soft_delete_days: Annotated[int, whole(1, facts.MAX_SOFT_DELETE_DAYS)] | None = None
    """Days that something deleted can be restored. Absent: not at all. Not beside retention_days."""
    quarantine_enabled: Flag = False
    """Whether an image can be pulled only once a scanner has let it go."""
    content_trust_enabled: Flag = False
    """Whether images can be signed. Tier premium."""
    export_enabled: Flag = True
    """Whether images can be copied out. Only a premium registry without public access can forbid it."""
    tags: Tags = {}
    """Tags of the registry, over the estate's own."""

    @rule
    def _what_the_tier_can_do(self) -> Iterator[Finding]:
        for field, tier in facts.TIER_NEEDED.items():
            value = getattr(self, field)
            default = type(self).model_fields[field].default
            if value != default and facts.TIERS.index(self.sku) < facts.TIERS.index(tier):
                yield Finding(
                    f"is not possible in a {self.sku} registry",
                    (field,),
                    value,
                    allowed=f"{_spoken(default)}, or another value with sku: {tier}"
                    + (" or higher" if tier != facts.TIERS[-1] else ""),
                    fix=f"set sku: {tier}",
                )

    @rule
    def _as_many_addresses_as_azure_takes(self) -> Iterator[Finding]:
        if self.ip_rules is not None and len(self.ip_rules) > facts.MAX_IP_RULES:
            yield Finding(
                "has too many entries", ("ip_rules",), len(self.ip_rules), allowed=f"at most {facts.MAX_IP_RULES}"
            )

    @rule
    def _kept_or_cleaned(self) -> Iterator[Finding]:
        if self.retention_days is not None and self.soft_delete_days is not None:
            yield Finding(
                "a registry either keeps what was deleted or cleans up what has no tag",
                ("soft_delete_days",),
                self.soft_delete_days,
                allowed="without retention_days",
                fix="leave one of them out",
            )

    @rule
    def _addresses_need_the_internet(self) -> Iterator[Finding]:
        if self.ip_rules is not None and self.public_network_access == "disabled":
            yield Finding(
                "the registry is not reached from the internet at all",
                ("ip_rules",),
                allowed="with public_network_access: enabled",
                fix="leave ip_rules out, or set public_network_access: enabled",
            )

    @rule
    def _a_public_registry_exports(self) -> Iterator[Finding]:
        if not self.export_enabled and self.public_network_access == "enabled":
            yield Finding(
                "who reaches a public registry can copy its images",
                ("export_enabled",),
                value=False,
                allowed="true, or false with public_network_access: disabled",
                fix="set public_network_access: disabled",
            )


class ImageRegistrySpec(ContainerRegistrySpec):
    """An Azure container registry, and the images in it."""

    beside_existing: ClassVar = Existing.beside_existing | {"images"}

    images: list[ServingImageSpec] = []
    """Images that are built and pushed to the registry, for services to run."""

    @rule
    def _every_image_once(self) -> Iterator[Finding]:
        yield from twins("images", [image.name for image in self.images])

    @rule
    def _as_many_images_as_a_token_may_push(self) -> Iterator[Finding]:
        most = facts.MAX_SCOPE_MAP_ACTIONS // len(facts.PUSH_ACTIONS)
        if len(self.images) > most:
            yield Finding(
                "has too many entries: one token may not push to so many repositories",
                ("images",),
                len(self.images),
                allowed=f"at most {most}",
                fix="divide them among registries of several stacks",
            )


def _spoken(value: bool | str | None) -> str:
    return "absent" if value is None else str(value).lower()
