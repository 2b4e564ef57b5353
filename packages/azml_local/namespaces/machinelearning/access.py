"""What an endpoint's user-assigned identity must be allowed before anything is deployed under it.

Owns that check: Azure gives a system-assigned identity its roles, yours must have them already
(concept-endpoints-online-auth). Deliberately knows no other permission: roles decide nothing else here.
"""

from azml_local.arm.errors import bad_request
from azml_local.arm.ids import parse_id
from azml_local.arm.store import Resource
from azml_local.azure import Azure
from azml_local.namespaces.authorization import roles_of

_NEEDED = {
    "storageAccount": ("Storage Blob Data Reader", "Storage Blob Data Contributor", "Storage Blob Data Owner"),
    "containerRegistry": ("AcrPull", "AcrPush", "Contributor", "Owner"),
}
"""Property of the workspace to the roles of which one will do, the least first."""


def refuse_without(azure: Azure, endpoint: Resource) -> None:
    """Raise 400 naming every role that the endpoint's user-assigned identity lacks on the workspace's parts."""
    identity = endpoint.body.get("identity") or {}
    workspace = None if endpoint.id.parent is None else azure.store.get(endpoint.id.parent)
    if identity.get("type") != "UserAssigned" or workspace is None:
        return
    principals = [one["principalId"] for one in identity["userAssignedIdentities"].values()]
    missing = [
        f"{roles[0]} on {part}"
        for name, roles in _NEEDED.items()
        if (part := parse_id(workspace.properties.get(name) or "")) is not None
        for principal in principals
        if not roles_of(azure, principal, part).intersection(roles)
    ]
    if missing:
        raise bad_request(
            "BadArgument",
            f"The user-assigned identity of the endpoint '{endpoint.id.name}' lacks {', and '.join(missing)}. "
            "Assign the roles before deploying.",
        )
