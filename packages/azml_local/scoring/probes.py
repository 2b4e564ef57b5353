"""Probes: whether a server answers, asked as often and as patiently as somebody says.

What is asked is the caller's: `http` asks Microsoft's scoring server for the path `/`, which it answers from the same
workers that score: while all of them are busy nobody answers. What follows from that (`instances`) is not decided here.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from azml_gateway import upstream
from azml_local.scoring.contract import Probe

Ask = Callable[[float], Awaitable[bool]]
"""Asks once, for so many seconds at most: whether it went well."""


async def answers(ask: Ask, probe: Probe, limit_s: float) -> None:
    """Return once the server has answered often enough in a row; each answer may take `limit_s`."""
    successes = 0
    while successes < probe.success_threshold:
        if await ask(limit_s):
            successes += 1
        else:
            successes = 0
            await asyncio.sleep(0.1)


async def results(ask: Ask, probe: Probe, delay_s: float) -> AsyncIterator[bool]:
    """Probe after `delay_s` and then every period, for ever; whether each one succeeded."""
    loop = asyncio.get_running_loop()
    due = loop.time() + delay_s
    while True:
        await asyncio.sleep(max(0.0, due - loop.time()))
        due = loop.time() + probe.period_s
        yield await ask(probe.timeout_s)


async def failed(ask: Ask, probe: Probe) -> None:
    """Return once the server has failed the probe as often in a row as it may."""
    failures = 0
    async for good in results(ask, probe, probe.initial_delay_s):
        failures = 0 if good else failures + 1
        if failures >= probe.failure_threshold:
            return


async def readiness(ask: Ask, seen: Ask, probe: Probe, *, soon: bool) -> AsyncIterator[bool]:
    """Say when a server becomes ready, and whenever that changes; at first it is not.

    `seen` is asked as often as the probe says. `soon`: a start takes no longer than it must, so until it is over `ask`
    is asked in between, and the first good answers count whenever they come.
    """
    delay_s, ready, contrary = probe.initial_delay_s, False, 0
    if soon:
        starting = asyncio.create_task(_last(results(seen, probe, delay_s)))
        try:
            await answers(ask, probe, probe.timeout_s)
        finally:
            starting.cancel()
            await asyncio.wait({starting})
        delay_s, ready = probe.period_s, True
        yield ready
    async for good in results(seen, probe, delay_s):
        contrary = contrary + 1 if good != ready else 0
        if contrary >= (probe.success_threshold if good else probe.failure_threshold):
            contrary, ready = 0, good
            yield ready


async def _last(told: AsyncIterator[bool]) -> None:
    async for _ in told:
        pass


def http(address: str) -> Ask:
    """Ask a server for `/`: well is 200."""

    async def ask(limit_s: float) -> bool:
        exchange: upstream.Exchange | None = None
        try:
            async with asyncio.timeout(limit_s):
                exchange = await upstream.send(address, b"GET", b"/", [(b"host", b"localhost")], b"")
                await exchange.head()
        except (TimeoutError, upstream.ConnectError, upstream.BrokenAnswerError):
            return False
        else:
            return exchange.status == 200
        finally:
            if exchange is not None:
                exchange.abort()

    return ask
