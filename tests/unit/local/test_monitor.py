"""Time series from counts: percentiles, lag and the language of time, against plain computation."""

import math
from datetime import timedelta

import isodate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azml_gateway.counts import Second, step
from azml_local.monitor import durations, query
from azml_local.monitor.definitions import ENDPOINT
from azml_local.monitor.series import Series, series

TEN = 1_767_607_200
"""2026-01-05T10:00:00Z."""


def ask(name: str, seconds: list[Second], ready: float = math.inf, **given: str) -> list[Series]:
    asked = query.read(ENDPOINT, {"metricnames": name, **given}, 1, now=TEN + 3600)
    (metric,) = asked.metrics
    return series(metric, asked, seconds, lambda second: second.live.items(), ready)


@given(st.lists(st.floats(0.0001, 200), min_size=1, max_size=300), st.sampled_from([50, 90, 95, 99]))
def test_percentiles_are_the_nearest_rank_within_a_percent(latencies: list[float], rank: int) -> None:
    live: dict[tuple[str, int, int, int], int] = {}
    for latency in latencies:
        key = ("blue", 200, 200, step(latency))
        live[key] = live.get(key, 0) + 1
    (found,) = ask(f"RequestLatency_P{rank}", [Second(TEN, live=live)])
    expected = sorted(latencies)[math.ceil(len(latencies) * rank / 100) - 1] * 1000
    assert found.points[0] == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("ready", "expected"), [(59, [None, None]), (60, [1, None]), (119, [1, None]), (120, [1, 2])])
def test_a_sample_is_there_when_its_minute_and_the_lag_are_over(ready: int, expected: list[float | None]) -> None:
    counted = [Second(TEN, live={("blue", 200, 200, 1): 1}), Second(TEN + 60, live={("blue", 200, 200, 1): 2})]
    found = ask("RequestsPerMinute", counted, TEN + ready, timespan="2026-01-05T10:00:00Z/2026-01-05T10:02:00Z")
    assert [one.points for one in found] == ([] if expected == [None, None] else [expected])


@pytest.mark.parametrize(
    ("timespan", "since", "until"),
    [
        ("2026-01-05T10:00:30Z/2026-01-05T10:05:00Z", TEN, TEN + 300),  # points begin at whole intervals
        ("2026-01-05T11:00:00+01:00/PT5M", TEN, TEN + 300),
        ("2026-01-05T11:00:00 01:00/PT5M", TEN, TEN + 300),  # a plus sign that nobody encoded
        ("PT5M/2026-01-05T10:05:00.000Z", TEN, TEN + 300),
        ("PT5M", TEN + 3300, TEN + 3600),
        (None, TEN, TEN + 3600),
    ],
)
def test_timespans(timespan: str | None, since: int, until: int) -> None:
    given = {"metricnames": "RequestsPerMinute"} | ({} if timespan is None else {"timespan": timespan})
    asked = query.read(ENDPOINT, given, 60, now=TEN + 3600)
    assert (asked.since, asked.until) == (since, until)
    assert asked.moments == list(range(since, until, 60))


@given(st.integers(1, 10_000_000))
def test_durations_are_those_of_iso_8601(total: int) -> None:
    written = durations.written(total)
    assert isodate.parse_duration(written) == timedelta(seconds=total)
    assert durations.seconds(written) == total


@pytest.mark.parametrize("text", ["", "P", "PT", "5M", "PT5", "PT1.5S", "P1M", "pt5m", "-PT5M"])
def test_what_is_no_duration(text: str) -> None:
    assert durations.seconds(text) is None
