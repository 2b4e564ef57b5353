"""How slow a release may be: `latency_p95_ms`, and `max_p95_ratio` against the live release.

Owns the judgement on two percentiles, wherever they were measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from azml.resources.gates.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from azml.spec.rollout import GatesSpec

SLOW = (
    "The model may be bigger, run() may do what belongs in init(), or the instance is too small: look at "
    "instance_type, at WORKER_COUNT (with max_concurrent_requests_per_instance), and at what else run() does."
)
SHORTEST_MS = 0.1
"""What a percentile of 0 counts as in a ratio."""


@dataclass(frozen=True)
class Slowness:
    """The 95th percentile of a deployment, or why it has none and what that means."""

    p95_ms: float | None
    why: str = ""
    without: Outcome = Outcome.UNKNOWN


def judged(gates: GatesSpec, newcomer: str, new: Slowness, live: Slowness | None, over: str) -> list[Verdict]:
    """A verdict for each of the two gates that is wanted; `over` says what the percentiles sum up.

    A live release without a percentile is nothing to compare with: the ratio is not known.
    """
    verdicts = []
    if gates.latency_p95_ms is not None:
        expected = f"95 % of the requests within {gates.latency_p95_ms} ms"
        verdicts.append(_of(("latency_p95_ms", newcomer, expected), new, gates.latency_p95_ms, over))
    if gates.max_p95_ratio is not None and live is not None:
        expected = f"at most {gates.max_p95_ratio:g} times as slow as the live release"
        verdicts.append(_ratio(("max_p95_ratio", newcomer, expected), new, live, gates.max_p95_ratio, over))
    return verdicts


def _of(about: tuple[str, str, str], new: Slowness, limit: float, over: str) -> Verdict:
    gate, newcomer, expected = about
    if new.p95_ms is None:
        return Verdict(gate, newcomer, new.without, expected, new.why)
    return Verdict(gate, newcomer, _within(new.p95_ms, limit), expected, f"{_ms(new.p95_ms)} over {over}", advice=SLOW)


def _ratio(about: tuple[str, str, str], new: Slowness, live: Slowness, limit: float, over: str) -> Verdict:
    gate, newcomer, expected = about
    if new.p95_ms is None:
        return Verdict(gate, newcomer, new.without, expected, new.why)
    if live.p95_ms is None:
        return Verdict(gate, newcomer, Outcome.UNKNOWN, expected, f"of the live release: {live.why}")
    ratio = new.p95_ms / max(live.p95_ms, SHORTEST_MS)
    seen = f"{ratio:.2f} times: {_ms(new.p95_ms)} against {_ms(live.p95_ms)} over {over}"
    return Verdict(gate, newcomer, _within(ratio, limit), expected, seen, advice=SLOW)


def _within(value: float, limit: float) -> Outcome:
    return Outcome.PASS if value <= limit else Outcome.FAIL


def _ms(value: float) -> str:
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"
