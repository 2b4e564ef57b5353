"""From counts by the second to time series.

A sample is what a metric says of one minute (of less, where less is asked for) and one combination of its dimensions;
`average` is the mean of the samples that a point covers, as in Azure Monitor: of several minutes, and of several
combinations where the query does not split them. A point of one minute and one combination is exact.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from azml_gateway.counts import Key, Second, milliseconds
from azml_local.monitor.definitions import Metric
from azml_local.monitor.query import Query

UNKNOWN = "unknown"
"""Value of a dimension for a request that reached no deployment, or no model. Azure's is not documented."""
Values = tuple[str, ...]
"""One value for each dimension of a metric."""
Counts = Callable[[Second], Iterable[tuple[Key, int]]]
"""Which of a second's requests count."""


@dataclass(frozen=True)
class Series:
    """One time series: the values of the dimensions that it was split by, and a value (or none) for each point."""

    values: Mapping[str, str]
    points: Sequence[float | None]

    @property
    def average(self) -> float:
        """Mean of the points that have a value."""
        found = [point for point in self.points if point is not None]
        return sum(found) / len(found) if found else 0.0


def series(metric: Metric, query: Query, seconds: Iterable[Second], counts: Counts, ready: float) -> list[Series]:
    """Make the series of a metric; samples that end after `ready` (Unix time) are not there yet."""
    samples: defaultdict[Values, dict[int, float]] = defaultdict(dict)
    for at, within in _windows(query, seconds, ready):
        for values, value in _samples(metric, within, counts, query.sample_s):
            samples[values][at] = value
    split = [name for name in metric.dimensions if name.lower() in query.wanted and name.lower() not in query.merged]
    found: defaultdict[Values, list[dict[int, float]]] = defaultdict(list)
    for values, by_time in samples.items():
        named = dict(zip(metric.dimensions, values, strict=True))
        if all(_fits(named[name], query.wanted.get(name.lower(), ("*",))) for name in metric.dimensions):
            found[tuple(named[name] for name in split)].append(by_time)
    made = [
        Series({name.lower(): value for name, value in zip(split, values, strict=True)}, _points(query, parts))
        for values, parts in sorted(found.items())
    ]
    if query.order is not None:
        made.sort(key=lambda one: one.average, reverse=query.order[1])
    return made[: query.top] if query.wanted else made


def _windows(query: Query, seconds: Iterable[Second], ready: float) -> Iterator[tuple[int, list[Second]]]:
    """Sort seconds into samples."""
    windows: defaultdict[int, list[Second]] = defaultdict(list)
    for second in seconds:
        windows[second.at - (second.at - query.since) % query.sample_s].append(second)
    return ((at, within) for at, within in windows.items() if at + query.sample_s <= ready)


def _fits(value: str, wanted: Sequence[str]) -> bool:
    return "*" in wanted or value.lower() in wanted


def _points(query: Query, parts: Sequence[Mapping[int, float]]) -> list[float | None]:
    """Average the samples of all parts that begin within each point."""
    held: defaultdict[int, list[float]] = defaultdict(list)
    for part in parts:
        for at, value in part.items():
            held[0 if query.whole else (at - query.since) // query.interval_s].append(value)
    return [sum(held[n]) / len(held[n]) if n in held else None for n in range(len(query.moments))]


def _samples(metric: Metric, seconds: Sequence[Second], counts: Counts, length: int) -> Iterator[tuple[Values, float]]:
    if metric.name == "ConnectionsActive":
        yield (), sum(second.active for second in seconds) / length
    elif metric.name == "NewConnectionsPerSecond":
        yield (), sum(second.connected for second in seconds) / length
    else:
        groups: defaultdict[Values, Counter[int]] = defaultdict(Counter)
        for second in seconds:
            for key, count in counts(second):
                groups[tuple(_dimension(name, key) for name in metric.dimensions)][key[3]] += count
        for values, steps in groups.items():
            yield values, _value(metric, steps)


def _dimension(name: str, key: Key) -> str:
    deployment, status, model_status, _ = key
    match name:
        case "deployment":
            return deployment or UNKNOWN
        case "statusCodeClass":
            return f"{status // 100}xx"
        case "modelStatusCode":
            return str(model_status) if model_status else UNKNOWN
    return str(status)


def _value(metric: Metric, steps: Mapping[int, int]) -> float:
    """Make one sample of the requests by step of their latency."""
    total = sum(steps.values())
    if metric.name == "RequestsPerMinute":
        return float(total)
    if metric.percentile is None:
        return sum(milliseconds(step) * count for step, count in steps.items()) / total
    rank, seen = math.ceil(total * metric.percentile / 100), 0
    for step in sorted(steps):
        seen += steps[step]
        if seen >= rank:
            break
    return milliseconds(step)
