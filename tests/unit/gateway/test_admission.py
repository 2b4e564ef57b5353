import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azml_gateway.admission import Deployment, Instance, NoInstanceError, TooManyRequestsError
from azml_gateway.config import DeploymentConfig


def deployment(instances: int = 1, concurrent: int = 1, wait_s: float = 5) -> Deployment:
    addresses = tuple(f"127.0.0.1:{5000 + number}" for number in range(instances))
    return Deployment("blue", DeploymentConfig(addresses, max_concurrent=concurrent, max_queue_wait_s=wait_s))


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


def test_twice_the_concurrency_is_taken_and_one_more_refused() -> None:
    async def scenario() -> None:
        blue = deployment(instances=3, concurrent=2)
        working = [await blue.acquire() for _ in range(6)]
        waiting = [asyncio.create_task(blue.acquire()) for _ in range(6)]
        await asyncio.sleep(0)
        with pytest.raises(TooManyRequestsError) as caught:
            await blue.acquire()
        assert not caught.value.waited
        for instance in working:
            blue.release(instance)
        for task in waiting:
            blue.release(await task)
        assert [each.active for each in blue.instances.values()] == [0, 0, 0]

    run(scenario)


def test_the_least_busy_instance_takes_the_next_request() -> None:
    async def scenario() -> None:
        blue = deployment(instances=3, concurrent=4)
        for _ in range(6):
            await blue.acquire()
        assert [each.active for each in blue.instances.values()] == [2, 2, 2]

    run(scenario)


def test_those_who_wait_are_served_in_their_order() -> None:
    async def scenario() -> None:
        blue = deployment()
        running = await blue.acquire()
        served: list[int] = []

        async def caller(number: int) -> None:
            instance = await blue.acquire()
            served.append(number)
            blue.release(instance)

        first = asyncio.create_task(caller(1))
        await asyncio.sleep(0)
        blue.release(running)
        second = asyncio.create_task(caller(2))  # comes while the slot is already promised to the first
        await asyncio.gather(first, second)
        assert served == [1, 2]

    run(scenario)


def test_a_slot_given_in_the_moment_of_giving_up_is_given_back() -> None:
    async def scenario() -> None:
        blue = deployment()
        running = await blue.acquire()
        waiting = asyncio.create_task(blue.acquire())
        await asyncio.sleep(0)
        blue.release(running)  # promises the slot to the one who waits
        waiting.cancel()  # who is gone before it can take it
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert running.active == 0

    run(scenario)


def test_waiting_ends_after_max_queue_wait() -> None:
    async def scenario() -> None:
        blue = deployment(wait_s=0.02)
        await blue.acquire()
        with pytest.raises(TooManyRequestsError) as caught:
            await blue.acquire()
        assert caught.value.waited
        assert blue.waiting == 0

    run(scenario)


def test_an_instance_that_refused_is_passed_over_while_there_is_another() -> None:
    async def scenario() -> None:
        blue = deployment(instances=2, concurrent=3)
        dead, alive = blue.instances.values()
        blue.avoid(dead)
        taken = [await blue.acquire() for _ in range(4)]
        assert taken == [alive, alive, alive, dead]

    run(scenario)


def test_whoever_waits_when_the_last_instance_goes_is_told() -> None:
    async def scenario() -> None:
        blue = deployment()
        await blue.acquire()
        waiting = asyncio.create_task(blue.acquire())
        await asyncio.sleep(0)
        blue.update(DeploymentConfig(()))
        with pytest.raises(NoInstanceError):
            await waiting

    run(scenario)


def test_a_new_instance_takes_those_who_wait() -> None:
    async def scenario() -> None:
        blue = deployment()
        old = await blue.acquire()
        waiting = asyncio.create_task(blue.acquire())
        await asyncio.sleep(0)
        blue.update(DeploymentConfig(("127.0.0.1:6000",)))
        assert (await waiting).address == "127.0.0.1:6000"
        blue.release(old)  # the old one still ends in good order
        assert old.active == 0

    run(scenario)


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), instances=st.integers(1, 3), concurrent=st.integers(1, 3))
def test_no_slot_is_lost_or_doubled_whatever_callers_do(seed: int, instances: int, concurrent: int) -> None:
    async def scenario() -> None:
        chance = random.Random(seed)
        blue = deployment(instances, concurrent, wait_s=0.003)

        async def caller() -> None:
            await asyncio.sleep(chance.random() * 0.005)
            try:
                instance: Instance = await blue.acquire()
            except TooManyRequestsError:
                return
            assert instance.active <= concurrent
            try:
                await asyncio.sleep(chance.random() * 0.005)
            finally:
                blue.release(instance)

        tasks = [asyncio.create_task(caller()) for _ in range(30)]
        for task in tasks:
            if chance.random() < 0.3:
                asyncio.get_running_loop().call_later(chance.random() * 0.008, task.cancel)
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert outcome is None or isinstance(outcome, asyncio.CancelledError)
        assert blue.waiting == 0
        assert [each.active for each in blue.instances.values()] == [0] * instances

    run(scenario)
