"""The Azure ML workspace and what it stands on.

Owns the order: what it depends on, the roles of its identity on each of them, then the workspace. Deliberately makes no
networks, and nothing inside the workspace.
"""

from typing import Any

import pulumi

from azml import workspace_inputs
from azml.azure_ml import AzureMlWorkspace
from azml.component import given, spec_of
from azml.container_registry import ContainerRegistry
from azml.resources.resource import token
from azml.resources.workspace_network_acls import IpRule, WorkspaceNetworkAcls
from azml.spec.workspace import WorkspaceSpec
from azml.workspace_args import WorkspaceArgs
from azml.workspace_parts import Parts


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
    application_insights_id: pulumi.Output[str]
    """ARM id of its Application Insights."""

    def __init__(self, name: str, args: WorkspaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("Workspace"), name, {}, opts)
        self.registry: ContainerRegistry | None = None
        spec = spec_of(WorkspaceSpec, f"Workspace {name}", args, besides=("registry", "stage", "protect"))
        child = pulumi.ResourceOptions(parent=self)
        if spec.existing is not None:
            known = pulumi.ResourceOptions(parent=self, id=spec.existing)
            self._publish(AzureMlWorkspace(name, {}, known))
            return
        keep = pulumi.ResourceOptions(parent=self, protect=args.get("protect"))
        parts = Parts(name, spec, child, keep)
        beneath = {"identity": {"type": "SystemAssigned"}} if spec.workspace_hub else self._beneath(parts, spec, args)
        wanted = {
            **workspace_inputs.inputs(spec),
            "resourceGroupName": parts.group.name,
            "location": parts.location,
            **beneath,
        }
        if (named := workspace_inputs.identity(spec)) is not None:
            wanted["identity"] = named
        claim = parts.claim("name", "Microsoft.MachineLearningServices/workspaces", spec.name)
        ready = [*parts.granted, *([] if claim is None else [claim])]
        after_parts = pulumi.ResourceOptions.merge(keep, pulumi.ResourceOptions(depends_on=ready))
        made = AzureMlWorkspace(name, given(wanted), after_parts)
        if (acls := spec.network_acls) is not None:
            rules: list[IpRule] = [{"value": rule.value} for rule in acls.ip_rules]
            only = {"workspace_id": made.id, "default_action": acls.default_action, "ip_rules": rules}
            WorkspaceNetworkAcls(f"{name}-addresses", only, child)  # type: ignore[arg-type]
        self._publish(made)

    def _beneath(self, parts: Parts, spec: WorkspaceSpec, args: WorkspaceArgs) -> dict[str, Any]:
        """What the workspace stands on, made where it does not exist, and an identity for it where it has none."""
        storage_id = spec.storage_account or parts.storage_account()
        vault_id = spec.key_vault or parts.key_vault(args.get("stage", "prod"))
        insights_id = spec.application_insights or parts.application_insights()
        if spec.container_registry is None:
            self.registry = parts.container_registry(args.get("registry", {}))
        registry_id = spec.container_registry or self.registry.registry_id  # type: ignore[union-attr]
        beneath: dict[str, Any] = {
            "storageAccount": storage_id,
            "keyVault": vault_id,
            "applicationInsights": insights_id,
            "containerRegistry": registry_id,
        }
        if spec.identity is None:
            made = parts.identity_with_roles(storage_id, vault_id, insights_id, registry_id)
            beneath["identity"] = {"type": "UserAssigned", "userAssignedIdentities": [made]}
            beneath["primaryUserAssignedIdentity"] = made
        if spec.customer_managed_key is not None:
            reader = parts.identity_id or workspace_inputs.primary(spec)
            beneath["encryption"] = workspace_inputs.encryption(spec.customer_managed_key, reader)
        return beneath

    def _publish(self, workspace: AzureMlWorkspace) -> None:
        self.workspace_id = workspace.id
        self.location = workspace.location
        self.resource_group_name = workspace.id.apply(lambda id_: id_.split("/")[4])
        self.storage_account_id = workspace.storage_account
        self.container_registry_id = workspace.container_registry
        self.application_insights_id = workspace.application_insights
        self.register_outputs(
            {
                "workspace_id": self.workspace_id,
                "location": self.location,
                "resource_group_name": self.resource_group_name,
                "storage_account_id": self.storage_account_id,
                "container_registry_id": self.container_registry_id,
                "application_insights_id": self.application_insights_id,
            }
        )
