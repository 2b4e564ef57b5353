"""The instances of a deployment, and how an update goes over them in place.

Documented (how-to-deploy-online-endpoints): "the deployment is updated to the new configuration with 20% nodes at a
time. That is, if the deployment has 10 nodes, 2 nodes at a time are updated." Microsoft's notes of the private preview
add that nodes are updated where they are (only upgrades by the system use the 20 % extra capacity), and that an update
that fails leaves "only the 20% of the nodes in failed state" without traffic, "the rest 80% will be serving". Today's
documents are silent on both, so `Updates` has them. Which requests go where is the gateway's.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from azml_local.scoring.contract import Deployment, DeploymentFailed, Report, Updates
from azml_local.scoring.generation import Generation, stop
from azml_local.scoring.instances import Instance

AT_A_TIME = 5
"""One of so many instances, at least one, is updated at a time: 20 %."""

Drain = Callable[[Sequence[str], float], Awaitable[None]]
"""Waits until no request is in progress at these addresses, so many seconds at most."""


class Fleet:
    """Instances of one generation; of two during an update, and after one that failed half-way.

    `deployment` holds the request settings in force: during an update those of before. `tell` lets the gateway know
    what serves.
    """

    def __init__(self, deployment: Deployment, tell: Callable[[], Awaitable[None]], drain: Drain) -> None:
        self.deployment = deployment
        self.generations: list[Generation] = []
        self._tell = tell
        self._drain = drain

    @property
    def addresses(self) -> list[str]:
        """Where ready instances listen."""
        return [each.address for each in self._instances if each.address is not None]

    @property
    def whole(self) -> bool:
        """Whether it is of one generation, and no instance is being started again."""
        return len(self.generations) == 1 and all(each.up for each in self._instances)

    async def begin(self, new: Generation, report: Report) -> None:
        """Start the first generation, all instances at once. Raises `DeploymentFailed`."""
        wanted = new.deployment.instances
        report(f"starting {_count(wanted)}")
        await new.start(wanted)
        self.generations = [new]

    async def update(self, new: Generation, report: Report) -> None:
        """Replace what runs by a new generation, 20 % at a time. Raises `DeploymentFailed` where that stops."""
        wanted, old, before = new.deployment.instances, list(self.generations), len(self._instances)
        at_a_time = max(1, before // AT_A_TIME)
        self.generations.append(new)
        try:
            while (missing := wanted - len(new.instances)) > 0:
                leaving = _first_to_go(old)[:at_a_time]
                count = min(missing, at_a_time) if leaving else missing
                report(f"starting {_count(count)}, {len(new.instances)} of {wanted} are updated")
                await self._replace(leaving[:count], new, count)
        except BaseException as error:
            new.note(f"the update stops; {len(new.instances)} of {wanted} instances were updated")
            if isinstance(error, DeploymentFailed) and new.deployment.updates.failed == "rolls_back":
                await self._roll_back(new, old, before)
            await self._forget_empty()
            raise
        self.deployment = new.deployment
        await self._retire([each for generation in old for each in generation.instances])
        await self._forget_empty()

    async def scale(self, wanted: Deployment, report: Report) -> None:
        """Start or end instances, and take over request settings. Raises `DeploymentFailed`; nothing changed then."""
        (generation,) = self.generations
        before = self.deployment
        missing = wanted.instances - len(generation.instances)
        if missing > 0:
            report(f"starting {_count(missing)}")
            await generation.start(missing)
        self.deployment = wanted
        await self._retire(generation.instances[wanted.instances :], before.request_timeout_s)

    async def end(self) -> None:
        """End all instances."""
        generations, self.generations = self.generations, []
        await asyncio.gather(*(each.end() for each in generations))

    async def leave(self) -> None:
        """Wait for the requests in progress, and end all instances; the gateway sends no more."""
        await self._drain(self.addresses, self.deployment.request_timeout_s + 1)
        await self.end()

    @property
    def _instances(self) -> list[Instance]:
        return [each for generation in self.generations for each in generation.instances]

    async def _replace(self, leaving: list[Instance], new: Generation, count: int) -> None:
        beside = self._starts_beside(leaving, new.deployment.updates)
        if not beside:
            await self._retire(leaving)
        await new.start(count)
        await self._tell()
        if beside:
            await self._retire(leaving)

    def _starts_beside(self, leaving: list[Instance], updates: Updates) -> bool:
        """Whether the new ones start in the reserve, before the old ones go."""
        if updates.capacity == "reduced":
            return not any(each.address is not None for each in self._instances if each not in leaving)
        return updates.capacity == "reserve"

    async def _roll_back(self, new: Generation, old: list[Generation], before: int) -> None:
        """Start again what the update ended, then end what it started."""
        missing = before - sum(len(each.instances) for each in old)
        try:
            await old[-1].start(missing)
        except DeploymentFailed as error:
            new.note(f"rolling back fails, too: {error.code}")
        await self._retire(list(new.instances))

    async def _retire(self, leaving: list[Instance], longest_s: float | None = None) -> None:
        """Let the gateway forget these, wait for their requests, end them."""
        addresses = [each.address for each in leaving if each.address is not None]
        for generation in self.generations:
            generation.instances = [each for each in generation.instances if each not in leaving]
        await self._tell()
        longest_s = self.deployment.request_timeout_s if longest_s is None else longest_s
        await self._drain(addresses, longest_s + 1)
        await stop(leaving)

    async def _forget_empty(self) -> None:
        """End generations that have no instance left."""
        empty = [each for each in self.generations if not each.instances]
        self.generations = [each for each in self.generations if each.instances]
        await asyncio.gather(*(each.end() for each in empty))


def _first_to_go(old: list[Generation]) -> list[Instance]:
    """Order instances for an update: first those that serve nobody."""
    instances = [each for generation in old for each in generation.instances]
    return sorted(instances, key=lambda each: each.address is not None)


def _count(instances: int) -> str:
    return f"{instances} instance{'' if instances == 1 else 's'}"
