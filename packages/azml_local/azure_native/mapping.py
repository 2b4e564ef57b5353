"""Values between the SDK's shape and ARM's: bodies, outputs, inputs, previews.

Unknown keys are dropped, as the provider drops them. What belongs where is `nodes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from azml_local.azure_native.nodes import Direction, Field, Node
from azml_local.stand_in.values import UNKNOWN

_Form = Literal["sdk", "arm"]


@dataclass(frozen=True)
class _Way:
    """Which properties travel, what the values look like, and what they are to look like."""

    direction: Direction
    source: _Form
    target: _Form


def to_body(node: Node, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Make the body of a request from inputs."""
    made: dict[str, Any] = _convert(node, inputs, _Way("input", "sdk", "arm"))
    for container in node.required_containers:
        made.setdefault(container, {})
    return made


def to_outputs(node: Node, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Make outputs from ARM's answer."""
    made: dict[str, Any] = _convert(node, answer, _Way("output", "arm", "sdk"))
    return made


def to_inputs(node: Node, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Make the inputs that would lead to ARM's answer (for an import): without empty lists and objects."""
    made = _convert(node, answer, _Way("input", "arm", "sdk"))
    return {name: kept for name, value in made.items() if (kept := _without_empty(value)) is not None}


def project(node: Node, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Leave of outputs what could have been an input."""
    made: dict[str, Any] = _convert(node, outputs, _Way("input", "sdk", "sdk"))
    return made


def preview(node: Node, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Foretell outputs: the inputs, and everything else unknown."""
    return {name: _foretell(field.node, inputs.get(name, UNKNOWN)) for name, field in node.outputs.items()}


def removed_strings(
    node: Node, old: Mapping[str, Any], new: Mapping[str, Any], at: tuple[str, ...] = ()
) -> list[tuple[tuple[str, ...], None]]:
    """Name the places in a body of strings that left a set: only an explicit null takes them out in Azure."""
    found: list[tuple[tuple[str, ...], None]] = []
    for field in node.inputs.values():
        before, after, place = old.get(field.name), new.get(field.name), (*at, *field.path)
        if field.node.is_set_of_strings and isinstance(before, list) and isinstance(after, list):
            found += [((*place, gone), None) for gone in before if gone not in after]
        elif isinstance(before, Mapping) and isinstance(after, Mapping):
            found += removed_strings(field.node, before, after, place)
    return found


def _convert(node: Node, value: Any, way: _Way) -> Any:
    if way.direction == "input" and node.is_set_of_strings and isinstance(value, (list, Mapping)):
        return {key: {} for key in value} if way.target == "arm" else sorted(value)
    if isinstance(value, Mapping):
        return _convert_object(node, value, way)
    if isinstance(value, list) and node.kind == "arr" and node.item is not None:
        return [_convert(node.item, item, way) for item in value]
    return value


def _convert_object(node: Node, value: Mapping[str, Any], way: _Way) -> dict[str, Any]:
    if node.kind == "disc":
        tag = _get(value, node.discriminator, way.source)
        node = node.variants.get(tag, node) if isinstance(tag, str) else node
    made: dict[str, Any] = {}
    for field in node.fields(way.direction).values():
        found = _get(value, field, way.source)
        if found is not None:
            _put(made, field, way.target, _convert(field.node, found, way))
    if node.item is not None:
        known = {field.path[0] if way.source == "arm" else field.name for field in node.outputs.values()}
        made |= {key: _convert(node.item, item, way) for key, item in value.items() if key not in known}
    return dict(value) if node.kind in ("any", "str") or (node.kind == "disc" and not made) else made


def _get(values: Mapping[str, Any], field: Field, form: _Form) -> Any:
    if form == "sdk":
        return values.get(field.name)
    found: Any = values
    for step in field.path:
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _put(values: dict[str, Any], field: Field, form: _Form, value: Any) -> None:
    if form == "sdk":
        values[field.name] = value
        return
    for step in field.path[:-1]:
        values = values.setdefault(step, {})
    values[field.path[-1]] = value


def _foretell(node: Node, value: Any) -> Any:
    if isinstance(value, Mapping):
        if node.kind == "obj" and node.outputs:
            return preview(node, value)
        if node.kind == "map" and node.item is not None:
            return {key: _foretell(node.item, item) for key, item in value.items()}
        return dict(value) if node.kind in ("disc", "any") else UNKNOWN
    if isinstance(value, list):
        known = node.kind == "arr" and node.item is not None
        return [_foretell(node.item, item) for item in value] if known and node.item is not None else UNKNOWN
    return value


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: kept for key, item in value.items() if (kept := _without_empty(item)) is not None} or None
    if isinstance(value, list):
        return [kept for item in value if (kept := _without_empty(item)) is not None] or None
    return value
