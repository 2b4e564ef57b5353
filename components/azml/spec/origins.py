"""Where every value of an estate comes from.

Owns the flat list behind `azml explain`. Deliberately does not format it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from azml.spec.base import At, Spec
from azml.spec.references import AssetReference
from azml.spec.secrets import KeyVaultSecret, PulumiSecret
from azml.spec.stack_file import assemble, judge
from azml.spec.tree import Node, follow, plain, spoken
from azml.spec.types import iso


@dataclass(frozen=True)
class Value:
    """One value. `file` and `line` (from 1) are None for a default."""

    path: str
    value: Any
    file: Path | None
    line: int | None


def trace(directory: Path, stack: str) -> list[Value]:
    """List every value of a stack's estate with its origin, in the order of the models. Raises `SpecError`."""
    tree = assemble(directory, stack)
    data = plain(tree)
    return list(_leaves(judge(tree), (), data, tree))


def _leaves(value: Any, at: At, data: Any, tree: Node) -> Iterator[Value]:
    """Go down to values that have no parts; what is absent and has no default is left out."""
    if isinstance(value, Spec) and not isinstance(value, PulumiSecret | KeyVaultSecret):
        for field in type(value).model_fields:
            yield from _leaves(getattr(value, field), (*at, field), data, tree)
    elif isinstance(value, dict) and value:
        for key, child in value.items():
            yield from _leaves(child, (*at, key), data, tree)
    elif isinstance(value, list) and value:
        for index, child in enumerate(value):
            yield from _leaves(child, (*at, index), data, tree)
    elif value is not None and value not in ({}, []):
        node, steps = follow(tree, at)
        written = steps == len(at)
        yield Value(spoken(data, at), _shown(value), node.file if written else None, node.at[0] if written else None)


def _shown(value: Any) -> Any:
    if isinstance(value, PulumiSecret | KeyVaultSecret):
        return value.model_dump()
    if isinstance(value, timedelta):
        return iso(value)
    return str(value) if isinstance(value, AssetReference | Path) else value
