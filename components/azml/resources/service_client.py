"""A container service as its clients see it: one address, a key, perhaps a certificate of its own.

Owns the connection and the request. A certificate of the service's own is trusted as it is, under its own name,
wherever the service is reached: DNS may not lead there yet. Deliberately judges no answer.
"""

import http.client
import socket
import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from azml.resources.container_groups import Address
from azml.resources.errors import ArmError
from azml.resources.scoring import CONNECT_SECONDS, TIMEOUT_SECONDS, Answer
from azml.resources.service_uri import SCORE, uri

HEALTH_SECONDS = 5.0
"""For an answer to whether it is up: one that is not ready yet takes a request, and lets it wait."""
REFUSED_CERTIFICATE = "CertificateRefused"
SWAGGER, HEALTH = "/swagger.json", "/"
"""Routes of Microsoft's inference server, beside that for requests."""


@dataclass(frozen=True)
class Tls:
    """A service's own certificate."""

    cname: str
    """The name that it is for."""
    certificate: str
    """PEM."""


class _Certified(http.client.HTTPSConnection):
    """A connection to an address, under the name that the certificate there is for."""

    def __init__(self, host: str, port: int, tls: Tls) -> None:
        trusted = ssl.create_default_context(cadata=tls.certificate)
        trusted.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the certificate itself, whoever signed it
        super().__init__(host, port, timeout=CONNECT_SECONDS, context=trusted)
        self._trusted, self._name = trusted, tls.cname

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), self.timeout)
        self.sock = self._trusted.wrap_socket(plain, server_hostname=self._name)


class ServiceClient:
    """Sends requests to one service, over one connection for as long as it is open.

    `ArmError` where it is not reached (code `NoAnswer`), or shows a certificate that no client of it takes
    (`CertificateRefused`): that of another name, or one that is over.
    """

    what = "service"
    lets_in = "The service did not take the key that the stack has for it."
    """What it means that it does not let us in."""

    def __init__(self, address: Address, key: str | None = None, tls: Tls | None = None) -> None:
        self._address, self._key, self._tls = address, key, tls
        self._open: http.client.HTTPConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._close()

    @property
    def uri(self) -> str:
        """Where to send requests to."""
        return uri(self._address, self._tls.cname if self._tls is not None else None)

    def in_between(self) -> str:
        """What may keep a request from arriving."""
        if self._address.private:
            return "The service is in a virtual network (subnet)."
        return "A firewall, a proxy or a private network may be between here and the service."

    def score(self, body: bytes, deployment: str | None = None) -> Answer:  # noqa: ARG002 - a service has one release
        """Send one JSON request."""
        return self._send("POST", SCORE, body)

    def swagger(self, deployment: str | None = None, version: str | None = None) -> Answer:  # noqa: ARG002
        """The OpenAPI document that it gives of itself."""
        return self._send("GET", f"{SWAGGER}?version={version}" if version else SWAGGER)

    def health(self) -> Answer:
        """Whether its server is up."""
        return self._send("GET", HEALTH, seconds=HEALTH_SECONDS)

    def _send(self, method: str, path: str, body: bytes | None = None, *, seconds: float = TIMEOUT_SECONDS) -> Answer:
        headers = {} if self._key is None else {"Authorization": f"Bearer {self._key}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            if self._open is None or self._open.sock is None:  # none yet, or the server has closed it
                self._open = self._connection()
            self._open.sock.settimeout(seconds)
            self._open.request(method, path, body, headers)
            answer = self._open.getresponse()
            return Answer(answer.status, None, None, answer.read().decode(errors="replace"))
        except ssl.SSLCertVerificationError as error:
            self._close()
            raise ArmError(REFUSED_CERTIFICATE, f"{self.uri} is not taken for it: {error.verify_message}") from error
        except (OSError, http.client.HTTPException) as error:
            self._close()
            raise ArmError("NoAnswer", f"{self.uri} gave no answer: {error}") from error

    def _connection(self) -> http.client.HTTPConnection:
        at = self._address
        if self._tls is None:
            made = http.client.HTTPConnection(at.ip, at.port, timeout=CONNECT_SECONDS)
        else:
            made = _Certified(at.ip, at.port, self._tls)
        made.connect()
        return made

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None
