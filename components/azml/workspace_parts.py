"""What a workspace stands on: resource group, storage account, key vault, insights, registry, identity and its roles.

Owns how each is set up: no public blobs, TLS 1.2, roles instead of access policies, no admin user. Deliberately not the
workspace itself, and not which of them exist already.
"""

import json
from functools import cached_property, partial
from typing import Any

import pulumi
from pulumi_azure_native import (
    applicationinsights,
    authorization,
    keyvault,
    managedidentity,
    operationalinsights,
    resources,
    storage,
)

from azml import naming
from azml.component import asked
from azml.container_registry import ContainerRegistry, ContainerRegistryArgs
from azml.facts import roles
from azml.resources.name_claim import NameClaim
from azml.spec.workspace import WorkspaceSpec

LOG_DAYS = 30
"""Days that logs are kept: Log Analytics' own default, and what its price includes."""
SOFT_DELETE_DAYS = 90
"""Days that a deleted key vault can be recovered: the most that Azure allows, and its default. The same in every stage,
because it can never be changed (docs: soft-delete-overview)."""

STORAGE_ROLES = {"storage": "Storage Account Contributor", "storage-blobs": "Storage Blob Data Contributor"}
STORAGE_ROLES_WITHOUT_KEYS = {"storage-files": "Storage File Data Privileged Contributor"}
VAULT_ROLES = {"vault": "Key Vault Contributor", "vault-contents": "Key Vault Administrator"}
INSIGHTS_ROLES = {"insights": "Application Insights Component Contributor"}
REGISTRY_ROLES = {"registry": "Contributor"}
KEY_ROLES = {"key": "Key Vault Crypto Service Encryption User"}
"""To wrap and unwrap with the key of one's own that encrypts the workspace, and nothing else in that vault."""
APPROVER = "Azure AI Enterprise Network Connection Approver"
"""Azure approves the private endpoints of a managed network as the workspace's identity, and since 2025-04-30 gives it
no role for that by itself (how-to-managed-network.md)."""
"""Roles by the name of their assignment. What a workspace's own identity needs: Contributor and a data role on each
part (how-to-identity-based-service-authentication.md, 2022-12). It is the Contributor of that service alone where Azure
has one; the registry has none, and image builds need more than push and pull."""

Id = pulumi.Output[str] | str


class Group:
    """The resource group: made where the estate names none."""

    def __init__(self, name: str, spec: WorkspaceSpec, keep: pulumi.ResourceOptions) -> None:
        if spec.resource_group is None:
            # Named by azure-native with a random ending: a key vault and a workspace keep their names for days after
            # they were deleted, and theirs derive from the group, so `destroy` and `up` again meets no old name.
            made = resources.ResourceGroup(f"{name}-rg", location=spec.location, tags=spec.tags, opts=keep)
            self.id, self.name, self.location = made.id, made.name, made.location
        else:
            found = asked(
                "azure-native:resources:getResourceGroup",
                {"resourceGroupName": spec.resource_group},
                resources.GetResourceGroupResult,
                keep.parent,
                f"Workspace {name} is to be made in the resource group {spec.resource_group}, which cannot be read. "
                "Make it first (az group create), or leave resource_group out, to have one made.",
            )
            self.id, self.name, self.location = found.id, found.name, found.location


class Parts:
    """Makes the parts of one workspace. `granted` are the role assignments that it must wait for.

    `keep` are the options of those that hold state, `child` those of all others.
    """

    def __init__(
        self, name: str, spec: WorkspaceSpec, child: pulumi.ResourceOptions, keep: pulumi.ResourceOptions
    ) -> None:
        self._name, self._spec, self._child, self._keep = name, spec, child, keep
        self.group = Group(name, spec, keep)
        self.location: Id = spec.location or self.group.location
        self.identity_id: pulumi.Output[str] | None = None
        self.granted: list[pulumi.Resource] = []
        self._made: list[pulumi.Resource] = []

    def storage_account(self) -> pulumi.Output[str]:
        """Blobs and files; without keys where the workspace reaches it by identity."""
        account = storage.StorageAccount(
            f"{self._name}-storage",
            resource_group_name=self.group.name,
            account_name=self.group.id.apply(lambda id_: naming.storage_account(self._spec.name, id_)),
            location=self.location,
            kind="StorageV2",
            sku={"name": "Standard_LRS"},
            minimum_tls_version="TLS1_2",
            enable_https_traffic_only=True,
            allow_blob_public_access=False,
            allow_cross_tenant_replication=False,
            allow_shared_key_access=not self._keyless,
            tags=self._spec.tags,
            opts=self._keep,
        )
        self._made.append(account)
        return account.id

    def claim(self, what: str, type_: str, name: Id, revision: object = "") -> NameClaim | None:
        """Look whether something deleted holds a name. A group that is made with the stack has no past."""
        if self._spec.resource_group is None:
            return None
        path = pulumi.Output.concat(self.group.id, f"/providers/{type_}/", name)
        # A workspace is recovered onto what it stood on; anything else is better said before something is made.
        first = self._made if self._spec.on_soft_deleted == "recover" else None
        after_parts = pulumi.ResourceOptions(parent=self._child.parent, depends_on=first)
        return NameClaim(
            f"{self._name}-{what}",
            {
                "resource_id": path,
                "location": self.location,
                "on_soft_deleted": self._spec.on_soft_deleted,
                "revision": json.dumps(revision, sort_keys=True),
            },
            after_parts,
        )

    def key_vault(self, stage: str) -> pulumi.Output[str]:
        """Secrets by role. In production it cannot be purged before its time: never to be undone, so only there."""
        name = self.group.id.apply(lambda id_: naming.key_vault(self._spec.name, id_))
        # Whatever makes the vault's inputs change: a vault that exists is never written as one to be recovered.
        claim = self.claim("vault-name", "Microsoft.KeyVault/vaults", name, [stage, self._spec.tags])
        vault = keyvault.Vault(
            f"{self._name}-vault",
            resource_group_name=self.group.name,
            vault_name=name,
            location=self.location,
            properties=keyvault.VaultPropertiesArgs(
                tenant_id=self._tenant_id,
                sku=keyvault.SkuArgs(family="A", name=keyvault.SkuName.STANDARD),
                enable_rbac_authorization=True,
                enable_soft_delete=True,
                soft_delete_retention_in_days=SOFT_DELETE_DAYS,
                enable_purge_protection=True if stage == "prod" else None,
                create_mode=None if claim is None else claim.create_mode.apply(keyvault.CreateMode),
            ),
            tags=self._spec.tags,
            opts=self._keep,
        )
        self._made.append(vault)
        return vault.id

    def application_insights(self) -> pulumi.Output[str]:
        """Traces and metrics, kept in Log Analytics."""
        logs_id = self._spec.log_analytics or self._logs().id
        insights = applicationinsights.Component(
            f"{self._name}-insights",
            resource_group_name=self.group.name,
            resource_name_=f"appi-{self._spec.name}",
            location=self.location,
            kind="web",
            application_type="web",
            ingestion_mode="LogAnalytics",
            workspace_resource_id=logs_id,
            tags=self._spec.tags,
            # The provider marks neither, and whoever has one can write telemetry.
            opts=pulumi.ResourceOptions.merge(
                self._child,
                pulumi.ResourceOptions(additional_secret_outputs=["connection_string", "instrumentation_key"]),
            ),
        )
        self._made.append(insights)
        return insights.id

    def _logs(self) -> operationalinsights.Workspace:
        return operationalinsights.Workspace(
            f"{self._name}-logs",
            resource_group_name=self.group.name,
            workspace_name=naming.log_analytics(self._spec.name),
            location=self.location,
            sku={"name": "PerGB2018"},
            retention_in_days=LOG_DAYS,
            tags=self._spec.tags,
            opts=self._keep,
        )

    def container_registry(self, args: ContainerRegistryArgs) -> ContainerRegistry:
        """Images of environments, and of serving."""
        given = {key: value for key, value in args.items() if value is not None}
        made_up = self.group.id.apply(lambda id_: naming.container_registry(self._spec.name, id_))
        where = {"name": made_up, "resource_group": self.group.name, "location": self.location, "tags": self._spec.tags}
        whole: Any = given if "existing" in given else {**where, **given}
        return ContainerRegistry(f"{self._name}-registry", whole, self._child if "existing" in given else self._keep)

    def identity_with_roles(self, storage_id: Id, vault_id: Id, insights_id: Id, registry_id: Id) -> pulumi.Output[str]:
        """Make the workspace's own identity, and let it do what a workspace must, on each part alone."""
        identity = managedidentity.UserAssignedIdentity(
            f"{self._name}-identity",
            resource_group_name=self.group.name,
            resource_name_=f"id-{self._spec.name}",
            location=self.location,
            tags=self._spec.tags,
            opts=self._child,
        )
        self.identity_id = identity.id
        without_keys = STORAGE_ROLES_WITHOUT_KEYS if self._keyless else {}
        self._grant(identity.principal_id, storage_id, STORAGE_ROLES | without_keys)
        self._grant(identity.principal_id, vault_id, VAULT_ROLES)
        self._grant(identity.principal_id, insights_id, INSIGHTS_ROLES)
        self._grant(identity.principal_id, registry_id, REGISTRY_ROLES)
        if self._spec.customer_managed_key is not None and self._spec.customer_managed_key.key_vault is not None:
            self._grant(identity.principal_id, self._spec.customer_managed_key.key_vault, KEY_ROLES)
        if self._spec.managed_network.isolation_mode != "disabled":
            for end, scope in self._private_ends(storage_id, vault_id, registry_id).items():
                self._grant(identity.principal_id, scope, {f"{end}-approver": APPROVER})
        return identity.id

    def _private_ends(self, storage_id: Id, vault_id: Id, registry_id: Id) -> dict[str, Id]:
        """What private endpoints of the managed network lead to, each once: a role can be given only once."""
        ends: dict[str, Id] = {"storage": storage_id, "vault": vault_id, "registry": registry_id}
        known = {scope.lower() for scope in ends.values() if isinstance(scope, str)}
        for rule in self._spec.managed_network.outbound_rules:
            if rule.type == "private_endpoint" and rule.destination.service_resource_id.lower() not in known:
                known.add(rule.destination.service_resource_id.lower())
                ends[f"rule-{rule.name}"] = rule.destination.service_resource_id
        return ends

    def _grant(self, principal_id: pulumi.Output[str], scope: Id, names: dict[str, str]) -> None:
        subscription = pulumi.Output.from_input(scope).apply(lambda id_: id_.split("/")[2])
        for name, role in names.items():
            assignment = authorization.RoleAssignment(
                f"{self._name}-{name}-role",
                scope=scope,
                principal_id=principal_id,
                principal_type="ServicePrincipal",
                role_definition_id=subscription.apply(partial(roles.definition_id, role)),
                opts=self._child,
            )
            self.granted.append(assignment)

    @property
    def _keyless(self) -> bool:
        return self._spec.system_datastores_auth_mode == "identity"

    @cached_property
    def _tenant_id(self) -> pulumi.Output[str]:
        who = asked(
            "azure-native:authorization:getClientConfig",
            {},
            authorization.GetClientConfigResult,
            self._child.parent,
            "Who is signed in to Azure, and to which tenant, cannot be found out.",
        )
        return who.tenant_id
