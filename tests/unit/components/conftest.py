"""An event loop a test."""

from collections.abc import Iterator

import pytest

from tests.support.event_loop import own_event_loop


@pytest.fixture(autouse=True)
def event_loop() -> Iterator[None]:
    with own_event_loop():
        yield
