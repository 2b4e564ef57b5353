"""Property values. The other side is Pulumi's own SDK: what it marshals we read, what we write it reads."""

from typing import Any

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import known_types, rpc

from azml.resources.wire import UNKNOWN, has_unknown, to_python, to_struct

leaves = st.booleans() | st.text(max_size=5) | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
objects = st.dictionaries(st.text(max_size=4), values, max_size=4)


def theirs(value: Any) -> PropertyValue:
    if isinstance(value, dict):
        return PropertyValue({key: theirs(item) for key, item in value.items()})
    if isinstance(value, list):
        return PropertyValue([theirs(item) for item in value])
    return PropertyValue(float(value) if isinstance(value, int) and not isinstance(value, bool) else value)


@given(objects)
def test_we_read_what_the_sdk_writes(value: dict[str, Any]) -> None:
    read = to_python(PropertyValue.marshal_map({key: theirs(item) for key, item in value.items()}))
    assert read == value


@given(objects)
def test_the_sdk_reads_what_we_write(value: dict[str, Any]) -> None:
    read = PropertyValue.unmarshal_map(to_struct(value))
    assert read == {key: theirs(item) for key, item in value.items()}


@given(objects)
def test_secrets_stay_where_they_were(value: dict[str, Any]) -> None:
    secret = {"plain": theirs("a"), "map": PropertyValue({"hidden": theirs(value).with_secret(True)})}
    sent = PropertyValue.marshal_map(secret)
    assert to_python(sent)["map"]["hidden"] == value
    back = PropertyValue.unmarshal_map(to_struct({**to_python(sent), "more": 1}, secrets_of=sent))
    assert not back["plain"].is_secret
    assert not back["more"].is_secret
    assert back["map"].value["hidden"].is_secret  # type: ignore[index,call-overload,union-attr]


def test_outputs_are_values_with_marks() -> None:
    sent = PropertyValue.marshal_map(
        {
            "open": PropertyValue("a", dependencies=["urn:a"]),
            "secret": PropertyValue("b", is_secret=True, dependencies=["urn:a"]),
        }
    )
    assert to_python(sent) == {"open": "a", "secret": "b"}
    back = PropertyValue.unmarshal_map(to_struct(to_python(sent), secrets_of=sent))
    assert (back["open"].is_secret, back["secret"].is_secret) == (False, True)


def test_numbers_that_are_whole_are_ints() -> None:
    read = to_python(PropertyValue.marshal_map({"a": PropertyValue(3.0), "b": PropertyValue(0.5)}))
    assert read == {"a": 3, "b": 0.5}
    assert isinstance(read["a"], int)


@pytest.mark.parametrize(
    "mark", [value for name, value in vars(rpc).items() if name.startswith("_UNKNOWN") or name == "UNKNOWN"]
)
def test_every_unknown_of_the_sdk_is_known_to_us(mark: object) -> None:
    if not isinstance(mark, str):
        return
    struct = struct_pb2.Struct(fields={"x": struct_pb2.Value(string_value=mark)})
    assert to_python(struct)["x"] is UNKNOWN


def test_unknown_goes_out_as_the_sdk_expects_it() -> None:
    read = rpc.deserialize_properties(to_struct({"x": UNKNOWN}), keep_unknowns=True)
    assert known_types.is_unknown(read["x"])


def test_unknown_is_found_at_any_depth() -> None:
    assert has_unknown({"a": [{"b": UNKNOWN}]})
    assert not has_unknown({"a": [{"b": None}]})


def test_null_is_absent() -> None:
    assert to_python(struct_pb2.Struct(fields={"x": struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)})) == {}
    assert "x" not in to_struct({"x": None}).fields
