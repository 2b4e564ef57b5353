"""One HTTP exchange with a model server.

A connection serves one exchange: the scoring server closes after each answer anyway (gunicorn's sync worker), a fresh
loopback connection costs little, and no request can fall on a pooled connection that was just closed. A parser on a
bare protocol instead of a general HTTP client: a proxy that did nothing else took 300 µs of CPU a request with aiohttp,
the whole gateway takes 160 µs so. Limits, retries and what a status means to the caller are decided elsewhere.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import httptools

from azml_gateway.call import Headers

WHOLE = 64 * 1024
"""Bytes of an answer that is passed on in one piece: an answer of a known, small length is waited for to its end."""
HIGH_WATER = 256 * 1024
"""Bytes of an answer kept while the caller is slow to take them; beyond, reading pauses."""


class ConnectError(Exception):
    """Nobody listens there; nothing was sent."""


class BrokenAnswerError(Exception):
    """The connection ended, or spoke no HTTP, before the answer was complete."""


class Exchange(asyncio.Protocol):
    """The answer as it comes in: `status`, `headers`, then `body()`."""

    def __init__(self, method: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.complete = False
        self._bodiless = method == b"HEAD"
        self._until_close = True
        self._small = False
        self._chunks: list[bytes] = []
        self._held = 0
        self._error: Exception | None = None
        self._ready: asyncio.Future[None] = loop.create_future()
        self._news: asyncio.Future[None] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None

    async def head(self) -> None:
        """Wait for status and headers, and for the whole of a small answer. Raises `BrokenAnswerError`."""
        await self._ready

    def whole(self) -> bytes | None:
        """Return the body if all of it is here already."""
        return b"".join(self._chunks) if self.complete else None

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the body piece by piece as it arrives. Raises `BrokenAnswerError`."""
        while True:
            if self._chunks:
                piece = b"".join(self._chunks)
                self._chunks.clear()
                self._held = 0
                yield piece
            elif self.complete:
                return
            elif self._error is not None:
                raise self._error
            else:
                if self._transport is not None:
                    self._transport.resume_reading()
                self._news = asyncio.get_running_loop().create_future()
                await self._news

    def abort(self) -> None:
        """End the connection. Harmless after a complete answer."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a call of the event loop."""
        self._transport = cast("asyncio.Transport", transport)  # what TCP and unix give; uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        """Take a call of the event loop."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(BrokenAnswerError(f"not HTTP: {error}"))
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take a call of the event loop; an answer without a length ends with its connection."""
        if exc is None and self.status and self._until_close:
            self.on_message_complete()
        elif not self.complete:
            self._fail(BrokenAnswerError(str(exc or "the connection was closed")))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a call of the parser."""
        name = name.lower()
        self.headers.append((name, value))
        if name == b"content-length":
            self._until_close, self._small = False, int(value) <= WHOLE
        elif name == b"transfer-encoding":
            self._until_close = False

    def on_headers_complete(self) -> None:
        """Take a call of the parser."""
        self.status = self._parser.get_status_code()
        if self._bodiless:
            self.on_message_complete()
        elif not self._small:
            self._begun()

    def on_body(self, body: bytes) -> None:
        """Take a call of the parser."""
        self._chunks.append(body)
        self._held += len(body)
        if self._held > HIGH_WATER and self._transport is not None:
            self._transport.pause_reading()
        self._tell()

    def on_message_complete(self) -> None:
        """Take a call of the parser."""
        self.complete = True
        self._begun()
        self._tell()
        if self._transport is not None:
            self._transport.close()

    def _fail(self, error: Exception) -> None:
        self._error = error
        if self.status:
            self._begun()  # what came is passed on, and breaks off where it did
        elif not self._ready.done():
            self._ready.set_exception(error)
        self._tell()

    def _begun(self) -> None:
        if not self._ready.done():
            self._ready.set_result(None)

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


async def send(address: str, method: bytes, target: bytes, headers: Headers, body: bytes) -> Exchange:
    """Connect to `host:port` or `unix:/path` and send one request; the answer is then awaited on the exchange.

    `headers` go out as they are, plus `content-length` and `connection: close`. Raises `ConnectError`.
    """
    exchange = Exchange(method)
    loop = asyncio.get_running_loop()
    try:
        if address.startswith("unix:"):
            transport, _ = await loop.create_unix_connection(lambda: exchange, address.removeprefix("unix:"))
        else:
            host, _, port = address.rpartition(":")
            transport, _ = await loop.create_connection(lambda: exchange, host, int(port))
    except OSError as error:
        raise ConnectError(str(error)) from error
    lines = [b"%b %b HTTP/1.1" % (method, target), *(b"%b: %b" % pair for pair in headers)]
    lines.append(b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body))
    transport.write(b"\r\n".join(lines))
    if body:
        transport.write(body)
    return exchange
