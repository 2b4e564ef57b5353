"""What counts as a difference, for every resource alike."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azml.arm_words import duration
from azml.resources.handler import Difference, Handler, Live, equal
from azml.resources.wire import UNKNOWN

ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.X/things/t"


@given(st.integers(0, 10**9))
def test_a_duration_is_what_it_lasts(milliseconds: int) -> None:
    """Against timedelta: the same time, written in seconds alone."""
    seconds = timedelta(milliseconds=milliseconds).total_seconds()
    assert equal(f"PT{seconds:.3f}S", duration(milliseconds))
    assert not equal(f"PT{seconds + 0.001:.3f}S", duration(milliseconds))


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(5000, "PT5S"), (500, "PT0.5S"), (90_000, "PT1M30S"), (0, "PT0S"), (3_600_000, "PT1H"), (180_000, "PT3M")],
)
def test_durations_are_written_as_dotnet_does(milliseconds: int, text: str) -> None:
    assert duration(milliseconds) == text


@pytest.mark.parametrize(
    ("wanted", "live", "same"),
    [
        (ID, ID.replace("resourceGroups", "resourcegroups").upper(), True),
        ("PT90S", "PT1M30S", True),
        ("P1D", "PT24H", True),
        ("PT", "PT0S", False),
        ("Name", "name", False),
        ({"a": "1"}, {"a": "1", "policy": "2"}, True),
        ({"a": "1"}, {"b": "1"}, False),
        ({"a": "1"}, None, False),
        ([1, 2], [1, 2, 3], False),
        (UNKNOWN, "whatever", True),
        (0, None, False),
        (False, False, True),
        ("", "", True),
    ],
)
def test_equal_means_the_same_to_arm(wanted: Any, live: Any, same: bool) -> None:
    assert equal(wanted, live) is same


class Thing(Handler):
    what = "thing"
    identity = frozenset({"workspaceId", "name", "location"})
    silent = frozenset({"path"})

    def __init__(self, live: dict[str, Any] | None) -> None:
        self.live = live

    def arm_id(self, inputs: dict[str, Any]) -> Any:
        return inputs["name"]

    def look(self, _work: Any, _id: Any) -> Live | None:  # type: ignore[override]
        return None if self.live is None else Live(self.live, {"computed": 1})


def difference(old: dict[str, Any], new: dict[str, Any], live: dict[str, Any] | None) -> Difference:
    return Thing(live).difference(None, old, {}, new)  # type: ignore[arg-type]


BASE = {"workspaceId": ID, "name": "n", "location": "West Europe", "tags": {"a": "1"}, "path": "/one"}


@pytest.mark.parametrize(
    ("change", "changed", "replaced"),
    [
        ({}, set(), set()),
        ({"path": "/two"}, set(), set()),
        ({"tags": {"a": "2"}}, {"tags"}, set()),
        ({"name": "m"}, {"name"}, {"name"}),
        ({"location": "northeurope"}, {"location"}, {"location"}),
        ({"location": "westeurope"}, set(), set()),
        ({"workspaceId": ID.upper()}, set(), set()),
        ({"location": None}, set(), set()),
        ({"name": UNKNOWN}, {"name"}, {"name"}),
    ],
)
def test_inputs_against_inputs(change: dict[str, Any], changed: set[str], replaced: set[str]) -> None:
    found = difference(BASE, BASE | change, BASE)
    assert (found.changed, found.replaced) == (changed, replaced)


def test_live_against_inputs() -> None:
    assert difference(BASE, BASE, {**BASE, "tags": {"a": "9"}}).drifted.keys() == {"tags"}
    assert difference(BASE, BASE, {**BASE, "tags": {"a": "1", "theirs": "x"}}).drifted == {}
    assert difference(BASE, BASE, None).drifted.keys() == {"gone"}


def test_a_remark_never_quotes_the_values_of_a_map() -> None:
    variables = {"variables": {"TOKEN": "hunter2"}}
    remark = difference(BASE | variables, BASE | variables, BASE | {"variables": {"TOKEN": "hunter3"}}).drifted
    assert "TOKEN" in remark["variables"]
    assert "hunter" not in str(remark)


def test_a_refresh_takes_only_what_differs() -> None:
    """Not what others added: as an input it would be ours to remove."""
    live = {"workspaceId": ID, "name": "n", "location": "westeurope", "tags": {"a": "9", "theirs": "x"}, "more": 1}
    found = Thing(live).read(None, ID, BASE)  # type: ignore[arg-type]
    assert found is not None
    inputs, state = found
    assert inputs == {**BASE, "tags": {"a": "9"}}
    assert state == {**inputs, "computed": 1}


def test_an_import_takes_everything() -> None:
    live = {"name": "n", "tags": {"a": "9"}}
    assert Thing(live).read(None, ID, {}) == (live, {**live, "computed": 1})  # type: ignore[arg-type]
