"""Long-running operations: started with the write that asks for them, run as tasks, taken up again after a restart.

Owns locks (one operation at a time on a resource), states along the lifecycle, and cascading deletion. Deliberately
does not know how an operation is shown to clients (`replies`), nor what the work is (the type's `apply`, `removed`).
"""

import asyncio
import logging
import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from azml_local import disk
from azml_local.arm.errors import ArmError, conflict
from azml_local.arm.ids import GROUP, ResourceId
from azml_local.arm.lifecycle import Lifecycle, Stage
from azml_local.arm.store import Operation, Resource, Store
from azml_local.arm.types import ResourceType, Types

DELETE = "delete"
_ROOM_S = 1.0
"""Between two tries to write on a full disk."""
_DONE_ONCE = "done_once"
"""Hidden mark of a resource for which a stage that is needed once is over: an environment whose image is built."""
_log = logging.getLogger(__name__)


class Operations:
    """The operations of one local Azure."""

    def __init__(self, store: Store, types: Types, lifecycle: Lifecycle) -> None:
        self._store, self._types, self._lifecycle = store, types, lifecycle
        self._running: dict[str, Operation] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def find(self, id_: str) -> Operation | None:
        """Look up an operation, running or over."""
        running = (one for one in self._running.values() if one.id == id_)
        return next(running, None) or self._store.operation(id_)

    def resume(self, after: asyncio.Event) -> None:
        """Take up what was running when the process ended, once `after` is set. Their locks hold from now on."""
        self._store.forget_old_operations()
        for operation in self._store.running():
            self._start(operation, after)

    async def close(self) -> None:
        """Stop all tasks; what they did is taken up by the next `resume`."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def refuse_conflict(self, type_: ResourceType, id_: ResourceId) -> None:
        """Raise 409 where an operation runs on the same thing, or deletes what it is in."""
        locked = type_.lock(id_)
        if (running := self._running.get(locked.key)) is not None:
            raise conflict(f"'{running.resource.name}' ({running.resource.type})", running.verb)
        above = id_.parent
        while above is not None:
            running = self._running.get(above.key)
            if running is not None and running.verb == DELETE:
                raise _being_deleted(above)
            above = above.parent

    def begin(self, type_: ResourceType, id_: ResourceId, verb: str, options: Mapping[str, Any] = {}) -> Operation:
        """Record an operation and start it. Call within the transaction that writes the resource.

        The task starts at the earliest when the caller next awaits, that is, after the transaction.
        """
        operation = Operation(str(uuid.uuid4()), id_, type_.lock(id_).key, verb, dict(options))
        resource = self._store.get(id_)
        if resource is not None and type_.has_state:
            resource.properties["provisioningState"] = self._stages(type_, resource, verb)[0].state
            self._store.put(resource)
        self._store.record(operation)
        self._start(operation)
        return operation

    async def erase(self, resource: Resource, options: Mapping[str, Any] = {}) -> None:
        """Delete a resource with everything in it, innermost first."""
        gone = [resource, *sorted(self._store.below(resource.id), key=lambda found: found.id.key.count("/"))]
        await self._cancel({found.id.key for found in gone[1:]})
        for found in reversed(gone):
            await self._types.of(found).removed(found)
        with self._store.transaction():
            kept: dict[str, float] = {}
            for found in gone:
                type_ = self._types.of(found)
                above = "" if found.id.parent is None else found.id.parent.key
                seconds = kept.get(above, 0) if type_.comes_back else type_.soft_delete(found, options)
                if seconds > 0:
                    kept[found.id.key] = seconds
                    self._store.bury(found, seconds)
            self._store.remove(resource.id)

    async def _cancel(self, keys: set[str]) -> None:
        chosen = [running for running in self._running.values() if running.resource.key in keys]
        tasks = [self._tasks[running.id] for running in chosen]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for running in chosen:
            running.status, running.ended = "Canceled", time.time()
            self._store.record(running)

    def _start(self, operation: Operation, after: asyncio.Event | None = None) -> None:
        self._running[operation.lock] = operation
        task = asyncio.get_running_loop().create_task(self._run(operation, after), name=f"operation {operation.id}")
        self._tasks[operation.id] = task
        task.add_done_callback(lambda _: self._forget(operation))

    def _forget(self, operation: Operation) -> None:
        self._tasks.pop(operation.id, None)
        if self._running.get(operation.lock) is operation:
            del self._running[operation.lock]

    async def _run(self, operation: Operation, after: asyncio.Event | None) -> None:
        if after is not None:
            await after.wait()
        if self._store.operation(operation.id) is None:
            return  # the write that asked for it was taken back: the disk is full
        error: ArmError | None = None
        resource = self._store.get(operation.resource)
        if resource is not None:
            try:
                await self._work(operation, resource)
            except ArmError as problem:
                error = problem
            except Exception as problem:  # noqa: BLE001 - the boundary of the task: the client must hear of it
                error = _failure(operation, problem)
        await self._ended(operation, resource, error)

    async def _work(self, operation: Operation, resource: Resource) -> None:
        type_ = self._types.of(resource)
        what = f"{operation.verb} {resource.id}"
        for stage in self._stages(type_, resource, operation.verb):
            if type_.has_state and resource.state != stage.state:
                resource.properties["provisioningState"] = stage.state
                self._store.put(resource)
            await asyncio.sleep(self._lifecycle.seconds(stage, what))
            if self._lifecycle.fails(stage, what):
                raise ArmError(500, "InternalServerError", "An internal error occurred (of the chosen lifecycle).")
            if (needed := self._needed(stage, resource)) is not None:
                needed.hidden[_DONE_ONCE] = True
                self._store.put(needed)
        if operation.verb == DELETE:
            await self.erase(resource, operation.options)
        else:
            await type_.apply(resource, lambda line: self._report(operation, line))

    def _stages(self, type_: ResourceType, resource: Resource, verb: str) -> Sequence[Stage]:
        """Leave out what was needed once and is done; at least the last stage is left."""
        stages = self._lifecycle.stages(type_.type, verb)
        due = [stage for stage in stages if stage.once_for is None or self._needed(stage, resource) is not None]
        return due or stages[-1:]

    def _needed(self, stage: Stage, resource: Resource) -> Resource | None:
        """Find the resource that a stage is needed for once, as long as it is."""
        found = None if stage.once_for is None else self._store.get(str(resource.properties.get(stage.once_for)))
        return None if found is None or found.hidden.get(_DONE_ONCE) else found

    def _report(self, operation: Operation, line: str) -> None:
        _log.info("%s: %s", operation.resource.name, line)
        operation.progress.append(line)

    async def _ended(self, operation: Operation, resource: Resource | None, error: ArmError | None) -> None:
        """Write down how it ended; on a full disk as soon as there is room, and until then it has not ended."""
        while True:
            try:
                self._end(operation, resource, error)
            except sqlite3.Error as problem:
                if not disk.is_full(problem):
                    raise
                _log.warning("%s of %s waits for room on the disk", operation.verb, operation.resource)
                await asyncio.sleep(_ROOM_S)
            else:
                return

    def _end(self, operation: Operation, resource: Resource | None, error: ArmError | None) -> None:
        ended = replace(
            operation,
            status="Succeeded" if error is None else "Failed",
            error=None if error is None else error.document(),
            ended=time.time(),
        )
        with self._store.transaction():
            if resource is not None and self._store.get(resource.id) is not None:
                if self._types.of(resource).has_state:
                    resource.properties["provisioningState"] = ended.status
                self._store.put(resource)
            self._store.record(ended)
        operation.status, operation.error, operation.ended = ended.status, ended.error, ended.ended
        self._forget(operation)


def _failure(operation: Operation, problem: Exception) -> ArmError:
    if disk.is_full(problem):
        return ArmError(409, disk.CODE, disk.MESSAGE)
    _log.error("%s of %s", operation.verb, operation.resource, exc_info=problem)
    return ArmError(500, "InternalServerError", "The local Azure failed; its logs/server.log says why.")


def _being_deleted(above: ResourceId) -> ArmError:
    if above.type == GROUP:
        return ArmError(
            409,
            "ResourceGroupBeingDeleted",
            f"The resource group '{above.name}' is in deprovisioning state and cannot perform this operation.",
        )
    return conflict(f"'{above.name}' ({above.type})", DELETE)
