"""One local Azure for a test module; each test makes its own resource group."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from azml_local.settings import Settings
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


@pytest.fixture
def workspace(arm: Arm) -> str:
    return arm.workspace(arm.group())


@pytest.fixture
def properties(arm: Arm, workspace: str) -> dict[str, Any]:
    return arm.assets(workspace)


@pytest.fixture
def endpoint(arm: Arm, workspace: str) -> str:
    return arm.endpoint(workspace)


@pytest.fixture
def deploy(arm: Arm, endpoint: str, properties: dict[str, Any]) -> Any:
    """Make deployments of an endpoint by name."""

    def make(*names: str, **more: Any) -> list[str]:
        paths = [f"{endpoint}/deployments/{name}" for name in names]
        for path in paths:
            arm.ok("PUT", path, arm.deployment_body(properties, **more))
        return paths

    return make


@pytest.fixture
def setting(local: Running) -> Iterator[Any]:
    """Change a setting for one test."""
    before = local.azure.settings

    def change(**values: Any) -> None:
        local.azure.settings = dataclasses.replace(Settings(), **values)

    yield change
    local.azure.settings = before
