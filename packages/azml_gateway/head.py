"""The head of an answer in bytes: status line and headers, and the date that RFC 9110 §6.6.1 asks for."""

from email.utils import formatdate
from http import HTTPStatus

_LINES = {status.value: b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()) for status in HTTPStatus}


def head(status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
    """Make the head. `headers` are written as they are; a date is added where there is none."""
    if all(name != b"date" for name, _ in headers):
        headers = [*headers, (b"date", formatdate(usegmt=True).encode())]
    line = _LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
    return b"%b%b\r\n" % (line, b"".join([b"%b: %b\r\n" % pair for pair in headers]))
