"""A rollout at work: it does what `rollout_plan` says is next, looks again, and so on until nothing is left to do.

Owns carrying out: gates, the request that moves map and memory together, waiting, putting back, clearing away. Each
look starts from what is on the endpoint, so it notices what a person, another run or a kill made of it; a request that
would change anything else than what was looked at is not sent. Deliberately decides no map (`rollout_plan`) and judges
no release (`gates`).
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from azml.resources import endpoint_body, rollout_deployments, rollout_memory
from azml.resources.endpoint_body import Endpoint, set_traffic
from azml.resources.errors import ArmError, Interrupted, Refused, TooLong
from azml.resources.gates.verdict import Verdict
from azml.resources.handler import ML, Values
from azml.resources.rollout_args import Settings
from azml.resources.rollout_control import held
from azml.resources.rollout_judge import Judge, awaited, failed, open_of
from azml.resources.rollout_memory import Maps, Memory, Progress, clock, words
from azml.resources.rollout_plan import Bake, Begin, Due, Held, Next, Settled, Stage, begun, can_go, next_of, over
from azml.resources.work import LONGEST_SECONDS, Work

POLL_SECONDS = 5.0
"""Between two looks at a stage, at most; at least two in each grain of Azure Monitor."""


Marking = Callable[[Memory], Memory]


class _Changed(Exception):  # noqa: N818 - no error: look again
    """The endpoint is not any more what was looked at."""


class Move:
    """One run's work on one rollout."""

    def __init__(self, work: Work, endpoint: Endpoint, wanted: Maps, settings: Settings, marked: Marking) -> None:
        """`endpoint` as it is when the run begins; `marked` makes its memory this rollout's."""
        self._work, self._id, self._first, self._wanted = work, endpoint.id, endpoint, wanted
        self._settings, self._marked = settings, marked
        self._until = time.monotonic() + settings.max_up
        self._judge = Judge(work, endpoint.id, wanted, settings, self._until)
        self._poll = min(POLL_SECONDS, settings.grain / 2)
        self._landed = 0.0
        self._looked = False

    def run(self) -> None:
        """Work until the wanted maps are live, or the rollout has to wait for another run; else `Refused`."""
        self._work.allow(self._settings.max_up + LONGEST_SECONDS)
        try:
            while not self._step():
                self._looked = True
        except TooLong as error:
            raise Interrupted(f"The rollout of {self._id.name} was interrupted. {error}") from error
        except Interrupted as error:
            text = (
                f"The rollout of {self._id.name} was interrupted. The next `pulumi up` goes on from what is live then."
            )
            raise Interrupted(text) from error
        except ArmError as error:
            if error.gone and endpoint_body.find(self._work, self._id) is None:
                raise Refused(
                    f"Endpoint {self._id.name} was deleted while its traffic was being moved. "
                    "The next `pulumi up` makes it, and its deployments, again."
                ) from error
            raise

    def _step(self) -> bool:
        """Do what is next; whether that was all."""
        seen = Endpoint(self._id, self._work.arm.get(self._id.text, ML))
        found = self._next(seen, self._memory(seen))
        try:
            match found:
                case Settled():
                    return self._settle(seen, found.before)
                case Held():
                    return self._held(seen, found.progress)
                case Begin():
                    return self._begin(seen, found)
                case Bake():
                    return self._bake(seen, found)
                case Due():
                    return self._decide(seen, found)
        except _Changed:
            return False

    def _next(self, seen: Endpoint, memory: Memory) -> Next:
        found = next_of(seen.maps, memory, self._wanted, self._settings.way, self._work.arm.now())
        if (
            isinstance(found, Begin)
            and found.before != seen.maps
            and rollout_deployments.is_lost(self._work, seen, found.before)
        ):
            # What served before cannot be put back any more: what is live is all there is.
            return self._next(seen, replace(memory, progress=None))
        return found

    def _memory(self, seen: Endpoint) -> Memory:
        """What is remembered. Traffic takes a while to move: a stage is as old as the answer to our request."""
        memory = seen.memory
        progress = memory.progress
        if progress is None:
            return memory
        return replace(memory, progress=replace(progress, since=max(progress.since, self._landed)))

    def _is_ours(self, progress: Progress) -> bool:
        return progress.to == self._wanted.fingerprint

    # The five things that may be next

    def _settle(self, seen: Endpoint, before: Maps | None) -> bool:
        def remembered(live: Endpoint) -> dict[str, str]:
            memory = self._marked(_same(live, seen).memory)
            ended = over(memory, before, self._wanted, self._settings.way.keep, self._work.arm.now())
            return rollout_memory.written(live.tags, ended)

        self._ended(endpoint_body.patch_tags(self._work, self._id, remembered))
        return True

    def _held(self, seen: Endpoint, progress: Progress) -> bool:
        if progress.status == "aborted" and self._looked:
            before = words(progress.before.traffic)
            raise Refused(f"The rollout of {self._id.name} was aborted. Its traffic is as before: {before}.")

        def remembered(live: Endpoint) -> dict[str, str]:
            memory = _same(live, seen).memory
            return rollout_memory.written(live.tags, replace(self._marked(memory), given_up=memory.given_up))

        # Traffic stays; whose it is does not: after a rename the old rollout would drain what is marked as its own.
        after = endpoint_body.patch_tags(self._work, self._id, remembered)
        self._work.warn(held(self._id, self._wanted, progress))
        self._clear(after)
        return True

    def _begin(self, seen: Endpoint, found: Begin) -> bool:
        if self._looked:
            raise Refused(
                f"The traffic of {self._id.name} was changed by someone else during the rollout: it is "
                f"{words(seen.traffic)}, and stays so.\nThe next `pulumi up` begins again."
            )
        if problems := rollout_deployments.problems(self._work, seen, self._wanted):
            raise Refused(f"The traffic of {self._id.name} was not touched: {'; '.join(problems)}.")
        if found.back_first:
            self._work.doing(f"back to what served before: {words(found.before.traffic)}")
            left = sorted(seen.maps.traffic.keys() - found.before.traffic.keys() - self._wanted.traffic.keys())
            seen = self._put(seen, found.before, lambda memory: replace(memory, progress=None).with_given_up(left))
        if refusal := self._judge.refusal(found):
            if refusal.failed:
                endpoint_body.remember(self._work, self._id, lambda memory: memory.with_given_up(refusal.failed))
            raise Refused("\n\n".join([refusal.text, *self._drop(refusal.failed)]))
        return self._go(seen, found.before, found.then)

    def _bake(self, seen: Endpoint, found: Bake) -> bool:
        verdicts = self._judge.figures(found, seen.maps, self._since(seen))
        if failed(verdicts):
            self._fail(found, seen, verdicts)
        if time.monotonic() >= self._until:
            return self._leave(found.at, f"which lasts until {clock(found.until)}.", [])
        self._wait(
            found.until - self._work.arm.now(),
            f"{found.at.place} until {clock(found.until)}: {words(found.at.maps.traffic)}",
        )
        return False

    def _decide(self, seen: Endpoint, found: Due) -> bool:
        verdicts = self._judge.verdicts(found, seen.maps, self._since(seen))
        if failed(verdicts):
            self._fail(found, seen, verdicts)
        if not (missing := open_of(verdicts)):
            return self._settle(seen, found.before) if found.then is None else self._go(seen, found.before, found.then)
        if time.monotonic() >= self._until:
            return self._leave(found.at, "and too little is known to go on:", missing)
        self._wait(self._poll, f"{found.at.place} waits for {awaited(missing)}; {words(found.at.maps.traffic)}")
        return False

    def _wait(self, seconds: float, doing: str) -> None:
        left = self._until - time.monotonic()
        self._work.wait(max(0.0, min(seconds, self._poll, left)), doing)

    # Moving

    def _go(self, seen: Endpoint, before: Maps, stage: Stage) -> bool:
        """Make a stage live; whether the rollout is over with it."""

        def remembered(memory: Memory) -> Memory:
            now, marked = self._work.arm.now(), self._marked(memory)
            if stage.judged:
                return begun(marked, before, self._wanted, stage.step, now)
            return over(marked, before, self._wanted, self._settings.way.keep, now)

        self._work.doing(f"traffic: {words(seen.traffic)} → {words(stage.maps.traffic)}")
        try:
            after = self._put(seen, stage.maps, remembered)
        except Interrupted:
            raise
        except (ArmError, Refused) as error:
            if isinstance(error, ArmError) and error.gone:
                raise
            text = f"The traffic of {self._id.name} could not be moved. {error}"
            raise Refused(f"{text}\n{self._back(before)}") from error
        self._landed = self._work.arm.now()
        if stage.judged:
            self._work.say(f"Traffic of {self._id.name}: {stage}.")
            return False
        self._ended(after)
        return True

    def _put(self, seen: Endpoint, maps: Maps, remembered: Callable[[Memory], Memory]) -> Endpoint:
        sent = Memory()

        def change(live: Endpoint) -> tuple[Values, dict[str, str]]:
            nonlocal sent
            sent = remembered(_same(live, seen).memory)
            return set_traffic(live, maps), rollout_memory.written(live.tags, sent)

        after = endpoint_body.merge(self._work, self._id, change)
        if after.maps != maps:
            if after.memory.progress != sent.progress:
                raise _Changed
            raise Refused(f"Azure took the change, and made it {words(after.traffic)}.")
        return after

    def _back(self, before: Maps, seen: Endpoint | None = None, given_up: Iterable[str] = ()) -> str:
        """Make live exactly what was before, and say so: from what was `seen`, or from whatever a request left."""

        def remembered(live: Endpoint) -> dict[str, str]:
            progress, first = (live if seen is None else _same(live, seen)).memory.progress, self._first.memory
            if progress is not None and not self._is_ours(progress):
                raise Refused("Another rollout has begun meanwhile.")
            kept = progress if progress is not None and progress.status != "running" else None
            memory = replace(live.memory, rollout=first.rollout, theirs=first.theirs, progress=kept)
            return rollout_memory.written(live.tags, memory.with_given_up(given_up))

        try:
            if Endpoint(self._id, self._work.arm.get(self._id.text, ML)).maps == before:
                endpoint_body.patch_tags(self._work, self._id, remembered)
            else:
                endpoint_body.merge(self._work, self._id, lambda live: (set_traffic(live, before), remembered(live)))
        except Interrupted:
            raise
        except (ArmError, Refused) as error:
            return f"Putting {words(before.traffic)} back failed, too: {error}"
        return f"The traffic is as before: {words(before.traffic)}."

    def _fail(self, found: Bake | Due, seen: Endpoint, verdicts: list[Verdict]) -> None:
        bad = failed(verdicts)
        back = self._back(found.before, seen, bad)
        since = self._since(seen) if found.at.step else None
        head = f"Release {', '.join(bad)} failed on {self._id.name}: {found.at}. {back}"
        why = self._judge.reports(bad, verdicts, since)
        raise Refused("\n\n".join([head, *why, *self._drop(bad)]))

    def _drop(self, names: list[str]) -> list[str]:
        """Delete releases that failed, where that is wanted; say which."""
        if not (names and self._settings.deletes):
            return []
        gone = rollout_deployments.drop(self._work, Endpoint(self._id, self._work.arm.get(self._id.text, ML)), names)
        if not gone:
            return []
        endpoint_body.remember(self._work, self._id, lambda memory: memory.without(gone))
        return [f"Deleted, as on_failure says: {', '.join(gone)}."]

    def _leave(self, stage: Stage, why: str, missing: list[Verdict]) -> bool:
        """End well, with the rollout on its way."""
        lines = [f"  {verdict.gate} of {verdict.deployment}: {verdict.seen}" for verdict in missing]
        text = f"The rollout of {self._id.name} stops for now at {stage}, {why}"
        self._work.warn("\n".join([text, *lines, "The next `pulumi up` goes on from here."]))
        return True

    def _ended(self, endpoint: Endpoint) -> None:
        if endpoint.maps != self._first.maps:
            self._work.say(f"Traffic of {self._id.name}: {words(self._wanted.traffic)}.")
        for name, until in endpoint.memory.previous.items():
            if name not in self._first.memory.previous and name in endpoint.memory.retired:  # others' Delete says it
                self._work.say(f"Deployment {name} stays ready for a way back until {clock(until)}.")
        self._clear(endpoint)

    def _clear(self, endpoint: Endpoint) -> None:
        rollout_deployments.clear_away(
            self._work, endpoint, can_go(endpoint.maps, endpoint.memory, self._wanted, self._work.arm.now())
        )

    def _since(self, seen: Endpoint) -> float:
        progress = self._memory(seen).progress
        return self._landed if progress is None else progress.since


def _same(live: Endpoint, seen: Endpoint) -> Endpoint:
    """The endpoint as it is, if it is in what matters as it was when this was decided; else `_Changed`."""
    if (live.maps, live.memory.progress) != (seen.maps, seen.memory.progress):
        raise _Changed
    return live
