"""One clone with a running local Azure, shared by the tests of a file in the order they stand in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clone import Clone


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, engine: Path) -> Iterator[Clone]:
    made = Clone.make(tmp_path_factory.mktemp("clone"), engine)
    yield made
    made.azml("local", "stop")
