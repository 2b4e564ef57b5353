"""The process: the endpoint's listener and the admin socket on one event loop, until SIGTERM.

SIGTERM closes the listener and gives running requests up to `drain_s` to finish. Restarting is somebody else's job.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from azml_gateway.admin import Admin
from azml_gateway.app import Gateway
from azml_gateway.config import load
from azml_gateway.routing import Routing

KEEP_ALIVE_S = 65
"""Longer than the 60 s after which common clients drop an idle connection, so that the client is the one to close."""


def serve(path: Path) -> None:
    """Serve what the config file says. Raises `ConfigError` before anything listens."""
    routing = Routing(load(path))
    config = routing.config
    gateway = _listener(Gateway(routing), host=config.host, port=config.port, drain_s=config.drain_s)
    admin = _listener(Admin(routing, path))

    async def run() -> None:
        async with _admin_socket(admin, config.admin_socket):
            await uvicorn.Server(gateway).serve()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


def _listener(app: Gateway | Admin, host: str = "127.0.0.1", port: int = 0, drain_s: int = 0) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=HttpToolsProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=drain_s,
    )


@contextlib.asynccontextmanager
async def _admin_socket(config: uvicorn.Config, path: str) -> AsyncIterator[None]:
    """Listen on a unix socket that only this user may open; one left by a killed process is taken over."""
    config.load()
    state = ServerState()
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - ruff takes the Path method for blocking and this not; neither is worth a thread
    before = os.umask(0o177)
    try:
        server = await asyncio.get_running_loop().create_unix_server(
            lambda: HttpToolsProtocol(config=config, server_state=state, app_state={}), path
        )
    finally:
        os.umask(before)
    async with server:
        yield
