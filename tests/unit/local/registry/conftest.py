"""A registry's data plane over real sockets, without ARM: its rules are what a test says."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from azml_local import certificates
from azml_local.home import Home
from azml_local.registry import Grant, Password, Registries, Rules, User
from azml_local.registry.rules import hash_of
from azml_local.tokens import Tokens
from tests.support.registry_client import Client, basic

ADMIN = basic("team", "secret")
RULES = Rules("team", admin=(Password(hash_of("secret")),), audiences=("https://management.azure.com",))


class Served:
    """One registry, `team`, whose admin's password is `secret`."""

    def __init__(self, home: Home, root: Path) -> None:
        self.tokens, self.ca, self.root = Tokens(home.identity()), str(home.ca), root
        self._certificate = certificates.server(home)
        self.opened: list[Client] = []
        self._start(0)

    def _start(self, port: int) -> None:
        self.registries = Registries(self.root, self.tokens, self._certificate, logging.getLogger("registry"))
        self.host = f"127.0.0.1:{self.registries.put(RULES, port)}"

    def client(self, **headers: str) -> Client:
        """Connect; as the admin unless the headers say otherwise."""
        made = Client(self.host, self.ca, **({"authorization": ADMIN} | headers))
        self.opened.append(made)
        return made

    def rule(self, **rules: object) -> None:
        """Give the registry these rules."""
        self.registries.put(Rules("team", **rules), 0)  # type: ignore[arg-type]

    def restart(self) -> None:
        """Begin again as the next process does, at the same address."""
        self.close()
        self._start(int(self.host.rpartition(":")[2]))

    def close(self) -> None:
        while self.opened:
            self.opened.pop().__exit__()
        self.registries.close()


def user(password: str, *grants: tuple[str, str], enabled: bool = True, expiry: float | None = None) -> User:
    """A token of the registry; a grant is a repository and an action."""
    found = tuple(Grant(repository, frozenset({action})) for repository, action in grants)
    return User(enabled, (Password(hash_of(password), expiry),), found)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    found = Home(tmp_path_factory.mktemp("home"))
    found.make()
    certificates.ensure(found)
    return found


@pytest.fixture(scope="module")
def module_registry(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    found = Served(home, tmp_path_factory.mktemp("registries"))
    yield found
    found.close()


@pytest.fixture
def fresh(home: Home, tmp_path: Path) -> Iterator[Served]:
    """A registry of the test's own."""
    found = Served(home, tmp_path)
    yield found
    found.close()


@pytest.fixture
def registry(module_registry: Served) -> Served:
    """The module's registry, with the admin and nothing else."""
    module_registry.registries.put(RULES, 0)
    return module_registry


@pytest.fixture
def client(registry: Served) -> Client:
    return registry.client()
