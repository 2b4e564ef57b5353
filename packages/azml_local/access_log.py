"""One line a request in `logs/arm.log`, rotated by size.

Owns the line. Query strings are not in it, apart from the name of the operation: signatures and tokens are secrets.
"""

import logging
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BYTES, _FILES = 5 << 20, 3
_SHOWN = ("api-version", "comp", "restype")


def logger(path: Path) -> logging.Logger:
    """Open the log."""
    handler = RotatingFileHandler(path, maxBytes=_BYTES, backupCount=_FILES, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log = logging.Logger("azml_local.access", logging.INFO)  # noqa: LOG001 - one of its own, beside the global tree
    log.addHandler(handler)
    return log


class AccessLog:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, log: logging.Logger) -> None:
        self._app, self._log = app, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and write its line."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.monotonic(), 500

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, seen)
        finally:
            milliseconds = (time.monotonic() - started) * 1000
            self._log.info("%s %s %s %.0f ms", scope["method"], _address(scope), status, milliseconds)


def _address(scope: dict[str, Any] | Scope) -> str:
    query = parse_qs(scope["query_string"].decode("latin-1"))
    shown = "&".join(f"{name}={query[name][0]}" for name in _SHOWN if name in query)
    path = scope["path"].encode("unicode_escape").decode()
    return f"{path}?{shown}" if shown else str(path)
