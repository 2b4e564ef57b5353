# ruff: noqa: ARG001 - the signatures first
"""What the rollout asks of the gates: three questions and a report.

Owns the signatures that the rollout calls. `gates` are the settings as they are on the wire (`GatesArgs` in camelCase:
`smoke`, `golden`, `schema`, `latencyP95Ms`, `maxP95Ratio`, `maxErrorRate`, `minRequests`, `mirrorFirst`, `metrics`;
files are paths, durations ISO 8601); empty gates give no verdict and send nothing. Deliberately moves no traffic, and
never waits for figures: what is not known yet is the verdict `UNKNOWN`, and the rollout asks again.
"""

from collections.abc import Sequence
from datetime import datetime

from azml.resources.arm_id import ArmId
from azml.resources.gates.verdict import Verdict
from azml.resources.handler import Values
from azml.resources.work import Work


def before_live(work: Work, gates: Values, endpoint: ArmId, newcomer: str, live: str | None) -> list[Verdict]:
    """Own requests to `newcomer`, past the split; and to `live`, where the two are compared. No figures of Azure's.

    Asked before any live share, and again at the end of each step.
    """
    return _not_yet(gates)


def figures(
    work: Work, gates: Values, endpoint: ArmId, newcomer: str, live: str | None, since: datetime, share: int
) -> list[Verdict]:
    """What Azure Monitor has of the live requests since a time (UTC), while `newcomer` has `share` percent of them.

    Asked every few seconds of a step, so that a bad release is seen as soon as a figure shows it.
    """
    return _not_yet(gates)


def copies(work: Work, gates: Values, endpoint: ArmId, newcomer: str, since: datetime, share: int) -> list[Verdict]:
    """The same while `newcomer` gets copies (`mirror_first`) and nobody its answers."""
    return _not_yet(gates)


def report(
    work: Work, endpoint: ArmId, newcomer: str, verdicts: Sequence[Verdict], since: datetime | None = None
) -> str:
    """Why a release failed, for people: each gate with what it expected and saw, log lines, likely cause, remedy.

    With `since`, the time of its first live share, also how many live requests it failed.
    """
    raise NotImplementedError


def _not_yet(gates: Values) -> list[Verdict]:
    if gates:
        raise NotImplementedError
    return []
