"""The order of a repair: locks, what was interrupted, what Azure says, and one write of the state.

Owns that nothing is written while anything is undecided, so a repair that stops half-way can be run again.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azml_cli.recovery import checkpoint, locks
from azml_cli.recovery.interrupted import Interrupted, Journal, pending
from azml_cli.recovery.state import Engine, State
from azml_cli.recovery.verdict import Verdict, judge

if TYPE_CHECKING:
    from azml.resources.arm import Arm


@dataclass(frozen=True)
class Step:
    """One thing that was found, and what was done about it."""

    about: str
    found: str
    done: str

    def __str__(self) -> str:
        return f"{self.about}: {self.found}: {self.done}"


class Undecided(Exception):  # noqa: N818 - says what is the case
    """Only a person can go on; `problems` say how. Nothing was changed."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Backend:
    """Where a stack's locks are, if its backend is a folder. `alone`: no other azml is at work on the stack."""

    folder: Path
    project: str
    alone: bool = False


def restore(backend: Backend, engine: Engine) -> list[Step]:
    """Put a whole state in the place of one that a full disk cut. Raises `EngineFailed`."""
    done = checkpoint.restore(backend.folder, backend.project, engine.stack)
    if done is None:
        return []
    if not checkpoint.file_of(backend.folder, backend.project, engine.stack).exists():
        engine.run("stack", "init")
    return [Step(f"stack {engine.stack}", "its state was cut while it was written", done)]


def unblock(backend: Backend, stack: str) -> list[Step]:
    """Take away what keeps the engine from reading whole files."""
    if not checkpoint.drop_cut_attributes(backend.folder):
        return []
    return [Step(f"stack {stack}", "the engine's notes beside a file were cut while they were written", "taken away")]


def release(backend: Backend, stack: str) -> tuple[list[Step], float]:
    """Take away the locks of processes that are gone; what was done, and since when the oldest was held (0: none).

    Raises `Undecided` about a lock that is or may be held.
    """
    found = locks.of_stack(backend.folder, backend.project, stack)
    problems = [problem for lock in found if (problem := _held(lock, stack, alone=backend.alone))]
    if problems:
        raise Undecided(problems)
    for lock in found:
        lock.release()
    steps = [Step(f"stack {stack}", str(lock), "its process is gone: released") for lock in found]
    return steps, min((lock.since for lock in found), default=0.0)


def _held(lock: locks.Lock, stack: str, *, alone: bool) -> str | None:
    if lock.is_elsewhere and not alone:
        return (
            f"Stack {stack} has {lock}, another machine than this one: azml cannot see whether that still runs.\n"
            f"If it does not: pulumi cancel --stack {stack}"
        )
    if not lock.is_elsewhere and not lock.is_stale:
        return (
            f"Stack {stack} has {lock}, and that process still runs.\nWait for it, or end it: it cleans up on Ctrl-C "
            "and SIGTERM."
        )
    return None


def repair(
    engine: Engine,
    arm: "Callable[[], Arm]",
    journal: Path | None,
    since: float,
    report: Callable[[str], None],
    *,
    restored: bool = False,
) -> list[Step]:
    """Put the state in order; `journal` is the one of the last run, where it wrote one.

    A state that was `restored` is of before that run, or of somewhere in it.

    Raises `Undecided`, `EngineFailed`, and what ARM raises; then nothing was changed.
    """
    state, noted = State.of(engine), None if journal is None else Journal.read(journal)
    if restored and noted is not None:
        state.catch_up(noted)
    certain = pending(state.deployment)
    known = {one.urn for one in certain}
    lost = [one for one in (noted.unknown if noted else ()) if one.urn not in known and _may_be_lost(one, state)]
    began = min((time for time in (since, noted.began if noted else 0.0) if time), default=0.0)
    subscription = _subscription(state.resources, engine.environment)
    judged = list(_judged([*certain, *lost], arm, subscription, began, report))
    if problems := [_undecided(one, verdict, engine.stack) for one, verdict in judged if verdict.then == "unknown"]:
        raise Undecided(problems)
    changed = [(one, verdict) for one, verdict in judged if one.urn in known or _edits(state, one, verdict)]
    for one, verdict in changed:
        _edit(state, one, verdict)
    if changed or restored:
        state.write(engine)
    if journal is not None:
        journal.unlink(missing_ok=True)
    return [Step(one.label, f"interrupted while {one.doing}", verdict.why) for one, verdict in changed]


def _may_be_lost(one: Interrupted, state: State) -> bool:
    """Whether the state does not say already how an operation of the journal ended."""
    return one.doing == "creating" or state.has(one.urn)


def _judged(
    operations: Iterable[Interrupted],
    arm: "Callable[[], Arm]",
    subscription: str | None,
    began: float,
    report: Callable[[str], None],
) -> Iterable[tuple[Interrupted, Verdict]]:
    for one in operations:
        from azml.resources.work import Work

        work = Work(arm, one.urn, threading.Event(), lambda _urn, _severity, text: report(text))
        yield one, judge(work, one, subscription, began)


def _edits(state: State, one: Interrupted, verdict: Verdict) -> bool:
    """Whether a verdict on an operation of the journal is news to the state."""
    return verdict.then != "nothing" and not (verdict.then == "adopt" and state.has(one.urn, verdict.id))


def _edit(state: State, one: Interrupted, verdict: Verdict) -> None:
    if verdict.then == "adopt":
        state.adopt(one.resource, verdict.id, verdict.outputs or {})
    elif verdict.then == "again":
        state.write_again(one.urn)
    elif verdict.then == "gone":
        state.remove(one.urn, verdict.id)


def _undecided(one: Interrupted, verdict: Verdict, stack: str) -> str:
    return (
        f"{one.label} was interrupted while {one.doing}, and {verdict.why}.\n"
        f"Look whether it is there, then: pulumi refresh --stack {stack} (it asks what to do)"
    )


def _subscription(resources: Iterable[Mapping[str, Any]], environment: Mapping[str, str]) -> str | None:
    """The subscription that azure-native works in: of its provider, else of the environment, as it looks itself."""
    for one in resources:
        if one["type"] == "pulumi:providers:azure-native" and (
            given := (one.get("inputs") or {}).get("subscriptionId")
        ):
            return str(given)
    for name in ("ARM_SUBSCRIPTION_ID", "AZURE_SUBSCRIPTION_ID"):
        if given := environment.get(name):
            return given
    return next((str(one["id"]).split("/")[2] for one in resources if _in_subscription(one)), None)


def _in_subscription(resource: Mapping[str, Any]) -> bool:
    return str(resource.get("id") or "").lower().startswith("/subscriptions/")
