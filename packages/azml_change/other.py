"""Changes that need no words of their own: properties before and after, and tags.

Owns their lines for every type. Deliberately shows no secret (`words.shown`).
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from azml_change import masks, words
from azml_change.noise import changed, head
from azml_change.plan import Step, mapping

_DOCKER = ("docker:", "docker-build:")
"""Providers that build images."""
_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[\]]+)')


def tags(steps: Iterable[Step]) -> list[str]:
    """One line for all resources whose tags change alike."""
    said = Counter(
        words.keys(mapping(step.old.get("tags")), mapping(step.new.get("tags")))
        for step in steps
        if step.op == "update" and words.is_known(step.new.get("tags"))
    )
    return [f"tags: {text}{f' ({count} resources)' if count > 1 else ''}" for text, count in said.items() if text]


def properties(step: Step, without: Iterable[str] = ()) -> list[str]:
    """`sku.name Standard → Premium` for each property that changes; those of `without` are said elsewhere."""
    left = {"tags", *without}
    names = [name for name in changed(step) if name not in left]
    paths = [path for path in step.paths if head(path) in names] or names
    lines = []
    for path in paths:
        before, now = _at(step.old, path), _at(step.new, path)
        if before != now or head(path) in {head(each) for each in step.drifted} or words.is_secret(now):
            lines.append(_line(step.type, path, before, now))
    return lines


def _line(type_: str, path: str, before: Any, now: Any) -> str:
    if before == now:
        return f"{path} set again" if not words.is_secret(now) else f"{path} has another secret value"
    if type_.startswith(_DOCKER):
        before, now = (masks.in_build(value, _names(path)) for value in (before, now))
    hint = f"Secret {path}" if type_.endswith("Secret") else path
    return f"{path} {words.shown(before, hint)} → {words.shown(now, hint)}"


def _names(path: str) -> list[str]:
    """The names in a path of the engine's."""
    return [quoted or plain for quoted, _, plain in _STEP.findall(path)]


def _at(value: Any, path: str) -> Any:
    """What is at a path of the engine's: `sku.name`, `rules[0].value`, `tags["a.b"]`."""
    for quoted, index, plain in _STEP.findall(path):
        if isinstance(value, list):
            value = value[int(index)] if index and int(index) < len(value) else None
        else:
            value = value.get(quoted or plain) if isinstance(value, dict) else None
    return value
