"""A way in for host names that no name service knows here: a proxy on loopback, for as long as one command runs.

azure-ai-ml uploads models to `https://ACCOUNT.blob.SUFFIX`; a container group is asked for as
`LABEL.REGION.azurecontainer.io`; the engine asks for accounts and vaults by their names in Azure's public cloud. Owns
the CONNECT requests of HTTPS_PROXY, and the plain ones of HTTP_PROXY: a name of the local Azure leads to it, any other
is refused, so that nothing a command does can leave the machine by mistake.
"""

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from azml_local import addresses

SUFFIXES = (".blob.core.azlocal.test", ".blob.core.windows.net", ".vault.azure.net")
_HEAD_MAX = 64 << 10


class Tunnel:
    """The proxy, from entering to leaving; `url` is its address."""

    def __init__(self, azure_url: str, home: Path) -> None:
        self._port, self._home = urlsplit(azure_url).port, home
        self._ready, self._thread = threading.Event(), threading.Thread(target=self._work, daemon=True)
        self._open: set[asyncio.StreamWriter] = set()
        self._answering: set[asyncio.Task[None] | None] = set()
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    @property
    def variables(self) -> Mapping[str, str]:
        """What makes clients go through it."""
        return dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), self.url)

    def _work(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, limit=_HEAD_MAX)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._ended.wait()
        server.close()
        for left in self._open:  # connections that their clients keep for later
            left.transport.abort()
        await asyncio.gather(*filter(None, self._answering))

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._answering.add(task)
        self._open.add(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            line, _, headers = head.partition(b"\r\n")
            method, _, goal = line.decode("latin-1").rpartition(" ")[0].partition(" ")
            asked = urlsplit(f"//{goal}" if method == "CONNECT" else goal)
            port = await asyncio.to_thread(self._find, asked.hostname or "", asked.port or 80)
            if port is None:
                host = asked.hostname or "this"
                writer.write(f"HTTP/1.1 403 {host} is not of the local Azure\r\n\r\n".encode("latin-1"))
                return
            there, back = await asyncio.open_connection("127.0.0.1", port)
            self._open.add(back)
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:  # one request a connection: the next may be for somebody else
                path = asked._replace(scheme="", netloc="").geturl() or "/"
                back.write(f"{method} {path} HTTP/1.1\r\nConnection: close\r\n".encode("latin-1") + _onward(headers))
            await asyncio.gather(_copy(reader, back), _copy(there, writer))
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return  # the client went away, or never spoke HTTP
        finally:
            writer.close()
            self._open.discard(writer)
            self._answering.discard(task)

    def _find(self, host: str, port: int) -> int | None:
        """Tell where a name of the local Azure leads."""
        return self._port if host.endswith(SUFFIXES) else addresses.find(self._home, host, port)


def _onward(headers: bytes) -> bytes:
    """Leave out what a client tells a proxy alone."""
    lines = headers.split(b"\r\n")
    own = (b"connection:", b"proxy-connection:", b"proxy-authorization:")
    return b"\r\n".join(line for line in lines if not line.lower().startswith(own))


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(64 << 10):
            target.write(data)
            await target.drain()
    finally:
        target.close()
