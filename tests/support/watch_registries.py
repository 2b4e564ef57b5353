"""What registries were asked in a test over their own addresses, by oras: more lines of the journal.

Owns the names of their operations. Deliberately passes over skopeo: which requests it makes goes by the version that a
machine has of it, and the lock says none.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from azml_local.registry import acr, distribution
from azml_local.registry.asked import Answer, Request
from azml_local.registry.plane import Registry
from tests.support.watch import JOURNAL, Seen

TYPE = "Container registries"
_AGENT = "python-requests/"
"""What oras calls itself: the library that it asks by."""
_TOKENS = ("GET /v2/", "GET /oauth2/token", "POST /oauth2/token", "POST /oauth2/exchange")
_PART = re.compile(r"\(\?P<([a-z]+)_?>\[\^/\]\+\)")
_PATHS = [
    (pattern, _PART.sub(lambda part: part[1].upper(), pattern.pattern.replace(distribution.NAME, "NAME")).rstrip("/?"))
    for pattern, _ in (*distribution.OPERATIONS, *acr.OPERATIONS)
]


def operations() -> list[str]:
    """Every operation of a registry: its method and its path."""
    tables = (*distribution.OPERATIONS, *acr.OPERATIONS)
    named = zip(tables, _PATHS, strict=True)
    return [*_TOKENS, *(f"{method} {path}" for (_, methods), (_, path) in named for method in methods)]


@contextmanager
def noted() -> Iterator[None]:
    """Note what every registry of this process is asked meanwhile."""
    answer = Registry.answer

    def watched(registry: Registry, request: Request) -> Answer:
        found = answer(registry, request)
        client = "oras" if request.headers.get("user-agent", "").startswith(_AGENT) else ""
        JOURNAL.append(Seen(client, TYPE, f"{request.method} {_named(request.path)}", found.status, {}, ""))
        return found

    with mock.patch.object(Registry, "answer", watched):
        yield


def _named(path: str) -> str:
    return next((name for pattern, name in _PATHS if pattern.fullmatch(path)), path)
