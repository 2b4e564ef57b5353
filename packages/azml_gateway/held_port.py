"""The port of a container that is answered only while the container is ready, as whoever runs it says.

Azure and Kubernetes have a network in front of a container, which keeps callers from one that is not ready. Where
containers are processes there is none, so the container holds its port itself: it listens from the start, and callers
wait in the kernel's queue, connected and without an answer, until the pipe says `1`; after `0` new ones wait again.
Who asks at the address for probes is answered as soon as there is something to answer. Nothing stands in between: what
is answered is answered as on any other port. Deliberately does not know what being ready means.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from azml_gateway.config import Config
from azml_gateway.server import BACKLOG, Connected

READY, NOT_READY = b"1", b"0"


@dataclass(frozen=True)
class Held:
    """Where probes are answered, and the named pipe that says when callers are."""

    host: str
    port: int
    pipe: Path


class HeldPort:
    """Listens from the moment it is made. Raises `OSError` where it cannot."""

    def __init__(self, host: str, port: int, held: Held) -> None:
        self._held = held
        # For writing, too: a pipe without a writer is at its end. First of all: who reads it is not asked at the port.
        self._pipe = os.fdopen(os.open(held.pipe, os.O_RDWR | os.O_NONBLOCK), "rb", buffering=0)
        self._callers = _listen(host, port)
        self._server: asyncio.Server | None = None

    async def listen(self, connected: Connected, _config: Config, tls: ssl.SSLContext | None) -> Callable[[], None]:
        """Answer probes from now on, and callers as the pipe says."""
        loop, words = asyncio.get_running_loop(), asyncio.StreamReader()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(words), self._pipe)
        probes = await loop.create_server(connected, self._held.host, self._held.port, backlog=BACKLOG, ssl=tls)
        following = asyncio.create_task(self._follow(words, connected, tls))

        def close() -> None:
            following.cancel()
            transport.close()
            probes.close()
            self._answer_no_more()
            self._callers.close()

        return close

    async def _follow(self, words: asyncio.StreamReader, connected: Connected, tls: ssl.SSLContext | None) -> None:
        while word := await words.read(1):
            if word == NOT_READY:
                self._answer_no_more()
            elif self._server is None:
                # A copy: what closes it leaves the port listened on.
                self._server = await asyncio.get_running_loop().create_server(
                    connected, sock=self._callers.dup(), backlog=BACKLOG, ssl=tls
                )

    def _answer_no_more(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)
