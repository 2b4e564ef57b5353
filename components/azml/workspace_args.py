"""What a `Workspace` is made from.

Owns the argument types: names and docs for programs in any language. Deliberately no rule (`azml.spec.workspace`).
"""

from typing import Any, NotRequired, TypedDict

from azml.container_registry import ContainerRegistryArgs


class UserAssignedIdentityArgs(TypedDict):
    """One user-assigned identity."""

    resource_id: str
    """ARM id of the identity."""


class IdentityArgs(TypedDict):
    """Who a resource is when it asks for storage, registry and secrets."""

    type: str
    """system_assigned, user_assigned, both separated by a comma (workspaces), or none."""
    user_assigned_identities: NotRequired[list[UserAssignedIdentityArgs]]
    """The identities of type user_assigned."""


class OutboundRuleArgs(TypedDict):
    """A way out of the managed network."""

    name: str
    """Name of the rule, once in the workspace."""
    type: NotRequired[str]
    """private_endpoint, service_tag or fqdn. Absent: what the destination looks like."""
    destination: Any
    """Of a private_endpoint: service_resource_id, subresource_target, spark_enabled. Of a service_tag: service_tag,
    protocol, port_ranges, address_prefixes. Of an fqdn: the host name as text."""
    fqdns: NotRequired[list[str]]
    """Host names that lead to a private endpoint's resource behind an application gateway."""


class ManagedNetworkArgs(TypedDict):
    """The network that Azure manages for the workspace's computes and endpoints."""

    isolation_mode: NotRequired[str]
    """disabled (when absent), allow_internet_outbound or allow_only_approved_outbound."""
    outbound_rules: NotRequired[list[OutboundRuleArgs]]
    """Private endpoints to resources of yours; with allow_only_approved_outbound what else may be reached."""
    firewall_sku: NotRequired[str]
    """standard (when absent) or basic: the firewall that rules of type fqdn need."""


class CustomerManagedKeyArgs(TypedDict):
    """A key of yours that encrypts what the workspace keeps."""

    key_vault: NotRequired[str]
    """ARM id of the vault that holds the key. Required."""
    key_uri: NotRequired[str]
    """Address of the key: https://VAULT.vault.azure.net/keys/KEY/VERSION. Required."""
    cosmosdb_id: NotRequired[str]
    """ARM id of a Cosmos DB account of yours to keep metadata in. Absent: Azure makes one."""
    storage_id: NotRequired[str]
    """ARM id of a storage account of yours to keep metadata in. Absent: Azure makes one."""
    search_id: NotRequired[str]
    """ARM id of a search service of yours to keep metadata in. Absent: Azure makes one."""


class IpRuleArgs(TypedDict):
    """Addresses that may reach the workspace."""

    value: str
    """An IPv4 address or a range of them."""


class NetworkAclsArgs(TypedDict):
    """Who reaches the workspace from the internet."""

    default_action: str
    """Deny (only the addresses of ip_rules) or Allow (everyone)."""
    ip_rules: NotRequired[list[IpRuleArgs]]
    """Addresses that are let in."""


class ServerlessComputeArgs(TypedDict):
    """Where jobs without a compute of their own run."""

    custom_subnet: NotRequired[str]
    """ARM id of a subnet of yours. Absent: Azure's own network."""
    no_public_ip: NotRequired[bool]
    """Whether the nodes have no public address. Only in a subnet of yours. Absent: false."""


class WorkspaceArgs(TypedDict):
    """Arguments of `Workspace`."""

    name: str
    """Name of the workspace, once in its resource group."""
    existing: NotRequired[str]
    """ARM id of a workspace to use and never change."""
    on_soft_deleted: NotRequired[str]
    """fail (when absent), recover or purge: what to do where a deleted workspace or key vault still holds the name."""
    location: NotRequired[str]
    """Azure region. Absent: that of the resource group."""
    resource_group: NotRequired[str]
    """Name of an existing resource group. Absent: one is made."""
    description: NotRequired[str]
    """What the workspace is for."""
    display_name: NotRequired[str]
    """Name that the studio shows."""
    tags: NotRequired[dict[str, str]]
    """Tags of the workspace and of all that is made for it."""
    hbi_workspace: NotRequired[bool]
    """High business impact: less telemetry leaves the workspace. Cannot be changed later."""
    public_network_access: NotRequired[str]
    """enabled (when absent) or disabled: whether the workspace is reached from the internet."""
    network_acls: NotRequired[NetworkAclsArgs]
    """Which addresses of the internet reach the workspace. Absent: all."""
    identity: NotRequired[IdentityArgs]
    """Identity of the workspace. Absent: one is made, with the least roles that a workspace needs."""
    primary_user_assigned_identity: NotRequired[str]
    """ARM id of the identity that the workspace uses where it has several."""
    system_datastores_auth_mode: NotRequired[str]
    """accesskey (when absent), identity or user_delegation_sas: how the default datastores are reached. Only with
    accesskey there are keys."""
    storage_account: NotRequired[str]
    """ARM id of an existing storage account. Absent: one is made."""
    key_vault: NotRequired[str]
    """ARM id of an existing key vault. Absent: one is made."""
    application_insights: NotRequired[str]
    """ARM id of an existing Application Insights. Absent: one is made."""
    log_analytics: NotRequired[str]
    """ARM id of an existing Log Analytics workspace for the Application Insights that is made. Absent: one is made."""
    container_registry: NotRequired[str]
    """ARM id of an existing registry. Absent: one is made from `registry`."""
    customer_managed_key: NotRequired[CustomerManagedKeyArgs]
    """A key of yours that encrypts what the workspace keeps. Cannot be added later."""
    image_build_compute: NotRequired[str]
    """Compute that builds images where the registry is private."""
    managed_network: NotRequired[ManagedNetworkArgs]
    """The network that Azure manages for the workspace."""
    provision_network_now: NotRequired[bool]
    """Whether the managed network is made with the workspace. Absent: false, with its first compute."""
    enable_data_isolation: NotRequired[bool]
    """Whether workspaces of one hub cannot see each other's data. Absent: false. Cannot be changed later."""
    allow_roleassignment_on_rg: NotRequired[bool]
    """Whether Azure may give the system-assigned identity its roles on the whole resource group. Absent: true."""
    serverless_compute: NotRequired[ServerlessComputeArgs]
    """Where jobs without a compute of their own run."""
    workspace_hub: NotRequired[str]
    """ARM id of a hub: the workspace is a project of it, and stands on what the hub has."""
    registry: NotRequired[ContainerRegistryArgs]
    """The registry to make where `container_registry` is absent."""
    protect: NotRequired[bool]
    """Whether the engine refuses to delete or replace what holds state: workspace, resource group, storage account, key
    vault, logs and container registry. Absent: false. (Pulumi's own option `protect` keeps every role, too.)"""
    stage: NotRequired[str]
    """dev, test or prod (when absent): prod cannot lose its key vault before its time."""
