"""Why a release failed: the report that a failed rollout ends with.

Owns gathering what explains it (the model's log, Azure Monitor's figures) and the words. `Report` is the structured
form, its text the one for people. Deliberately says nothing of traffic: the rollout knows what is live.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from azml.resources.arm_id import ArmId
from azml.resources.diagnosis import likely_cause
from azml.resources.errors import ArmError
from azml.resources.gates import azure_monitor
from azml.resources.gates.azure_monitor import Figures
from azml.resources.gates.live_requests import words
from azml.resources.gates.log_lines import explaining, suspicious
from azml.resources.gates.verdict import Outcome, Verdict
from azml.resources.handler import ML
from azml.resources.work import Work

if TYPE_CHECKING:
    from azml.spec.rollout import GatesSpec

TAIL = 300
"""Lines of the log that are looked through: a failing request writes some twenty."""
HEADINGS = {
    Outcome.FAIL: "failed",
    Outcome.UNKNOWN: "could not be judged",
    Outcome.UNREACHABLE: "could not be asked from here",
}


@dataclass(frozen=True)
class Report:
    """What is known of a release that did not pass."""

    deployment: str
    verdicts: Sequence[Verdict]
    """Those that are no pass."""
    figures: Figures | None = None
    """Its live requests, where it had any."""
    log: Sequence[str] = ()
    """The lines of the model's log that explain it."""
    causes: Sequence[str] = ()
    """Likely causes of failures, each with what to change."""
    advice: Sequence[str] = ()
    """What to do about what could not be judged or asked."""

    def __str__(self) -> str:
        """The report for people."""
        parts = ["\n".join(_told(verdict) for verdict in self.verdicts)]
        if self.figures is not None:
            parts.append(f"Live requests to it, as far as Azure Monitor knows by now: {words(self.figures)}.")
        if self.log:
            parts.append("\n".join([f"From the log of {self.deployment}:", *(f"  {line}" for line in self.log)]))
        parts += [f"Likely cause: {cause}" for cause in self.causes]
        parts += [f"What to do: {advice}" for advice in self.advice]
        return "\n\n".join(parts)


def report(
    work: Work,
    gates: GatesSpec,
    endpoint: ArmId,
    newcomer: str,
    verdicts: Sequence[Verdict],
    since: datetime | None,
) -> Report:
    """Gather what explains these verdicts; what cannot be read is left out. `since`: its first live share."""
    found = explained(
        newcomer,
        verdicts,
        lambda: _log(work, endpoint.child("deployments", newcomer)),
        f"azml logs {endpoint.name} {newcomer}",
    )
    return dataclasses.replace(found, figures=_figures(work, gates, endpoint, newcomer, since))


def explained(newcomer: str, verdicts: Sequence[Verdict], log: Callable[[], str], whole_log: str) -> Report:
    """What a log explains of verdicts. `log` is read where one failed; `whole_log` is the command that shows it."""
    told = [verdict for verdict in verdicts if verdict.outcome is not Outcome.PASS]
    failed = [verdict for verdict in told if verdict.outcome is Outcome.FAIL]
    lines, causes = _reasons(log(), failed, whole_log) if failed else ([], [])
    advice = dict.fromkeys(verdict.advice for verdict in told if verdict not in failed and verdict.advice)
    return Report(newcomer, told, None, lines, causes, list(advice))


def _reasons(log: str, failed: Sequence[Verdict], whole_log: str) -> tuple[list[str], list[str]]:
    """Lines of the log, and likely causes.

    Where the gates themselves know why, a traceback in the log is of another request and would mislead.
    """
    lines = suspicious(log)
    unexplained = [verdict.seen for verdict in failed if not verdict.advice]
    if unexplained:
        lines = [*lines, *explaining(log)]
    found = likely_cause("\n".join([*lines, *unexplained]))
    causes = dict.fromkeys(cause for cause in (found, *(verdict.advice for verdict in failed)) if cause)
    return lines, list(causes) or [f"not known. All of its log: {whole_log}"]


def _told(verdict: Verdict) -> str:
    lines = [
        f"Gate {verdict.gate} {HEADINGS[verdict.outcome]}",
        f"  expected: {verdict.expected}",
        f"  seen:     {verdict.seen}",
        *(f"            {line}" for line in verdict.detail.splitlines()),
    ]
    return "\n".join(lines)


def _log(work: Work, deployment: ArmId) -> str:
    body: dict[str, Any] = {"containerType": "InferenceServer", "tail": TAIL}
    try:
        return str(work.arm.post(f"{deployment.text}/getLogs", ML, body).get("content") or "")
    except ArmError:
        return ""


def _figures(work: Work, gates: GatesSpec, endpoint: ArmId, newcomer: str, since: datetime | None) -> Figures | None:
    """Everything since, the grain in which it began included: what failed then failed for somebody."""
    if since is None:
        return None
    at = azure_monitor.window(gates.metrics, since - gates.metrics.grain, datetime.fromtimestamp(work.arm.now(), UTC))
    try:
        return None if at is None else azure_monitor.live(work.arm, endpoint, newcomer, at, gates.metrics)
    except ArmError:
        return None
