"""The way of a rollout, for any maps and settings: what is live on it keeps Azure's rules and nobody's share is hurt.

Azure's rules: traffic adds up to 100 or 0, one deployment is mirrored, by 50 percent at most, and none gets requests
and copies (how-to-safely-rollout-online-endpoints, 2023-10-24). What a rollout does is played on a model of the
endpoint: its maps and its memory.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import assert_never

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azml.resources.rollout_memory import Maps, Memory, with_status
from azml.resources.rollout_plan import (
    Bake,
    Begin,
    Due,
    Held,
    Settled,
    Stage,
    Way,
    begun,
    can_go,
    leavers,
    newcomers,
    next_of,
    over,
    traffic_at,
)

NAMES = [f"{name}-{release}" for name in ("main", "other") for release in ("1", "2", "3")]


@st.composite
def shares(draw: st.DrawFn) -> dict[str, int]:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
    cuts = sorted(draw(st.lists(st.integers(1, 99), min_size=len(names) - 1, max_size=len(names) - 1, unique=True)))
    return {name: high - low for name, (low, high) in zip(names, pairwise([0, *cuts, 100]), strict=True)}


@st.composite
def maps(draw: st.DrawFn, *, may_be_empty: bool = True) -> Maps:
    traffic = draw(st.just({}) | shares() if may_be_empty else shares())
    free = [name for name in [*NAMES, "shadow"] if name not in traffic]
    mirror = draw(st.just({}) | st.builds(lambda name, share: {name: share}, st.sampled_from(free), st.integers(1, 50)))
    return Maps(traffic, mirror)


STEPS = st.sets(st.integers(1, 99), max_size=4).map(lambda steps: (*sorted(steps), 100))
WAYS = st.builds(
    Way,
    steps=STEPS,
    bake=st.sampled_from([0, 5, 600]),
    copies=st.sampled_from([0, 0, 10, 50]),
    copies_bake=st.sampled_from([0, 60]),
    gated=st.booleans(),
    keep=st.sampled_from([0, 3600]),
)


@given(shares(), shares(), st.integers(0, 100))
def test_a_map_on_the_way(before: dict[str, int], wanted: dict[str, int], percent: int) -> None:
    between = traffic_at(before, wanted, percent)
    assert sum(between.values()) == 100
    assert all(0 < share <= 100 for share in between.values())
    for name in before.keys() | wanted.keys():
        old, now, new = before.get(name, 0), between.get(name, 0), wanted.get(name, 0)
        assert min(old, new) <= now <= max(old, new), "nobody gets more, or less, than at both ends"
        if new > old:
            assert (now - old) * 100 <= (new - old) * percent, "who gains is never above the step's share"


@given(shares(), shares())
def test_the_way_is_one_way(before: dict[str, int], wanted: dict[str, int]) -> None:
    way = [traffic_at(before, wanted, percent) for percent in range(101)]
    assert (way[0], way[-1]) == (before, wanted)
    for name in before.keys() | wanted.keys():
        course = [between.get(name, 0) for between in way]
        assert course == sorted(course, reverse=wanted.get(name, 0) < before.get(name, 0))


def test_the_usual_way() -> None:
    """By hand: 10 % of 100 to the new one; of two that leave each gives in proportion."""
    assert traffic_at({"a": 100}, {"b": 100}, 10) == {"a": 90, "b": 10}
    assert traffic_at({"a": 90, "old": 10}, {"b": 90, "new": 10}, 10) == {"a": 81, "b": 9, "old": 9, "new": 1}
    assert traffic_at({"a": 60, "stays": 40}, {"b": 60, "stays": 40}, 50) == {"a": 30, "b": 30, "stays": 40}
    assert traffic_at({"a": 95, "b": 5}, {"a": 100}, 10) == {"a": 95, "b": 5}, "half a percent is none"


class Endpoint:
    """A model of an endpoint under a rollout whose gates say yes, and of every map that was live on it."""

    def __init__(self, live: Maps) -> None:
        self.live, self.memory, self.now = live, Memory(), 1000.0
        self.been = [live]
        self.steps: list[int] = []
        self.asked: list[tuple[str, ...]] = []

    def step(self, wanted: Maps, way: Way) -> bool:
        """Do what is next; whether the rollout is over."""
        match found := next_of(self.live, self.memory, wanted, way, self.now):
            case Settled():
                self.memory = over(self.memory, found.before, wanted, way.keep, self.now)
            case Held():
                pass
            case Bake():
                assert found.until > self.now
                self.now = found.until
                return False
            case Begin():
                if found.back_first:
                    self._make(found.before, replace(self.memory, progress=None))
                self.asked.append(found.newcomers)
                return self._go(found.before, found.then, wanted, way)
            case Due():
                if found.then is not None:
                    return self._go(found.before, found.then, wanted, way)
                self.memory = over(self.memory, found.before, wanted, way.keep, self.now)
            case _:
                assert_never(found)
        return True

    def up(self, wanted: Maps, way: Way, most: int = 1000) -> int:
        """Go on until the rollout is over, or for some steps; how many it took."""
        for count in range(most):
            if self.step(wanted, way):
                return count + 1
        return most

    def _go(self, before: Maps, stage: Stage, wanted: Maps, way: Way) -> bool:
        self.steps.append(stage.step)
        if stage.judged:
            self._make(stage.maps, begun(self.memory, before, wanted, stage.step, self.now))
        else:
            self._make(stage.maps, over(self.memory, before, wanted, way.keep, self.now))
        return not stage.judged

    def _make(self, live: Maps, memory: Memory) -> None:
        self.live, self.memory = live, memory
        self.been.append(live)


def is_allowed(live: Maps) -> bool:
    return (
        sum(live.traffic.values()) in (0, 100)
        and len(live.mirror) <= 1
        and all(0 < share <= 50 for share in live.mirror.values())
        and not live.traffic.keys() & live.mirror.keys()
    )


@given(maps(), maps(), WAYS)
def test_a_good_release_gets_there(before: Maps, wanted: Maps, way: Way) -> None:
    endpoint = Endpoint(before)
    endpoint.up(wanted, way)
    assert endpoint.live == wanted
    assert endpoint.memory.progress is None
    assert all(map(is_allowed, endpoint.been))
    assert len(endpoint.been) <= 2 + len(way.steps) + len(newcomers(before, wanted))
    assert endpoint.up(wanted, way) == 1, "and then there is nothing to do"
    kept = leavers(before, wanted) if way.keep else ()
    assert set(endpoint.memory.previous) == set(kept)


@given(maps(may_be_empty=False), maps(may_be_empty=False), WAYS)
def test_nobody_new_serves_unasked_or_above_the_step(before: Maps, wanted: Maps, way: Way) -> None:
    endpoint = Endpoint(before)
    endpoint.up(wanted, way)
    new = newcomers(before, wanted)
    assert endpoint.asked == ([new] if before != wanted else [])
    if new:
        shares_ = [sum(live.traffic.get(name, 0) for name in new) for live in endpoint.been]
        total = sum(wanted.traffic[name] for name in new)
        assert shares_ == sorted(shares_)
        assert all(share * 100 <= total * step for share, step in zip(shares_[1:], endpoint.steps, strict=True))


@given(maps(), maps(), maps(), WAYS, st.integers(1, 9))
def test_superseded_on_the_way(before: Maps, first: Maps, second: Maps, way: Way, done: int) -> None:
    """What served before the first rollout is what the second one begins with; nothing of the first is left over."""
    endpoint = Endpoint(before)
    ended = endpoint.up(first, way, done) < done or endpoint.memory.progress is None
    began = endpoint.live if ended else before
    endpoint.been.clear()
    endpoint.up(second, way)
    assert (endpoint.live, endpoint.memory.progress) == (second, None)
    if endpoint.been:
        outsiders = {*first.traffic} - {*began.traffic, *second.traffic}
        assert not any(name in live.traffic for live in endpoint.been for name in outsiders)
        assert not any(stage.traffic.keys() - began.traffic.keys() - second.traffic.keys() for stage in endpoint.been)


@given(maps(may_be_empty=False), maps(may_be_empty=False), WAYS, st.integers(1, 9))
def test_the_way_back_from_half_way_is_one_request(before: Maps, wanted: Maps, way: Way, done: int) -> None:
    endpoint = Endpoint(before)
    endpoint.up(wanted, way, done)
    if endpoint.memory.progress is None:
        return
    endpoint.been.clear()
    assert endpoint.up(before, way) <= 2
    assert endpoint.been in ([before], []), "nothing to move where only copies, or nothing, had moved"
    assert (endpoint.live, endpoint.memory.progress) == (before, None)


@given(shares(), shares(), WAYS)
def test_the_way_back_to_who_was_kept_is_one_request(old: dict[str, int], new: dict[str, int], way: Way) -> None:
    before, wanted, way = Maps(old), Maps(new), replace(way, keep=3600)
    if not leavers(before, wanted):
        return
    endpoint = Endpoint(before)
    endpoint.up(wanted, way)
    endpoint.been.clear()
    endpoint.up(before, way)
    assert endpoint.been == [before]
    assert set(endpoint.memory.previous) == set(leavers(wanted, before) or leavers(before, wanted)) - set(old)


@given(
    maps(may_be_empty=False), maps(may_be_empty=False), WAYS, st.integers(1, 9), st.sampled_from(["paused", "aborted"])
)
def test_what_a_person_holds_stays(before: Maps, wanted: Maps, way: Way, done: int, said: str) -> None:
    endpoint = Endpoint(before)
    endpoint.up(wanted, way, done)
    if endpoint.memory.progress is None:
        return
    endpoint.memory = with_status(endpoint.memory, "paused" if said == "paused" else "aborted")
    live, memory = endpoint.live, endpoint.memory
    endpoint.up(wanted, way)
    assert (endpoint.live, endpoint.memory) == (live, memory)
    endpoint.memory = with_status(endpoint.memory, "running")
    endpoint.up(wanted, way)
    assert endpoint.live == wanted


def test_a_change_behind_the_back_of_a_rollout_begins_it_again() -> None:
    before, wanted, way = Maps({"a": 100}), Maps({"b": 100}), Way(steps=(10, 100), bake=60)
    endpoint = Endpoint(before)
    endpoint.step(wanted, way)
    endpoint.live = Maps({"x": 100})
    found = next_of(endpoint.live, endpoint.memory, wanted, way, endpoint.now)
    assert found == Begin(before, Stage(10, Maps({"a": 90, "b": 10}), 60), ("b",), back_first=True)


def test_a_step_that_gives_a_small_share_nothing_is_left_out() -> None:
    endpoint = Endpoint(Maps({"a": 100}))
    endpoint.up(Maps({"a": 95, "b": 5}), Way(steps=(10, 50, 100)))
    assert [live.traffic for live in endpoint.been] == [{"a": 100}, {"a": 98, "b": 2}, {"a": 95, "b": 5}]


def test_each_newcomer_gets_copies_before_any_gets_requests() -> None:
    endpoint = Endpoint(Maps({"a": 100}, {"shadow": 5}))
    endpoint.up(Maps({"b": 60, "c": 40}, {"shadow": 5}), Way(steps=(50, 100), copies=10, copies_bake=60))
    assert endpoint.been == [
        Maps({"a": 100}, {"shadow": 5}),
        Maps({"a": 100}, {"b": 10}),
        Maps({"a": 100}, {"c": 10}),
        Maps({"a": 50, "b": 30, "c": 20}, {"shadow": 5}),
        Maps({"b": 60, "c": 40}, {"shadow": 5}),
    ]


@pytest.mark.parametrize(
    ("live", "wanted"),
    [
        (Maps(), Maps({"a": 100})),
        (Maps({"a": 90, "b": 10}), Maps({"a": 10, "b": 90})),
        (Maps({"a": 100}), Maps()),
        (Maps({"a": 100}), Maps({"a": 100}, {"b": 50})),
    ],
    ids=["first", "shares", "none", "mirror"],
)
def test_what_has_no_way_moves_at_once(live: Maps, wanted: Maps) -> None:
    endpoint = Endpoint(live)
    assert endpoint.up(wanted, Way(steps=(10, 50, 100), bake=600, copies=10, gated=True)) == 1
    assert endpoint.been == [live, wanted]


def timeline(way: Way) -> Iterator[tuple[float, int]]:
    endpoint = Endpoint(Maps({"a": 100}))
    began = endpoint.now
    while not endpoint.step(Maps({"b": 100}), way):
        yield endpoint.now - began, endpoint.live.traffic.get("b", 0)


def test_each_step_but_the_last_is_watched_for_the_bake_time() -> None:
    assert list(timeline(Way(steps=(10, 50, 100), bake=600))) == [(0, 10), (600, 10), (600, 50), (1200, 50)]


def test_only_the_direct_predecessor_is_kept_and_only_for_its_time() -> None:
    way = Way(keep=3600)
    endpoint = Endpoint(Maps({"a": 100}))
    endpoint.up(Maps({"b": 100}), way)
    endpoint.memory = endpoint.memory.with_retired("a", stays=True)
    assert endpoint.memory.previous == {"a": 4600}
    assert can_go(endpoint.live, endpoint.memory, Maps({"b": 100}), 4599) == ()
    assert can_go(endpoint.live, endpoint.memory, Maps({"b": 100}), 4600) == ("a",)
    endpoint.up(Maps({"c": 100}), way)
    assert endpoint.memory.previous == {"b": 4600}
    assert can_go(endpoint.live, endpoint.memory, Maps({"c": 100}), 1000) == ("a",), "an older one goes"
    assert can_go(endpoint.live, endpoint.memory, Maps({"a": 100}), 1000) == (), "who is wanted never"
