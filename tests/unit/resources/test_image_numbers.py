"""Two stacks that count in one repository at the same moment, in every order of their requests, by a local registry.

A writer lists tags, sets its number and reads it back. Expected: plain reasoning about those three. The registry has no
way to set a tag only where it is free, so one order remains in which a number goes to two images: the other writer
listed before we set ours, and sets its own after we have read ours back. The next update mends that.
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from azml.resources import image_numbers
from azml.resources.errors import Refused
from azml.resources.image_alias import ImageAliasHandler
from azml.resources.registry_api import Repository
from tests.unit.resources.registries import Registry

ORDERS = sorted({"".join(order) for order in itertools.permutations("aaabbb") if order[0] == "a"})
"""One of the two begins, and it does not matter which."""


class InTurns(Repository):
    """A repository whose requests wait for their turn; the last one that an order has goes on without."""

    def __init__(self, registry: Registry, who: str, order: list[str], change: threading.Condition) -> None:
        super().__init__(registry.server, registry.repository, *registry.user)
        self._who, self._order, self._change = who, order, change

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._change:
            self._change.wait_for(lambda: self._who not in self._order or self._order[0] == self._who, timeout=20)
            yield
            if self._who in self._order:
                self._order.remove(self._who)
            self._change.notify_all()

    def tags(self) -> dict[str, str]:
        with self._turn():
            return super().tags()

    def tag(self, digest: str, tag: str) -> None:
        with self._turn():
            super().tag(digest, tag)

    def digest(self, reference: str) -> str | None:
        with self._turn():
            return super().digest(reference)


def overtaken(order: str, who: str) -> bool:
    """Whether the other one listed before our number was set, and sets its own after we have read ours."""
    ours = [place for place, one in enumerate(order) if one == who]
    theirs = [place for place, one in enumerate(order) if one != who]
    return theirs[0] < ours[1] and theirs[1] > ours[2]


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_of_two_writers(shared_registry: Registry, order: str) -> None:
    registry = shared_registry
    images = {who: registry.push(f"{who}-{uuid4()}") for who in "ab"}
    left, change = list(order), threading.Condition()

    def give(who: str) -> int:
        with InTurns(registry, who, left, change) as repository:
            return image_numbers.give(repository, digest(images[who]))

    with ThreadPoolExecutor(2) as pool:
        given = dict(zip("ab", pool.map(give, "ab"), strict=True))
    tags = registry.tags()
    for who, number in given.items():
        assert (tags[str(number)] != digest(images[who])) is overtaken(order, who)
    states = {who: {"image": images[who], "alias": f"{registry.repository}:{given[who]}"} for who in "ab"}
    for who, state in states.items():
        assert bool(drift(registry, images[who], state)) is overtaken(order, who)
    states = {who: registry.up(images[who], state) for who, state in states.items()}
    numbers = {who: state["alias"].rpartition(":")[2] for who, state in states.items()}
    assert {who: registry.tags()[number] for who, number in numbers.items()} == {
        who: digest(image) for who, image in images.items()
    }
    assert [drift(registry, images[who], state) for who, state in states.items()] == [{}, {}], "and so it stays"
    assert all(numbers[who] == str(given[who]) for who in "ab" if not overtaken(order, who))


def test_the_orders_that_only_the_next_update_mends() -> None:
    assert [order for order in ORDERS if overtaken(order, "a") or overtaken(order, "b")] == ["abaabb", "abbbaa"]


def test_a_registry_that_keeps_no_tag_is_said(shared_registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Repository, "tag", lambda *_: None)
    image = shared_registry.push("lost")
    with pytest.raises(Refused, match=r"gets no number: 20 times"):
        shared_registry.up(image)


def digest(image: str) -> str:
    return image.partition("@")[2]


def drift(registry: Registry, image: str, state: dict[str, Any]) -> dict[str, str]:
    return ImageAliasHandler().drift(registry.azure.work(), registry.inputs(image), state)


@pytest.fixture(name="shared_registry", scope="module")
def _shared_registry(repositories: Callable[..., Registry]) -> Registry:
    return repositories()
