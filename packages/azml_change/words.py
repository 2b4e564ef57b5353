"""How values are said: shares, durations, counts, lists. Deliberately knows no resource."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from azml_change import masks
from azml_change.plan import SECRET, UNKNOWN

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_UNITS = (("day", 86_400), ("h", 3600), ("min", 60), ("s", 1))
_LONGEST = 80


def shares(found: Mapping[str, Any]) -> str:
    """`blue 90 %, green 10 %`; `none` for an empty map. Who gets nothing is not named."""
    return ", ".join(f"{name} {number(percent)} %" for name, percent in found.items() if percent) or "none"


def seconds(text: str) -> float | None:
    """How long an ISO 8601 duration is; None where the text is none."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, rest = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def duration(text: str) -> str:
    """`PT10M` as `10 min`; a text that is no duration stays."""
    length = seconds(text)
    if length is None:
        return text
    unit, size = next(
        (each for each in _UNITS if length >= 2 * each[1] or (length >= each[1] > 1 and length % each[1] == 0)),
        _UNITS[-1],
    )
    unit, size = ("h", 3600) if unit == "day" and length < 2 * size else (unit, size)
    return f"{number(round(length / size, 3))} {unit}{'s' if unit == 'day' else ''}"


def number(value: Any) -> str:
    """Whole numbers without `.0`."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def counted(count: int, thing: str) -> str:
    """`1 request`, `2 requests`."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def listed(names: Iterable[str], most: int = 12) -> str:
    """Names, and how many more there are."""
    found = list(names)
    more = len(found) - most
    return ", ".join(found[:most]) + (f" and {more} more" if more > 0 else "")


def keys(old: Mapping[str, Any], new: Mapping[str, Any], also: Collection[str] = ()) -> str:
    """Which keys of a map were added, changed, removed: never a value. `also`: changed, though they look the same."""
    said = {
        key: "added" if key not in old else "removed" if key not in new else "changed"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key) or key in also
    }
    return listed(f"{key} {what}" for key, what in said.items())


def shown(value: Any, path: str = "") -> str:
    """A value on one line, cut where it is long, hidden where its name or its content says that it is a secret."""
    if masks.looks_secret(path) and value not in (None, True, False, UNKNOWN):
        return masks.HIDDEN
    if value is None:
        return "none"
    plain = masks.in_value(value)
    text = plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False, sort_keys=True)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def is_known(value: Any) -> bool:
    """Whether no part of a value is unknown."""
    if isinstance(value, dict):
        return all(map(is_known, value.values()))
    if isinstance(value, list):
        return all(map(is_known, value))
    return bool(value != UNKNOWN)


def is_secret(value: Any) -> bool:
    """Whether a part of it is secret: two of them look the same."""
    if isinstance(value, dict):
        return any(map(is_secret, value.values()))
    if isinstance(value, list):
        return any(map(is_secret, value))
    return bool(value == SECRET)
