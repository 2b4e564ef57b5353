"""Probes: whether a scoring server answers, asked as often and as patiently as a deployment says.

A probe asks for the path `/`, which Microsoft's server answers from the same workers that score: while all of them are
busy nobody answers. What follows from that (`instances`) is not decided here.
"""

import asyncio
from collections.abc import AsyncIterator

from azml_gateway import upstream
from azml_local.scoring.contract import Probe


async def answers(address: str, probe: Probe, limit_s: float) -> None:
    """Return once the server has answered often enough in a row; each answer may take `limit_s`."""
    successes = 0
    while successes < probe.success_threshold:
        if await _healthy(address, limit_s):
            successes += 1
        else:
            successes = 0
            await asyncio.sleep(0.1)


async def results(address: str, probe: Probe, delay_s: float) -> AsyncIterator[bool]:
    """Probe after `delay_s` and then every period, for ever; whether each one succeeded."""
    loop = asyncio.get_running_loop()
    due = loop.time() + delay_s
    while True:
        await asyncio.sleep(max(0.0, due - loop.time()))
        due = loop.time() + probe.period_s
        yield await _healthy(address, probe.timeout_s)


async def failed(address: str, probe: Probe) -> None:
    """Return once the server has failed the probe as often in a row as it may."""
    failures = 0
    async for good in results(address, probe, probe.initial_delay_s):
        failures = 0 if good else failures + 1
        if failures >= probe.failure_threshold:
            return


async def _healthy(address: str, timeout_s: float) -> bool:
    exchange: upstream.Exchange | None = None
    try:
        async with asyncio.timeout(timeout_s):
            exchange = await upstream.send(address, b"GET", b"/", [(b"host", b"localhost")], b"")
            await exchange.head()
    except (TimeoutError, upstream.ConnectError, upstream.BrokenAnswerError):
        return False
    else:
        return exchange.status == 200
    finally:
        if exchange is not None:
            exchange.abort()
