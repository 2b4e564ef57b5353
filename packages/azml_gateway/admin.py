"""What the admin socket is for: `POST /reload` and `GET /metrics`, JSON, on a unix socket.

Who may reach the socket is a matter of file permissions; nothing here is served to callers of the endpoint.
"""

import json
from pathlib import Path
from typing import Any

from azml_gateway.call import Call
from azml_gateway.caller import Caller
from azml_gateway.config import ConfigError, load
from azml_gateway.routing import Routing


class Admin:
    """Answers the requests to the admin socket."""

    max_body_bytes = 0
    """No command has a body."""

    def __init__(self, routing: Routing, config: Path) -> None:
        self._routing = routing
        self._config = config

    async def __call__(self, call: Call, caller: Caller) -> None:
        """Answer one command."""
        status, answer = self._command(call.method.decode(), call.path.decode("latin-1"))
        caller.answer(status, [(b"content-type", b"application/json")], json.dumps(answer).encode())

    def _command(self, method: str, path: str) -> tuple[int, dict[str, Any]]:
        if (method, path) == ("POST", "/reload"):
            try:
                return 200, {"generation": self._routing.apply(load(self._config))}
            except ConfigError as error:
                return 400, {"error": str(error), "generation": self._routing.generation}
        if (method, path) == ("GET", "/metrics"):
            return 200, self._metrics()
        return 404, {"error": f"{method} {path}: not one of POST /reload, GET /metrics"}

    def _metrics(self) -> dict[str, Any]:
        waiting = {name: deployment.waiting for name, deployment in self._routing.deployments.items()}
        return {
            "endpoint": self._routing.config.endpoint,
            "generation": self._routing.generation,
            "active": self._routing.active(),
            "waiting": waiting,
            **self._routing.metrics.snapshot(),
        }
