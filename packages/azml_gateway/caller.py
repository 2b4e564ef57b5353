"""The caller's side of HTTP/1.1: requests in, answers out, one after another on each connection.

A parser on a bare protocol: this is the hot path. Owns framing, keep-alive, pipelining, flow control and the sizes that
are taken; what is answered is a `Handler`'s. Where callers come from, and when they must go, is `server`'s.
"""

import asyncio
import logging
from collections import deque
from typing import Protocol, cast

import httptools

from azml_gateway.call import Call, Headers
from azml_gateway.fit import UnfitError, check
from azml_gateway.head import head
from azml_gateway.incoming import Incoming

MAX_HEAD_BYTES = 64 * 1024
"""Of a request line with its headers, and of what may stand between the pieces of a body; nginx's default comes to
32 KiB, Envoy's to 60. What arrives in one read with the end of it is not measured."""
TEXT = (b"content-type", b"text/plain; charset=utf-8")


class TooLargeError(Exception):
    """The body is larger than the handler takes; the rest of it is read and thrown away."""


class Handler(Protocol):
    """Answers requests: `caller.body()` first where it wants one, then one answer."""

    @property
    def max_body_bytes(self) -> int:
        """Bytes of a body that are taken."""

    async def __call__(self, call: Call, caller: "Caller") -> None:
        """Answer. Cancelled, with `call.hung_up` set, when the caller leaves."""


class Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, handler: Handler, callers: "set[Caller]") -> None:
        """`callers` are those who are connected: it puts itself in, and takes itself out."""
        self._handler = handler
        self._callers = callers
        self._loop = asyncio.get_running_loop()
        self.idle_since: float | None = self._loop.time()
        """Since when the caller owes something (the loop's clock): a request, more of its body, taking the answer."""
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._in_head = False
        self._meaningless = 0
        """Bytes since those that brought a head, a piece of a body or an end."""
        self._receiving: Incoming | None = None
        self._waiting: deque[Incoming] = deque()
        self._answering: Incoming | None = None
        self._task: asyncio.Task[None] | None = None
        self._begun = self._ended = self._chunked = self._last = False
        self._writable: asyncio.Future[None] | None = None

    # What a handler calls.

    async def body(self) -> bytes:
        """Wait for the whole body. Raises `TooLargeError`."""
        incoming = cast("Incoming", self._answering)
        announced = incoming.call.header.get(b"content-length")
        if announced is not None and int(announced) > self._handler.max_body_bytes:
            incoming.body = None
        elif not incoming.complete and incoming.body is not None:
            if incoming.call.header.get(b"expect", b"").lower() == b"100-continue":
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            incoming.arrived, self.idle_since = self._loop.create_future(), self._loop.time()
            await incoming.arrived
            self.idle_since = None
        if incoming.body is None:
            raise TooLargeError
        return bytes(incoming.body)

    def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer; to HEAD, only what comes before the body."""
        start = self._head(status, [*headers, (b"content-length", b"%d" % len(body))])
        self._transport.write(start if self._bodiless else start + body)
        self._ended = True

    def begin(self, status: int, headers: Headers) -> None:
        """Send the head of an answer whose body comes in pieces; its length is announced in `headers`, or unknown."""
        incoming = cast("Incoming", self._answering)
        framing: list[tuple[bytes, bytes]] = []
        if all(name != b"content-length" for name, _ in headers):
            if incoming.call.version == "1.1":
                self._chunked = True
                framing = [(b"transfer-encoding", b"chunked")]
            else:
                incoming.keep_alive = False  # its end is that of the connection
        self._transport.write(self._head(status, [*headers, *framing]))

    async def write(self, piece: bytes) -> None:
        """Send a piece of the body; waits while the caller is slow to take what was sent."""
        if not self._bodiless:
            self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece)
        if self._writable is not None:
            await self._writable

    def end(self) -> None:
        """End a body that came in pieces."""
        if self._chunked and not self._bodiless:
            self._transport.write(b"0\r\n\r\n")
        self._ended = True

    # What the server calls.

    def leave(self) -> None:
        """Close now if nothing is being answered, otherwise after that."""
        self._last = True
        if self._answering is None:
            self._transport.close()

    def abort(self) -> None:
        """Close now."""
        self._transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a call of the event loop."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self._callers.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Take a call of the event loop: nobody waits for the answer any more."""
        self._callers.discard(self)
        self._waiting.clear()
        if self._task is not None and self._answering is not None:
            self._answering.call.hung_up = True
            self._task.cancel()

    def pause_writing(self) -> None:
        """Take a call of the event loop."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """Take a call of the event loop."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def data_received(self, data: bytes) -> None:
        """Take a call of the event loop."""
        if self._last and self._answering is None:
            return
        self._meaningless += len(data)
        try:
            self._feed(data)
            if self._meaningless > MAX_HEAD_BYTES:
                self._refuse(431, b"The headers are larger than %d bytes." % MAX_HEAD_BYTES)
        except httptools.HttpParserError as error:
            why = error.__context__
            self._refuse(*(why.args if isinstance(why, UnfitError) else (400, b"This is not HTTP/1.1.")))

    def _feed(self, data: bytes) -> None:
        """Parse. An offer of another protocol is passed over (RFC 9110 §7.8), by a parser that does not see it."""
        while data:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                if not self._in_head:  # CONNECT: it is answered, and what follows is no HTTP
                    self._last = True
                    return
                parser, self._parser = self._parser, httptools.HttpRequestParser(self)
                start = b"%b %b HTTP/%b" % (parser.get_method(), self._target, parser.get_http_version().encode())
                lines = [b"%b: %b" % pair for pair in self._headers if pair[0] != b"upgrade"]
                data = b"\r\n".join([start, *lines, b"\r\n"]) + data[offer.args[0] :]
            else:
                return

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Take a call of the parser."""
        self._target, self._headers = b"", []
        self._meaningless, self._in_head = 0, True

    def on_url(self, url: bytes) -> None:
        """Take a call of the parser."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a call of the parser. What follows a body is not passed on (RFC 9110 §6.5.1) and not kept."""
        if self._in_head:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Take a call of the parser: a request can be answered, though its body may be missing still."""
        parser, method = self._parser, self._parser.get_method()
        if parser.should_upgrade() and method != b"CONNECT":
            return  # the parser will read no body: another one gets the head again, without the offer
        self._meaningless, self._in_head = 0, False
        call = Call(method, self._target, self._headers, parser.get_http_version())
        check(call, [name for name, _ in self._headers])
        incoming = self._receiving = Incoming(call, keep_alive=parser.should_keep_alive())
        if self._answering is None:
            self._start(incoming)
        else:
            self._waiting.append(incoming)
            self._transport.pause_reading()

    def on_body(self, piece: bytes) -> None:
        """Take a call of the parser."""
        incoming, self._meaningless = cast("Incoming", self._receiving), 0
        if incoming.body is None:
            return
        incoming.body += piece
        if incoming.arrived is not None:
            self.idle_since = self._loop.time()
        if len(incoming.body) > self._handler.max_body_bytes:
            incoming.body = None
            incoming.settle()

    def on_message_complete(self) -> None:
        """Take a call of the parser."""
        if self._in_head:  # of a request with an offer, which comes again
            return
        incoming, self._meaningless = cast("Incoming", self._receiving), 0
        incoming.complete = True
        incoming.settle()
        if incoming is self._answering and self._task is None:  # answered before it was whole
            self._next()

    # Between the two.

    def _start(self, incoming: Incoming) -> None:
        self._answering, self.idle_since = incoming, None
        self._begun = self._ended = self._chunked = False
        self._task = self._loop.create_task(self._answer(incoming))

    async def _answer(self, incoming: Incoming) -> None:
        try:
            await self._handler(incoming.call, self)
            if self._writable is not None:
                self.idle_since = self._loop.time()
                await self._writable
        except asyncio.CancelledError:
            if not incoming.call.hung_up:
                raise
            return
        except Exception:
            logging.getLogger(__name__).exception("%r", incoming.call.path)
            if not self._begun:
                self.answer(500, [TEXT], b"Internal error of the gateway.")
        finally:
            self._task = incoming.body = None
        self.idle_since = self._loop.time()
        if incoming.complete:
            self._next()
        elif not self._ended or b"expect" in incoming.call.header:  # whether a body will follow, nobody knows
            self._close()

    def _next(self) -> None:
        """Go on after an answer: with the next request, or none."""
        incoming, self._answering = cast("Incoming", self._answering), None
        if self._last or not (self._ended and incoming.keep_alive):
            self._close()
            return
        if self._waiting:
            self._start(self._waiting.popleft())
        if self._answering is None or not self._answering.complete:
            self._transport.resume_reading()

    def _close(self) -> None:
        if self._ended:
            self._transport.close()
        else:
            self._transport.abort()  # half an answer must not look like a whole one

    def _refuse(self, status: int, text: bytes) -> None:
        """Answer what cannot be understood, unless an answer is under way; what follows it is not read."""
        self._last = True
        self._waiting.clear()
        if self._answering is None:
            headers = [TEXT, (b"connection", b"close"), (b"content-length", b"%d" % len(text))]
            self._transport.write(head(status, headers) + text)
            self._transport.close()
        elif not self._answering.complete:
            self._transport.abort()

    @property
    def _bodiless(self) -> bool:
        return cast("Incoming", self._answering).call.method == b"HEAD"

    def _head(self, status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
        self._begun = True
        incoming = cast("Incoming", self._answering)
        if self._last or not incoming.keep_alive:
            headers.append((b"connection", b"close"))
        elif incoming.call.version == "1.0":
            headers.append((b"connection", b"keep-alive"))
        return head(status, headers)
