"""Two JSON values, and where they differ.

Owns equality with a tolerance. Deliberately knows no request and no file.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

NOTHING = "nothing"
"""Stands for what only one of the two has."""
LONGEST_VALUE = 60
"""Characters of a value that a difference shows."""


@dataclass(frozen=True)
class Difference:
    """One place where two values are not the same."""

    path: str
    """JSON path: `$.scores[3]`."""
    expected: str
    seen: str

    def __str__(self) -> str:
        """A line for people."""
        return f"{self.path}: expected {self.expected}, seen {self.seen}"


def differences(expected: Any, seen: Any, tolerance: float, path: str = "$") -> Iterator[Difference]:
    """Every place where `seen` is not as expected, in the order of `expected`.

    Numbers are compared as `math.isclose` does, `tolerance` being both the share of the larger one and, near 0, the
    distance itself; 1 and 1.0 are the same, and so is NaN to itself. Flags are no numbers. Text is exact, unless both
    texts hold a JSON list or object, as they do where run() gives what `json.dumps` made: then what they hold counts.
    """
    if isinstance(expected, dict) and isinstance(seen, dict):
        yield from _of_objects(expected, seen, tolerance, path)
    elif isinstance(expected, list) and isinstance(seen, list):
        yield from _of_lists(expected, seen, tolerance, path)
    elif isinstance(expected, str) and isinstance(seen, str):
        held = _held(expected), _held(seen)
        if None not in held:
            yield from differences(*held, tolerance, path)
        elif expected != seen:
            yield Difference(path, _shown(expected), _shown(seen))
    elif not _same(expected, seen, tolerance):
        yield Difference(path, _shown(expected), _shown(seen))


def same_form(expected: Any, seen: Any) -> bool:
    """Whether a client that reads the one can read the other: the same keys, lengths and kinds of values."""
    if isinstance(expected, dict) and isinstance(seen, dict):
        return expected.keys() == seen.keys() and all(same_form(expected[key], seen[key]) for key in expected)
    if isinstance(expected, list) and isinstance(seen, list):
        return len(expected) == len(seen) and all(map(same_form, expected, seen))
    return (_is_number(expected) and _is_number(seen)) or type(expected) is type(seen)


def _of_objects(expected: dict[str, Any], seen: dict[str, Any], tolerance: float, path: str) -> Iterator[Difference]:
    for key in [*expected, *(key for key in seen if key not in expected)]:
        at = f"{path}.{key}" if key.isidentifier() else f"{path}[{json.dumps(key)}]"
        if key not in seen:
            yield Difference(at, _shown(expected[key]), NOTHING)
        elif key not in expected:
            yield Difference(at, NOTHING, _shown(seen[key]))
        else:
            yield from differences(expected[key], seen[key], tolerance, at)


def _of_lists(expected: list[Any], seen: list[Any], tolerance: float, path: str) -> Iterator[Difference]:
    if len(expected) != len(seen):
        yield Difference(path, f"a list of {len(expected)}", f"a list of {len(seen)}")
    for index, (one, other) in enumerate(zip(expected, seen, strict=False)):
        yield from differences(one, other, tolerance, f"{path}[{index}]")


def _same(expected: Any, seen: Any, tolerance: float) -> bool:
    if not (_is_number(expected) and _is_number(seen)):
        return type(expected) is type(seen) and bool(expected == seen)
    if expected == seen:
        return True
    try:
        alike = math.isnan(expected) and math.isnan(seen)
        return alike or math.isclose(expected, seen, rel_tol=tolerance, abs_tol=tolerance)
    except OverflowError:  # a whole number beyond what a float holds
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _held(text: str) -> Any:
    """The list or object that a text holds, else None."""
    if not text.lstrip().startswith(("[", "{")):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
