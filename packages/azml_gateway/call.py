"""One request being answered: what came in, which headers go on to the model, which go back to the caller."""

import random
import time
from collections.abc import Sequence

import httptools

Headers = Sequence[tuple[bytes, bytes]]

HOP_BY_HOP = frozenset(
    [b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"]
)
"""RFC 9110 §7.6.1: meant for the next hop only."""

NOT_FORWARDED = HOP_BY_HOP | {
    b"authorization",  # the model's code has no business with the endpoint's keys
    b"content-length",
    b"expect",
    b"x-request-id",
    b"x-ms-request-id",  # the scoring server warns about it in the log, once a request
    b"x-ms-client-request-id",
}
NOT_RETURNED = HOP_BY_HOP | {
    b"server",
    b"x-request-id",
    b"x-ms-request-id",
    b"x-ms-client-request-id",
    b"azureml-model-deployment",
}


class Call:
    """One request. `deployment`, `status` and `model_status` are filled in on its way."""

    __slots__ = (
        "_headers", "_query", "_started", "body", "client_id", "deployment", "header", "hung_up", "id", "method",
        "model_status", "path", "status", "version",
    )  # fmt: skip

    def __init__(self, method: bytes, target: bytes, headers: Headers, version: str) -> None:
        """Take the request line's parts and the headers, their names in lower case."""
        self._started = time.perf_counter()
        self._headers = headers
        if not target.startswith(b"/"):
            target = _origin_form(target)
        self.path, _, self._query = target.partition(b"?")
        self.method = method
        self.version = version
        self.header = dict(headers)
        self.id = b"%032x" % random.getrandbits(128)
        # x-ms-request-id used to be the caller's own id; azureml-inference-server-http still reads it as such.
        self.client_id = self.header.get(b"x-ms-client-request-id") or self.header.get(b"x-ms-request-id")
        self.body = b""
        self.deployment = ""
        self.status = 0
        self.model_status = 0
        self.hung_up = False

    def elapsed_s(self) -> float:
        """Seconds since the request's head was read."""
        return time.perf_counter() - self._started

    def target(self, scoring_route: str) -> bytes:
        """Path and query for the model: `/score` is the endpoint's name for the deployment's scoring route."""
        path = scoring_route.encode() if self.path == b"/score" else self.path
        return path + b"?" + self._query if self._query else path

    def forwarded(self) -> list[tuple[bytes, bytes]]:
        """Select the headers that the model gets."""
        dropped = self._named_by_connection()
        headers = [pair for pair in self._headers if pair[0] not in NOT_FORWARDED and pair[0] not in dropped]
        headers.append((b"x-request-id", self.id))
        if self.client_id is not None:
            headers.append((b"x-ms-client-request-id", self.client_id))
        return headers

    def returned(self, model: Headers) -> list[tuple[bytes, bytes]]:
        """Select the headers that the caller gets: the model's, and who answered what."""
        headers = [pair for pair in model if pair[0] not in NOT_RETURNED]
        headers += [(b"x-request-id", self.id), (b"x-ms-request-id", self.id)]
        if self.client_id is not None:
            headers.append((b"x-ms-client-request-id", self.client_id))
        if self.deployment:
            headers.append((b"azureml-model-deployment", self.deployment.encode()))
        return headers

    def _named_by_connection(self) -> frozenset[bytes]:
        if b"connection" not in self.header:
            return frozenset()
        named = b",".join(value for name, value in self._headers if name == b"connection")
        return frozenset(name.strip().lower() for name in named.split(b","))


def _origin_form(target: bytes) -> bytes:
    """Path and query of what is asked of a proxy (RFC 9112 §3.2.2); anything else stays what it is."""
    try:
        url = httptools.parse_url(target)
    except httptools.HttpParserInvalidURLError:
        return target
    path: bytes = url.path or b"/"
    return path + b"?" + url.query if url.query else path
