"""What a rollout does next: plain computation from what is live, what is remembered, what is wanted, and the time.

Owns the maps on the way, and the order of gates, steps and bakes. The same question asked again, by another run or
after a kill, has the same answer: everything it needs is on the endpoint. Deliberately asks nobody and moves nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from azml.resources.rollout_memory import Maps, Memory, Progress, Shares, words

WHOLE = 100
"""Percent of the way at which the wanted maps are live."""


@dataclass(frozen=True)
class Way:
    """How a new release gets from nothing to its share. Times are seconds."""

    steps: tuple[int, ...] = (WHOLE,)
    """Percent of the way; rising, the last is 100."""
    bake: float = 0
    """Between two steps."""
    copies: int = 0
    """Percent of the requests that a new release gets copies of before any request; 0: no copies."""
    copies_bake: float = 0
    """How long it gets them."""
    gated: bool = False
    """Whether the last step, too, is looked at."""
    keep: float = 0
    """How long who leaves stays ready without traffic."""


@dataclass(frozen=True)
class Stage:
    """A state on the way in which the endpoint may stay."""

    step: int
    """Percent of the way; 0 while there are copies only."""
    maps: Maps
    """Who gets what."""
    bake: float = 0
    """Seconds to the verdict."""
    judged: bool = True
    """Whether there is a verdict; else the rollout is over as soon as the stage is live."""

    def __str__(self) -> str:
        """Where it is and who gets what, for people."""
        return f"{self.place} ({words(self.maps.traffic)})"

    @property
    def place(self) -> str:
        """Where it is, short: a terminal cuts lines."""
        return f"step {self.step} %" if self.step else f"copies to {words(self.maps.mirror)}"


@dataclass(frozen=True)
class Settled:
    """What is wanted is live: memory is put in order. `before`: what the rollout that ends here began with."""

    before: Maps | None


@dataclass(frozen=True)
class Held:
    """A user said that it stays: nothing moves."""

    progress: Progress


@dataclass(frozen=True)
class Begin:
    """From the start: everything is checked, then `then` goes live."""

    before: Maps
    then: Stage
    newcomers: tuple[str, ...]
    """Who has to show something before it gets a share."""
    back_first: bool = False
    """A rollout to something else was on its way: what served before it is put back first."""
    known: bool = False
    """The newcomers served until lately, and stayed ready: a way back asks less."""


@dataclass(frozen=True)
class Bake:
    """A stage is live and young."""

    before: Maps
    at: Stage
    until: float
    """When it is old enough, in seconds since 1970 (UTC)."""


@dataclass(frozen=True)
class Due:
    """A stage has been live for long enough: after a good verdict `then` goes live, or (None) the rollout is over."""

    before: Maps
    at: Stage
    then: Stage | None


Next = Settled | Held | Begin | Bake | Due


def newcomers(before: Maps, wanted: Maps) -> tuple[str, ...]:
    """Deployments that get requests for the first time."""
    return tuple(sorted(wanted.traffic.keys() - before.traffic.keys()))


def leavers(before: Maps, wanted: Maps) -> tuple[str, ...]:
    """Deployments that requests reach no more, and no copies either."""
    return tuple(sorted(name for name in before.traffic if not wanted.serves(name)))


def next_of(live: Maps, memory: Memory, wanted: Maps, way: Way, now: float) -> Next:
    """Give what a rollout to `wanted` does next."""
    progress = memory.progress
    ours = progress is not None and progress.to == wanted.fingerprint
    if progress is not None and ours:
        if progress.status != "running":
            return Held(progress)
        stage = _stage_at(progress, live, wanted, way)
        if stage is not None and stage.maps == live:
            until = progress.since + stage.bake
            if now < until:
                return Bake(progress.before, stage, until)
            return Due(progress.before, stage, _after(progress.before, stage, wanted, way))
        if live == wanted:
            return Settled(progress.before)
    if live == wanted:
        return Settled(None)
    # What a rollout that was given up left is what it began with, unless someone moved it since.
    under_way = progress is not None and progress.status != "aborted"
    before = progress.before if progress is not None and under_way else live
    new = newcomers(before, wanted)
    known = bool(new) and all(name in memory.previous for name in new)
    first, *more = [Stage(WHOLE, wanted, judged=False)] if known else _stages(before, wanted, way)
    return Begin(before, first, new, back_first=bool(more or first.judged) and live != before, known=known)


def begun(memory: Memory, before: Maps, wanted: Maps, step: int, now: float) -> Memory:
    """Memory while a stage is live and the rollout goes on."""
    return replace(memory, progress=Progress(wanted.fingerprint, before, step, int(now * 100) / 100))


def over(memory: Memory, before: Maps | None, wanted: Maps, keep: float, now: float) -> Memory:
    """Memory once the wanted maps are live: who left is kept for a while, and who was kept for another rollout goes."""
    gone = () if before is None else leavers(before, wanted)
    still = {name: until for name, until in memory.previous.items() if until > now and name not in wanted.traffic}
    kept = {name: int(now + keep) for name in gone if keep > 0} if gone else still
    return replace(memory, progress=None, previous=kept)


def can_go(live: Maps, memory: Memory, wanted: Maps, now: float) -> tuple[str, ...]:
    """Deployments that left the program, and that nothing needs any more."""
    needed = (live, wanted)
    return tuple(
        name for name in memory.retired if not any(maps.serves(name) for maps in needed) and not memory.keeps(name, now)
    )


def traffic_at(before: Shares, wanted: Shares, percent: int) -> dict[str, int]:
    """Traffic at a percentage of the way between two maps of which each adds up to 100.

    Who gains has at most that percentage of the gain. Who loses gives exactly this much, in proportion to what it loses
    in all, and never gets any of it back on the way. Who keeps its share keeps it all the way.
    """
    names = sorted(before.keys() | wanted.keys())
    change = {name: wanted.get(name, 0) - before.get(name, 0) for name in names}
    gains = {name: by * percent // WHOLE for name, by in change.items() if by > 0}
    losses = _in_proportion({name: -by for name, by in change.items() if by < 0}, sum(gains.values()))
    shares = {name: before.get(name, 0) + gains.get(name, 0) - losses.get(name, 0) for name in names}
    return {name: share for name, share in shares.items() if share}


def _in_proportion(weights: Mapping[str, int], total: int) -> dict[str, int]:
    """Split a total by weights, none above its own. By Webster's method, in which a greater total takes from none."""
    parts = dict.fromkeys(weights, 0)
    for _ in range(total):
        open_ = [name for name in parts if parts[name] < weights[name]]
        parts[max(open_, key=lambda name: weights[name] / (2 * parts[name] + 1))] += 1
    return parts


def _is_gradual(before: Maps, wanted: Maps) -> bool:
    """Whether there is a way at all: somebody served, and somebody else is to."""
    all_served = sum(before.traffic.values()) == sum(wanted.traffic.values())
    return all_served and bool(newcomers(before, wanted))


def _stages(before: Maps, wanted: Maps, way: Way) -> list[Stage]:
    """All stages, in order."""
    gradual = _is_gradual(before, wanted)
    last = Stage(WHOLE, wanted, judged=gradual and way.gated)
    if not gradual:
        return [last]
    copied = [_copied(before, name, way) for name in newcomers(before, wanted)] if way.copies else []
    steps = [_step(before, wanted, step, way) for step in way.steps if step < WHOLE]
    there = [stage for stage, earlier in zip(steps, [before, *(step.maps for step in steps)], strict=False)
             if stage.maps.traffic != earlier.traffic]  # fmt: skip
    return [*copied, *there, last]


def _copied(before: Maps, name: str, way: Way) -> Stage:
    return Stage(0, Maps(before.traffic, {name: way.copies}), way.copies_bake)


def _step(before: Maps, wanted: Maps, step: int, way: Way) -> Stage:
    """Copies of before go on where they can: no deployment gets requests and copies."""
    traffic = traffic_at(before.traffic, wanted.traffic, step)
    mirror = {name: share for name, share in before.mirror.items() if name not in traffic}
    return Stage(step, Maps(traffic, mirror), way.bake)


def _stage_at(progress: Progress, live: Maps, wanted: Maps, way: Way) -> Stage | None:
    """Give the stage that memory says is live, under the settings of now; None where there is no such stage."""
    before = progress.before
    if progress.step >= WHOLE:
        return Stage(WHOLE, wanted)
    if progress.step > 0:
        return _step(before, wanted, progress.step, way)
    copied = len(live.mirror) == 1 and live.mirror.keys() <= set(newcomers(before, wanted))
    return Stage(0, Maps(before.traffic, live.mirror), way.copies_bake) if copied else None


def _after(before: Maps, stage: Stage, wanted: Maps, way: Way) -> Stage | None:
    if stage.step >= WHOLE:
        return None
    stages = _stages(before, wanted, way)
    if stage.step == 0:
        copied = [other for other in stages if other.step == 0]
        done = [other.maps.mirror.keys() for other in copied].index(stage.maps.mirror.keys()) + 1 if copied else 0
        return stages[done]
    return next(other for other in stages if other.step > stage.step)
