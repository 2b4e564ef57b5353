"""Every registry of one local Azure: an address each, opened and closed as the control plane says.

Owns listening sockets, threads and the way of a request from a connection to its operation. A registry's port is
chosen once and remembered by who calls; a port that another program has taken is replaced.
"""

import contextlib
import json
import logging
import shutil
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from azml_local import disk
from azml_local.registry import acr, distribution
from azml_local.registry.access import Access, Need
from azml_local.registry.acr import Acr
from azml_local.registry.asked import Answer, Request
from azml_local.registry.content import Content
from azml_local.registry.distribution import NAME_MAX, Distribution
from azml_local.registry.errors import RegistryError
from azml_local.registry.parts import JSON
from azml_local.registry.rules import Rules
from azml_local.registry.tls import TlsStream
from azml_local.registry.wire import Connection, close, refusal
from azml_local.tokens import Tokens

_FORM_MAX = 64 << 10
_IDLE_S = 75
"""How long a connection may be silent: longer than clients keep theirs."""
_VERSION = {"Docker-Distribution-Api-Version": "registry/2.0", "X-Content-Type-Options": "nosniff"}
_log = logging.getLogger(__name__)


class Registries:
    """The registries below `root`. `certificate` is a file with key and chain; `access_log` gets a line a request."""

    def __init__(self, root: Path, tokens: Tokens, certificate: Path, access_log: logging.Logger) -> None:
        self._root, self._tokens, self._certificate, self._log = root, tokens, certificate, access_log
        self._open: dict[str, Registry] = {}

    def put(self, rules: Rules, port: int) -> int:
        """Open a registry, on this port if it can be had (0: any), or give an open one other rules; its port."""
        key = rules.name.lower()
        found = self._open.get(key)
        if found is not None:
            found.access = Access(self._tokens, rules, found.address)
            return found.port
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate)
        made = Registry(self._root / key, rules, self._tokens, port, context, self._log)
        self._open[key] = made
        return made.port

    def address(self, name: str) -> str | None:
        """Host and port of an open registry."""
        found = self._open.get(name.lower())
        return None if found is None else found.address

    def size(self, name: str) -> int:
        """Bytes that a registry stores."""
        found = self._open.get(name.lower())
        return 0 if found is None else found.content.size()

    def access_token(self, name: str, repository: str, *actions: str) -> str:
        """Make an access token to a repository, for parts of the local Azure that have checked a role themselves."""
        access = [{"type": "repository", "name": repository, "actions": list(actions)}]
        return self._open[name.lower()].access.access_token(access)

    def remove(self, name: str) -> None:
        """Close a registry and delete all it has. Unknown: nothing to do."""
        found = self._open.pop(name.lower(), None)
        if found is not None:
            found.close()
        shutil.rmtree(self._root / name.lower(), ignore_errors=True)

    def close(self) -> None:
        """Close them all; what they have stays."""
        for found in self._open.values():
            found.close()
        self._open.clear()
        for handler in self._log.handlers:
            handler.close()


class Registry:
    """One registry that listens."""

    def __init__(
        self, root: Path, rules: Rules, tokens: Tokens, port: int, context: ssl.SSLContext, log: logging.Logger
    ) -> None:
        self.content = Content(root)
        self._log, self._context = log, context
        self._connections: set[socket.socket] = set()
        self._listener = listener(port)
        self.port: int = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.access = Access(tokens, rules, self.address)
        self._apis = (
            (Distribution(self.content), distribution.OPERATIONS),
            (Acr(self.content, self.address), acr.OPERATIONS),
        )
        threading.Thread(target=self._accept, name=f"registry {rules.name}", daemon=True).start()

    def close(self) -> None:
        """Stop listening and end every connection."""
        close(self._listener)
        self._listener.close()
        for connection in list(self._connections):
            close(connection)
        self.content.close()

    def answer(self, request: Request) -> Answer:
        """Answer a request; what nobody foresaw is an error of the specification too, and the log says more."""
        started = time.monotonic()
        try:
            answer = self._answer(request)
        except RegistryError as error:
            answer = refusal(error)
        except ConnectionError:
            raise
        except Exception as problem:  # noqa: BLE001 - the boundary to the client
            answer = refusal(self._failure(request, problem))
        answer.headers = {**_VERSION, **answer.headers}
        milliseconds = (time.monotonic() - started) * 1000
        path = request.path.encode("unicode_escape").decode()
        rules = self.access.rules
        self._log.info("%s %s%s %s %.0f ms", request.method, rules.name, path, answer.status, milliseconds)
        return answer

    def _answer(self, request: Request) -> Answer:
        self.access.refuse_outsider(request.client)
        if request.path in ("/oauth2/token", "/oauth2/exchange"):
            return self._token(request)
        if request.path in ("/v2", "/v2/"):
            self.access.principal(request.headers.get("authorization", ""))
            return Answer(200, JSON, b"{}")
        for api, operations in self._apis:
            for pattern, methods in operations:
                if match := pattern.fullmatch(request.path):
                    return self._operate(request, api, match.groupdict(), methods)
        raise RegistryError("NAME_INVALID", f"no such path, or no name of a repository: {request.path}", status=404)

    def _operate(self, request: Request, api: Any, parts: dict[str, str], methods: Mapping[str, Any]) -> Answer:
        if request.method not in methods:
            allowed = {"Allow": ", ".join(methods)}
            raise RegistryError("UNSUPPORTED", f"{request.method} is not supported here", headers=allowed)
        action, operation = methods[request.method]
        name = parts.get("name")
        if name is not None and len(name) > NAME_MAX:
            raise RegistryError("NAME_INVALID", f"the name of a repository has at most {NAME_MAX} characters")
        need = Need("registry", "catalog", action) if name is None else Need("repository", name, action)
        request.principal = self.access.principal(request.headers.get("authorization", ""), need)
        answer: Answer = operation(api, request, **parts)
        return answer

    def _token(self, request: Request) -> Answer:
        if request.method not in ("GET", "POST"):
            raise RegistryError(
                "UNSUPPORTED", f"{request.method} is not supported here", headers={"Allow": "GET, POST"}
            )
        fields = [*request.query, *parse_qsl(request.body.read(_FORM_MAX).decode("utf-8", "replace"))]
        form = dict(fields)
        if request.path == "/oauth2/exchange":
            made = {"refresh_token": self.access.exchange(form)}
        else:
            scopes = [value for name, value in fields if name == "scope"]
            made = {"access_token": self.access.token(request.headers.get("authorization", ""), form, scopes)}
        return Answer(200, {**JSON, "Cache-Control": "no-store"}, json.dumps(made).encode())

    def _failure(self, request: Request, problem: Exception) -> RegistryError:
        if disk.is_full(problem):
            return RegistryError("DENIED", disk.MESSAGE, status=507)
        _log.error("%s %s", request.method, request.path, exc_info=problem)
        return RegistryError("UNKNOWN", "The local Azure failed; its logs/server.log says why.", status=500)

    def _accept(self) -> None:
        while True:
            try:
                connection, client = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(connection, client), name="registry", daemon=True).start()

    def _serve(self, plain: socket.socket, client: tuple[str, int]) -> None:
        with contextlib.suppress(OSError, ValueError), plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.settimeout(_IDLE_S)
            self._connections.add(plain)
            try:
                Connection(TlsStream(plain, self._context), client, self.answer)  # type: ignore[arg-type]
            finally:
                self._connections.discard(plain)


def listener(port: int) -> socket.socket:
    """Listen on loopback, on this port or on a free one where another program has it."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind(("127.0.0.1", port))
    except OSError:
        _log.warning("port %s is taken by another program", port)
        made.bind(("127.0.0.1", 0))
    made.listen(128)
    return made
