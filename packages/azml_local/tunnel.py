"""A way in for clients that make up host names: an HTTPS proxy on loopback, for as long as one command runs.

azure-ai-ml uploads models to `https://ACCOUNT.blob.SUFFIX`, and no name service knows the local Azure's suffix. Owns
the CONNECT requests of HTTPS_PROXY: a name of the local Azure leads to it, any other is refused, so that nothing a
command does by HTTPS can leave the machine by mistake.
"""

import asyncio
import threading
from collections.abc import Mapping
from typing import Self
from urllib.parse import urlsplit

SUFFIX = ".blob.core.azlocal.test"
_HEAD_MAX = 64 << 10


class Tunnel:
    """The proxy, from entering to leaving; `url` is its address."""

    def __init__(self, azure_url: str) -> None:
        self._port = urlsplit(azure_url).port
        self._ready, self._thread = threading.Event(), threading.Thread(target=self._work, daemon=True)
        self._open: set[asyncio.StreamWriter] = set()
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
        return {"HTTPS_PROXY": self.url, "https_proxy": self.url}

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
        await asyncio.sleep(0)  # an aborted transport closes in the loop's next round

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n", 1)[0].decode("latin-1").split(" ")
            host = head[1].rpartition(":")[0] if head[0] == "CONNECT" and len(head) > 1 else ""
            if not host.endswith(SUFFIX):
                writer.write(f"HTTP/1.1 403 {host or 'this'} is not of the local Azure\r\n\r\n".encode("latin-1"))
                return
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
            self._open |= {writer, back}
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_copy(reader, back), _copy(there, writer))
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return  # the client went away, or never spoke HTTP
        finally:
            writer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(64 << 10):
            target.write(data)
            await target.drain()
    finally:
        target.close()
