"""A model of Container Instances in this process: groups with one container, a real HTTP server at their address.

For tests of handlers; what a group really does is known from the local Azure's own tests.
"""

import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from azml.resources.work import Work
from tests.support.arm_model import ArmModel, Body, Sent

KEY = "the-key"


class Groups(ArmModel):
    """ARM with container groups, whose containers do what `containers` says, one answer a look."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.containers: list[Body] = [{"currentState": {"state": "Running"}}]
        self.address = True
        self.log = ""

    def get(self, id_: str, version: str, _query: Mapping[str, str] | None = None) -> Body:
        if id_.endswith("/logs"):
            return {"content": self.log}
        return super().get(id_, version)

    def find(self, id_: str, version: str) -> Body | None:
        found = super().find(id_, version)
        if found is not None:
            view = self.containers.pop(0) if len(self.containers) > 1 else self.containers[0]
            found["properties"]["containers"][0]["properties"]["instanceView"] = view
            if self.address:
                at = {**found["properties"].get("ipAddress", {}), "ip": "127.0.0.1", "ports": [{"port": self.port}]}
                found["properties"]["ipAddress"] = at
        return found

    def put(self, id_: str, _version: str, body: Sent, work: Work) -> Body:
        return self._write("PUT", id_, body, work)

    def _keep_the_rules(self, key: str, body: Body) -> None:
        """A group has none."""


class Scoring(BaseHTTPRequestHandler):
    """A server that wants the key and answers what its class says."""

    protocol_version = "HTTP/1.1"
    answer: Any = (1.0,)
    status: int = 200
    up_after: int = 0
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        ready = len(self.asked) > self.up_after
        self._send(200 if ready else 503, "Healthy")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(self.path)
        known = self.headers.get("Authorization") == f"Bearer {KEY}"
        self._send(self.status if known else 401, self.answer if known else {"message": "no"})

    def _send(self, status: int, body: Any) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def scoring(context: ssl.SSLContext | None = None, **says: Any) -> Iterator[tuple[int, list[str]]]:
    """A running server; its port, and what it was asked."""
    handler = type("Handler", (Scoring,), {"asked": [], **says})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1], handler.asked
        finally:
            server.shutdown()
            thread.join()
