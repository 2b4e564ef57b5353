"""Inputs against ARM's types, in the provider's words.

Checked are required, type, length, pattern and range, as the provider does. Deliberately not: enumerations, unknown
keys, the insides of unions and of maps, which it leaves to Azure.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from azml.facts import arm_types
from azml_local.azure_native import naming, nodes
from azml_local.azure_native.table import Row
from azml_local.stand_in.values import UNKNOWN

_TYPES = {"str": "string", "enum": "string", "bool": "boolean", "int": "integer", "num": "number", "arr": "array"}
_LOCATION_HINT = ". Either set it explicitly or configure it with 'pulumi config set azure-native:location <value>'."


def failures(row: Row, inputs: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with inputs. Unknown values are skipped."""
    return [*_path_failures(row, inputs), *_object_failures(nodes.body(row), inputs, "")]


def _path_failures(row: Row, inputs: Mapping[str, Any]) -> Iterator[str]:
    for name, type_ in zip(naming.parameters(row), _types_of_path(row), strict=True):
        if name not in inputs:
            yield f"missing required property '{name}'"
        elif type_ is not None:
            yield from _value_failures(nodes.Node(type_, name, row), inputs[name], name)


def _types_of_path(row: Row) -> Iterator[arm_types.Shape | None]:
    """What ARM demands of the name of each resource on the path; None where a parameter names none."""
    namespace, *types = row.type.split("/")
    segments = row.path.split("/")
    for index, segment in enumerate(segments):
        if segment == "{subscriptionId}" or not segment.startswith("{"):
            continue
        if segments[index - 1].lower() == "resourcegroups":
            yield arm_types.resource("Microsoft.Resources/resourceGroups").name
        elif segments[index - 1] in types:
            depth = types.index(segments[index - 1]) + 1
            yield _name_of("/".join([namespace, *types[:depth]]), row)
        else:
            yield None


def _name_of(type_: str, row: Row) -> arm_types.Shape:
    try:
        return arm_types.resource(type_, row.version).name
    except arm_types.UnknownType:
        return arm_types.resource(type_).name


def _object_failures(node: nodes.Node, values: Mapping[str, Any], place: str) -> Iterator[str]:
    for name, field in node.inputs.items():
        at = f"{place}.{name}" if place else name
        if name in values:
            yield from _value_failures(field.node, values[name], at)
        elif field.required:
            yield f"missing required property '{at}'" + (_LOCATION_HINT if at == "location" else "")


def _value_failures(node: nodes.Node, value: Any, at: str) -> Iterator[str]:
    if value is UNKNOWN or node.kind == "any":
        return
    if isinstance(value, Mapping):
        if node.kind == "obj":
            yield from _object_failures(node, value, at)
    elif isinstance(value, list):
        yield from _list_failures(node, value, at)
    elif isinstance(value, str):
        yield from _string_failures(node, value, at)
    elif not isinstance(value, bool):
        yield from _number_failures(node, value, at)


def _list_failures(node: nodes.Node, value: list[Any], at: str) -> Iterator[str]:
    if node.kind != "arr" and not node.is_set_of_strings:
        yield _wrong_type(node, at, "an array")
    elif node.kind == "arr" and node.item is not None:
        for index, item in enumerate(value):
            yield from _value_failures(node.item, item, f"{at}[{index}]")


def _string_failures(node: nodes.Node, value: str, at: str) -> Iterator[str]:
    if node.kind not in ("str", "enum"):
        yield _wrong_type(node, at, "a string")
        return
    facts, length = node.shape.facts, len(value.encode())
    if length < facts.get("min", 0):
        yield f"'{at}' is too short ({length}): at least {facts['min']} characters required"
    if length > facts.get("max", length):
        yield f"'{at}' is too long ({length}): at most {facts['max']} characters allowed"
    if "re" in facts and not re.search(facts["re"], value):
        yield f"'{at}' does not match expression '{facts['re']}'"


def _number_failures(node: nodes.Node, value: float, at: str) -> Iterator[str]:
    if node.kind not in ("int", "num"):
        yield _wrong_type(node, at, "a number")
        return
    facts = node.shape.facts
    if node.kind == "int" and not float(value).is_integer():
        yield f"'{at}' must be an integer but got {value:f}"
    if value < facts.get("min", value):
        yield f"'{at}' is too low ({value:f} < {facts['min']:f})"
    if value > facts.get("max", value):
        yield f"'{at}' is too high ({value:f} > {facts['max']:f})"


def _wrong_type(node: nodes.Node, at: str, got: str) -> str:
    return f"'{at}' should be of type '{_TYPES.get(node.kind, 'object')}' but got {got}"
