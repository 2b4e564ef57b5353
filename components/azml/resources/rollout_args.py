"""Arguments of a rollout: what it moves, and how.

Owns their names and the reading of them. Deliberately no rule about their values (`azml.spec.rollout`).
"""

from dataclasses import dataclass
from typing import NotRequired, Self, TypedDict

import pulumi

from azml.facts.online_endpoints import METRIC_GRAIN
from azml.resources.deployment_failure import DELETE, KEEP
from azml.resources.errors import Refused
from azml.resources.handler import Values, seconds
from azml.resources.rollout_plan import WHOLE, Way

_OWN_REQUESTS = ("smoke", "golden", "schema", "latencyP95Ms", "maxP95Ratio")
"""Gates for which azml sends requests."""


class GoldenArgs(TypedDict):
    """A request whose answer is known."""

    request: str
    """File with the request's body, JSON."""
    expected: str
    """File with the answer, JSON."""
    tolerance: NotRequired[float]
    """How far a number may be from the expected one, as a share of it. Absent: 1e-6."""


class MirrorFirstArgs(TypedDict):
    """A shadow share before any live share."""

    percent: int
    """Percent of the live requests that are copied."""
    bake_time: str
    """How long, ISO 8601."""


class MetricsArgs(TypedDict):
    """How Azure Monitor is read."""

    grain: NotRequired[str]
    """Length of time that one figure sums up, ISO 8601. Absent: PT1M."""
    lag: NotRequired[str]
    """How late a figure is there, ISO 8601. Absent: PT2M."""


class GatesArgs(TypedDict):
    """What a release has to show."""

    smoke: NotRequired[list[str]]
    """Files with requests that are to be answered with 200."""
    golden: NotRequired[list[GoldenArgs]]
    """Requests with their answers."""
    schema: NotRequired[bool]
    """Whether answers have to conform to the endpoint's OpenAPI document."""
    latency_p95_ms: NotRequired[int]
    """Most milliseconds that 95 % of the requests take."""
    max_p95_ratio: NotRequired[float]
    """Most that the 95th percentile may be of the live release's, measured in the same minutes."""
    max_error_rate: NotRequired[float]
    """Largest share of live requests that may fail."""
    min_requests: NotRequired[int]
    """Live requests that a judgement needs. Absent: 20."""
    mirror_first: NotRequired[MirrorFirstArgs]
    """Copies of live requests before any live request."""
    metrics: NotRequired[MetricsArgs]
    """How Azure Monitor is read."""


class RolloutSettingsArgs(TypedDict):
    """The way of a new release to its traffic. Durations are ISO 8601."""

    steps: NotRequired[list[int]]
    """Percent of its final share that a new release gets, step by step; the last is 100. Absent: [100]."""
    bake_time: NotRequired[str]
    """How long a step is watched before the next one. Absent: PT0S."""
    keep_previous: NotRequired[str]
    """How long the release of before stays ready, without traffic. Absent: PT0S."""
    on_failure: NotRequired[str]
    """keep (when absent) or delete: what becomes of a release that failed."""
    max_up_time: NotRequired[str]
    """A rollout that takes longer stops after a step, and the next `pulumi up` goes on. Absent: PT1H."""
    gates: NotRequired[GatesArgs]
    """What a release has to show."""


class RolloutArgs(RolloutSettingsArgs):
    """Arguments of `Rollout`."""

    endpoint_id: pulumi.Input[str]
    """ARM id of the endpoint."""
    traffic: pulumi.Input[dict[str, pulumi.Input[int]]]
    """Percent of the requests by deployment, 100 in total. Who is not named gets none. Who is named is never deleted
    by the rollout, whatever its share."""
    mirror_traffic: NotRequired[pulumi.Input[dict[str, pulumi.Input[int]]]]
    """Percent of the requests that one deployment gets a copy of, 50 at most."""


RolloutArgs.__orig_bases__ = (RolloutSettingsArgs,)  # type: ignore[attr-defined] # typing does so from Python 3.12 on

SETTINGS = frozenset({"steps", "bakeTime", "keepPrevious", "onFailure", "maxUpTime", "gates"})
"""Inputs that say how traffic moves. Another value of theirs moves none."""


@dataclass(frozen=True)
class Settings:
    """How a rollout gets to its maps. Times are seconds."""

    way: Way
    gates: Values
    """As they are on the wire; empty: none."""
    deletes: bool
    """Whether a release that failed is deleted."""
    max_up: float

    @classmethod
    def of(cls, inputs: Values) -> Self:
        """Read the inputs; `Refused` where a duration is none."""
        gates = inputs.get("gates") or {}
        copies = gates.get("mirrorFirst") or {}
        steps = sorted({WHOLE, *inputs.get("steps", ())})
        way = Way(
            steps=tuple(int(step) for step in steps),
            bake=_seconds("bakeTime", inputs.get("bakeTime", "PT0S")),
            copies=int(copies.get("percent", 0)),
            copies_bake=_seconds("gates.mirrorFirst.bakeTime", copies.get("bakeTime", "PT0S")),
            gated=any(gates.get(name) for name in _OWN_REQUESTS),
            keep=_seconds("keepPrevious", inputs.get("keepPrevious", "PT0S")),
        )
        longest = _seconds("maxUpTime", inputs.get("maxUpTime", "PT1H"))
        return cls(way, gates, inputs.get("onFailure", KEEP) == DELETE, longest)

    @property
    def least(self) -> Values:
        """The gates of a way back: only whether it answers."""
        return {name: self.gates[name] for name in ("smoke",) if self.gates.get(name)}

    @property
    def grain(self) -> float:
        """Seconds that one figure of Azure Monitor sums up."""
        said = (self.gates.get("metrics") or {}).get("grain")
        return METRIC_GRAIN.total_seconds() if said is None else _seconds("gates.metrics.grain", said)


def _seconds(name: str, text: str) -> float:
    found = seconds(text)
    if found is None:
        raise Refused(f"{name} of a rollout is {text!r}, which is no duration. Write PT30S, PT10M or P1D.")
    return float(found)
