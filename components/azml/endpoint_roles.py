"""What the user-assigned identity of an endpoint may do: read the workspace's blobs and pull its images, no more.

Owns the two assignments that Azure wants there before anything is deployed under such an identity
(concept-endpoints-online-auth). Each identity gets them once, however many endpoints share it. Deliberately only on
what azml made: a storage account or registry of others is theirs to open.
"""

from collections.abc import Iterable
from functools import partial

import pulumi
from pulumi_azure_native import authorization, managedidentity

from azml.facts import roles
from azml.spec import StackSpec
from azml.spec.online_endpoint import OnlineEndpointSpec
from azml.workspace import Workspace

STORAGE, REGISTRY = "Storage Blob Data Reader", "AcrPull"

Grants = dict[str, list[pulumi.Resource]]
"""Role assignments by the identity's ARM id in lower case."""


def grants(estate: StackSpec, workspace: Workspace) -> Grants:
    """Assign the roles for every identity that the estate's endpoints name."""
    scopes = _scopes(estate, workspace)
    wanted = {id_.lower(): id_ for endpoint in estate.online_endpoints for id_ in _identities(endpoint)}
    return {key: list(_granted(id_, scopes, workspace)) for key, id_ in wanted.items()} if scopes else {}


def before(endpoint: OnlineEndpointSpec, made: Grants) -> list[pulumi.Resource]:
    """What the endpoint's deployments wait for."""
    return [grant for id_ in _identities(endpoint) for grant in made.get(id_.lower(), [])]


def _identities(endpoint: OnlineEndpointSpec) -> list[str]:
    return [identity.resource_id for identity in endpoint.identity.user_assigned_identities]


def _scopes(estate: StackSpec, workspace: Workspace) -> dict[str, pulumi.Output[str]]:
    """Ids by role of what azml made."""
    spec, block = estate.workspace, estate.container_registry
    if spec is None or spec.existing is not None or spec.workspace_hub is not None:
        return {}
    made = {}
    if spec.storage_account is None:
        made[STORAGE] = workspace.storage_account_id
    if spec.container_registry is None and (block is None or block.existing is None):
        made[REGISTRY] = workspace.container_registry_id
    return made


def _granted(id_: str, scopes: dict[str, pulumi.Output[str]], workspace: Workspace) -> Iterable[pulumi.Resource]:
    _, _, _, _, group, *_, identity = id_.split("/")
    child, stem = pulumi.ResourceOptions(parent=workspace), f"{group}-{identity}"
    principal_id = managedidentity.UserAssignedIdentity.get(stem, id_, child).principal_id
    for role, scope in scopes.items():
        yield authorization.RoleAssignment(
            f"{stem}-{role.replace(' ', '-').lower()}",
            scope=scope,
            principal_id=principal_id,
            principal_type="ServicePrincipal",
            role_definition_id=scope.apply(partial(_definition, role)),
            opts=child,
        )


def _definition(role: str, scope: str) -> str:
    return roles.definition_id(role, scope.split("/")[2])
