"""The Azure ML workspace.

Owns the block `workspace`. Deliberately does not describe what a workspace brings with it (storage account, key vault,
insights): those are made for it unless an existing one is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator

from azml.facts import names
from azml.spec.base import Finding, Spec, rule
from azml.spec.customer_managed_key import CustomerManagedKeySpec
from azml.spec.existing import Existing
from azml.spec.identity import IdentityArmId, IdentitySpec
from azml.spec.managed_network import IpRange, ManagedNetworkSpec
from azml.spec.references import arm_id, existing_id
from azml.spec.resource_group import ResourceGroup
from azml.spec.types import AnyCase, Flag, PublicNetworkAccess, Region, Tags, named

_WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
_THE_HUBS = (
    *("storage_account", "key_vault", "application_insights", "log_analytics", "container_registry"),
    *("customer_managed_key", "managed_network", "public_network_access", "network_acls", "provision_network_now"),
)
"""What a project has from its hub (docs: "Azure AI Foundry hubs", shared with its projects)."""

DatastoresAuthMode = Annotated[Literal["accesskey", "identity", "user_delegation_sas"], AnyCase()]


class IpRuleSpec(Spec):
    """Addresses that may reach the workspace."""

    value: IpRange
    """An IPv4 address or a range of them."""


class NetworkAclsSpec(Spec):
    """Who reaches the workspace from the internet."""

    default_action: Annotated[Literal["Allow", "Deny"], AnyCase()]
    """Deny: only the addresses of `ip_rules`. Allow: everyone."""
    ip_rules: list[IpRuleSpec] = []
    """Addresses that are let in."""

    @rule
    def _deny_needs_rules(self) -> Iterator[Finding]:
        if self.default_action == "Deny" and not self.ip_rules:
            yield Finding(
                "would let nobody in",
                ("default_action",),
                "Deny",
                allowed="Deny with ip_rules, or Allow",
                fix="add ip_rules, or set the workspace's public_network_access: disabled",
            )


class ServerlessComputeSpec(Spec):
    """Where jobs without a compute of their own run."""

    custom_subnet: Annotated[
        Annotated[str, arm_id("Microsoft.Network/virtualNetworks/subnets")] | None,
        BeforeValidator(lambda value: None if value == "None" else value, json_schema_input_type=str | None),
    ] = None
    """ARM id of a subnet of yours. Absent, or `None`: Azure's own network."""
    no_public_ip: Flag = False
    """Whether the nodes have no public address. Only in a subnet of yours."""

    @rule
    def _private_nodes_need_a_subnet(self) -> Iterator[Finding]:
        if self.no_public_ip and self.custom_subnet is None:
            yield Finding(
                "needs a subnet of yours",
                ("no_public_ip",),
                value=True,
                allowed="true with custom_subnet",
                fix="add custom_subnet, or leave no_public_ip out",
            )


class WorkspaceSpec(Existing):
    """An Azure ML workspace and what it depends on."""

    forgotten: ClassVar = Spec.forgotten | {"id", "discovery_url", "mlflow_tracking_uri"}
    elsewhere: ClassVar = {
        "app_insights": "write application_insights",
        "friendly_name": "write display_name",
        "private_endpoints": "az ml has no such key any more: a private endpoint is a resource of your network, made "
        "there (pulumi_azure_native.network.PrivateEndpoint, group id amlworkspace) beside "
        "public_network_access: disabled; endpoints out of the workspace are managed_network.outbound_rules",
    }

    name: Annotated[str, named(names.WORKSPACE)]
    """Name of the workspace, once in its resource group."""
    existing: Annotated[str, arm_id(_WORKSPACE)] | None = None
    """ARM id of a workspace to use and never change."""
    on_soft_deleted: Annotated[Literal["fail", "recover", "purge"], AnyCase()] = "fail"
    """What to do where a deleted workspace or key vault still holds the name: fail (and say which), recover it with its
    contents, or purge it for good. Matters in a resource group that outlives the stack."""
    location: Region | None = None
    """Azure region, as `eastus` or "East US". Absent: the region in the Pulumi config."""
    resource_group: ResourceGroup | None = None
    """Resource group of the workspace, by name: it must exist. Absent: one is made."""
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
    network_acls: NetworkAclsSpec | None = None
    """Which addresses of the internet reach the workspace. Absent: all."""
    identity: IdentitySpec | None = None
    """Identity of the workspace. Absent: a user-assigned one of its own, with the roles that it needs and no more. One
    of yours gets no roles from azml: what it may do is its owner's to decide."""
    primary_user_assigned_identity: IdentityArmId | None = None
    """The identity that the workspace uses where it has several."""
    system_datastores_auth_mode: DatastoresAuthMode = "accesskey"
    """How the default datastores are reached: with the account's key, as the one who asks, or by a token for each."""
    storage_account: Annotated[str, existing_id("Microsoft.Storage/storageAccounts")] | None = None
    """ARM id of an existing storage account. Absent: one is made."""
    key_vault: Annotated[str, existing_id("Microsoft.KeyVault/vaults")] | None = None
    """ARM id of an existing key vault. Absent: one is made."""
    application_insights: Annotated[str, existing_id("Microsoft.Insights/components")] | None = None
    """ARM id of an existing Application Insights. Absent: one is made."""
    log_analytics: Annotated[str, existing_id("Microsoft.OperationalInsights/workspaces")] | None = None
    """ARM id of an existing Log Analytics workspace for the Application Insights that is made. Absent: one is made."""
    container_registry: Annotated[str, existing_id("Microsoft.ContainerRegistry/registries")] | None = None
    """ARM id of an existing registry. Absent: the one of the block `container_registry`."""
    customer_managed_key: CustomerManagedKeySpec | None = None
    """A key of yours that encrypts what the workspace keeps."""
    image_build_compute: str | None = None
    """Compute that builds images where the registry is private."""
    managed_network: ManagedNetworkSpec = ManagedNetworkSpec()
    """The network that Azure manages for the workspace."""
    provision_network_now: Flag = False
    """Whether the managed network is made with the workspace, and not with its first compute."""
    enable_data_isolation: Flag = False
    """Whether workspaces of one hub cannot see each other's data. Cannot be changed later."""
    allow_roleassignment_on_rg: Flag = True
    """Whether Azure may give the workspace's system-assigned identity its roles on the whole resource group. The
    identity that azml makes has its roles on each part alone, whatever this says."""
    serverless_compute: ServerlessComputeSpec | None = None
    """Where jobs without a compute of their own run."""
    workspace_hub: Annotated[str, arm_id(_WORKSPACE)] | None = None
    """ARM id of a hub: the workspace is a project of it, and has the hub's storage, vault, registry and network."""

    @rule
    def _primary_is_one_of_them(self) -> Iterator[Finding]:
        primary, ids = self.primary_user_assigned_identity, self._identity_ids()
        if primary is not None and primary.lower() not in {id_.lower() for id_ in ids}:
            yield Finding(
                "is not one of the workspace's identities",
                ("primary_user_assigned_identity",),
                primary,
                allowed=", ".join(ids) or "none: identity.user_assigned_identities is empty",
                fix="add it to identity.user_assigned_identities",
            )

    @rule
    def _one_of_several_is_primary(self) -> Iterator[Finding]:
        only_ours = self.identity is not None and self.identity.type == "user_assigned"
        if only_ours and len(self._identity_ids()) > 1 and self.primary_user_assigned_identity is None:
            yield Finding(
                "is missing: which of its identities the workspace uses is not said",
                ("primary_user_assigned_identity",),
                allowed=", ".join(self._identity_ids()),
                fix="add primary_user_assigned_identity",
            )

    @rule
    def _addresses_need_the_internet(self) -> Iterator[Finding]:
        if self.network_acls is not None and self.public_network_access == "disabled":
            yield Finding(
                "the workspace is not reached from the internet at all",
                ("network_acls",),
                allowed="with public_network_access: enabled",
                fix="leave network_acls out, or set public_network_access: enabled",
            )

    @rule
    def _a_network_to_provision(self) -> Iterator[Finding]:
        if self.provision_network_now and self.managed_network.isolation_mode == "disabled":
            yield Finding(
                "there is no managed network to make",
                ("provision_network_now",),
                value=True,
                allowed="true with a managed_network.isolation_mode other than disabled",
                fix="set managed_network.isolation_mode, or leave provision_network_now out",
            )

    @rule
    def _azure_gives_its_own_identity_roles_on_the_group(self) -> Iterator[Finding]:
        if not self.allow_roleassignment_on_rg and self.identity is not None and "system" in self.identity.type:
            yield Finding(
                "comes too late: Azure gives the identity its roles when the workspace is made, and its API of today "
                "(2025-12-01) cannot be told otherwise then",
                ("allow_roleassignment_on_rg",),
                value=False,
                allowed="true with a system-assigned identity",
                fix="leave identity out, to have one made with roles on each part alone, or use one of yours",
            )

    @rule
    def _the_hub_has_it(self) -> Iterator[Finding]:
        for field in _THE_HUBS:
            if self.workspace_hub is not None and field in self.model_fields_set:
                yield Finding(
                    "a project has this from its hub",
                    (field,),
                    allowed="without workspace_hub",
                    fix=f"leave {field} out, or set it on the hub",
                )

    @rule
    def _logs_of_insights_that_are_made(self) -> Iterator[Finding]:
        if self.log_analytics is not None and self.application_insights is not None:
            yield Finding(
                "the existing Application Insights has its logs already",
                ("log_analytics",),
                self.log_analytics,
                fix="leave log_analytics out, or application_insights, to have one made on these logs",
            )

    def _identity_ids(self) -> list[str]:
        return [each.resource_id for each in self.identity.user_assigned_identities] if self.identity else []
