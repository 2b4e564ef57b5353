"""ARM's own types: what the body of a resource must look like, by resource type and API version.

Owns reading the extracted types (`arm_types/*.json`; the README there names source, date and format), finding a
type, and checking a body against it. Deliberately does not know defaults, what a property means, rules across
properties, or how any one service answers.
"""

import difflib
import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

_DATA = Path(__file__).with_name("arm_types")
_REQUIRED, _READ_ONLY, _WRITE_ONLY = 1, 2, 4
_SECRET_NAME = re.compile(r"(?i)(key|password|secret|token|credential|connectionstring)s?$")
_LEARNING = "Microsoft.MachineLearningServices"
_LABELS = {
    "str": "a string",
    "enum": "a string",
    "bool": "a boolean",
    "int": "an integer",
    "num": "a number",
    "arr": "an array",
    "map": "an object",
    "obj": "an object",
    "disc": "an object",
}


class UnknownType(LookupError):  # noqa: N818 - the name says which error it is, as LookupError does
    """There are no facts about this resource type, or not in this API version."""


@dataclass(frozen=True)
class Problem:
    """One thing about a body.

    `error`: ARM's types do not allow it; `note`: taken, but to no effect or likely by a slip. `path` is written like
    `properties.sku[0].name` (`(body)`: the whole). `code` is one of type, length, range, pattern, enum, case, required,
    unknown, read-only, write-only. `message` never quotes a secret.
    """

    level: Literal["error", "note"]
    path: str
    code: str
    message: str


@dataclass(frozen=True)
class Property:
    """A property of an object: its shape and its flags."""

    shape: "Shape"
    required: bool
    read_only: bool
    write_only: bool


class Shape:
    """One node of the type tree, references resolved.

    `kind` is str, int, num, bool, any, enum, arr, map, obj or disc; `facts` the node as written (bounds, pattern,
    enum values).
    """

    def __init__(self, node: Any, types: Mapping[str, Any]) -> None:
        while isinstance(node, str):
            node = types[node[1:]] if node.startswith("#") else {"k": node}
        self._types = types
        self.facts: dict[str, Any] = node
        self.kind: str = node["k"]
        self.secret: bool = bool(node.get("secret"))

    @functools.cached_property
    def item(self) -> "Shape | None":
        """Shape of each element of an array or a map, or of an object's further properties; None without such."""
        node = self.facts.get("of") if self.kind in ("arr", "map") else self.facts.get("ap")
        return None if node is None else Shape(node, self._types)

    @functools.cached_property
    def properties(self) -> Mapping[str, Property]:
        """Named properties; of a discriminated object those that all variants have, and the discriminator."""
        found = {name: self._property(written) for name, written in self.facts.get("p", {}).items()}
        if self.kind == "disc":
            tag = Shape({"k": "enum", "v": list(self.facts["of"])}, self._types)
            found[self.facts["on"]] = Property(tag, required=True, read_only=False, write_only=False)
        return found

    @functools.cached_property
    def variants(self) -> Mapping[str, "Shape"]:
        """The shapes a discriminated object can take, by the discriminator's value, each with the common properties."""
        if self.kind != "disc":
            return {}
        return {value: self._variant(node) for value, node in self.facts["of"].items()}

    def variant(self, value: Any) -> "Shape":
        """Choose the shape that this very value takes: itself, or the variant its discriminator names (in any case)."""
        tag = str(value.get(self.facts["on"])).lower() if self.kind == "disc" and isinstance(value, Mapping) else ""
        return next((shape for name, shape in self.variants.items() if name.lower() == tag), self)

    def find(self, name: str) -> tuple[str, Property] | None:
        """Find a property by its name in any case; the answer starts with the name as ARM writes it."""
        if name in self.properties:
            return name, self.properties[name]
        return next(((key, found) for key, found in self.properties.items() if key.lower() == name.lower()), None)

    def _property(self, written: Any) -> Property:
        flags, node = written if isinstance(written, list) else (0, written)
        return Property(
            Shape(node, self._types),
            required=bool(flags & _REQUIRED),
            read_only=bool(flags & _READ_ONLY),
            write_only=bool(flags & _WRITE_ONLY),
        )

    def _variant(self, node: str) -> "Shape":
        own = Shape(node, self._types)
        shape = Shape(own.facts, self._types)
        shape.properties = {**self.properties, **own.properties}
        return shape


class ArmType:
    """One resource type in one API version."""

    def __init__(self, type_: str, version: str, entry: Mapping[str, Any], types: Mapping[str, Any]) -> None:
        self.type = type_
        """As ARM writes it: `Microsoft.Storage/storageAccounts`."""
        self.version = version
        """The API version: `2024-01-01`."""
        self.body = Shape(entry["body"], types)
        """The whole body but `id`, `name`, `type`."""
        self.name = Shape(entry.get("name_before", [entry["name"]])[-1], types)
        """The last segment of the name."""
        self.actions: Mapping[str, tuple[Shape | None, Shape]] = {
            action: (None if given is None else Shape(given, types), Shape(answer, types))
            for action, (given, answer) in entry.get("actions", {}).items()
        }
        """POST actions that answer with a body: what they take and what they answer."""

    @property
    def top_level(self) -> frozenset[str]:
        """Names of the body's own properties (`location`, `tags`, `properties` …), all variants together."""
        names = set(self.body.properties)
        for shape in self.body.variants.values():
            names |= set(shape.properties)
        return frozenset(names)

    def problems(self, body: Any, *, name: str | None = None, response: bool = False) -> list[Problem]:
        """Tell where a PUT's body (with `response`: ARM's answer) differs from the type, errors and notes."""
        found = list(_Checker(response).value(body, self.body, "", envelope=True))
        if name is not None:
            found += _Checker(response).value(name, self.name, "name")
        return found

    def action_problems(self, action: str, answer: Any) -> list[Problem]:
        """Tell where the answer of a POST action (in any case) differs from what the type declares for it."""
        shapes = {name.lower(): shape for name, (_, shape) in self.actions.items()}
        shape = shapes.get(action.lower())
        return [] if shape is None else list(_Checker(response=True).value(answer, shape, ""))


def resource(type_: str, version: str | None = None) -> ArmType:
    """Look up a type, in any case of its letters, in the asked API version or the newest one known.

    Raises `UnknownType` where there are no facts about it.
    """
    return _resource(type_.lower(), None if version is None else version.lower())


@functools.cache
def _resource(type_: str, version: str | None) -> ArmType:
    entries, types = _namespace(type_.partition("/")[0])
    versions = entries.get(type_)
    if versions is None:
        near = difflib.get_close_matches(type_, entries, 1)
        raise UnknownType(f"no facts about the resource type {type_}" + (f"; did you mean {near[0]}?" if near else ""))
    chosen = max(versions, key=_age) if version is None else version
    if chosen not in versions:
        raise UnknownType(f"no facts about {type_} in API version {chosen}; known: {', '.join(sorted(versions))}")
    written, entry = versions[chosen]
    as_written = written.partition("@")
    return ArmType(as_written[0], as_written[2], entry, types)


@functools.cache
def _namespace(namespace: str) -> tuple[dict[str, dict[str, tuple[str, Any]]], dict[str, Any]]:
    """Entries of a namespace by lower-case type and version, and the types they refer to."""
    path = next((path for path in _DATA.glob("*.json") if path.stem.lower() == namespace), None)
    if path is None:
        known = ", ".join(sorted(path.stem for path in _DATA.glob("*.json")))
        raise UnknownType(f"no facts about the namespace {namespace}; known: {known}")
    data = json.loads(path.read_text(encoding="utf-8"))
    if path.stem == _LEARNING:
        # Azure's own samples have routes that are `/`, against the pattern that every required string has there.
        data["types"]["Route"]["p"]["path"][1].pop("re")
    entries: dict[str, dict[str, tuple[str, Any]]] = {}
    for written, entry in data["resources"].items():
        type_, version = written.lower().split("@")
        entries.setdefault(type_, {})[version] = (written, entry)
    return entries, data["types"]


def _age(version: str) -> tuple[str, bool]:
    """Sorts API versions by date, a preview before the stable one of the same day."""
    return version[:10], len(version) == len("2024-01-01")


class _Checker:
    """Walks a value along its shape."""

    def __init__(self, response: bool) -> None:
        self._response = response

    def value(self, value: Any, shape: Shape, path: str, *, envelope: bool = False) -> Iterator[Problem]:
        if not _is_kind(value, shape.kind):
            yield _error(path, "type", f"must be {_LABELS[shape.kind]}, is {_quoted(value, shape, path)}")
            return
        yield from _bounds(value, shape, path)
        if shape.kind == "enum":
            level: Literal["error", "note"] = "note" if shape.facts.get("open") else "error"
            yield from _choice(value, shape.facts["v"], path, level)
        elif shape.kind == "arr" and shape.item is not None:
            for index, element in enumerate(value):
                yield from self.value(element, shape.item, f"{path}[{index}]")
        elif shape.kind in ("map", "obj", "disc"):
            yield from self._members(value, shape.variant(value), path, envelope)

    def _members(self, value: dict[str, Any], shape: Shape, path: str, envelope: bool) -> Iterator[Problem]:
        given: set[str] = set()
        for key, element in value.items():
            place = f"{path}.{key}" if path else key
            found = shape.find(key)
            if found is not None:
                name, declared = found
                given |= set() if element is None else {name}
                yield from self._member(key, name, declared, element, place)
            elif envelope and key in ("id", "name", "type"):
                continue
            elif shape.item is None:
                near = difflib.get_close_matches(key, shape.properties, 1)
                yield _error(place, "unknown", "no such property" + (f"; did you mean {near[0]}?" if near else ""))
            elif element is not None:
                yield from self.value(element, shape.item, place)
        for name in sorted(set(shape.properties) - given):
            declared = shape.properties[name]
            if declared.required and not self._foreign(declared):
                allowed = declared.shape.facts.get("v") if shape.kind == "disc" else None
                hint = f"; one of {', '.join(allowed)}" if allowed else ""
                yield _error(f"{path}.{name}" if path else name, "required", f"is missing{hint}")

    def _member(self, key: str, name: str, declared: Property, element: Any, place: str) -> Iterator[Problem]:
        if key != name:
            yield Problem("note", place, "case", f"is written {name}")
        if self._foreign(declared):
            code = "write-only" if self._response else "read-only"
            yield Problem(
                "note", place, code, "does not belong in an answer" if self._response else "is not for setting"
            )
        elif element is not None:
            yield from self.value(element, declared.shape, place)

    def _foreign(self, declared: Property) -> bool:
        """Whether the property does not travel in this direction."""
        return declared.write_only if self._response else declared.read_only


def _error(path: str, code: str, message: str) -> Problem:
    return Problem("error", path or "(body)", code, message)


def _is_kind(value: Any, kind: str) -> bool:
    if kind == "any":
        return True
    if kind in ("int", "num"):  # 3.0 is an integer to JSON; True is none
        return type(value) in (int, float) and (kind == "num" or float(value).is_integer())
    return isinstance(value, {"str": str, "enum": str, "bool": bool, "arr": list}.get(kind, dict))


def _bounds(value: Any, shape: Shape, path: str) -> Iterator[Problem]:
    facts = shape.facts
    if shape.kind not in ("str", "arr", "int", "num"):
        return
    size, code = (value, "range") if shape.kind in ("int", "num") else (len(value), "length")
    if not facts.get("min", size) <= size <= facts.get("max", size):
        yield _error(path, code, f"{size} is not in {facts.get('min', '')}..{facts.get('max', '')}")
    if "re" in facts and not re.search(facts["re"], value):
        yield _error(path, "pattern", f"{_quoted(value, shape, path)} does not match {facts['re']}")


def _choice(value: str, allowed: list[str], path: str, level: Literal["error", "note"]) -> Iterator[Problem]:
    if value in allowed:
        return
    meant = next((item for item in allowed if item.lower() == value.lower()), None)
    if meant is not None:
        yield Problem("note", path, "case", f"{json.dumps(value)} is written {meant}")
    else:
        yield Problem(level, path, "enum", f"{json.dumps(value)} is not one of {', '.join(allowed)}")


def _quoted(value: Any, shape: Shape, path: str) -> str:
    last = path.rpartition(".")[2]
    return "(secret)" if shape.secret or _SECRET_NAME.search(last) else json.dumps(value, default=str)[:80]
