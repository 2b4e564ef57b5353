"""An event loop a test: Pulumi's mocks run on the current one, which a test before may have closed or left behind."""

import asyncio
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def event_loop() -> Iterator[None]:
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
