"""Blocks that may point to what exists already: `existing: ID` means use, never create.

Owns that rule. Deliberately does not ask Azure whether the resource is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import model_validator

from azml.spec.base import Finding, Spec, rule


class Existing(Spec):
    """A block with a field `existing`: the name follows from the id, and little else may stand beside it."""

    name_in_id: ClassVar[int] = -1
    """Which part of the ARM id is the name."""
    beside_existing: ClassVar[frozenset[str]] = frozenset({"name", "existing"})
    """Fields that still mean something for a thing that is only used."""

    existing: str | None

    @model_validator(mode="before")
    @classmethod
    def _name_of_existing(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and "name" not in data and isinstance(data.get("existing"), str):
            parts = data["existing"].split("/")
            if len(parts) >= -cls.name_in_id:
                return {"name": parts[cls.name_in_id], **data}
        return data

    @rule
    def _only_used(self) -> Iterator[Finding]:
        if self.existing is None:
            return
        name, real = getattr(self, "name", None), self.existing.split("/")[self.name_in_id]
        if name is not None and name.lower() != real.lower():
            yield Finding("is not the name in `existing`", ("name",), name, allowed=real, fix="leave `name` out")
        for field in sorted(self.model_fields_set - self.beside_existing):
            yield Finding(
                "cannot be set on something that is used and never changed",
                (field,),
                allowed="beside `existing`: " + ", ".join(sorted(self.beside_existing - {"existing"})),
                fix=f"leave {field} out, or leave `existing` out to have it made",
            )
