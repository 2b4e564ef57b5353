"""How long operations take, as data: `lifecycle/<set>/*.yaml`, a list of states with seconds by type and verb.

Sets come with the local Azure, or stand in its home. What a set says nothing about is as in `fast`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from azml_local.settings import BadSettings

_SETS = Path(__file__).parents[1] / "lifecycle"
_FORM = "must hold, by resource type and verb (create, update, scale, delete), lists of {state: TEXT, seconds: NUMBER}"


@dataclass(frozen=True)
class Stage:
    """A provisioning state and how long the resource stays in it."""

    state: str
    seconds: float


class Lifecycle:
    """One set: a folder of files. Raises `BadSettings` for a file that is not of their form."""

    def __init__(self, folder: Path) -> None:
        self._types: dict[str, dict[str, list[Stage]]] = {}
        for path in [*sorted((_SETS / "fast").glob("*.yaml")), *sorted(folder.glob("*.yaml"))]:
            try:
                self._add(path)
            except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
                raise BadSettings(f"{path} {_FORM}: {error}") from error

    def stages(self, type_: str, verb: str) -> Sequence[Stage]:
        """Stages of a verb (create, update, scale, delete) for a type; never empty."""
        return self._types.get(type_.lower(), {}).get(verb) or self._types["*"][verb]

    def _add(self, path: Path) -> None:
        for type_, verbs in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            for verb, stages in verbs.items():
                read = [Stage(str(stage["state"]), float(stage["seconds"])) for stage in stages]
                self._types.setdefault(type_.lower(), {})[verb] = read


def sets(home: Path) -> dict[str, Path]:
    """Every set there is by name: those that come with the local Azure, and those in its home."""
    folders = [path for path in (_SETS, home / "lifecycle") if path.is_dir()]
    return {path.name: path for folder in folders for path in sorted(folder.iterdir()) if path.is_dir()}
