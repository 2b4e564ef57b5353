"""Microsoft.Authorization: role assignments at any scope, and the built-in roles. Nothing is decided by them here."""

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from azml.facts.roles import ROLES
from azml_local.arm.call import Call
from azml_local.arm.errors import ArmError
from azml_local.arm.ids import ResourceId, parse_id
from azml_local.arm.store import Resource
from azml_local.arm.types import Reply, ResourceType, Write
from azml_local.azure import Azure

_IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"


class RoleAssignments(ResourceType):
    """Who has which role where."""

    type = "Microsoft.Authorization/roleAssignments"
    evidence = "ARM's types 2022-04-01; errors: role-based-access-control troubleshooting"
    not_enforced = (
        "what callers may do: whoever has a token may do everything; only an endpoint's user-assigned identity must "
        "have its roles before anything is deployed, and one that pulls images for a container group its role there"
    )
    operations = ("PUT", "GET", "LIST", "DELETE")
    deletes = Reply(updated=200, shows=True)

    def members(self, scope: ResourceId | None, call: Call) -> list[Resource]:
        """List those at, above and below a scope; `$filter` may be `atScope()` or `principalId eq '…'`."""
        here = [found for found in self.azure.store.below(None, self.type) if _related(found.id.parent, scope)]
        wanted = call.query.get("$filter")
        if wanted is None:
            return here
        if wanted == "atScope()":
            return [found for found in here if scope is None or is_at_or_above(found.id.parent, scope)]
        if (assigned := re.fullmatch(r"assignedTo\('([^']*)'\)", wanted)) is not None:
            wanted = f"principalId eq '{assigned[1]}'"  # there are no groups here
        name, _, value = wanted.partition(" eq ")
        if name.strip() not in ("principalId", "assignedTo()"):
            raise ArmError(
                400, "InvalidFilter", f"The filter '{wanted}' is not emulated: atScope() or principalId eq '…'."
            )
        return [found for found in here if found.properties["principalId"] == value.strip().strip("'")]

    def check(self, write: Write) -> None:
        """GUID name, known role, a principal of the said kind, and not the same assignment twice."""
        _refuse_bad_name(write.id.name)
        _role(write.properties["roleDefinitionId"])
        self._refuse_other_kind(write)
        new = _what(write.properties)
        if write.existing is not None and new != _what(write.existing.properties):
            raise ArmError(
                400,
                "RoleAssignmentUpdateNotPermitted",
                "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
            )
        for found in self.azure.store.below(write.id.parent, self.type):
            same_scope = found.id.parent is not None and write.id.parent is not None
            same_scope = same_scope and found.id.parent.key == write.id.parent.key  # type: ignore[union-attr]
            if same_scope and found.id.key != write.id.key and _what(found.properties) == new:
                raise ArmError(409, "RoleAssignmentExists", "The role assignment already exists.")

    def fill(self, write: Write) -> None:
        """Scope, times and authors."""
        now, caller = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), self.azure.identity.object_id
        made = write.properties
        made.setdefault("principalType", "User")
        made.setdefault("createdOn", now)
        made.setdefault("createdBy", caller)
        made |= {"scope": str(write.id.parent or "/"), "updatedOn": now, "updatedBy": caller}

    async def apply(self, resource: Resource, _report: Callable[[str], None]) -> None:
        """Registries hold identities to their roles."""
        from azml_local.namespaces.containerregistry.rules import refresh_at

        refresh_at(self.azure, resource.id.parent)

    async def removed(self, resource: Resource) -> None:
        """Registries hear of it before it is gone."""
        from azml_local.namespaces.containerregistry.rules import refresh_at

        refresh_at(self.azure, resource.id.parent, without=resource.id)

    def _refuse_other_kind(self, write: Write) -> None:
        principal, kind = write.properties["principalId"], write.properties.get("principalType")
        if kind in (None, "ServicePrincipal") or principal not in self._service_principals():
            return
        raise ArmError(
            400,
            "UnmatchedPrincipalType",
            f"The PrincipalId '{principal}' has type 'ServicePrincipal' , which is different from specified "
            f"PrinciaplType '{kind}'.",
        )

    def _service_principals(self) -> set[str]:
        known = {self.azure.identity.object_id}
        for found in self.azure.store.below(None):
            identity = found.body.get("identity") or {}
            known.add(identity.get("principalId", ""))
            if found.id.type == _IDENTITIES:
                known.add(found.properties["principalId"])
        return known


def roles_of(azure: Azure, principal_id: str, scope: ResourceId, older_than: float = 0) -> set[str]:
    """Name the roles that a principal has at a scope or above it, given more than so many seconds ago."""
    found = assigned(azure, scope, older_than=older_than)
    return {role for principal, role in found if principal == principal_id.lower()}


def assigned(
    azure: Azure, scope: ResourceId, without: ResourceId | None = None, *, older_than: float = 0
) -> Iterator[tuple[str, str]]:
    """Give every principal (in lower case) with a role at a scope or above it; `without` does not count."""
    now = datetime.now(UTC)
    for found in azure.store.below(None, RoleAssignments.type):
        age = (now - datetime.fromisoformat(found.properties["createdOn"])).total_seconds()
        counts = without is None or found.id.key != without.key
        if counts and age >= older_than and is_at_or_above(found.id.parent, scope):
            yield found.properties["principalId"].lower(), _TITLES[_role(found.properties["roleDefinitionId"])]


class RoleDefinitions(ResourceType):
    """The built-in roles that are known here."""

    type = "Microsoft.Authorization/roleDefinitions"
    evidence = "GUIDs: azure-docs built-in roles, bicep-registry-modules 2026-08-07"
    not_enforced = "permissions are not listed"
    operations = ("GET", "LIST")

    def find(self, id_: ResourceId) -> Resource | None:
        """Show a role by its GUID."""
        title = _TITLES.get(id_.name.lower())
        return None if title is None else _definition(title, id_.parent)

    def members(self, scope: ResourceId | None, call: Call) -> list[Resource]:
        """List the roles; `$filter` may be `roleName eq '…'`."""
        wanted = call.query.get("$filter", "")
        name, _, value = wanted.partition(" eq ")
        titles = [title for title in ROLES if name.strip() != "roleName" or title == value.strip().strip("'")]
        return [_definition(title, scope) for title in titles]


_TITLES = {guid: title for title, guid in ROLES.items()}


def _definition(title: str, scope: ResourceId | None) -> Resource:
    properties = {
        "roleName": title,
        "type": "BuiltInRole",
        "description": "",
        "assignableScopes": ["/"],
        "permissions": [],
    }
    return Resource(ResourceId(RoleDefinitions.type, ROLES[title], scope), {"properties": properties})


def _refuse_bad_name(name: str) -> None:
    try:
        uuid.UUID(name)
    except ValueError as error:
        raise ArmError(
            400,
            "InvalidRoleAssignmentId",
            f"The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID.",
        ) from error


def _role(definition: str) -> str:
    """GUID of the role that an id names."""
    id_ = parse_id(definition)
    if id_ is None or id_.type.lower() != RoleDefinitions.type.lower():
        raise ArmError(400, "InvalidRoleDefinitionId", f"The role definition ID '{definition}' is not valid.")
    if id_.name.lower() not in _TITLES:
        raise ArmError(
            404,
            "RoleDefinitionDoesNotExist",
            f"The specified role definition with ID '{id_.name}' does not exist. The local Azure knows: "
            f"{', '.join(ROLES)}.",
        )
    return id_.name.lower()


def _what(properties: dict[str, str]) -> tuple[str, str]:
    return properties["principalId"].lower(), _role(properties["roleDefinitionId"])


def is_at_or_above(upper: ResourceId | None, lower: ResourceId | None) -> bool:
    """Tell whether what holds at one scope (None: everywhere) holds at another."""
    if upper is None:
        return True
    return lower is not None and (lower.key == upper.key or lower.key.startswith(f"{upper.key}/"))


def _related(one: ResourceId | None, other: ResourceId | None) -> bool:
    return is_at_or_above(one, other) or is_at_or_above(other, one)


DECLARED = (RoleAssignments, RoleDefinitions)
