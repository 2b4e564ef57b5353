"""Property values as the engine sends them, and as plain Python.

Owns the conversion: unknown values of a preview become `UNKNOWN`, whole numbers become ints, secrets are unwrapped for
the handlers and wrapped again on the way out. Deliberately supports no assets and no resource references: no azml
resource takes them.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from google.protobuf import struct_pb2

from azml_protocol import marks


class Unknown:
    """A value that a preview cannot know."""

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN: Final = Unknown()


def has_unknown(value: Any) -> bool:
    """Whether a value is unknown, or has something unknown in it."""
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return value is UNKNOWN


def to_python(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Plain values; null means absent."""
    values = {key: _value(item) for key, item in struct.fields.items()}
    return {key: value for key, value in values.items() if value is not None}


def _value(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        if marks.SIGNATURE not in fields:
            return to_python(value.struct_value)
        return _value(fields["value"]) if "value" in fields else UNKNOWN
    if kind == "list_value":
        return [_value(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "string_value":
        return UNKNOWN if value.string_value in marks.UNKNOWNS else value.string_value
    return value.bool_value if kind == "bool_value" else None


def to_struct(
    values: Mapping[str, Any], *, secrets_of: struct_pb2.Struct | None = None, all_secret: Collection[str] = ()
) -> struct_pb2.Struct:
    """Give the engine's form. What is secret in `secrets_of` is secret at the same place here; null is absent.

    Values of the top-level keys in `all_secret` are secret whatever they are.
    """
    like = secrets_of.fields if secrets_of is not None else {}
    return struct_pb2.Struct(
        fields={
            key: _secret(value) if key in all_secret else _to_value(value, like.get(key))
            for key, value in values.items()
            if value is not None
        }
    )


def _secret(value: Any) -> struct_pb2.Value:
    fields = {marks.SIGNATURE: struct_pb2.Value(string_value=marks.SECRET), "value": _to_value(value, None)}
    return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))


def _to_value(value: Any, like: struct_pb2.Value | None) -> struct_pb2.Value:
    fields = like.struct_value.fields if like is not None and like.HasField("struct_value") else None
    signature = fields[marks.SIGNATURE].string_value if fields and marks.SIGNATURE in fields else None
    if signature == marks.OUTPUT and fields is not None and not fields["secret"].bool_value:
        return _to_value(value, fields["value"])
    if signature in (marks.SECRET, marks.OUTPUT):
        return _secret(value)
    if isinstance(value, Mapping):
        inner = like.struct_value if fields is not None and like is not None else None
        return struct_pb2.Value(struct_value=to_struct(value, secrets_of=inner))
    if isinstance(value, list):
        likes = list(like.list_value.values) if like is not None and like.HasField("list_value") else []
        items = [_to_value(item, likes[n] if n < len(likes) else None) for n, item in enumerate(value)]
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=items))
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=value)
    return struct_pb2.Value(string_value=marks.UNKNOWN if value is UNKNOWN else value)
