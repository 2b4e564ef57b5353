"""One local Azure for all contract tests of a worker, and the official clients that talk to it."""

import dataclasses
from collections.abc import Callable, Iterator

import pytest
from azure.mgmt.resource.resources import ResourceManagementClient

from tests.contract import estate, witness
from tests.contract.clients import Clients
from tests.support import watch_registries
from tests.support.watch import JOURNAL
from tests.unit.local.support import Running, running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Hold every test to the record of what it reached. What fixtures did before is not counted."""
    start = len(JOURNAL)
    yield
    witness.compare(item.nodeid, JOURNAL[start:])


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with watch_registries.noted(), running(tmp_path_factory.mktemp("azure")) as found:
        yield found


@pytest.fixture(scope="session")
def clients(azure: Running) -> Iterator[Clients]:
    with Clients(azure) as found:
        yield found


@pytest.fixture
def resources(clients: Clients) -> ResourceManagementClient:
    return clients.of(ResourceManagementClient)


@pytest.fixture(scope="module")
def group(clients: Clients) -> str:
    """A resource group for the module."""
    return estate.group(clients)


@pytest.fixture
def settings(azure: Running) -> Iterator[Callable[..., None]]:
    """Change settings for one test."""
    before = azure.azure.settings

    def change(**values: object) -> None:
        azure.azure.settings = dataclasses.replace(before, **values)

    yield change
    azure.azure.settings = before
