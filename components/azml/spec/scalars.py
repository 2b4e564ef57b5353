"""What a YAML scalar means: as Pulumi's engine reads it.

Owns that reading (Go's yaml.v3, then JSON): `yes` and `on` stay text, `2024-01-01` becomes a date and then the text of
a date, whole numbers beyond 64 bits lose digits, `1.0` becomes 1. A test runs the real engine over a table to compare.
Deliberately knows no file and no position.
"""

from __future__ import annotations

import base64
import binascii
import re
from calendar import isleap
from decimal import Decimal
from math import isfinite

_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
Scalar = str | int | float | bool | None

_TAG = "tag:yaml.org,2002:"
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NOT_FINITE = {sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")} | {".nan", ".NaN", ".NAN"}
_MAY_BE_A_NUMBER = frozenset("+-.0123456789")
_LONGEST = 20
"""Characters of a decimal number that may fit into 64 bits; Python refuses to convert text of thousands."""
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_POINT_FIRST = re.compile(r"\.[0-9]+([eE][-+]?[0-9]+)?")
_INT = re.compile(r"([-+]?)(?:(0[xX])([0-9a-fA-F]+)|(0[bB])([01]+)|(0[oO]?)([0-7]+)|([1-9][0-9]*|0))")
_DATE = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:"
    r"[Tt]([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,]([0-9]+))?(Z|[-+][0-9]{2}:[0-9]{2})"
    r"| +([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,]([0-9]+))?)?"
)


class UnreadableScalarError(ValueError):
    """A scalar that the engine refuses; the text says why."""


def plain(text: str) -> Scalar:
    """Read a scalar without quotes and without a tag."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _MAY_BE_A_NUMBER:
        return text
    if text in _NOT_FINITE:
        raise UnreadableScalarError(f"{text} is not a number that Pulumi can keep")
    if text[0] == ".":
        return _number(float(text)) if _POINT_FIRST.fullmatch(text) and isfinite(float(text)) else text
    date = _date(text)
    return date if date is not None else _digits(text)


def tagged(text: str, tag: str) -> Scalar:
    """Read a scalar with an explicit tag. Raises `UnreadableScalarError` where text and tag do not agree."""
    kind = tag.removeprefix(_TAG).removeprefix("!!")
    if tag == "!":
        return plain(text)
    if not tag.startswith((_TAG, "!!")) or kind not in {"null", "bool", "int", "float", "timestamp", "binary"}:
        return text
    if kind == "binary":
        return _binary(text)
    if kind != "timestamp" and _date(text) is not None:
        raise UnreadableScalarError(f"{text!r} is not of the type !!{kind}")
    value = plain(text)
    types: dict[str, tuple[type, ...]] = {"null": (type(None),), "bool": (bool,), "float": (int, float)}
    if kind == "timestamp":
        agrees = _date(text) is not None
    elif kind == "int":
        agrees = type(value) is int and _INT.fullmatch(text.replace("_", "")) is not None
    else:
        agrees = type(value) in types[kind]
    if not agrees:
        raise UnreadableScalarError(f"{text!r} is not of the type !!{kind}")
    return value


def _digits(text: str) -> Scalar:
    """Read a number, or text that begins like one."""
    digits = text.replace("_", "")
    if (whole := _INT.fullmatch(digits)) is not None:
        sign, hex_, hexes, bin_, bits, octal, octals, decimals = whole.groups()
        base = 16 if hex_ else 2 if bin_ else 8 if octal else 10
        if base == 10 and len(digits) > _LONGEST:
            return _fraction(digits, text)
        number = int(sign + (hexes or bits or octals or decimals), base)
        if -(2**63) <= number < 2**63:
            return number
        if base == 10 or number < 2**64:
            return _number(float(number)) if base == 10 or sign == "" else text
    return _fraction(digits, text)


def _fraction(digits: str, text: str) -> Scalar:
    """Read a number that no 64 bits hold as a whole one; beyond the range of floats it is text."""
    if _FLOAT.fullmatch(digits) is not None and isfinite(float(digits)):
        return _number(float(digits))
    return text


def _number(number: float) -> int | float:
    """Give a float the form that it has after the way through JSON: without a fraction it is a whole number."""
    if number.is_integer() and abs(number) < 1e21:
        return int(Decimal(repr(number)))
    return number


def _date(text: str) -> str | None:
    """Give the text that Go prints for a date, or None where the text is none."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day = (int(part) for part in found.groups()[:3])
    hour, minute, second = (
        int(part or 0) for part in (found[4] or found[9], found[5] or found[10], found[6] or found[11])
    )
    days = 0 if not 1 <= month <= 12 else _DAYS[month - 1] + (month == 2 and isleap(year))
    if not (1 <= day <= days and hour < 24 and minute < 60 and second < 60):
        return None
    zone = _zone(found[8] or "Z")
    if zone is None:
        return None
    fraction = (found[7] or found[12] or "")[:9].rstrip("0")
    clock = f"{hour:02}:{minute:02}:{second:02}" + (f".{fraction}" if fraction else "")
    return f"{year:04}-{month:02}-{day:02} {clock} {zone}"


def _zone(text: str) -> str | None:
    if text == "Z" or text[1:] == "00:00":
        return "+0000 UTC"
    if int(text[1:3]) > 24 or int(text[4:]) >= 60:
        return None
    offset = text.replace(":", "")
    return f"{offset} {offset}"


def _binary(text: str) -> str:
    try:
        return base64.b64decode(text.replace("\n", ""), validate=True).decode(errors="replace")
    except binascii.Error:
        raise UnreadableScalarError("the value of !!binary is not base64") from None
