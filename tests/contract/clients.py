"""Official clients pointed at a local Azure by what they take themselves: address, scope, certificate."""

from contextlib import ExitStack
from typing import Any, Self, TypeVar

import pytest
from azure.core.exceptions import HttpResponseError

from tests.unit.local.support import Running

T = TypeVar("T")


class Clients:
    """Makes each client once; all are closed at the end."""

    def __init__(self, azure: Running) -> None:
        self.azure = azure
        self._open = ExitStack()
        self.credential = self._open.enter_context(azure.credential)
        self._made: dict[type, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def subscription(self) -> str:
        return self.azure.azure.identity.subscription_id

    def of(self, kind: type[T], **more: Any) -> T:
        """The client of a management SDK."""
        if kind not in self._made:
            options = {
                "base_url": self.azure.url,
                "credential_scopes": [f"{self.azure.url}/.default"],
                "connection_verify": str(self.azure.home.ca),
            }
            made: Any = kind(self.credential, self.subscription, **options, **more)  # type: ignore[call-arg]
            self._made[kind] = self._open.enter_context(made)
        found: T = self._made[kind]
        return found


def refused(error: pytest.ExceptionInfo[Any]) -> tuple[int | None, str | None]:
    """Status and ARM code of what a client raised."""
    problem = error.value
    assert isinstance(problem, HttpResponseError)
    return problem.status_code, None if problem.error is None else problem.error.code
