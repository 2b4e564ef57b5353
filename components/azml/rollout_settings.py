"""What the spec of a rollout, or of gates alone, becomes: settings of the resource that judges a release.

Owns the translation. Deliberately neither the maps (`online_endpoint`) nor what is done with the settings
(`azml.resources.rollout_plan`).
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from azml.spec.rollout import OwnRequestGatesSpec, RolloutSpec
from azml.spec.types import iso


def settings(spec: RolloutSpec | OwnRequestGatesSpec) -> dict[str, Any]:
    """What is said; what is not said is the resource's own default."""
    said: dict[str, Any] = _plain(spec.model_dump(exclude_defaults=True))
    return said


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, timedelta):
        return iso(value)
    return str(value) if isinstance(value, Path) else value
