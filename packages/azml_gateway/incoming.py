"""A request on its way in: what has come of it, and who waits for the rest. Reading it is `caller`'s."""

import asyncio

from azml_gateway.call import Call


class Incoming:
    """A request on its way in. `body` is None once nobody wants it: it is more than is taken, or answered already."""

    __slots__ = ("arrived", "body", "call", "complete", "keep_alive")

    def __init__(self, call: Call, *, keep_alive: bool) -> None:
        self.call = call
        self.keep_alive = keep_alive
        self.body: bytearray | None = bytearray()
        self.complete = False
        self.arrived: asyncio.Future[None] | None = None
        """What the handler waits for: the end of the body, or of the patience with it."""

    def settle(self) -> None:
        """Let the handler go on."""
        if self.arrived is not None and not self.arrived.done():
            self.arrived.set_result(None)
