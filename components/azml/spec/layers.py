"""How one layer goes over another.

Owns the law: later wins, maps merge, lists of named things merge by name, null removes, everything else replaces. It is
associative: it does not matter which two of three layers are merged first. Deliberately opens no file.
"""

from __future__ import annotations

from azml.spec.tree import Content, Node


def merge(lower: Node, upper: Node) -> Node:
    """Lay `upper` over `lower`. The result stands where `upper` stands."""
    value: Content
    if not upper.apart:
        if isinstance(upper.value, dict) and isinstance(lower.value, dict):
            value = _merge_maps(lower.value, upper.value)
            return upper.with_value(value, apart=lower.apart)
        below, above = named(lower), named(upper)
        if below is not None and above is not None:
            value = list(_merge_maps(below, above).values())
            return upper.with_value(value, apart=lower.apart)
    return upper._replace(apart=True)


def _merge_maps(lower: dict[str, Node], upper: dict[str, Node]) -> dict[str, Node]:
    merged = dict(lower)
    for key, node in upper.items():
        merged[key] = merge(lower[key], node) if key in lower else node
    return merged


def named(node: Node) -> dict[str, Node] | None:
    """Return the items of a list of named things by name; None for anything else, and for an empty list."""
    if not isinstance(node.value, list) or not node.value:
        return None
    items: dict[str, Node] = {}
    for item in node.value:
        name = item.name
        if name is None or name in items:
            return None
        items[name] = item
    return items
