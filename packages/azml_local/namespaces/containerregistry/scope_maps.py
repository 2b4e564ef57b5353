"""Scope maps: which actions on which repositories a token has. Five of them every registry has by itself."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from azml_local.arm.call import Call
from azml_local.arm.errors import ArmError
from azml_local.arm.ids import ResourceId
from azml_local.arm.store import Resource
from azml_local.arm.types import Reply, ResourceType, Write
from azml_local.namespaces.containerregistry import limits, rules
from azml_local.namespaces.containerregistry.rules import SCOPE_MAP
from azml_local.registry import Grant

_VERBS = {
    "content/read": "pull",
    "content/write": "push",
    "content/delete": "delete",
    "metadata/read": "metadata_read",
    "metadata/write": "metadata_write",
}
_ACTION = re.compile(rf"repositories/(?P<repository>[a-z0-9._/*-]+)/(?P<verb>{'|'.join(_VERBS)})")
_GATEWAY = re.compile(r"gateway/[a-zA-Z0-9]+/(config|message)/(read|write)")
"""Of connected registries, which are not emulated: kept, and grants nothing."""
_READ, _WRITE, _DELETE = "content/read", "content/write", "content/delete"
_META_READ, _META_WRITE = "metadata/read", "metadata/write"
SYSTEM: dict[str, tuple[str, Sequence[str]]] = {
    "_repositories_admin": (
        "Can perform all read, write and delete operations on the registry",
        (_META_READ, _META_WRITE, _READ, _WRITE, _DELETE),
    ),
    "_repositories_pull": ("Can pull any repository of the registry", (_READ,)),
    "_repositories_pull_metadata_read": (
        "Can perform all read operations on the registry",
        (_READ, _META_READ),
    ),
    "_repositories_push": ("Can push to any repository of the registry", (_READ, _WRITE)),
    "_repositories_push_metadata_write": (
        "Can perform all read and write operations on the registry",
        (_META_READ, _META_WRITE, _READ, _WRITE),
    ),
}
"""Name to description and actions on every repository (container-registry-repository-scoped-permissions)."""


class ScopeMaps(ResourceType):
    """A scope map of a registry."""

    type = SCOPE_MAP
    evidence = (
        "ARM's types 2024-11-01-preview; codes of azure-mgmt-containerregistry 15.0.0; actions and the registry's own "
        "maps: container-registry-repository-scoped-permissions; limits: container-registry-limits"
    )
    not_enforced = "actions of connected registries (`gateway/…`)"
    puts = Reply(follow="Azure-AsyncOperation")
    patches = Reply(follow="Azure-AsyncOperation")
    deletes = Reply(updated=202, follow="Location")
    patchable = ("properties",)

    def find(self, id_: ResourceId) -> Resource | None:
        """Look one up, or show one that every registry has."""
        name = id_.name.lower()
        if name in SYSTEM and id_.parent is not None:
            return _system(name, id_.parent, self.azure.store.get(id_.parent))
        return super().find(id_)

    def members(self, scope: ResourceId | None, call: Call) -> list[Resource]:
        """List the registry's own, then the user's."""
        own = [found for name in SYSTEM if (found := self.find(ResourceId(self.type, name, scope)))]
        return own + super().members(scope, call)

    def check(self, write: Write) -> None:
        """Refuse actions that are none, too many of them, and changes to what every registry has."""
        _refuse_system(write.id)
        actions = write.properties["actions"]
        bad = [action for action in actions if not (_ACTION.fullmatch(action) or _GATEWAY.fullmatch(action))]
        if bad:
            allowed = f"repositories/NAME/VERB with VERB one of {', '.join(_VERBS)}"
            raise ArmError(400, "InvalidScopeMapActions", f"No actions of a scope map: {', '.join(bad)}. {allowed}.")
        if len(actions) > limits.ACTIONS:
            text = f"A scope map has at most {limits.ACTIONS} actions; there are {len(actions)}."
            raise ArmError(400, "LimitExceeded", text)
        if write.existing is None:
            limits.refuse_too_many(self.azure, write.id.parent, self.type)

    def fill(self, write: Write) -> None:
        """What is read-only."""
        write.properties.setdefault("creationDate", rules.now())
        write.properties["type"] = "UserDefined"

    def check_delete(self, resource: Resource, _call: Call) -> None:
        """What every registry has stays."""
        _refuse_system(resource.id)

    async def apply(self, resource: Resource, _report: Callable[[str], None]) -> None:
        """Tokens of this map may do something else from now on."""
        rules.refresh(self.azure, resource.id)

    async def removed(self, resource: Resource) -> None:
        """Tokens of this map may do nothing any more."""
        rules.refresh(self.azure, resource.id, without=resource.id)


def grants(actions: Sequence[str]) -> tuple[Grant, ...]:
    """Read the actions of a scope map."""
    found = [match for action in actions if (match := _ACTION.fullmatch(action))]
    return tuple(Grant(match["repository"], frozenset({_VERBS[match["verb"]]})) for match in found)


def _system(name: str, registry: ResourceId, parent: Resource | None) -> Resource:
    description, verbs = SYSTEM[name]
    created = datetime.now(UTC).isoformat() if parent is None else parent.properties.get("creationDate")
    properties = {
        "description": description,
        "type": "SystemDefined",
        "creationDate": created,
        "provisioningState": "Succeeded",
        "actions": [f"repositories/*/{verb}" for verb in verbs],
    }
    return Resource(ResourceId(SCOPE_MAP, name, registry), {"properties": properties})


def _refuse_system(id_: ResourceId) -> None:
    if id_.name.lower() in SYSTEM:
        text = f"'{id_.name}' is a scope map that every registry has; it cannot be changed or deleted."
        raise ArmError(400, "SystemScopeMap", text)


DECLARED = (ScopeMaps,)
