"""How long operations take and how often they fail, as data: `lifecycle/<set>/*.yaml`, stages by type and verb.

A stage is a provisioning state, the `seconds` it lasts (a number, or the least and the most), and where it is so the
share of operations that end in it with an error (`fails`), or the property whose resource needs it the first time only
(`once_for`). `faults.yaml` beside them is `faults`'. Sets come with the local Azure, or stand in its home. What a set
says nothing about is as in `fast`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from azml_local.arm.faults import FILE, Chances
from azml_local.settings import BadSettings

_SETS = Path(__file__).parents[1] / "lifecycle"
_FORM = (
    "must hold, by resource type and verb (create, update, delete …), lists of {state: TEXT, seconds: NUMBER or "
    "[LEAST, MOST]}, where fails: SHARE (0 to 1) and once_for: PROPERTY may be added"
)


@dataclass(frozen=True)
class Stage:
    """A provisioning state, how long the resource stays in it at least and at most, and how often it fails there."""

    state: str
    least: float
    most: float
    fails: float = 0.0
    once_for: str | None = None
    """A property with the id of another resource, for which this stage is needed once: its image is built then."""


class Lifecycle:
    """One set: a folder of files. Raises `BadSettings` for a file that is not of their form.

    All times are multiplied by `scale`; which time and which failure it is, `chances` say.
    """

    def __init__(self, folder: Path, scale: float = 1.0, chances: Chances | None = None) -> None:
        self._types: dict[str, dict[str, list[Stage]]] = {}
        self._scale = scale
        self._chances = chances or Chances(1)
        for path in [*sorted((_SETS / "fast").glob("*.yaml")), *sorted(folder.glob("*.yaml"))]:
            if path.name == FILE:
                continue
            try:
                self._add(path)
            except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
                raise BadSettings(f"{path} {_FORM}: {error}") from error

    def stages(self, type_: str, verb: str) -> Sequence[Stage]:
        """Stages of a verb (create, update, delete, or one of the type's own) for a type; never empty."""
        return self._types.get(type_.lower(), {}).get(verb) or self._types["*"][verb]

    def waits(self, type_: str, what: str) -> list[float]:
        """Draw how long each of a type's waits of a kind is, such as those between tries to pull an image."""
        return [self.seconds(stage, f"{what} {type_}") for stage in self.stages(type_, what)]

    def seconds(self, stage: Stage, what: str) -> float:
        """Draw how long `what` stays in a stage."""
        least, most = stage.least, stage.most
        return self._scale * (least if least == most else least + (most - least) * self._chances.draw(f"time {what}"))

    def fails(self, stage: Stage, what: str) -> bool:
        """Draw whether `what` fails in a stage."""
        return stage.fails > 0 and self._chances.draw(f"failure {what}") < stage.fails

    def _add(self, path: Path) -> None:
        for type_, verbs in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            for verb, stages in verbs.items():
                self._types.setdefault(type_.lower(), {})[verb] = [_stage(**stage) for stage in stages]


def _stage(state: str, seconds: Any, fails: float = 0.0, once_for: str | None = None) -> Stage:
    least, most = seconds if isinstance(seconds, list) else (seconds, seconds)
    if not (0 <= float(least) <= float(most) and 0 <= float(fails) <= 1):
        raise ValueError(f"seconds {seconds}, fails {fails}")
    return Stage(str(state), float(least), float(most), float(fails), once_for)


def sets(home: Path) -> dict[str, Path]:
    """Every set there is by name: those that come with the local Azure, and those in its home."""
    folders = [path for path in (_SETS, home / "lifecycle") if path.is_dir()]
    return {path.name: path for folder in folders for path in sorted(folder.iterdir()) if path.is_dir()}
