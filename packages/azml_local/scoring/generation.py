"""A generation: one start of a deployment, with its own copies, log and instances.

A changed deployment is a new generation beside the old one; scaling changes the one that runs. Building what it needs
and telling the gateway is the plane's.
"""

import asyncio
from collections.abc import Awaitable, Callable

from azml_local.scoring.contract import Deployment, DeploymentFailed, Report
from azml_local.scoring.instances import Instance, Server, StartFailedError
from azml_local.scoring.logs import Log
from azml_local.scoring.processes import Processes

STARTING_AT_ONCE = 4
"""Instances that start side by side: each one imports its libraries on a core of its own."""


class Generation:
    """The instances of one deployment as it was put."""

    def __init__(
        self, deployment: Deployment, server: Server, processes: Processes, changed: Callable[[], Awaitable[None]]
    ) -> None:
        self.deployment = deployment
        self.server = server
        self._log = Log(server.staged.log)
        self._processes = processes
        self._changed = changed
        self._started = 0
        self._instances: list[Instance] = []

    @property
    def addresses(self) -> list[str]:
        """Where ready instances listen."""
        return [each.address for each in self._instances if each.address is not None]

    @property
    def whole(self) -> bool:
        """Whether every instance is ready."""
        return len(self.addresses) == len(self._instances)

    def note(self, line: str) -> None:
        """Write a line into the deployment's log."""
        self._log.note(line)

    async def grow(self, report: Report) -> None:
        """Start instances until there are as many as wanted. Raises `DeploymentFailed`; then none was added."""
        missing = range(self.deployment.instances - len(self._instances))
        if not missing:
            return
        new = []
        for _ in missing:
            self._started += 1
            new.append(Instance(self._started, self.server, self._log, self._processes, self._changed))
        report(f"starting {len(new)} instance{'' if len(new) == 1 else 's'}")
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
            await _stop(new)
            if isinstance(error, StartFailedError):
                raise DeploymentFailed("ResourceNotReady", str(error)) from error
            raise
        self._instances += new

    def surplus(self) -> list[Instance]:
        """Take out the instances beyond what the deployment wants; the caller drains and stops them."""
        kept = self.deployment.instances
        leaving, self._instances = self._instances[kept:], self._instances[:kept]
        return leaving

    async def stop(self) -> None:
        """End all instances."""
        await _stop(self._instances)
        self._log.close()


async def _stop(instances: list[Instance]) -> None:
    await asyncio.gather(*(each.stop() for each in instances))
