"""One HTTP exchange with a model server.

A connection serves one exchange: the scoring server closes after each answer anyway (gunicorn's sync worker), a fresh
loopback connection costs little, and no request can fall on a pooled connection that was just closed. A bare parser
instead of a general HTTP client: a proxy that did nothing else took 300 µs of CPU a request with aiohttp. Limits,
retries and what a status means to the caller are decided elsewhere.
"""

import asyncio
from collections.abc import AsyncIterator

import httptools

from azml_gateway.call import Headers
from azml_gateway.connection import Connection

WHOLE = 64 * 1024
"""Bytes of an answer that is passed on in one piece: an answer of a known, small length is waited for to its end."""
HIGH_WATER = 256 * 1024
"""Bytes of an answer kept while the caller is slow to take them; beyond, reading pauses."""


class ConnectError(Exception):
    """Nobody listens there; nothing was sent."""


class BrokenAnswerError(Exception):
    """The connection ended, or spoke no HTTP, before the answer was complete."""


class Exchange:
    """The answer as it comes in: `status`, `headers` (names in lower case), then `whole()` or `body()`."""

    __slots__ = (
        "_bodiless", "_chunks", "_connection", "_error", "_held", "_loop", "_news", "_parser", "_ready", "_small",
        "_until_close", "complete", "deadline", "headers", "status",
    )  # fmt: skip

    def __init__(self, method: bytes, limit_s: float | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self.deadline = None if limit_s is None else self._loop.time() + limit_s
        """When the answer must be here, by the loop's clock; None: whenever."""
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.complete = False
        self._bodiless = method == b"HEAD"
        self._until_close = True
        self._small = False
        self._chunks: list[bytes] = []
        self._held = 0
        self._error: Exception | None = None
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._news: asyncio.Future[None] | None = None
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._connection: Connection | None = None

    async def begin(self, address: str, head: bytes, body: bytes) -> None:
        """Connect and send. Raises `OSError` where nobody listens, `TimeoutError`."""
        self._connection = Connection(address, self)
        await self._connection.send(head, body, self.deadline)

    async def head(self) -> None:
        """Wait for status, headers, and the whole of a small answer. Raises `BrokenAnswerError`, `TimeoutError`."""
        if self.deadline is None:
            await self._ready
            return
        limit = self._loop.call_at(self.deadline, self._give_up)
        try:
            await self._ready
        finally:
            limit.cancel()

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
                if self._connection is not None:
                    self._connection.resume()
                self._news = self._loop.create_future()
                await self._news

    def abort(self) -> None:
        """End the connection. Harmless after a complete answer."""
        self._parser = None  # which knows this object: nobody but the collector of cycles would free the two
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def data_received(self, data: bytes) -> None:
        """Take a call of the connection."""
        if self._parser is None:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(BrokenAnswerError(f"not HTTP: {error}"))
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Take a call of the connection; an answer without a length ends with it."""
        if error is None and self.status and self._until_close:
            self.on_message_complete()
        elif not self.complete:
            self._fail(BrokenAnswerError(str(error or "the connection was closed")))

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
        if self._parser is None:
            return
        self.status = self._parser.get_status_code()
        if self._bodiless:
            self.on_message_complete()
        elif not self._small:
            self._begun()

    def on_body(self, body: bytes) -> None:
        """Take a call of the parser."""
        self._chunks.append(body)
        self._held += len(body)
        if self._held > HIGH_WATER and self._connection is not None:
            self._connection.pause()
        self._tell()

    def on_message_complete(self) -> None:
        """Take a call of the parser."""
        self.complete = True
        self._begun()
        self._tell()
        if self._connection is not None:
            self._connection.close()

    def _give_up(self) -> None:
        if not self._ready.done():
            self._ready.set_exception(TimeoutError())

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


async def send(
    address: str, method: bytes, target: bytes, headers: Headers, body: bytes, limit_s: float | None = None
) -> Exchange:
    """Connect to `host:port` or `unix:/path` and send one request; the answer is then awaited on the exchange.

    `headers` go out as they are, plus `content-length` and `connection: close`. Raises `ConnectError`; `TimeoutError`
    where the answer's head, or the whole of a small answer, is not here within `limit_s` from now.
    """
    lines = b"".join([b"%b: %b\r\n" % pair for pair in headers])
    head = b"%b %b HTTP/1.1\r\n%bcontent-length: %d\r\nconnection: close\r\n\r\n" % (method, target, lines, len(body))
    exchange = Exchange(method, limit_s)
    try:
        await exchange.begin(address, head, body)
    except BaseException as error:
        exchange.abort()
        if isinstance(error, OSError) and not isinstance(error, TimeoutError):
            raise ConnectError(str(error)) from error
        raise
    return exchange
