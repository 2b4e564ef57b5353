"""The process: the endpoint's listener and the admin socket on one event loop, until SIGTERM or SIGINT.

A signal closes the listener and gives running requests up to `drain_s` to finish. Restarting is somebody else's job.
"""

import asyncio
import contextlib
import os
import signal
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import uvloop

from azml_gateway.admin import Admin
from azml_gateway.app import Gateway
from azml_gateway.caller import Caller, Handler
from azml_gateway.config import Config, load
from azml_gateway.routing import Routing

KEEP_ALIVE_S = 65
"""Longer than the 60 s after which common clients drop an idle connection, so that the client is the one to close."""
SWEEP_S = 5
BACKLOG = 2048

Connected = Callable[[], Caller]
Listen = Callable[[Connected, Config, ssl.SSLContext | None], Awaitable[Callable[[], None]]]
"""Listens for callers, by HTTPS where there is a context; gives what ends that."""


def serve(path: Path) -> None:
    """Serve what the config file says. Raises `ConfigError` before anything listens."""
    routing = Routing(load(path))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(routing, path))


async def _serve(routing: Routing, path: Path) -> None:
    async with _admin_socket(Admin(routing, path), routing.config.admin_socket), listening(routing, Gateway(routing)):
        await asked_to_end().wait()


def asked_to_end() -> asyncio.Event:
    """Set by SIGTERM and SIGINT from now on."""
    loop, asked = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    return asked


async def at_once(connected: Connected, config: Config, tls: ssl.SSLContext | None) -> Callable[[], None]:
    """Listen at the config's address."""
    server = await asyncio.get_running_loop().create_server(
        connected, config.host, config.port, backlog=BACKLOG, ssl=tls
    )
    return server.close


@contextlib.asynccontextmanager
async def listening(
    routing: Routing, handler: Handler, tls: ssl.SSLContext | None = None, listen: Listen = at_once
) -> AsyncIterator[None]:
    """Answer callers, by HTTPS with `tls`; at the end close the listener, then let running answers end."""
    config, callers = routing.config, set[Caller]()

    def connected() -> Caller:
        routing.metrics.connected += 1
        return Caller(handler, callers)

    close = await listen(connected, config, tls)
    sweeping = asyncio.create_task(_sweep(callers))
    counting = asyncio.create_task(routing.metrics.keep(lambda: len(callers)))
    try:
        yield
    finally:
        sweeping.cancel()
        close()
        await _drain(callers, config.drain_s)
        counting.cancel()
        await asyncio.wait({counting})


async def _sweep(callers: set[Caller]) -> None:
    """Close connections on which nothing whole was asked for longer than `KEEP_ALIVE_S`."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(SWEEP_S)
        for caller in list(callers):
            if caller.idle_since is not None and caller.idle_since + KEEP_ALIVE_S < loop.time():
                caller.abort()


async def _drain(callers: set[Caller], limit_s: float) -> None:
    """Let running answers end; what has not after `limit_s` is broken off."""
    for caller in list(callers):
        caller.leave()
    give_up = asyncio.get_running_loop().time() + limit_s
    while callers and asyncio.get_running_loop().time() < give_up:  # noqa: ASYNC110 - who leaves takes itself out
        await asyncio.sleep(0.02)
    for caller in list(callers):
        caller.abort()


@contextlib.asynccontextmanager
async def _admin_socket(admin: Admin, path: str) -> AsyncIterator[None]:
    """Listen on a unix socket that only this user may open; one left by a killed process is taken over."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - ruff takes the Path method for blocking and this not; neither is worth a thread
    before = os.umask(0o177)
    callers: set[Caller] = set()
    try:
        server = await asyncio.get_running_loop().create_unix_server(lambda: Caller(admin, callers), path)
    finally:
        os.umask(before)
    async with server:
        yield
