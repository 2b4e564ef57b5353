"""What a rollout remembers, on the endpoint itself: tags that every run, here or elsewhere, reads.

Owns the tags and their form; a value that is longer than a tag holds goes on in `NAME-2`, `NAME-3`. Written in the same
request as the traffic, so that neither is ever without the other. Deliberately decides nothing.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from azml.facts.names import TAG_VALUE_LENGTH

OWN_TAGS = "azml-"
"""Tags that start so are azml's memory, and no one's input."""

Shares = Mapping[str, int]
Status = Literal["running", "paused", "aborted"]


@dataclass(frozen=True)
class Maps:
    """Who gets which percent of the requests, and who gets copies. Without zeros: 0 and absent mean the same."""

    traffic: Shares = field(default_factory=dict)
    mirror: Shares = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """What two runs must want alike to go on with each other's rollout."""
        maps = [sorted((name, share) for name, share in shares.items() if share) for shares in self.both]
        return hashlib.sha256(json.dumps(maps).encode()).hexdigest()[:12]

    @property
    def both(self) -> tuple[Shares, Shares]:
        """Traffic and mirror."""
        return self.traffic, self.mirror

    def serves(self, deployment: str) -> bool:
        """Whether requests, or copies of them, reach a deployment."""
        return any(deployment in shares for shares in self.both)


@dataclass(frozen=True)
class Progress:
    """A rollout that is not done: on its way, or told to stay where it is."""

    to: str
    """Fingerprint of the wanted maps."""
    before: Maps
    """What exactly served before it began."""
    step: int = 0
    """Percent of the way that is live: 0 before any live share."""
    since: float = 0
    """When that step began, or the rollout was aborted, in seconds since 1970 (UTC)."""
    status: Status = "running"
    """`paused` and `aborted` are what a user said; `up` of the same maps then moves nothing."""


@dataclass(frozen=True)
class Memory:
    """All that azml remembers on an endpoint."""

    rollout: str | None = None
    """Which rollout moves the traffic."""
    retired: tuple[str, ...] = ()
    """Deployments that left the program while they had to stay: the rollout deletes them."""
    given_up: tuple[str, ...] = ()
    """Releases that failed a gate, or that a person gave up: the next release of theirs takes their place."""
    previous: Mapping[str, int] = field(default_factory=dict)
    """Deployments kept without traffic, each until a time in seconds since 1970 (UTC)."""
    theirs: Maps | None = None
    """What others' endpoint served before this stack came, and serves again when the stack is gone."""
    progress: Progress | None = None
    """The rollout that is not done."""

    def keeps(self, deployment: str, now: float) -> bool:
        """Whether a deployment without traffic has to stay: for a way back, now or while a rollout is on its way."""
        before = self.progress is not None and self.progress.before.serves(deployment)
        return before or self.previous.get(deployment, 0) > now

    def owned_by(self, rollout: str, theirs: Maps | None) -> "Memory":
        """The same, marked by a rollout. What others had is what the first rollout on their endpoint found."""
        return replace(self, rollout=rollout, theirs=theirs if self.theirs is None else self.theirs)

    def with_retired(self, deployment: str, *, stays: bool) -> "Memory":
        """The same, with a deployment among the retired ones or not."""
        others = tuple(name for name in self.retired if name != deployment)
        return replace(self, retired=(*others, deployment) if stays else others)

    def with_wanted(self, names: Collection[str]) -> "Memory":
        """The same, where deployments are in the program: nobody deletes those, and they have another try."""
        return replace(self, retired=_but(self.retired, names), given_up=_but(self.given_up, names))

    def with_given_up(self, names: Iterable[str]) -> "Memory":
        """The same, with releases that did not make it."""
        return replace(self, given_up=tuple(dict.fromkeys([*self.given_up, *names])))

    def without(self, gone: Collection[str]) -> "Memory":
        """The same, once deployments are deleted."""
        previous = {name: until for name, until in self.previous.items() if name not in gone}
        return replace(self, retired=_but(self.retired, gone), given_up=_but(self.given_up, gone), previous=previous)


def read(tags: Mapping[str, str]) -> Memory:
    """What the tags say. What is not readable (written by hand, or by a later azml) counts as not there."""
    return Memory(
        rollout=tags.get("azml-rollout"),
        retired=tuple(name for name in _joined(tags, "azml-retired").split(",") if name),
        given_up=tuple(name for name in _joined(tags, "azml-given-up").split(",") if name),
        previous=_shares(_joined(tags, "azml-previous")),
        theirs=_maps(_joined(tags, "azml-theirs")),
        progress=_progress(_joined(tags, "azml-progress")),
    )


def written(tags: Mapping[str, str], memory: Memory) -> dict[str, str]:
    """The tags with this memory, and with all that others wrote."""
    others = {name: value for name, value in tags.items() if not name.startswith(OWN_TAGS)}
    texts = {
        "azml-rollout": memory.rollout or "",
        "azml-retired": ",".join(dict.fromkeys(memory.retired)),
        "azml-given-up": ",".join(dict.fromkeys(memory.given_up)),
        "azml-previous": _text(memory.previous),
        "azml-theirs": "" if memory.theirs is None else _maps_text(memory.theirs),
        "azml-progress": "" if memory.progress is None else _progress_text(memory.progress),
    }
    return {**others, **{tag: part for name, text in texts.items() for tag, part in _parts(name, text)}}


def words(shares: Shares) -> str:
    """`a 90 %, b 10 %`."""
    return ", ".join(f"{name} {percent} %" for name, percent in sorted(shares.items()) if percent) or "none"


def clock(seconds: float) -> str:
    """`2026-11-21 13:50:00 UTC`."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def with_status(memory: Memory, status: Status) -> Memory:
    """The same, with what a user said about the rollout that is not done."""
    assert memory.progress is not None  # noqa: S101 - who calls has asked
    return replace(memory, progress=replace(memory.progress, status=status))


def _but(names: Iterable[str], gone: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in gone)


def _progress_text(progress: Progress) -> str:
    return json.dumps(
        {
            "to": progress.to,
            "before": _maps_text(progress.before),
            "step": progress.step,
            "since": progress.since,
            "status": progress.status,
        },
        separators=(",", ":"),
    )


def _progress(text: str) -> Progress | None:
    try:
        made: dict[str, Any] = json.loads(text)
        before = _maps(made["before"])
        if before is None or made["status"] not in get_args(Status):
            return None
        return Progress(str(made["to"]), before, int(made["step"]), float(made["since"]), made["status"])
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None


def _maps_text(maps: Maps) -> str:
    return "/".join(map(_text, maps.both))


def _maps(text: str) -> Maps | None:
    traffic, slash, mirror = text.partition("/")
    return Maps(_shares(traffic), _shares(mirror)) if slash else None


def _text(shares: Shares) -> str:
    return ",".join(f"{name}:{number}" for name, number in shares.items())


def _shares(text: str) -> dict[str, int]:
    pairs = (part.partition(":") for part in text.split(",") if part)
    return {name: int(number) for name, _, number in pairs if number.isascii() and number.isdigit()}


def _parts(name: str, text: str) -> list[tuple[str, str]]:
    pieces = [text[start : start + TAG_VALUE_LENGTH] for start in range(0, len(text), TAG_VALUE_LENGTH)]
    return [(name if number == 1 else f"{name}-{number}", piece) for number, piece in enumerate(pieces, 1)]


def _joined(tags: Mapping[str, str], name: str) -> str:
    pieces, number = [tags.get(name, "")], 2
    while (piece := tags.get(f"{name}-{number}")) is not None:
        pieces.append(piece)
        number += 1
    return "".join(pieces)
