"""The Azure ML workspace and what it stands on.

Owns the order: what it depends on, the roles of its identity on each of them, then the workspace. Deliberately makes no
networks, and nothing inside the workspace.
"""

from typing import Any, NotRequired, TypedDict

import pulumi

from azml.arm_words import IDENTITY_TYPES, ISOLATION_MODES, switch
from azml.azure_ml_workspace import AzureMlWorkspace
from azml.component import given, spec_of
from azml.container_registry import ContainerRegistryArgs
from azml.resources.resource import token
from azml.spec.workspace import WorkspaceSpec
from azml.workspace_parts import Parts


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


class ManagedNetworkArgs(TypedDict):
    """The network that Azure manages for the workspace's computes and endpoints."""

    isolation_mode: NotRequired[str]
    """disabled (when absent), allow_internet_outbound or allow_only_approved_outbound."""


class WorkspaceArgs(TypedDict):
    """Arguments of `Workspace`."""

    name: str
    """Name of the workspace, once in its resource group."""
    existing: NotRequired[str]
    """ARM id of a workspace to use and never change."""
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
    identity: NotRequired[IdentityArgs]
    """Identity of the workspace. Absent: one is made, with the least roles that a workspace needs."""
    primary_user_assigned_identity: NotRequired[str]
    """ARM id of the identity that the workspace uses where it has several."""
    system_datastores_auth_mode: NotRequired[str]
    """accesskey (when absent) or identity: how the default datastores are reached. With identity there are no keys."""
    storage_account: NotRequired[str]
    """ARM id of an existing storage account. Absent: one is made."""
    key_vault: NotRequired[str]
    """ARM id of an existing key vault. Absent: one is made."""
    application_insights: NotRequired[str]
    """ARM id of an existing Application Insights. Absent: one is made."""
    container_registry: NotRequired[str]
    """ARM id of an existing registry. Absent: one is made from `registry`."""
    image_build_compute: NotRequired[str]
    """Compute that builds images where the registry is private."""
    managed_network: NotRequired[ManagedNetworkArgs]
    """The network that Azure manages for the workspace."""
    registry: NotRequired[ContainerRegistryArgs]
    """The registry to make where `container_registry` is absent."""
    stage: NotRequired[str]
    """dev, test or prod (when absent): prod cannot lose its key vault before its time."""


class Workspace(pulumi.ComponentResource):
    """An Azure ML workspace with all it stands on, and an identity that may do what a workspace must, no more."""

    workspace_id: pulumi.Output[str]
    """ARM id of the workspace."""
    location: pulumi.Output[str]
    """Azure region of the workspace."""
    resource_group_name: pulumi.Output[str]
    """Name of its resource group."""
    storage_account_id: pulumi.Output[str]
    """ARM id of its storage account."""
    container_registry_id: pulumi.Output[str]
    """ARM id of its registry."""

    def __init__(self, name: str, args: WorkspaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("Workspace"), name, {}, opts)
        spec = spec_of(WorkspaceSpec, f"Workspace {name}", args, besides=("registry", "stage"))
        child = pulumi.ResourceOptions(parent=self)
        if spec.existing is not None:
            known = pulumi.ResourceOptions(parent=self, id=spec.existing)
            self._publish(AzureMlWorkspace(name, {}, known))
            return
        parts = Parts(name, spec, child)
        storage_id = spec.storage_account or parts.storage_account()
        vault_id = spec.key_vault or parts.key_vault(args.get("stage", "prod"))
        insights_id = spec.application_insights or parts.application_insights()
        registry_id = spec.container_registry or parts.container_registry(args.get("registry", {}))
        identity = _given_identity(spec) or {
            "type": "UserAssigned",
            "userAssignedIdentities": [parts.identity_with_roles(storage_id, vault_id, insights_id, registry_id)],
        }
        wanted = {
            "resourceGroupName": parts.group.name,
            "workspaceName": spec.name,
            "location": parts.location,
            "description": spec.description,
            "friendlyName": spec.display_name or spec.name,
            "hbiWorkspace": spec.hbi_workspace,
            "publicNetworkAccess": switch(spec.public_network_access),
            "systemDatastoresAuthMode": spec.system_datastores_auth_mode,
            "storageAccount": storage_id,
            "keyVault": vault_id,
            "applicationInsights": insights_id,
            "containerRegistry": registry_id,
            "imageBuildCompute": spec.image_build_compute,
            "managedNetwork": {"isolationMode": ISOLATION_MODES[spec.managed_network.isolation_mode]},
            "identity": identity,
            "primaryUserAssignedIdentity": spec.primary_user_assigned_identity or parts.identity_id,
            "tags": spec.tags,
        }
        after_roles = pulumi.ResourceOptions(parent=self, depends_on=parts.granted)
        self._publish(AzureMlWorkspace(name, given(wanted), after_roles))

    def _publish(self, workspace: AzureMlWorkspace) -> None:
        self.workspace_id = workspace.id
        self.location = workspace.location
        self.resource_group_name = workspace.id.apply(lambda id_: id_.split("/")[4])
        self.storage_account_id = workspace.storage_account
        self.container_registry_id = workspace.container_registry
        self.register_outputs(
            {
                "workspace_id": self.workspace_id,
                "location": self.location,
                "resource_group_name": self.resource_group_name,
                "storage_account_id": self.storage_account_id,
                "container_registry_id": self.container_registry_id,
            }
        )


def _given_identity(spec: WorkspaceSpec) -> dict[str, Any] | None:
    """Give the identity that the estate names; None where it says nothing, and one is made."""
    if spec.identity is None:
        return None
    assigned = [identity.resource_id for identity in spec.identity.user_assigned_identities]
    kind = {"type": IDENTITY_TYPES[spec.identity.type]}
    return {**kind, "userAssignedIdentities": assigned} if assigned else kind
