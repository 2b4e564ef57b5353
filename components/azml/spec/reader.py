"""YAML files into trees of located values.

Owns reading: bytes, syntax, anchors, merge keys, and refusal of what the engine refuses too, each time with the line.
Deliberately knows no key of an estate. Events of the C parser are used directly: no recursion, so depth is bounded here
and not by the stack, and aliases share their nodes, so size is bounded before anything is expanded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.events import AliasEvent, CollectionEndEvent, MappingStartEvent, NodeEvent, ScalarEvent, SequenceStartEvent

from azml.spec.errors import Problem, SpecError
from azml.spec.scalars import UnreadableScalarError, plain, tagged
from azml.spec.tree import Content, Node, Place
from azml.spec.written import Written

MAX_DEPTH = 64
"""Levels of nesting; an estate needs about ten."""
MAX_ALIASED = 100_000
"""Values that a file may grow to through aliases, if that is more than ten times what is written."""

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read(file: Path) -> Node:
    """Read a YAML file. An empty one is a null node. Raises `SpecError` with the place of what is wrong."""
    return _Builder(file, text(file)).build()


def text(file: Path) -> str:
    """Read the text of a file. Raises `SpecError` where it cannot be read or is not UTF-8 text."""
    try:
        data = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise SpecError([Problem("there is no such file", file=file)]) from None
    except IsADirectoryError:
        raise SpecError([Problem("is a folder, and a YAML file is meant", file=file)]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SpecError([Problem(f"cannot be read: {reason}", file=file)]) from None
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _place(data[: error.start].decode("utf-8-sig"))
        problem = Problem(
            f"is not UTF-8 text (byte 0x{data[error.start]:02x})", file, line, column, fix="save the file as UTF-8"
        )
        raise SpecError([problem]) from None
    if (bad := _UNPRINTABLE.search(content)) is not None:
        line, column = _place(content[: bad.start()])
        raise SpecError([Problem(f"holds the control character {bad[0]!r}", file, line, column, fix="delete it")])
    return content


def _place(before: str) -> Place:
    lines = _BREAK.split(before)
    return len(lines), len(lines[-1]) + 1


@dataclass(slots=True)
class _Frame:
    """A collection that is still open."""

    event: NodeEvent
    at: Place
    key: Place | None
    entries: dict[str, Node] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)
    merged: list[Node] = field(default_factory=list)
    pending: tuple[str, Place] | None = None
    """A key that waits for its value."""
    size: int = 1


class _Builder:
    """Builds the tree of one file from its events."""

    def __init__(self, file: Path, content: str) -> None:
        self.file, self.content, self.folder = file, content, file.parent
        self.open: list[_Frame] = []
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.root: Node | None = None
        self.written = 0

    def build(self) -> Node:
        try:
            for event in yaml.parse(self.content, Loader=yaml.CSafeLoader):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            raise self._syntax(error) from None
        except yaml.YAMLError as error:
            raise SpecError([Problem(f"is not YAML: {error}", file=self.file)]) from None
        return self.root if self.root is not None else Node(None, self.file, (1, 1))

    def _take(self, event: Any) -> None:
        kind = type(event)
        if kind is ScalarEvent:
            self._scalar(event)
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            self._begin(event)
        elif isinstance(event, CollectionEndEvent):
            self._end()
        elif kind is AliasEvent:
            self._alias(event)
        elif isinstance(event, NodeEvent):
            raise AssertionError(event)

    def _scalar(self, event: Any) -> None:
        at = _at(event)
        if self._is_key():
            self._key(event, at)
            return
        value = self._value(event, at)
        written = None if isinstance(value, str) and value == event.value else event.value
        node = Node(Written.of(value, self.folder) if isinstance(value, str) else value, self.file, at, written=written)
        self._add(node, 1, event.anchor)

    def _value(self, event: Any, at: Place) -> Any:
        try:
            if event.tag is not None:
                return tagged(event.value, event.tag)
            return plain(event.value) if event.implicit[0] else event.value
        except UnreadableScalarError as error:
            raise self._error(str(error), at, fix="put it in quotes if it is text") from None

    def _is_key(self) -> bool:
        frame = self.open[-1] if self.open else None
        return frame is not None and type(frame.event) is MappingStartEvent and frame.pending is None

    def _key(self, event: Any, at: Place) -> None:
        frame = self.open[-1]
        value = self._value(event, at)
        if isinstance(value, bool):
            value = str(value).lower()
        if value is None or isinstance(value, float) or (isinstance(value, str) and value != event.value):
            raise self._error(f"the key {event.value or '(nothing)'} is not text", at, fix="put it in quotes")
        key = str(value)
        if key in frame.entries or (key == "<<" and frame.merged):
            raise self._error(
                f"the key {key} stands here twice", at, fix=f"keep one: line {self._first(frame, key)} has it too"
            )
        frame.pending = (key, at)

    def _first(self, frame: _Frame, key: str) -> int:
        first = frame.entries[key].key if key in frame.entries else frame.merged[0].key
        return first[0] if first is not None else frame.at[0]

    def _begin(self, event: Any) -> None:
        at = _at(event)
        if self._is_key():
            line = self.content.splitlines()[at[0] - 1]
            raise self._error("a key must be text, not a map or a list", at, fix=_hint(line, ""))
        if len(self.open) == MAX_DEPTH:
            raise self._error(f"is nested more than {MAX_DEPTH} levels deep", at, fix="an estate needs about ten")
        self.open.append(_Frame(event, at, None))

    def _end(self) -> None:
        frame = self.open.pop()
        value: Content = frame.items
        if type(frame.event) is MappingStartEvent:
            value = frame.entries
            for merged in frame.merged:
                value = {**merged.map, **value}
        self._add(Node(value, self.file, frame.at), frame.size, frame.event.anchor)

    def _alias(self, event: Any) -> None:
        at, name = _at(event), event.anchor
        if any(frame.event.anchor == name for frame in self.open):
            raise self._error(f"*{name} is part of the value that it stands for", at, fix="write the value out")
        if name not in self.anchors:
            raise self._error(f"there is no anchor &{name} above", at, fix="put it in quotes if it is text")
        node, size = self.anchors[name]
        if self._is_key():
            raise self._error("a key must be text, not an alias", at, fix="write the key out")
        total = size + sum(frame.size for frame in self.open)
        if total > max(MAX_ALIASED, 10 * self.written):
            raise self._error(
                f"grows to {total:,} values through aliases", at, fix="write it out, or use fewer aliases"
            )
        self._add(node._replace(at=at, key=None), size, None)

    def _add(self, node: Node, size: int, anchor: str | None) -> None:
        self.written += 1
        if anchor is not None:
            self.anchors[anchor] = node, size
        if not self.open:
            if self.root is not None:
                raise self._error("a second document begins here", node.at, fix="keep one document a file")
            self.root = node
            return
        frame = self.open[-1]
        frame.size += size
        if frame.pending is None:
            frame.items.append(node)
            return
        key, place = frame.pending
        frame.pending = None
        node = node._replace(key=place)
        if key == "<<":
            self._merge(frame, node)
        else:
            frame.entries[key] = node

    def _merge(self, frame: _Frame, node: Node) -> None:
        sources = node.items if isinstance(node.value, list) else [node]
        if not sources or not all(isinstance(source.value, dict) for source in sources):
            raise self._error("<< takes a map, or a list of maps", node.at, fix="write <<: *ANCHOR of a map above")
        frame.merged.extend(sources)

    def _syntax(self, error: yaml.MarkedYAMLError) -> SpecError:
        lines = self.content.splitlines()
        line, column = self._begun(error, len(lines))
        excerpt = lines[line - 1] if line <= len(lines) else ""
        what = ", ".join(part for part in (error.context, error.problem) if part)
        fix = _hint(excerpt, what)
        return SpecError([Problem(f"is not YAML: {what}", self.file, line, column, excerpt=excerpt, fix=fix)])

    def _begun(self, error: yaml.MarkedYAMLError, lines: int) -> Place:
        """Find the place of an error. The end of the file helps nobody: that is what was begun and not ended."""
        for mark in (error.problem_mark, error.context_mark):
            if mark is not None and mark.line < lines:
                return mark.line + 1, mark.column + 1
        return self.open[-1].at if self.open else (max(lines, 1), 1)

    def _error(self, what: str, at: Place, fix: str | None = None) -> SpecError:
        return SpecError([Problem(what, self.file, *at, fix=fix)])


def _at(event: Any) -> Place:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1


def _hint(line: str, what: str) -> str:
    if "\t" in line:
        return "indent with spaces: YAML takes no tabs"
    if "{{" in line or "${" in line:
        return "a template must be rendered first; text that begins with a brace needs quotes"
    if "{stage}" in line:
        return "put text that begins with {stage}, or holds it inside braces, in quotes"
    if re.search(r":\s+\S.*:\s", line):
        return "put text that holds a colon in quotes"
    if "quoted scalar" in what:
        return "close the quotes"
    if "flow" in what:
        return "close the bracket, and put a comma between items"
    if "block" in what and "did not find expected" in what:
        return "check the indentation: the line does not stand under the keys that it belongs to"
    return "check the line, and the one above it: a colon after each key, a space after each colon and dash"
