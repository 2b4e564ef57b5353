"""Waivers: who lets which rule pass for which resource, why, and until when.

Owns their shape and which one holds. An expired or unused one is a finding of the pack itself (`pack`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from azml_policies.rule import Resource

FIELDS = ("rule", "resource", "owner", "reason", "expires")


@dataclass(frozen=True)
class Waiver:
    """One of them. It holds up to and on the day that it expires."""

    rule: str
    resource: str
    """Name of the resource in the program, or its URN."""
    owner: str
    reason: str
    expires: date

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> "Waiver":
        """From the config. Raises `ValueError` with what is wrong."""
        missing = [name for name in FIELDS if not isinstance(entry.get(name), str) or not entry[name].strip()]
        if missing:
            raise ValueError(f"{_of(entry)} has no {', '.join(missing)}")
        if unknown := sorted(set(entry) - set(FIELDS)):
            raise ValueError(f"{_of(entry)} has {', '.join(unknown)}; a waiver has {', '.join(FIELDS)}")
        try:
            expires = date.fromisoformat(entry["expires"])
        except ValueError:
            raise ValueError(f"{_of(entry)} expires on {entry['expires']!r}; write YYYY-MM-DD") from None
        return cls(entry["rule"], entry["resource"], entry["owner"], entry["reason"], expires)

    def meets(self, rule: str, resource: Resource) -> bool:
        """Whether it speaks of this rule and resource."""
        return self.rule == rule and self.resource in (resource.name, resource.urn)

    def __str__(self) -> str:
        return f"the waiver of {self.rule} for {self.resource}"


def schema(rules: Iterable[str]) -> dict[str, Any]:
    """JSON Schema of a list of waivers."""
    texts = {name: {"type": "string", "minLength": 1} for name in FIELDS}
    return {
        "type": "array",
        "items": {
            "type": "object",
            "properties": texts
            | {
                "rule": {"type": "string", "enum": sorted(rules)},
                "expires": {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
            },
            "required": list(FIELDS),
            "additionalProperties": False,
        },
    }


def _of(entry: Mapping[str, Any]) -> str:
    return f"the waiver of {entry.get('rule', '?')} for {entry.get('resource', '?')}"
