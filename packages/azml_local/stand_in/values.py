"""Property values between the wire and Python.

Owns the two special values of Pulumi's property encoding: unknown and secret. The providers that are stood in for take
no secrets (the engine hands over plain values and marks outputs itself), so one that comes is unwrapped here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2

from azml_protocol import marks


class _Unknown:
    """A value that is not known before the update runs."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that state keeps encrypted."""

    value: Any


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Read a property map: nulls left out, secrets unwrapped, whole numbers as `int`."""
    return {key: value for key, field in struct.fields.items() if (value := _from_value(field)) is not None}


def to_struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """Write a property map: None left out, `UNKNOWN` as the wire says it."""
    struct = struct_pb2.Struct()
    struct.update(_plain(properties))
    return struct


def _from_value(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        found = from_struct(value.struct_value)
        return found.get("value") if found.get(marks.SIGNATURE) == marks.SECRET else found
    if kind == "list_value":
        return [_from_value(item) for item in value.list_value.values]
    if kind == "number_value":
        return int(value.number_value) if value.number_value.is_integer() else value.number_value
    if kind == "string_value":
        return UNKNOWN if value.string_value == marks.UNKNOWN else value.string_value
    return value.bool_value if kind == "bool_value" else None


def _plain(value: Any) -> Any:
    if value is UNKNOWN:
        return marks.UNKNOWN
    if isinstance(value, Secret):
        return {marks.SIGNATURE: marks.SECRET, "value": _plain(value.value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
