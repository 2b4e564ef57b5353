"""An event loop of one's own: Pulumi's mocks run on the current one, which a test before may have closed or taken."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def own_event_loop() -> Iterator[None]:
    _close_current()
    asyncio.set_event_loop(asyncio.new_event_loop())
    yield
    _close_current()


def _close_current() -> None:
    try:
        loop = asyncio.get_event_loop_policy().get_event_loop()
    except RuntimeError:
        return  # asyncio.run took it away
    asyncio.set_event_loop(None)
    loop.close()
