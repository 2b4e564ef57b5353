"""A generation: one start of a deployment, with its own copies, log and instances.

A changed deployment is a new generation; which of its instances replace which of the old one's is the fleet's. Building
what it needs is the plane's.
"""

import asyncio
from collections.abc import Awaitable, Callable

from azml_local.scoring.contract import Deployment, DeploymentFailed
from azml_local.scoring.instances import Instance, Server, StartFailedError
from azml_local.scoring.logs import Log
from azml_local.scoring.processes import Processes

STARTING_AT_ONCE = 4
"""Instances that start side by side: each one imports its libraries on a core of its own."""


class Generation:
    """Instances of one deployment as it was put."""

    def __init__(
        self, deployment: Deployment, server: Server, processes: Processes, changed: Callable[[], Awaitable[None]]
    ) -> None:
        self.deployment = deployment
        self.server = server
        self.instances: list[Instance] = []
        self._log = Log(server.staged.log)
        self._processes = processes
        self._changed = changed
        self._started = 0

    def note(self, line: str) -> None:
        """Write a line into the deployment's log."""
        self._log.note(line)

    async def start(self, count: int) -> None:
        """Start so many more instances. Raises `DeploymentFailed`; then none was added."""
        new = []
        for _ in range(count):
            self._started += 1
            new.append(Instance(self._started, self.server, self._log, self._processes, self._changed))
        gate = asyncio.Semaphore(STARTING_AT_ONCE)

        async def start(instance: Instance) -> None:
            async with gate:
                await instance.start()

        starts = [asyncio.create_task(start(instance)) for instance in new]
        try:
            await asyncio.gather(*starts)
        except BaseException as error:
            for each in starts:
                each.cancel()
            await asyncio.wait(starts)
            await stop(new)
            if isinstance(error, StartFailedError):
                raise DeploymentFailed("ResourceNotReady", str(error)) from error
            raise
        self.instances += new

    async def end(self) -> None:
        """End all its instances, and its log."""
        instances, self.instances = self.instances, []
        await stop(instances)
        self._log.close()


async def stop(instances: list[Instance]) -> None:
    """End these instances."""
    await asyncio.gather(*(each.stop() for each in instances))
