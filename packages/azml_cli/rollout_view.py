"""How the rollout of one endpoint stands, as a picture and as JSON.

Owns the words and bars of `azml rollout`. The state is `azml.resources.rollout_control`'s; steps and times are those of
the stack file. Deliberately moves nothing and does not read the program: what `up` does depends on what it wants.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azml.resources.gates.verdict import Verdict
    from azml.resources.rollout_control import Standing
    from azml.spec import OnlineEndpointSpec

BAR = 20
"""Characters of a bar: 5 percent each."""
WHOLE = 100
_UNITS = (("day", 86400), ("h", 3600), ("min", 60))

Line = tuple[str, str | None]
"""A line and its style."""


@dataclass(frozen=True)
class Row:
    """One deployment."""

    name: str
    traffic: int
    """Percent of the requests."""
    copies: int
    """Percent of the requests that it gets copies of."""
    state: str
    """As Azure has it: Succeeded, Failed …"""
    kept_until: float | None
    """Seconds since 1970 (UTC); None where it is not kept."""
    about: str
    """What it is to the rollout."""


@dataclass(frozen=True)
class View:
    """All that is told of an endpoint. Times are seconds since 1970 (UTC)."""

    standing: "Standing"
    rows: tuple[Row, ...]
    steps: tuple[int, ...]
    """Of the stack file; empty where it does not have the endpoint."""
    verdicts: "tuple[Verdict, ...]"
    """What gates say of the live requests of the step."""
    until: float | None
    """When the step has been watched for long enough; None where none is."""
    now: float
    commands: "Commands"

    @classmethod
    def of(
        cls,
        standing: "Standing",
        states: Mapping[str, str],
        spec: "OnlineEndpointSpec | None",
        verdicts: "Iterable[Verdict]",
        now: float,
        commands: "Commands",
    ) -> "View":
        """Put together what the endpoint remembers, its deployments' states, the stack file's settings and figures."""
        rows = sorted((_row(name, state, standing, now) for name, state in states.items()), key=_rank)
        steps = () if spec is None else tuple(spec.rollout.steps)
        return cls(standing, tuple(rows), steps, tuple(verdicts), _until(standing, spec), now, commands)

    @property
    def name(self) -> str:
        """The endpoint's name."""
        return self.standing.endpoint.name

    @property
    def status(self) -> str | None:
        """running, paused or aborted; None where no release is on its way."""
        progress = self.standing.memory.progress
        return None if progress is None else progress.status

    def wire(self) -> dict[str, Any]:
        """The view for machines; times are ISO 8601."""
        progress = self.standing.memory.progress
        before = None if progress is None else progress.before
        return {
            "endpoint": self.name,
            "status": self.status,
            "traffic": dict(self.standing.live.traffic),
            "mirror_traffic": dict(self.standing.live.mirror),
            "before": before and {"traffic": dict(before.traffic), "mirror_traffic": dict(before.mirror)},
            "step": progress and progress.step,
            "steps": list(self.steps),
            "since": progress and _iso(progress.since),
            "watched_until": self.until and _iso(self.until),
            "deployments": [
                {
                    "name": row.name,
                    "traffic": row.traffic,
                    "mirror_traffic": row.copies,
                    "state": row.state,
                    "kept_until": row.kept_until and _iso(row.kept_until),
                    "about": row.about,
                }
                for row in self.rows
            ],
            "gates": [
                {
                    "gate": verdict.gate,
                    "deployment": verdict.deployment,
                    "outcome": verdict.outcome.value,
                    "expected": verdict.expected,
                    "seen": verdict.seen,
                }
                for verdict in self.verdicts
            ],
            "next": self._next(),
        }

    def lines(self) -> Iterator[Line]:
        """The picture."""
        yield f"{self.name}: {self._headline()}", "bold"
        width = max((len(row.name) for row in self.rows), default=0)
        for row in self.rows:
            yield f"  {row.name:<{width}}  {bar(row.traffic)} {row.traffic:>3} %  {row.about}".rstrip(), _style(row)
        for verdict in self.verdicts:
            yield f"  {verdict.gate}: {verdict.seen} ({verdict.outcome.value}: {verdict.expected})", None
        for text in self._next():
            yield f"  {text}", None

    def _headline(self) -> str:
        progress = self.standing.memory.progress
        if progress is None:
            return "no release is on its way"
        if progress.status == "aborted":
            return "aborted, and as it was before"
        place = f"{progress.step} %"
        if progress.step == 0:
            place = "copies of requests, no request yet"
        elif progress.step in self.steps:
            place = f"step {self.steps.index(progress.step) + 1} of {len(self.steps)}, {progress.step} %"
        text = f"{'paused at ' if progress.status == 'paused' else ''}{place}, {_ago(progress.since, self.now)}"
        if self.until is None:
            return text
        left = self.until - self.now
        return f"{text}, " + (
            f"watched for {_length(left)} more" if left > 0 else f"to judge since {_clock(self.until)}"
        )

    def _next(self) -> list[str]:
        """What `up` does, and what may be said to the rollout."""
        progress, say = self.standing.memory.progress, self.commands
        if progress is None:
            return []
        resume, abort = say.rollout("resume", self.name), say.rollout("abort", self.name)
        stays = f"`{say.up}` of the same program moves nothing until {resume}"
        if progress.status == "aborted":
            return [stays]
        back = f"{abort} puts back {_words(progress.before.traffic)}"
        return [stays if progress.status == "paused" else f"`{say.up}` goes on, if none is at work", back]


@dataclass(frozen=True)
class Commands:
    """What people type for this stack."""

    up: str
    azml: str
    stack: str | None
    """None: the local one, which needs no word."""

    def rollout(self, word: str, endpoint: str) -> str:
        """`azml rollout WORD ENDPOINT`, in backticks."""
        return f"`{self.azml} rollout {word} {endpoint}{f' -s {self.stack}' if self.stack else ''}`"


def bar(percent: int) -> str:
    """A share as a bar; nothing is shown as nothing, and anything as something."""
    filled = 0 if percent == 0 else max(1, round(percent * BAR / WHOLE))
    return "█" * filled + "░" * (BAR - filled)


def _row(name: str, state: str, standing: "Standing", now: float) -> Row:
    until = standing.memory.previous.get(name)
    traffic, copies = standing.live.traffic.get(name, 0), standing.live.mirror.get(name, 0)
    about = state if state != "Succeeded" else _about(name, standing, until, now)
    return Row(name, traffic, copies, state, until, about)


def _about(name: str, standing: "Standing", until: float | None, now: float) -> str:
    progress, share = standing.memory.progress, standing.live.traffic.get(name, 0)
    was = None if progress is None else progress.before.traffic.get(name)
    if name in standing.newcomers:
        return "new"
    if name in standing.copied:
        return f"new: copies of {standing.copied[name]} %"
    if was is not None and was != share:
        return f"served {was} % before"
    if share:
        return "serves"
    if name in standing.live.mirror:
        return f"copies of {standing.live.mirror[name]} %"
    if until is not None and until > now:
        return f"kept ready until {_clock(until)}, {_length(until - now)} more"
    if name in standing.memory.retired:
        return "the next `up` deletes it"
    return (
        "given up: stays, with its log, until the next release" if name in standing.memory.given_up else "no requests"
    )


def _rank(row: Row) -> tuple[int, bool, str]:
    return -row.traffic, row.kept_until is None, row.name


def _style(row: Row) -> str | None:
    if row.state == "Failed":
        return "red"
    return ("yellow" if row.about.startswith("new") else "green") if row.traffic or row.copies else "dim"


def _until(standing: "Standing", spec: "OnlineEndpointSpec | None") -> float | None:
    progress = standing.memory.progress
    if spec is None or progress is None or progress.status == "aborted" or progress.step >= WHOLE:
        return None
    first = spec.rollout.gates.mirror_first
    bake = spec.rollout.bake_time if progress.step else first and first.bake_time
    return progress.since + bake.total_seconds() if bake else None


def _words(traffic: Any) -> str:
    from azml.resources.rollout_memory import words

    return words(traffic)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _clock(seconds: float) -> str:
    """In the time of the person who asks."""
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def _ago(seconds: float, now: float) -> str:
    return f"since {_clock(seconds)}, {_length(now - seconds)} ago"


def _length(seconds: float) -> str:
    """In the unit that fits: 45 s, 10 min, 24 h, 3 days."""
    for unit, size in _UNITS:
        if seconds >= 2 * size:
            return f"{round(seconds / size)} {unit}{'s' if unit == 'day' else ''}"
    return f"{round(seconds)} s"
