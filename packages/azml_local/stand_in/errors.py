"""How a provider says no."""

from collections.abc import Mapping
from typing import Any


class Refused(Exception):  # noqa: N818 - the provider's refusal; the text is all there is to it
    """Something the provider says no to; the text is the message."""


class NotFinished(Refused):
    """A write was accepted and not finished: the resource is there and stays in state with the error.

    `outputs` is what could be read of it, None where that failed too.
    """

    def __init__(self, id_: str, reason: str, outputs: Mapping[str, Any] | None) -> None:
        super().__init__(reason)
        self.id = id_
        self.outputs = outputs
