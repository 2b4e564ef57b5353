"""Gates on live and on copied requests: `max_error_rate`, and the two on latency, judged on Azure Monitor's figures.

Owns what is enough to judge, and the words. Deliberately reads nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from azml.resources.errors import ArmError
from azml.resources.gates import slowness
from azml.resources.gates.advice import advice_for
from azml.resources.gates.azure_monitor import Figures
from azml.resources.gates.slowness import Slowness
from azml.resources.gates.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from azml.spec.rollout import GatesSpec


def judges(gates: GatesSpec) -> bool:
    """Whether any gate wants figures."""
    return any(limit is not None for limit in (gates.max_error_rate, gates.latency_p95_ms, gates.max_p95_ratio))


def judged(gates: GatesSpec, newcomer: str, new: Figures, live: Figures | None, what: str) -> list[Verdict]:
    """The verdicts on figures; `what` names the requests: `live requests`. Too few of them are one verdict, UNKNOWN."""
    if new.requests < gates.min_requests:
        return [few(gates, newcomer, f"{words(new)} since {new.since:%H:%M:%S} UTC", what)]
    over = f"{new.requests} {what} (Azure Monitor)"
    verdicts = []
    if gates.max_error_rate is not None:
        verdicts.append(_errors(gates.max_error_rate, newcomer, new, what))
    compared = None if live is None else _slowness(gates, live)
    return [*verdicts, *slowness.judged(gates, newcomer, _slowness(gates, new), compared, over)]


def few(gates: GatesSpec, newcomer: str, seen: str, what: str) -> Verdict:
    """The verdict that there is not enough to judge."""
    return Verdict("min_requests", newcomer, Outcome.UNKNOWN, f"{gates.min_requests} {what} to judge by", seen)


def words(figures: Figures) -> str:
    """`250 requests, 7 of them failed (424: 6, 503: 1)`."""
    failed = ", ".join(f"{status}: {number}" for status, number in sorted(figures.failures.items()))
    requests = f"{figures.requests} request{'' if figures.requests == 1 else 's'}"
    return f"{requests}, {figures.failed} of them failed ({failed})" if failed else f"{requests}, none of them failed"


def _errors(limit: float, newcomer: str, new: Figures, what: str) -> Verdict:
    rate = new.failed / new.requests
    outcome = Outcome.PASS if rate <= limit else Outcome.FAIL
    seen = f"{rate:.2%} of {words(new)}"
    advice = advice_for(max(new.failures, key=lambda status: new.failures[status])) if new.failures else ""
    return Verdict("max_error_rate", newcomer, outcome, f"at most {limit:.2%} of {what} fail", seen, advice=advice)


def _slowness(gates: GatesSpec, figures: Figures) -> Slowness:
    if figures.requests < gates.min_requests or figures.p95_ms is None:
        return Slowness(None, f"it had {words(figures)}, and {gates.min_requests} are needed")
    return Slowness(figures.p95_ms)


def too_fine(newcomer: str, grain: str, error: ArmError) -> Verdict:
    """The verdict that Azure Monitor has no figures of so short a time, for which waiting is no remedy."""
    advice = "On Azure write gates.metrics.grain: PT1M. The local Azure has less where its metric_grain_seconds is 1."
    return Verdict("metrics", newcomer, Outcome.UNKNOWN, f"figures of {grain}", str(error), advice=advice)


def unreadable(newcomer: str, error: ArmError) -> Verdict:
    """The verdict that Azure Monitor gives no figures."""
    advice = (
        "Whoever runs this needs the role Monitoring Reader (or Reader) on the endpoint."
        if error.status in (401, 403)
        else "It is asked again; Azure's own text says what it does not like."
    )
    return Verdict("metrics", newcomer, Outcome.UNKNOWN, "figures of Azure Monitor", str(error), advice=advice)
