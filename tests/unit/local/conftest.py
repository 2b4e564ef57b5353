"""One local Azure for a test module; each test makes its own resource group."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.local.support import Arm, FakePlane, Running, running


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("azure")) as found:
        yield found


@pytest.fixture
def arm(local: Running) -> Iterator[Arm]:
    with Arm(local) as found:
        yield found


@pytest.fixture
def plane(local: Running) -> FakePlane:
    return local.plane


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "azure"
