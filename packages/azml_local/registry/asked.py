"""A request and an answer of the data plane, and the content of a request as it comes in.

Owns the framing of contents (by length, or in HTTP's chunks). Heads are `wire`'s.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from azml_local.registry.access import Need, Principal, may
from azml_local.registry.errors import RegistryError

PIECE = 4 << 20
"""Bytes that are moved at once: a hand-over to the thread that hashes is then rare, also on a busy machine."""


@dataclass
class Answer:
    """What goes back: `content`, or a part (`start`, `length`) of an open file."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    file: IO[bytes] | None = None
    start: int = 0
    length: int = 0


class Body:
    """The content of a request, to be read once."""

    def __init__(self, source: Any, headers: Mapping[str, str]) -> None:
        self._source = source
        self._chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        given = headers.get("content-length", "0" if not self._chunked else "")
        if not self._chunked and not (given.isascii() and given.isdigit()):
            raise RegistryError("SIZE_INVALID", f"Content-Length is no number: {given!r}")
        self.length = None if self._chunked else int(given)
        """Bytes; None where only its end will tell."""
        self.over = self.length == 0
        self._pieces = self._read()

    def pieces(self) -> Iterator[memoryview]:
        """Give what was not given yet; a piece is good until the one after the next.

        Raises `ConnectionError` at an early end.
        """
        return self._pieces

    def _read(self) -> Iterator[memoryview]:
        size = min(PIECE, self.length or PIECE)
        buffers = itertools.cycle([memoryview(bytearray(size)), memoryview(bytearray(size))])
        if not self._chunked:
            yield from self._exactly(self.length or 0, buffers)
        else:
            while size := self._chunk_size():
                yield from self._exactly(size, buffers)
                self._source.readline(3)
            while self._source.readline(PIECE).strip():
                pass  # trailers
        self.over = True

    def read(self, limit: int) -> bytes:
        """Read all of it. Raises 413 where it is longer than `limit`."""
        if self.length is not None and self.length > limit:
            raise _too_large(limit)
        whole = bytearray()
        for piece in self.pieces():
            whole += piece
            if len(whole) > limit:
                raise _too_large(limit)
        return bytes(whole)

    def _exactly(self, length: int, buffers: Iterator[memoryview]) -> Iterator[memoryview]:
        while length:
            buffer = next(buffers)
            count = self._source.readinto(buffer[: min(length, len(buffer))])
            if not count:
                raise ConnectionError("the client went away in the middle of its request")
            length -= count
            yield buffer[:count]

    def _chunk_size(self) -> int:
        line = self._source.readline(1024)
        try:
            return int(line.partition(b";")[0], 16)
        except ValueError:
            raise ConnectionError("the client went away, or sent no chunk") from None


@dataclass
class Request:
    """What a client asks: `path` is not decoded, names in `headers` are lower case."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    client: str
    body: Body
    principal: Principal = field(default_factory=Principal)

    def asked(self, name: str) -> str | None:
        """Read a query parameter."""
        return next((value for known, value in self.query if known == name), None)

    def may(self, need: Need) -> bool:
        """Tell whether who asks may do more than what the operation needs."""
        return may(self.principal, need)


def _too_large(limit: int) -> RegistryError:
    return RegistryError("SIZE_INVALID", f"the content is longer than {limit} bytes", {"max": limit}, status=413)
