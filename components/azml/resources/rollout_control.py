"""What a person says to a rollout that is on its way: wait, go on, give it up.

Owns the three words, and how a rollout stands, for those who ask. A run of `pulumi up` that is at work notices them at
its next look; they hold until something else is wanted. Deliberately starts nothing: `pulumi up` does that.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from azml.resources import endpoint_body, rollout_memory
from azml.resources.arm_id import ArmId
from azml.resources.endpoint_body import Endpoint, set_traffic
from azml.resources.errors import Refused
from azml.resources.handler import ML
from azml.resources.rollout_memory import Maps, Memory, Progress, clock, words
from azml.resources.rollout_plan import WHOLE
from azml.resources.work import Work


@dataclass(frozen=True)
class Standing:
    """An endpoint's traffic, and what azml remembers about it."""

    endpoint: ArmId
    live: Maps
    memory: Memory

    @property
    def newcomers(self) -> dict[str, int]:
        """Deployments that the rollout on its way has given requests to, with their percent."""
        progress = self.memory.progress
        before = self.live if progress is None else progress.before
        return {name: share for name, share in self.live.traffic.items() if name not in before.traffic}

    @property
    def copied(self) -> dict[str, int]:
        """Deployments that the rollout on its way sends copies to, with their percent."""
        progress = self.memory.progress
        before = self.live if progress is None else progress.before
        return {name: share for name, share in self.live.mirror.items() if name not in before.mirror}

    def __str__(self) -> str:
        """In one line: where it stands, since when, what served before."""
        progress = self.memory.progress
        if progress is None:
            return f"{words(self.live.traffic)}; no rollout is on its way"
        before = f"before: {words(progress.before.traffic)}"
        if progress.status == "aborted":
            return f"{words(self.live.traffic)}; the rollout was aborted"
        status = ", paused" if progress.status == "paused" else ""
        return f"{words(self.live.traffic)}; {_place(self, progress)} since {clock(progress.since)}{status}; {before}"


def standing(work: Work, endpoint: ArmId) -> Standing | None:
    """How the rollout on an endpoint stands; None where there is no such endpoint."""
    found = endpoint_body.find(work, endpoint)
    return None if found is None else _standing(found)


def pause(work: Work, endpoint: ArmId) -> Standing:
    """Leave the traffic as it is until `resume`; `Refused` where no rollout is on its way."""

    def paused(live: Endpoint) -> Memory:
        progress = _progress(live)
        if progress.status == "aborted":
            raise Refused(f"The rollout of {endpoint.name} was aborted: there is nothing left to pause.")
        return rollout_memory.with_status(live.memory, "paused")

    return _told(work, endpoint, paused)


def resume(work: Work, endpoint: ArmId) -> Standing:
    """Let the next `pulumi up` go on: a paused rollout where it stands, an aborted one from the start."""

    def running(live: Endpoint) -> Memory:
        progress = _progress(live)
        memory = rollout_memory.with_status(live.memory, "running")
        # From the start means that nothing is remembered of it.
        return replace(memory, progress=None) if progress.status == "aborted" else memory

    return _told(work, endpoint, running)


def abort(work: Work, endpoint: ArmId) -> Standing:
    """Put back exactly what served before, in one request; `pulumi up` of the same program then leaves it so."""
    found = Endpoint(endpoint, work.arm.get(endpoint.text, ML))
    before = _progress(found).before
    missing = [
        name for shares in before.both for name in shares
        if work.arm.find(endpoint.child("deployments", name).text, ML) is None
    ]  # fmt: skip
    if missing:
        raise Refused(
            f"What served on {endpoint.name} before ({words(before.traffic)}) cannot be put back: "
            f"{', '.join(missing)} is not there any more."
        )

    def aborted(live: Endpoint) -> tuple[dict[str, object], dict[str, str]]:
        progress = replace(_progress(live), step=0, since=int(work.arm.now()), status="aborted")
        given_up = Standing(endpoint, live.maps, live.memory).newcomers
        memory = replace(live.memory, progress=progress).with_given_up(given_up)
        return set_traffic(live, progress.before), rollout_memory.written(live.tags, memory)

    return _standing(endpoint_body.merge(work, endpoint, aborted))


def held(endpoint: ArmId, wanted: Maps, progress: Progress) -> str:
    """Say that a person holds a rollout."""
    return (
        f"The rollout of {endpoint.name} to {words(wanted.traffic)} is {progress.status}: its traffic stays as it is. "
        "To go on: azml rollout resume, then `pulumi up`."
    )


def _told(work: Work, endpoint: ArmId, change: Callable[[Endpoint], Memory]) -> Standing:
    after = endpoint_body.patch_tags(work, endpoint, lambda live: rollout_memory.written(live.tags, change(live)))
    return _standing(after)


def _standing(endpoint: Endpoint) -> Standing:
    return Standing(endpoint.id, endpoint.maps, endpoint.memory)


def _progress(endpoint: Endpoint) -> Progress:
    progress = endpoint.memory.progress
    if progress is None:
        raise Refused(
            f"No rollout is on its way on {endpoint.id.name}: its traffic is {words(endpoint.traffic)}, and stays."
        )
    return progress


def _place(standing: Standing, progress: Progress) -> str:
    if progress.step == 0:
        return f"copies to {words(standing.copied)}"
    return f"step {progress.step} %" if progress.step < WHOLE else "last step"
