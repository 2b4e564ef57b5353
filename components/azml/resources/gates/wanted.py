"""The gates that a program asks for, from a resource's inputs.

The one place that knows how they look on the wire. What they mean and what is allowed is `azml.spec.rollout`'s.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from azml.resources.errors import Refused

if TYPE_CHECKING:
    from azml.spec.rollout import GatesSpec


def wanted(gates: Mapping[str, Any]) -> "GatesSpec":
    """The gates of a rollout's input `gates`; `Refused` with every problem, a file that is gone or no JSON included."""
    from azml.spec.errors import SpecError  # the models take their time, and a provider without gates needs none
    from azml.spec.rollout import GatesSpec

    try:
        return GatesSpec.from_args(_snake(gates))
    except SpecError as error:
        raise Refused(f"The gates of the rollout cannot be judged.\n{error}") from None


def _snake(value: Any) -> Any:
    """`latencyP95Ms` as `latency_p95_ms`, at every depth."""
    if isinstance(value, Mapping):
        return {re.sub(r"(?<!^)([A-Z])", r"_\1", key).lower(): _snake(item) for key, item in value.items()}
    return [_snake(item) for item in value] if isinstance(value, list) else value
