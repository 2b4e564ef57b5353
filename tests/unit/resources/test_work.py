"""Waiting: told now and then, ended by Ctrl-C, bounded."""

import threading
import time

import pytest

from azml.resources import work as module
from azml.resources.errors import Interrupted
from azml.resources.work import Work


def no_arm() -> None:
    raise AssertionError("waiting asks nobody")


def work(said: list[str], *, cancelled: threading.Event | None = None, seconds: float = 0) -> Work:
    return Work(no_arm, "urn", cancelled or threading.Event(), lambda _, __, text: said.append(text), seconds)


def test_a_wait_is_told_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAY_AGAIN_SECONDS", 0.25)
    said: list[str] = []
    it = work(said)
    it.doing("building")
    for _ in range(10):
        it.wait(0.1)
    assert said[0] == "building"
    assert 2 <= len(said) - 1 <= 4
    assert set(said[1:]) <= {"building (0 s)", "building (1 s)"}


def test_ctrl_c_ends_a_wait_at_once() -> None:
    cancelled = threading.Event()
    threading.Timer(0.1, cancelled.set).start()
    started = time.monotonic()
    with pytest.raises(Interrupted, match="Cancelled"):
        work([], cancelled=cancelled).wait(60)
    assert time.monotonic() - started < 5


def test_an_operation_may_not_take_longer_than_it_may() -> None:
    with pytest.raises(Interrupted, match="longest"):
        work([], seconds=0.5).wait(1)
