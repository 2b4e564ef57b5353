"""A request and an answer, without HTTP's details."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from azml_local.arm.store import Operation


@dataclass(frozen=True)
class Call:
    """What a client asks. Names in `query` and `headers` are lower case; `url` is whole but for the query."""

    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    caller: str = ""

    @property
    def api_version(self) -> str:
        """The asked API version; any is taken."""
        return self.query["api-version"]

    @property
    def asked(self) -> dict[str, Any]:
        """What an action was given; empty where that is no object."""
        return self.body if isinstance(self.body, dict) else {}

    def flag(self, name: str) -> bool:
        """Read a query parameter that says true or false; absent is false."""
        return self.query.get(name.lower(), "").lower() == "true"


@dataclass(frozen=True)
class Answer:
    """What goes back: `body` None is an empty one."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Started:
    """What an action gives that goes on after its answer."""

    operation: Operation
