"""The estate before it is typed: values with the place where each was written.

Owns `Node` and the ways through a tree. Deliberately knows neither YAML nor any field.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from azml.spec.scalars import Scalar

Content: TypeAlias = "dict[str, Node] | list[Node] | Scalar"
Place = tuple[int, int]
"""Line and column, from 1."""


class Node(NamedTuple):
    """A value, the file that it stands in, where it begins, and where its key stands."""

    value: Content
    file: Path
    at: Place
    key: Place | None = None
    """None for the items of a list."""
    written: str | None = None
    """The text in the file, where the value is not that text: a date, a number, a flag without quotes."""
    apart: bool = False
    """Do not merge with what lies below in the layers: it was removed, or was something else."""

    @property
    def map(self) -> dict[str, Node]:
        """Its entries; empty for anything but a map."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Node]:
        """Its items; empty for anything but a list."""
        return self.value if isinstance(self.value, list) else []

    @property
    def name(self) -> str | None:
        """The text under the key `name`, which is how people call the items of a list."""
        name = self.map.get("name")
        return name.value if name is not None and isinstance(name.value, str) else None

    def with_value(self, value: Content, *, apart: bool | None = None) -> Node:
        """Make the same node with another value."""
        return self._replace(value=value, apart=self.apart if apart is None else apart)


def plain(node: Node) -> Any:
    """Strip the places. Entries that are null are left out: null removes."""
    value = node.value
    if isinstance(value, dict):
        return {key: plain(child) for key, child in value.items() if child.value is not None}
    if isinstance(value, list):
        return [plain(child) for child in value]
    return value


def size(node: Node) -> int:
    """Count the values of a tree."""
    return 1 + sum(map(size, node.map.values())) + sum(map(size, node.items))


def follow(node: Node, path: Sequence[str | int]) -> tuple[Node, int]:
    """Go down a path as far as it exists: the last node on the way, and how many steps led there."""
    for steps, part in enumerate(path):
        if isinstance(part, str) and part in node.map:
            node = node.map[part]
        elif isinstance(part, int) and part < len(node.items):
            node = node.items[part]
        else:
            return node, steps
    return node, len(path)


def spoken(data: Any, path: Sequence[str | int]) -> str:
    """Write a path with names instead of indexes: online_endpoints.churn.deployments.blue. `data` is plain."""
    words = []
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            data = None
        name = data.get("name") if isinstance(part, int) and isinstance(data, dict) else None
        words.append(name if isinstance(name, str) else f"[{part}]" if isinstance(part, int) else part)
    return ".".join(words)
