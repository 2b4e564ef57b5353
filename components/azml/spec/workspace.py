"""The Azure ML workspace.

Owns the block `workspace`. Deliberately does not describe what a workspace brings with it (storage account, key vault,
insights): those are made for it unless an existing one is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from azml.facts import names
from azml.spec.base import Finding, Spec, rule
from azml.spec.existing import Existing
from azml.spec.identity import IdentityArmId, IdentitySpec
from azml.spec.references import arm_id
from azml.spec.types import AnyCase, Flag, PublicNetworkAccess, Region, Tags, named


class ManagedNetworkSpec(Spec):
    """The network that Azure manages for the workspace's computes and endpoints."""

    elsewhere: ClassVar = {"outbound_rules": "outbound rules come with a later release"}

    isolation_mode: Annotated[
        Literal["disabled", "allow_internet_outbound", "allow_only_approved_outbound"], AnyCase()
    ] = "disabled"
    """How far computes and endpoints reach out."""


class WorkspaceSpec(Existing):
    """An Azure ML workspace and what it depends on."""

    forgotten: ClassVar = Spec.forgotten | {"id", "discovery_url", "mlflow_tracking_uri"}
    elsewhere: ClassVar = {
        "app_insights": "write application_insights",
        "friendly_name": "write display_name",
        "private_endpoints": "private endpoints come with a later release",
        "customer_managed_key": "customer-managed keys come with a later release",
    }

    name: Annotated[str, named(names.WORKSPACE)]
    """Name of the workspace, once in its resource group."""
    existing: Annotated[str, arm_id("Microsoft.MachineLearningServices/workspaces")] | None = None
    """ARM id of a workspace to use and never change."""
    location: Region | None = None
    """Azure region, as `eastus` or "East US". Absent: the region in the Pulumi config."""
    resource_group: Annotated[str, named(names.RESOURCE_GROUP)] | None = None
    """Resource group of the workspace. Absent: one is made."""
    description: str | None = None
    """What the workspace is for."""
    display_name: str | None = None
    """Name that the studio shows."""
    tags: Tags = {}
    """Tags of the workspace, over the estate's own."""
    hbi_workspace: Flag = False
    """High business impact: less telemetry leaves the workspace. Cannot be changed later."""
    public_network_access: PublicNetworkAccess = "enabled"
    """Whether the workspace is reached from the internet."""
    identity: IdentitySpec | None = None
    """Identity of the workspace. Absent: a user-assigned one of its own, with the roles that it needs and no more."""
    primary_user_assigned_identity: IdentityArmId | None = None
    """The identity that the workspace uses where it has several."""
    system_datastores_auth_mode: Annotated[Literal["accesskey", "identity"], AnyCase()] = "accesskey"
    """How the default datastores are reached: with the account's key, or as the one who asks."""
    storage_account: Annotated[str, arm_id("Microsoft.Storage/storageAccounts")] | None = None
    """ARM id of an existing storage account. Absent: one is made."""
    key_vault: Annotated[str, arm_id("Microsoft.KeyVault/vaults")] | None = None
    """ARM id of an existing key vault. Absent: one is made."""
    application_insights: Annotated[str, arm_id("Microsoft.Insights/components")] | None = None
    """ARM id of an existing Application Insights. Absent: one is made."""
    container_registry: Annotated[str, arm_id("Microsoft.ContainerRegistry/registries")] | None = None
    """ARM id of an existing registry. Absent: the one of the block `container_registry`."""
    image_build_compute: str | None = None
    """Compute that builds images where the registry is private."""
    managed_network: ManagedNetworkSpec = ManagedNetworkSpec()
    """The network that Azure manages for the workspace."""

    @rule
    def _primary_is_one_of_them(self) -> Iterator[Finding]:
        primary = self.primary_user_assigned_identity
        ids = [identity.resource_id for identity in self.identity.user_assigned_identities] if self.identity else []
        if primary is not None and primary.lower() not in {id_.lower() for id_ in ids}:
            yield Finding(
                "is not one of the workspace's identities",
                ("primary_user_assigned_identity",),
                primary,
                allowed=", ".join(ids) or "none: identity.user_assigned_identities is empty",
                fix="add it to identity.user_assigned_identities",
            )
