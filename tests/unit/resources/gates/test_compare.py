"""Equality of JSON with a tolerance, and what is said where it does not hold."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azml.resources.gates.compare import differences

NUMBERS = st.integers() | st.floats()
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def found(expected: Any, seen: Any, tolerance: float = 1e-6) -> list[str]:
    return [str(difference) for difference in differences(expected, seen, tolerance)]


@given(JSON)
def test_everything_is_as_itself(value: Any) -> None:
    assert found(value, json.loads(json.dumps(value)), 0) == []


@given(JSON, JSON, st.floats(0, 1))
def test_who_is_compared_with_whom_does_not_matter(one: Any, other: Any, tolerance: float) -> None:
    there, back = list(differences(one, other, tolerance)), list(differences(other, one, tolerance))
    assert {(d.path, d.expected, d.seen) for d in there} == {(d.path, d.seen, d.expected) for d in back}


@given(NUMBERS, NUMBERS, st.floats(0, 1), st.floats(0, 1))
def test_more_tolerance_lets_more_pass(one: float, other: float, less: float, more: float) -> None:
    less, more = sorted((less, more))
    assert found([one], [other], more) == [] or found([one], [other], less) != []


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False), st.floats(0, 1))
def test_numbers_are_as_close_as_the_standard_library_says(one: float, other: float, tolerance: float) -> None:
    close = math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
    assert (found(one, other, tolerance) == []) is close


@pytest.mark.parametrize(
    ("expected", "seen", "said"),
    [
        ([1.0, 2.0], [1.0, 2.1], ["$[1]: expected 2.0, seen 2.1"]),
        ({"a": {"b": [1]}}, {"a": {"b": [2]}}, ["$.a.b[0]: expected 1, seen 2"]),
        ({"the key": 1}, {"the key": 2}, ['$["the key"]: expected 1, seen 2']),
        ([1, 2], [1], ["$: expected a list of 2, seen a list of 1"]),
        ({"a": 1}, {}, ["$.a: expected 1, seen nothing"]),
        ({}, {"a": 1}, ["$.a: expected nothing, seen 1"]),
        ("setosa", "virginica", ['$: expected "setosa", seen "virginica"']),
        (1, "1", ['$: expected 1, seen "1"']),
        (1, True, ["$: expected 1, seen true"]),
        ([None], [0], ["$[0]: expected null, seen 0"]),
        ({"a": 1, "b": 2}, {"a": 3, "b": 4}, ["$.a: expected 1, seen 3", "$.b: expected 2, seen 4"]),
        pytest.param(10**400, 1.5, ["$: expected 1" + "0" * 58 + "…, seen 1.5"], id="more than a float holds"),
        ("[1.0, 2.0]", "[1.0, 3.0]", ["$[1]: expected 2.0, seen 3.0"]),
        ([1.0], "[1.0]", ['$: expected [1.0], seen "[1.0]"']),
    ],
)
def test_a_difference_is_said_by_its_place(expected: Any, seen: Any, said: list[str]) -> None:
    assert found(expected, seen) == said


@pytest.mark.parametrize(
    ("expected", "seen", "tolerance"),
    [(1, 1.0, 0), (100.0, 101.0, 0.01), (0.0, 1e-7, 1e-6), ("[0.1]", "[0.1000000001]", 1e-6)],
)
def test_what_is_close_enough(expected: Any, seen: Any, tolerance: float) -> None:
    assert found(expected, seen, tolerance) == []
