"""Property values as the engine sends them to a policy pack, and how rules read them.

Owns the marks of the protocol: what a preview cannot know becomes `UNKNOWN`, a secret becomes its value, and its text
is kept aside so that no finding shows it. Reading never fails: what is not of the kind that was asked for is `UNKNOWN`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from google.protobuf import struct_pb2

from azml_protocol import marks


class Unknown:
    """A value that cannot be known yet, or is not of a kind that means anything where it stands."""

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN: Final = Unknown()


def inputs(struct: struct_pb2.Struct) -> tuple[dict[str, Any], frozenset[str]]:
    """Plain values, and the texts of those that are secret."""
    secrets: set[str] = set()
    values = {key: _value(item, secrets, hidden=False) for key, item in struct.fields.items()}
    return values, frozenset(secrets)


def at(values: Any, *path: str) -> Any:
    """The value at a path of maps. None where it is absent or null; UNKNOWN where that cannot be told."""
    for key in path:
        if values is None:
            return None
        if not isinstance(values, Mapping):
            return UNKNOWN
        values = values.get(key)
    return values


def text(value: Any) -> str | Unknown | None:
    """A value as text."""
    return value if value is None or isinstance(value, str) else UNKNOWN


def whole(value: Any) -> int | Unknown | None:
    """A value as a whole number that is not negative."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return UNKNOWN
    return value


def flag(value: Any) -> bool | Unknown | None:
    """A value as true or false."""
    return value if value is None or isinstance(value, bool) else UNKNOWN


def table(value: Any) -> Mapping[str, Any] | Unknown:
    """A value as a map; an absent one is empty."""
    if value is None:
        return {}
    return value if isinstance(value, Mapping) else UNKNOWN


def listed(value: Any) -> list[Any] | Unknown:
    """A value as a list; an absent one is empty."""
    if value is None:
        return []
    return value if isinstance(value, list) else UNKNOWN


def _value(value: struct_pb2.Value, secrets: set[str], *, hidden: bool) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        if marks.SIGNATURE in fields and fields[marks.SIGNATURE].string_value == marks.SECRET:
            return _value(fields["value"], secrets, hidden=True)
        return {key: _value(item, secrets, hidden=hidden) for key, item in fields.items()}
    if kind == "list_value":
        return [_value(item, secrets, hidden=hidden) for item in value.list_value.values]
    plain = _scalar(value, kind)
    if hidden:
        secrets.update(_texts(plain))
    return plain


def _scalar(value: struct_pb2.Value, kind: str | None) -> Any:
    if kind == "string_value":
        return UNKNOWN if value.string_value in marks.UNKNOWNS else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return value.bool_value if kind == "bool_value" else None


def _texts(value: Any) -> Iterator[str]:
    if value not in (None, "", UNKNOWN) and not isinstance(value, bool):
        yield str(value)
