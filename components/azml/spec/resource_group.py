"""The name of an existing resource group.

Owns its spellings: the name, as `az ml` writes it, or `{existing: ARM id}` as everywhere else in the estate.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic_core import core_schema

from azml.facts import names
from azml.spec.base import Finding, refusal
from azml.spec.types import Shape, named

_FORM = "/subscriptions/SUBSCRIPTION/resourceGroups/NAME"


def _name(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    found = re.fullmatch(r"/subscriptions/[^/<>]+/resourceGroups/([^/<>]+)", str(value.get("existing")), re.IGNORECASE)
    if found is None or len(value) > 1:
        raise refusal(
            Finding("is no existing resource group", value=dict(value), allowed=f"its name, or {{existing: {_FORM}}}")
        )
    return found[1]


_NAMED = named(names.RESOURCE_GROUP)
ResourceGroup = Annotated[
    str,
    Shape(
        core_schema.no_info_before_validator_function(_name, _NAMED.core),
        {
            "anyOf": [
                _NAMED.json,
                {"type": "object", "properties": {"existing": {"type": "string", "description": _FORM}}},
            ]
        },
    ),
]
"""Becomes the name: a stack has one subscription."""
