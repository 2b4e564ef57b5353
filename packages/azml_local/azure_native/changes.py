"""What changed: old inputs against new inputs, and what a refresh carries into the inputs.

Owns which changes replace. Deliberately does not look at state, save for the one question whether an input that is new
only says what already is.
"""

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from azml_local.azure_native import naming
from azml_local.azure_native.table import Row

VERSION = "azureApiVersion"
"""Input that no program sets: the API version of the row."""
_MISSING = object()


class Kind(enum.IntEnum):
    """Kinds of a property's change; numbers as in the provider protocol. Odd ones replace."""

    ADD = 0
    ADD_REPLACE = 1
    DELETE = 2
    DELETE_REPLACE = 3
    UPDATE = 4
    UPDATE_REPLACE = 5

    @property
    def replaces(self) -> bool:
        """Whether the resource is made anew."""
        return bool(self & 1)


@dataclass(frozen=True)
class Changes:
    """The change of a resource. `detailed` is by place: `sku.name`, `rules[0].value`."""

    detailed: Mapping[str, Kind] = field(default_factory=dict)
    delete_before_replace: bool = False
    presets: frozenset[str] = frozenset()
    """Places that now say what the API takes their absence for: told, but no change."""
    from_state: frozenset[str] = frozenset()
    """Places whose old value came from state, not from inputs."""

    @property
    def changed(self) -> list[str]:
        """Top-level inputs that change."""
        return sorted({place.partition(".")[0] for place in self.detailed.keys() - self.presets})

    @property
    def of_inputs(self) -> frozenset[str]:
        """Places where inputs differ from inputs."""
        return frozenset(self.detailed) - self.presets - self.from_state

    @property
    def replaces(self) -> list[str]:
        """Places whose change replaces the resource."""
        return sorted(place for place, kind in self.detailed.items() if kind.replaces)


def between(row: Row, old: Mapping[str, Any], new: Mapping[str, Any], state: Mapping[str, Any]) -> Changes:
    """Compare old with new inputs. `state` holds the old outputs."""
    migrated = VERSION in state and VERSION not in old  # imported, or written before inputs had it
    if migrated:
        old = {VERSION: state[VERSION], **old}
    replacing = {*naming.parameters(row), *row.create_only}
    detailed = {}
    for place, kind in _object(_significant(old, new), new, "", "", replacing):
        known = kind is Kind.ADD_REPLACE and state.get(place, _MISSING) == new.get(place)
        detailed[place] = Kind.ADD if known else kind
    replaces = any(kind.replaces for kind in detailed.values())
    named_at_random = old.get(naming.CREATE_BEFORE_DELETE)
    added = (place for place, kind in detailed.items() if kind is Kind.ADD)
    return Changes(
        detailed,
        not named_at_random if isinstance(named_at_random, bool) else replaces,
        presets=frozenset(place for place in added if row.presets.get(place, _MISSING) == new.get(place)),
        from_state=frozenset({VERSION} if migrated else ()),
    )


def carried(inputs: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Carry into inputs only what differs between the old and the new outputs (both projected to inputs)."""
    result = {key: value for key, value in inputs.items() if key not in old or key in new}
    for key, value in new.items():
        if key not in old:
            result[key] = value
        elif old[key] != value:
            result[key] = _carried(inputs[key], old[key], value) if key in inputs else value
    return result


def _carried(given: Any, old: Any, new: Any) -> Any:
    if isinstance(given, dict) and isinstance(old, dict) and isinstance(new, dict):
        return carried(given, old, new)
    if isinstance(given, list) and isinstance(old, list) and isinstance(new, list):
        both = min(len(given), len(old), len(new))
        return [_carried(*items) for items in zip(given, old, new, strict=False)] + new[both:]
    return new


def _significant(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The old inputs, with what only looks different written like the new: locations and group names in any case."""
    result = dict(old)
    for key, alike in (("location", _location), ("resourceGroupName", str.lower)):
        before, after = old.get(key), new.get(key)
        if isinstance(before, str) and isinstance(after, str) and alike(before) == alike(after):
            result[key] = after
    return result


def _location(text: str) -> str:
    return text.replace(" ", "").lower()


_Found = Iterator[tuple[str, Kind]]


def _object(old: Mapping[str, Any], new: Mapping[str, Any], place: str, rule: str, replacing: set[str]) -> _Found:
    """Changes within an object at `place`; `rule` is the place without list indexes, as rules name it."""
    for key in {**old, **new}:
        if key.startswith("__"):
            continue
        at, by, replace = place + key, rule + key, rule + key in replacing
        if key not in new:
            yield at, Kind.DELETE_REPLACE if replace else Kind.DELETE
        elif key not in old:
            yield at, Kind.ADD_REPLACE if replace else Kind.ADD
        else:
            yield from _value(old[key], new[key], at, by, replacing)


def _value(old: Any, new: Any, at: str, by: str, replacing: set[str]) -> _Found:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for place, kind in _object(old, new, f"{at}.", f"{by}.", replacing):
            yield place, Kind.UPDATE_REPLACE if kind is Kind.UPDATE and by in replacing else kind
    elif isinstance(old, list) and isinstance(new, list):
        both = min(len(old), len(new))
        for index in range(both):
            yield from _value(old[index], new[index], f"{at}[{index}]", f"{by}[]", replacing)
        yield from ((f"{at}[{index}]", Kind.DELETE) for index in range(both, len(old)))
        yield from ((f"{at}[{index}]", Kind.ADD) for index in range(both, len(new)))
    elif old != new or isinstance(old, bool) is not isinstance(new, bool):
        yield at, Kind.UPDATE_REPLACE if by in replacing else Kind.UPDATE
