"""Who an endpoint or a workspace is when it reads models and images. Owns the words for identities."""

from typing import Any

from azml_change import words
from azml_change.plan import Values, mapping, sequence

_TYPES = {
    "SystemAssigned": "system-assigned",
    "UserAssigned": "user-assigned",
    "SystemAssigned,UserAssigned": "system-assigned and user-assigned",
    "None": "none",
}


def of(old: Values, new: Values) -> list[str]:
    """What changes; nothing where an identity is only not known yet."""
    before, now = old.get("identity"), new.get("identity")
    if not words.is_known(now) or _said(before) == _said(now):
        return []
    return [f"identity: {_said(before)} → {_said(now)}"]


def _said(identity: Any) -> str:
    found = mapping(identity)
    kind = str(found.get("type", "None"))
    assigned = sequence(found.get("userAssignedIdentities"))
    names = words.listed(str(id_).rpartition("/")[2] for id_ in assigned)
    return _TYPES.get(kind.replace(" ", ""), kind) + (f" ({names})" if names else "")
