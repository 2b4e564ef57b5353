"""The instance type of a managed deployment.

Owns the decision what is refused: what Azure does not know, has no more, or does not offer for managed endpoints.
Deliberately holds no list (`facts`), and lets what retires later pass: that is for policies.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic_core import core_schema

from azml.facts import online_endpoints as facts
from azml.facts import vm_sizes
from azml.spec.base import Finding, nearest, refusal
from azml.spec.types import Shape

_OFFERED = {name.lower(): name for name in facts.INSTANCE_TYPES}
_GENERATION = re.compile(r"_v(\d+)$", re.IGNORECASE)


def _judge(name: str) -> str:
    size = vm_sizes.find(name)
    if size is None:
        raise refusal(_finding("is not an Azure VM size", name, _meant(name)))
    if size.retirement is not None and size.retirement <= datetime.now(UTC).date():
        raise refusal(_finding(f"is a size that Azure has retired ({size.retirement})", name, None))
    offered = _OFFERED.get(name.lower())
    if offered is None and not _may_be_newer_than_the_list(size):
        raise refusal(_finding("is not offered for managed online endpoints", name, None))
    return offered or size.name


def _may_be_newer_than_the_list(size: vm_sizes.VmSize) -> bool:
    generation = _GENERATION.search(size.name)
    return generation is not None and int(generation[1]) > facts.NEWEST_LISTED_GENERATION


def _meant(name: str) -> str | None:
    near = nearest(name if name.lower().startswith("standard_") else f"Standard_{name}", list(facts.INSTANCE_TYPES))
    return None if near is None else f"did you mean {near}?"


def _finding(what: str, name: str, fix: str | None) -> Finding:
    return Finding(
        what,
        value=name,
        allowed="a size of the managed online endpoints SKU list, such as Standard_DS3_v2 or Standard_NC4as_T4_v3",
        fix=fix,
    )


InstanceType = Annotated[
    str,
    Shape(
        core_schema.no_info_after_validator_function(_judge, core_schema.str_schema()),
        {
            "anyOf": [
                {"enum": list(facts.INSTANCE_TYPES)},
                {"type": "string", "pattern": "^[sS][tT][aA][nN][dD][aA][rR][dD]_[A-Za-z0-9_-]+$"},
            ]
        },
    ),
]
"""A VM size that managed online endpoints offer; becomes the spelling of Azure's list."""
