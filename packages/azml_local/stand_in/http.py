"""HTTP to the local Azure: kept-open connections, loopback only.

The official clients cost half a second to import; a stand-in that the engine starts at every command cannot. TLS trust
is OpenSSL's own, so `SSL_CERT_FILE` is obeyed.
"""

import http.client
import ipaddress
import json
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from azml_local.stand_in.errors import Refused

Body = bytes | Callable[[], Iterable[bytes]] | None
"""What is sent: bytes, or what makes them anew for each try."""
_TIMEOUT = 60.0
"""Seconds that one request may take: the local Azure answers at once or with an operation to poll."""


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers in lower case, the body's text."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.text) if self.text else None
        except ValueError:
            return None


class Http:
    """Requests of a plugin to loopback addresses, from any number of threads."""

    def __init__(self, plugin: str) -> None:
        self._plugin = plugin
        self._tls = ssl.create_default_context()
        self._idle: dict[str, list[http.client.HTTPConnection]] = {}
        self._lock = threading.Lock()

    def request(self, method: str, url: str, headers: Mapping[str, str], body: Body = None) -> Answer:
        """Send and read whole. Raises `Refused` where the address is not loopback, or nobody answers.

        A body that is made while it is sent needs a `Content-Length`.
        """
        refuse_unless_local(url, self._plugin)
        parts = urllib.parse.urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        used, connection = self._take(origin)
        try:
            try:
                return self._send(origin, connection, method, target, headers, body)
            except (http.client.RemoteDisconnected, ConnectionError):
                if not used:  # a fresh connection that is refused stays refused; a kept one may have been closed
                    raise
                return self._send(origin, self._open(origin), method, target, headers, body)
        except (OSError, http.client.HTTPException) as error:
            raise Refused(
                f"no answer from the local Azure at {origin}: {error}. Is it running? `azml local start`"
            ) from error

    def close(self) -> None:
        """Close what is kept open."""
        with self._lock:
            for connection in (each for idle in self._idle.values() for each in idle):
                connection.close()
            self._idle.clear()

    def _send(
        self,
        origin: str,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: Body,
    ) -> Answer:
        try:
            connection.request(method, target, body=body() if callable(body) else body, headers=dict(headers))
            response = connection.getresponse()
            text = response.read().decode()
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            with self._lock:
                self._idle.setdefault(origin, []).append(connection)
        return Answer(response.status, {key.lower(): value for key, value in response.getheaders()}, text)

    def _take(self, origin: str) -> tuple[bool, http.client.HTTPConnection]:
        with self._lock:
            idle = self._idle.get(origin)
            if idle:
                return True, idle.pop()
        return False, self._open(origin)

    def _open(self, origin: str) -> http.client.HTTPConnection:
        parts = urllib.parse.urlsplit(origin)
        host = parts.hostname or ""
        if parts.scheme == "https":
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, parts.port, timeout=_TIMEOUT, context=self._tls
            )
        else:
            connection = http.client.HTTPConnection(host, parts.port, timeout=_TIMEOUT)
        return connection


def refuse_unless_local(url: str, plugin: str) -> None:
    """Raise `Refused` unless the address is on this machine's loopback."""
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise Refused(
            f"the {plugin} stand-in talks to a local Azure only, and {url} is not on the loopback; "
            f"for Azure itself take the stand-in out of PULUMI_HOME and let the engine fetch the real {plugin}"
        )
