"""HTTP/1.1 on one connection, in a thread of its own: heads by the standard library, contents in large pieces.

Owns reading and writing. Threads, because all that is heavy here (TLS, SHA-256, files) leaves Python to others
meanwhile, and blocking calls move megabytes with the fewest steps. Deliberately knows nothing of registries.
"""

import contextlib
import io
import socket
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import IO, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from azml_local.registry.asked import PIECE, Answer, Body, Request
from azml_local.registry.errors import RegistryError

_BUFFER = 64 << 10
_DRAIN = 4 << 20
"""A content that nobody wanted and that has at most so many bytes is read, and its connection kept."""
_LINGER_S = 30
"""For so long the rest of a larger one is read, as nginx does (`lingering_time`): most clients look for an answer only
once they have sent everything, and a connection that is closed before shows them none."""


Answerer = Callable[[Request], Answer]


class Connection(BaseHTTPRequestHandler):
    """One connection; `server` is the function that answers its requests."""

    protocol_version = "HTTP/1.1"
    server: Any

    def setup(self) -> None:
        """Take the stream for both directions."""
        stream = self.request
        self.rfile, self.wfile = io.BufferedReader(stream, _BUFFER), io.BufferedWriter(stream, _BUFFER)

    def handle(self) -> None:
        """Answer until either side has enough."""
        with contextlib.suppress(OSError, ValueError):  # ValueError: closed while the server ends
            super().handle()

    def finish(self) -> None:
        """Close the stream."""
        with contextlib.suppress(OSError, ValueError):
            self.wfile.flush()
        self.request.close()

    def handle_expect_100(self) -> bool:
        """Tell the client to go on, now."""
        found = super().handle_expect_100()
        self.wfile.flush()
        return found

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the standard library
        """Say nothing: `plane` writes the access log."""

    def _answer(self) -> None:
        # A header may come in several lines: skopeo says so what it accepts.
        headers = {name.lower(): ", ".join(self.headers.get_all(name, [])) for name in self.headers}
        try:
            body = Body(self.rfile, headers)
        except RegistryError as error:
            self.close_connection = True
            self._send(refusal(error))
            return
        address = urlsplit(self.path)
        query = parse_qsl(address.query, keep_blank_values=True)
        request = Request(self.command, unquote(address.path), query, headers, self.client_address[0], body)
        answer = self.server(request)
        if body.over or (body.length is not None and body.length <= _DRAIN):
            self._drain(body)
            self._send(answer)
        else:
            self.close_connection = True
            self._send(answer)
            self._drain(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - names of the standard library

    def _send(self, answer: Answer) -> None:
        length = len(answer.content) if answer.file is None else answer.length
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204 and "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(length))
        if self.close_connection:
            self.send_header("Connection", "close")
        head_only = self.command == "HEAD" or answer.status == 204
        self.end_headers()
        if answer.content and not head_only:
            self.wfile.write(answer.content)
        if answer.file is not None:
            with answer.file as file:
                if not head_only:
                    self._send_file(file, answer.start, answer.length)
        self.wfile.flush()

    def _send_file(self, file: IO[bytes], start: int, length: int) -> None:
        buffer = memoryview(bytearray(min(PIECE, length)))
        file.seek(start)
        while length:
            count = file.readinto(buffer[: min(length, len(buffer))])  # type: ignore[attr-defined]
            if not count:
                raise ConnectionError("the file is shorter than it was")
            self.wfile.write(buffer[:count])
            length -= count

    def _drain(self, body: Body) -> None:
        """Read what nobody wanted, so that its sender gets to see the answer."""
        until = time.monotonic() + _LINGER_S
        for _ in () if body.over else body.pieces():
            if time.monotonic() > until:
                return


def refusal(error: RegistryError) -> Answer:
    """Answer with an error."""
    headers = {"Content-Type": "application/json; charset=utf-8", **error.headers}
    return Answer(error.status, headers, error.document())


def close(connection: socket.socket) -> None:
    """End a connection that another thread uses."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
