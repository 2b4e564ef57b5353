"""How many requests a deployment works on at once, who waits, and which instance takes the next one.

Azure (troubleshoot-online-endpoints, HTTP status codes): "permits a maximum of 2 * max_concurrent_requests_per_instance
* instance_count requests to process in parallel at any given time. Requests that exceed this maximum are rejected" with
429. Half of them work, half wait; `max_queue_wait` bounds the wait. Talking to an instance is not done here.
"""

import asyncio
from collections import deque

from azml_gateway.config import DeploymentConfig

AVOID_S = 1.0
"""How long an instance that failed a request is passed over; as the least busy it would attract every next one."""


class TooManyRequestsError(Exception):
    """The deployment is at its limit, or the wait for a free slot took too long (`waited`)."""

    def __init__(self, *, waited: bool) -> None:
        super().__init__()
        self.waited = waited


class NoInstanceError(Exception):
    """No instance of the deployment can take a request."""


class Instance:
    """One model server: its address and how many requests it is working on."""

    __slots__ = ("active", "address", "avoid_until")

    def __init__(self, address: str) -> None:
        self.address = address
        self.active = 0
        self.avoid_until = 0.0


class Deployment:
    """The slots of one deployment; outlives a reload, so that running requests stay counted."""

    def __init__(self, name: str, config: DeploymentConfig) -> None:
        self.name = name
        self.instances: dict[str, Instance] = {}
        self._waiting: deque[asyncio.Future[Instance | None]] = deque()
        self.update(config)

    def update(self, config: DeploymentConfig) -> None:
        """Take over new limits and instances. Requests on an instance that is gone end there."""
        self.config = config
        self.instances = {each: self.instances.get(each) or Instance(each) for each in config.instances}
        self._admit()

    @property
    def waiting(self) -> int:
        """How many requests wait for a slot."""
        return len(self._waiting)

    def _free(self) -> Instance | None:
        """Find the least busy instance with a slot; one that just failed a request only if there is no other."""
        limit = self.config.max_concurrent
        free = [each for each in self.instances.values() if each.active < limit]
        if len(free) > 1:
            now = asyncio.get_running_loop().time()
            return min(free, key=lambda each: (each.avoid_until > now, each.active))
        return free[0] if free else None

    async def acquire(self) -> Instance:
        """Take a slot, waiting up to `max_queue_wait_s`. Raises `TooManyRequestsError`, `NoInstanceError`."""
        if not self.instances:
            raise NoInstanceError
        instance = self.try_acquire()
        if instance is not None:
            return instance
        if self.waiting >= self.config.max_concurrent * len(self.instances):
            raise TooManyRequestsError(waited=False)
        return await self._turn()

    def try_acquire(self) -> Instance | None:
        """Take a slot if one is free right now."""
        instance = None if self._waiting else self._free()
        if instance is not None:
            instance.active += 1
        return instance

    def release(self, instance: Instance) -> None:
        """Give the slot back and let the next one in."""
        instance.active -= 1
        self._admit()

    def avoid(self, instance: Instance) -> None:
        """Pass this instance over for a moment, as long as there is another."""
        instance.avoid_until = asyncio.get_running_loop().time() + AVOID_S

    async def _turn(self) -> Instance:
        turn: asyncio.Future[Instance | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self.config.max_queue_wait_s):
                instance = await turn
        except (TimeoutError, asyncio.CancelledError) as error:
            if turn.done() and not turn.cancelled():  # got a slot in the very moment it gave up
                given = turn.result()
                if given is not None:
                    self.release(given)
            elif turn in self._waiting:
                self._waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise TooManyRequestsError(waited=True) from None
            raise
        if instance is None:
            raise NoInstanceError
        return instance

    def _admit(self) -> None:
        """Hand free slots to those who wait, in their order; where no instance is left, tell them so."""
        while self._waiting:
            instance = self._free()
            if instance is None and self.instances:
                return
            turn = self._waiting.popleft()
            if turn.done():
                continue
            if instance is not None:
                instance.active += 1
            turn.set_result(instance)
