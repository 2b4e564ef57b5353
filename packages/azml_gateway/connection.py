"""One connection to a model server: a socket, and word of what arrives on it.

Bare sockets, not transports of the event loop, because every request has a connection of its own: on the same machine
connecting and sending are done at once, without a turn of the loop, and the sockets are in an epoll of ours inside the
loop's, which takes one system call where the loop's own `add_reader` takes five. What is said on a connection is not
known here.
"""

import asyncio
import contextlib
import errno
import select
import socket
from typing import Protocol
from weakref import WeakKeyDictionary

READ = 64 * 1024
"""Bytes taken at a time."""
_IN, _OUT = select.EPOLLIN, select.EPOLLOUT


class User(Protocol):
    """Who is told what a connection brings."""

    def data_received(self, data: bytes) -> None:
        """Take what arrived."""

    def connection_lost(self, error: Exception | None) -> None:
        """Note the end; None: an orderly one. Not told after `close`."""


class _Watch:
    """Which sockets have news: one for each event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.epoll = select.epoll()
        self.connections: dict[int, Connection] = {}
        loop.add_reader(self.epoll.fileno(), self._tell)

    def _tell(self) -> None:
        for number, events in self.epoll.poll(0):
            connection = self.connections.get(number)  # the one before may have closed it
            if connection is not None:
                connection.ready(events)


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, _Watch] = WeakKeyDictionary()


class Connection:
    """A connection to `host:port` or `unix:/path`. Everything after `close` is harmless.

    Raises `OSError` where it is clear at once that nobody listens. A host that is a name is looked up each time, and
    everything else waits for it.
    """

    __slots__ = ("_events", "_number", "_open", "_unsent", "_user", "_watch")

    def __init__(self, address: str, user: User) -> None:
        loop = asyncio.get_running_loop()
        watch = _watches.get(loop)
        self._watch = _watches.setdefault(loop, _Watch(loop)) if watch is None else watch
        self._user = user
        self._unsent = memoryview(b"")
        self._events = 0
        unix = address.startswith("unix:")
        host, _, rest = address.partition(":") if unix else address.rpartition(":")
        opened = socket.socket(socket.AF_UNIX if unix else socket.AF_INET6 if ":" in host else socket.AF_INET)
        opened.setblocking(False)
        self._open: socket.socket | None = opened
        self._number = opened.fileno()
        try:
            with contextlib.suppress(BlockingIOError):  # begun; on the same machine it is done, too
                opened.connect(rest if unix else (host, int(rest)))
        except BaseException:
            opened.close()
            raise

    async def send(self, head: bytes, body: bytes, deadline: float | None) -> None:
        """Send; what the socket does not take now goes out while the answer is awaited.

        Raises `OSError` where nobody listens: nothing was sent then; `TimeoutError` where nobody answers before the
        `deadline` (the loop's clock).
        """
        assert self._open is not None  # noqa: S101 - nobody sends on what is closed
        try:
            sent = self._open.sendmsg([head, body])
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ENOTCONN):
                raise
            async with asyncio.timeout_at(deadline):
                await _writable(self._open)
            sent = self._open.sendmsg([head, body])
        self._events = _IN
        if sent < len(head) + len(body):
            self._open.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._unsent = memoryview(body)[sent - len(head) :] if sent >= len(head) else memoryview(head + body)[sent:]
            self._events |= _OUT
        self._watch.connections[self._number] = self
        self._watch.epoll.register(self._number, self._events)

    def pause(self) -> None:
        """Read no more for now."""
        self._wait_for(self._events & ~_IN)

    def resume(self) -> None:
        """Read again."""
        self._wait_for(self._events | _IN)

    def close(self) -> None:
        """End it."""
        if self._open is not None:
            self._watch.connections.pop(self._number, None)
            self._open.close()  # which takes it out of the epoll
            self._open = None

    def ready(self, events: int) -> None:
        """Take a call of the watch."""
        try:
            if self._unsent and events & ~_IN and self._open is not None:
                self._unsent = self._unsent[self._open.send(self._unsent) :]
                self._wait_for(self._events if self._unsent else self._events & ~_OUT)
            data = self._open.recv(READ) if events & ~_OUT and self._open is not None else None
        except BlockingIOError:
            return
        except OSError as error:
            self.close()
            self._user.connection_lost(error)
            return
        if data:
            self._user.data_received(data)
        elif data is not None:
            self.close()
            self._user.connection_lost(None)

    def _wait_for(self, events: int) -> None:
        if self._open is not None and events != self._events:
            self._events = events
            self._watch.epoll.modify(self._number, events)


async def _writable(opened: socket.socket) -> None:
    """Wait until a connection stands, or does not come about."""
    loop = asyncio.get_running_loop()
    news: asyncio.Future[None] = loop.create_future()
    loop.add_writer(opened, news.set_result, None)
    try:
        await news
    finally:
        loop.remove_writer(opened)
