"""Tokens of a registry: a user name, a scope map, and passwords that are made by `generateCredentials`."""

import base64
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

from azml_local.arm.errors import ArmError
from azml_local.arm.ids import ResourceId, parse_id
from azml_local.arm.store import Resource
from azml_local.arm.types import Reply, ResourceType, Write
from azml_local.azure import Azure
from azml_local.namespaces.containerregistry import limits, rules
from azml_local.namespaces.containerregistry.rules import REGISTRY, SCOPE_MAP, TOKEN
from azml_local.registry.rules import hash_of

PASSWORDS = ("password1", "password2")


class Tokens(ResourceType):
    """A token of a registry."""

    type = TOKEN
    evidence = (
        "ARM's types 2024-11-01-preview; codes of azure-mgmt-containerregistry 15.0.0; container-registry-repository-"
        "scoped-permissions; limits: container-registry-limits"
    )
    not_enforced = "certificates"
    puts = Reply(follow="Azure-AsyncOperation")
    patches = Reply(follow="Azure-AsyncOperation")
    deletes = Reply(updated=202, follow="Location")
    patchable = ("properties",)
    defaults: ClassVar = {"properties": {"status": "enabled"}}

    def check(self, write: Write) -> None:
        """The scope map must be one of the same registry."""
        id_ = write.properties.get("scopeMapId")
        above = write.id.parent
        if id_ is not None and above is not None:
            _find(self.azure, id_, SCOPE_MAP, above)
        if write.existing is None:
            limits.refuse_too_many(self.azure, above, self.type)

    def fill(self, write: Write) -> None:
        """Passwords stay, unless the request names those that shall."""
        write.properties.setdefault("creationDate", rules.now())
        kept = write.hidden.setdefault("passwords", {})
        asked = write.sent.get("properties", {}).get("credentials", {}).get("passwords")
        shown = [] if write.existing is None else _shown(write.existing)
        if asked is not None:
            names = {one.get("name") for one in asked}
            write.hidden["passwords"] = {name: value for name, value in kept.items() if name in names}
            shown = [one for one in shown if one["name"] in names]
        write.properties.setdefault("credentials", {})["passwords"] = shown

    async def apply(self, resource: Resource, _report: Callable[[str], None]) -> None:
        """It is good from now on, or not any more."""
        rules.refresh(self.azure, resource.id)

    async def removed(self, resource: Resource) -> None:
        """Nobody comes in with it any more."""
        rules.refresh(self.azure, resource.id, without=resource.id)


def generate(azure: Azure, registry: Resource, asked: dict[str, Any]) -> dict[str, Any]:
    """Make one password of a token, or both, and show them this once."""
    token = _find(azure, str(asked.get("tokenId")), TOKEN, registry.id)
    name = asked.get("name")
    if name not in (None, *PASSWORDS):
        raise ArmError(400, "InvalidRequestContent", f"name must be {' or '.join(PASSWORDS)}, is {name!r}.")
    expiry = _expiry(asked.get("expiry"))
    made = [_make(token, one, expiry) for one in PASSWORDS if name in (None, one)]
    others = [one for one in _shown(token) if one["name"] not in [new["name"] for new in made]]
    kept = [{key: value for key, value in one.items() if key != "value"} for one in made]
    listed = sorted([*others, *kept], key=lambda one: str(one["name"]))
    token.properties.setdefault("credentials", {})["passwords"] = listed
    azure.store.put(token)
    rules.refresh(azure, token.id)
    return {"username": token.id.name, "passwords": made}


def _make(token: Resource, name: str, expiry: datetime | None) -> dict[str, str]:
    value = base64.b64encode(secrets.token_bytes(39)).decode()
    until = None if expiry is None else expiry.timestamp()
    token.hidden.setdefault("passwords", {})[name] = {"digest": hash_of(value), "expiry": until}
    made = {"name": name, "creationTime": rules.now(), "value": value}
    return made if expiry is None else {**made, "expiry": expiry.isoformat()}


def _shown(token: Resource) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = token.properties.get("credentials", {}).get("passwords", [])
    return found


def _expiry(given: Any) -> datetime | None:
    if given is None:
        return None
    try:
        found = datetime.fromisoformat(str(given))
    except ValueError:
        raise ArmError(400, "InvalidRequestContent", f"expiry must be a time in ISO 8601, is {given!r}.") from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    if found <= datetime.now(UTC):
        raise ArmError(400, "InvalidRequestContent", f"expiry must be in the future, is {given!r}.")
    return found


def _find(azure: Azure, id_: str, type_: str, registry: ResourceId) -> Resource:
    """Look up a scope map or token of this registry. Raises 400 for anything else."""
    try:
        place = parse_id(id_)
    except ArmError:
        place = None
    of_registry = place is not None and place.parent is not None and place.parent.key == registry.key
    kind = azure.types.get(type_)
    found = kind.find(place) if kind and place and of_registry and place.type.lower() == type_.lower() else None
    if found is None:
        what = type_.rpartition("/")[2][:-1]
        raise ArmError(400, "InvalidResourceId", f"'{id_}' is no {what} of the {REGISTRY} '{registry.name}'.")
    return found


DECLARED = (Tokens,)
