"""How long operations take, as data: `lifecycle/<set>/*.yaml`, a list of states with seconds by type and verb."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_SETS = Path(__file__).parents[1] / "lifecycle"


@dataclass(frozen=True)
class Stage:
    """A provisioning state and how long the resource stays in it."""

    state: str
    seconds: float


class Lifecycle:
    """One set of files."""

    def __init__(self, name: str) -> None:
        self._types: dict[str, Any] = {}
        for path in sorted((_SETS / name).glob("*.yaml")):
            for type_, verbs in yaml.safe_load(path.read_text(encoding="utf-8")).items():
                self._types[type_.lower()] = verbs

    def stages(self, type_: str, verb: str) -> Sequence[Stage]:
        """Stages of a verb (create, update, scale, delete) for a type; never empty."""
        verbs = self._types.get(type_.lower(), {})
        return [Stage(**stage) for stage in verbs.get(verb) or self._types["*"][verb]]


def names() -> list[str]:
    """Every set there is."""
    return sorted(path.name for path in _SETS.iterdir() if path.is_dir())
