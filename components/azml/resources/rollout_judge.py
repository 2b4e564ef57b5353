"""What the gates say about the newcomers of a rollout, stage by stage.

Owns which gate is asked when, about whom, and compared with whom. Deliberately neither how a gate finds its verdict
(`gates`) nor what follows from it (`rollout_move`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from azml.resources.arm_id import ArmId
from azml.resources.gates import ask
from azml.resources.gates.verdict import Outcome, Verdict
from azml.resources.rollout_args import Settings
from azml.resources.rollout_memory import Maps, words
from azml.resources.rollout_plan import WHOLE, Bake, Begin, Due, newcomers
from azml.resources.work import Work


@dataclass(frozen=True)
class Refusal:
    """Why nothing goes live."""

    text: str
    failed: list[str]
    """Releases that are bad, not only unknown."""


class Judge:
    """Asks the gates of one rollout."""

    def __init__(self, work: Work, endpoint: ArmId, wanted: Maps, settings: Settings, until: float) -> None:
        """`until`: when the run's time is over, by the monotonic clock."""
        self._until = until
        self._work, self._id, self._wanted, self._settings = work, endpoint, wanted, settings
        self._asked = 0.0

    def refusal(self, found: Begin) -> Refusal | None:
        """Ask before anything goes live; None where all is well. A release that served until lately is asked less."""
        gates = self._settings.least if found.known else self._settings.gates
        for name in found.newcomers:
            self._work.doing(f"asking {name} before it serves")
            verdicts = ask.before_live(
                self._work, gates, self._id, name, _rival(found.before, found.before), self._until
            )
            if bad := open_of(verdicts):
                serving = words(found.before.traffic)
                head = f"Release {name} does not go live: the traffic of {self._id.name} was not touched: {serving}."
                why = ask.report(self._work, self._settings.gates, self._id, name, bad)
                return Refusal(f"{head}\n\n{why}", [] if found.known else failed(bad))
        return None

    def figures(self, found: Bake | Due, live: Maps, since: float) -> list[Verdict]:
        """What Azure Monitor shows of a stage."""
        gates, stage = self._settings.gates, found.at
        began = datetime.fromtimestamp(max(since, self._asked), UTC)
        rival = _rival(found.before, live)
        if stage.step == 0:
            ((name, share),) = stage.maps.mirror.items()
            return ask.copies(self._work, gates, self._id, name, rival, began, share)
        return [
            verdict
            for name in self._new(found.before, stage.maps.traffic)
            for verdict in ask.figures(self._work, gates, self._id, name, rival, began, stage.maps.traffic[name])
        ]

    def verdicts(self, found: Due, live: Maps, since: float) -> list[Verdict]:
        """What decides on a stage: figures, but at the last step, which is not waited for; then own requests again.

        Own requests come when the figures are good: Azure counts them like any others. Where they leave something
        open, and are sent again, figures of what came after them have to be good first.
        """
        figures = [] if found.at.step >= WHOLE else self.figures(found, live, since)
        return figures if open_of(figures) else [*figures, *self._own_requests(found, live)]

    def reports(self, names: Iterable[str], verdicts: Sequence[Verdict], since: float | None) -> list[str]:
        """Why releases failed, for people."""
        began = None if since is None else datetime.fromtimestamp(since, UTC)
        return [
            ask.report(
                self._work,
                self._settings.gates,
                self._id,
                name,
                [each for each in verdicts if each.deployment == name],
                began,
            )
            for name in names
        ]

    def _own_requests(self, found: Due, live: Maps) -> list[Verdict]:
        gates, stage = self._settings.gates, found.at
        rival, shares = _rival(found.before, live), stage.maps.traffic if stage.step else stage.maps.mirror
        verdicts = [
            verdict
            for name in self._new(found.before, shares)
            for verdict in ask.before_live(self._work, gates, self._id, name, rival, self._until)
        ]
        self._asked = self._work.arm.now()
        return verdicts

    def _new(self, before: Maps, shares: Iterable[str]) -> list[str]:
        return [name for name in newcomers(before, self._wanted) if name in shares]


def failed(verdicts: Iterable[Verdict]) -> list[str]:
    """Releases that failed a gate."""
    return sorted({verdict.deployment for verdict in verdicts if verdict.outcome is Outcome.FAIL})


def open_of(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Verdicts that do not let a release pass."""
    return [verdict for verdict in verdicts if verdict.outcome is not Outcome.PASS]


def awaited(missing: Iterable[Verdict]) -> str:
    """What is not known yet, for people."""
    return ", ".join(dict.fromkeys(f"{each.expected} ({each.gate}; so far: {each.seen})" for each in missing))


def _rival(before: Maps, live: Maps) -> str | None:
    """The release that a newcomer is compared with: of those that served before and still do, the one with most."""
    there = [name for name in before.traffic if name in live.traffic]
    return max(there, key=lambda name: before.traffic[name], default=None)
