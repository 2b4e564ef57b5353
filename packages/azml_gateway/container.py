"""The entry of every serving image: `python -m azml_gateway.container`, everything else by environment variables.

Microsoft's scoring server runs as a child that only this process reaches; the gateway in front of it asks for keys,
speaks TLS and keeps limits. It listens once the model is loaded. `GET /` needs no key and is the scoring server's own
probe, so it says whether the model answers. The container ends when the child does: restarting is somebody else's job.

Exit codes: 0 asked to end (SIGTERM, SIGINT), 2 variables that cannot be used, else that of the scoring server (1 where
it ended with 0, 128 and the number of the signal that ended it).
"""

import asyncio
import os
import sys
from collections.abc import Mapping

import uvloop

from azml_gateway.app import Gateway
from azml_gateway.call import Call
from azml_gateway.caller import TEXT, Caller
from azml_gateway.config import ConfigError
from azml_gateway.container_settings import Settings, read
from azml_gateway.held_port import HeldPort
from azml_gateway.routing import Routing
from azml_gateway.scoring_server import ScoringServer
from azml_gateway.server import Listen, asked_to_end, at_once, listening

UNUSABLE = 2


def main() -> int:
    """Serve until asked to end, or until the scoring server ends; the exit code."""
    try:
        settings = read(os.environ)
    except ConfigError as error:
        _say(f"This container cannot start:\n{error}")
        return UNUSABLE
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(settings, os.environ))


class _Handler:
    """The gateway, and the scoring server's own probe at `/`."""

    def __init__(self, gateway: Gateway, server: ScoringServer) -> None:
        self._gateway = gateway
        self._server = server
        self.max_body_bytes = gateway.max_body_bytes

    async def __call__(self, call: Call, caller: Caller) -> None:
        """Answer one request."""
        if call.path != b"/":
            await self._gateway(call, caller)
        elif await self._server.healthy():
            caller.answer(200, [TEXT], b"Healthy")
        else:
            caller.answer(503, [TEXT], b"The scoring server does not answer.")


async def _run(settings: Settings, variables: Mapping[str, str]) -> int:
    held = settings.held
    try:
        listen = at_once if held is None else HeldPort(settings.host, settings.port, held).listen
    except OSError as error:
        return _cannot_listen(settings, error)
    asked = asyncio.create_task(asked_to_end().wait())
    server = await ScoringServer.start(settings, variables)
    over = asyncio.create_task(server.ended())
    try:
        ready = asyncio.create_task(server.ready())
        await asyncio.wait({asked, over, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if over.done() or asked.done():
            return _end(over, "before it was ready")
        return await _serve(settings, server, listen, asked, over)
    finally:
        asked.cancel()
        await server.stop()


async def _serve(
    settings: Settings,
    server: ScoringServer,
    listen: Listen,
    asked: "asyncio.Task[object]",
    over: "asyncio.Task[int]",
) -> int:
    routing = Routing(settings.config(server.address))
    try:
        async with listening(routing, _Handler(Gateway(routing), server), settings.tls, listen):
            _say(f"Listening on {'http' if settings.tls is None else 'https'}://{settings.host}:{settings.port}")
            await asyncio.wait({asked, over}, return_when=asyncio.FIRST_COMPLETED)
            code = _end(over, "while it served")
    except OSError as error:
        return _cannot_listen(settings, error)
    return code


def _cannot_listen(settings: Settings, error: OSError) -> int:
    _say(f"Cannot listen on {settings.host}:{settings.port}: {error.strerror or error}")
    return UNUSABLE


def _end(over: "asyncio.Task[int]", when: str) -> int:
    """Give the container's exit code, and say why where nobody asked for its end."""
    if not over.done():
        return 0
    code = over.result()
    _say(f"The scoring server ended with exit code {code} {when}: its last lines above say why.")
    return code or 1


def _say(text: str) -> None:
    sys.stderr.write(f"azml: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
