"""What a query of metrics asks, read from its parameters.

Shapes and defaults: REST reference of Metrics - List, API version 2023-10-01. Texts of refusals are those that users of
the service reported. Time series are made elsewhere.
"""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from azml.facts.online_endpoints import FINER_METRIC_GRAINS_S
from azml_local.arm.errors import ArmError, not_emulated
from azml_local.monitor import durations
from azml_local.monitor.definitions import AGGREGATION, METRICS, NOT_SERVED, SAMPLED_S, Metric

AZURES_GRAINS_S = (60, 300, 900, 1800, 3600, 21600, 43200, 86400)
"""The intervals of Azure Monitor, PT1M to P1D."""
_HOUR = 3600
_MOST_POINTS = 10_000
_TOP = 10
_CLAUSE = re.compile(r"\s*(\w+)\s+(\w+)\s+'((?:[^']|'')*)'\s*")


@dataclass(frozen=True)
class Query:
    """What is asked. Times are Unix seconds, `since` on a boundary of the interval; `top` None is all."""

    metrics: Sequence[Metric]
    since: int
    until: int
    interval_s: int
    sample_s: int
    """Seconds of one sample: a minute as in Azure, less where the interval is less."""
    whole: bool
    """Whether one point stands for the whole time span (`FULL`)."""
    aggregations: Sequence[str]
    wanted: Mapping[str, Sequence[str]]
    """Values by dimension, in lower case; `*` is every value. Results are split by these dimensions."""
    merged: Sequence[str]
    """Dimensions that narrow the result and do not split it (`rollupby`)."""
    top: int
    order: tuple[str, bool] | None
    """Aggregation by which the series are sorted, and whether the largest comes first."""
    metadata: bool
    """Whether only the values of dimensions are asked for."""

    @property
    def moments(self) -> list[int]:
        """The times at which points begin."""
        return [self.since] if self.whole else list(range(self.since, self.until, self.interval_s))

    @property
    def ends(self) -> int:
        """The time at which the last point ends."""
        return self.moments[-1] + self.interval_s


def read(type_: str, given: Mapping[str, str], grain_s: int, now: float | None = None) -> Query:
    """Read the query parameters (names in lower case). Raises `ArmError`: 400, or 501 for what is not emulated."""
    _refuse_other_namespace(type_, given)
    metrics = _metrics(type_, given.get("metricnames", ""))
    since, until = _timespan(given.get("timespan"), time.time() if now is None else now)
    whole = given.get("interval", "").upper() == "FULL"
    interval = max(until - since, 1) if whole else _interval(given.get("interval"), grain_s)
    wanted = _filter(
        given.get("$filter", ""), metrics, strict=given.get("validatedimensions", "true").lower() != "false"
    )
    since = since if whole else since - since % interval
    if (until - since) / interval > _MOST_POINTS:
        raise _bad(f"The timespan holds more than {_MOST_POINTS} intervals of {durations.written(interval)}.")
    return Query(
        metrics,
        since,
        until,
        interval,
        max(grain_s, min(interval, SAMPLED_S)),
        whole,
        _aggregations(given.get("aggregation")),
        wanted,
        [name.strip().lower() for name in given.get("rollupby", "").split(",") if name.strip()],
        _top(given.get("top"), wanted),
        _order(given.get("orderby")),
        given.get("resulttype", "data").lower() == "metadata",
    )


def grains(grain_s: int) -> list[int]:
    """List the intervals that can be asked for where one sample is `grain_s` long."""
    return [each for each in (*FINER_METRIC_GRAINS_S, *AZURES_GRAINS_S) if each >= grain_s and each % grain_s == 0]


def _bad(text: str) -> ArmError:
    return ArmError(400, "BadRequest", text)


def _refuse_other_namespace(type_: str, given: Mapping[str, str]) -> None:
    namespace = given.get("metricnamespace", type_)
    if namespace.lower() != type_.lower():
        raise _bad(
            f"Detect invalid value: {namespace} for query parameter: 'metricnamespace', the value must be: {type_} if "
            "the query parameter is provided, you can also skip this optional query parameter."
        )


def _metrics(type_: str, names: str) -> list[Metric]:
    here = {metric.name.lower(): metric for metric in METRICS[type_]}
    asked = [name.strip() for name in names.split(",") if name.strip()]
    if not asked:
        raise not_emulated("a query without metricnames", f"Name what you want of {_names(type_)}.")
    for name in asked:
        if name.lower() in here:
            continue
        if name.lower() in (each.lower() for each in NOT_SERVED[type_]):
            raise not_emulated(f"the metric {name}", f"It has {_names(type_)}.")
        provider, _, kind = type_.partition("/")
        raise _bad(
            f"Failed to find metric configuration for provider: {provider}, resource Type: {kind}, metric: {name}, "
            f"Valid metrics: {_names(type_)}"
        )
    return [here[name.lower()] for name in asked]


def _names(type_: str) -> str:
    return ",".join(metric.name for metric in METRICS[type_])


def _timespan(given: str | None, now: float) -> tuple[int, int]:
    """Read START/END, or with a duration in place of either; a duration alone ends now. Default: the last hour."""
    if given is None:
        return int(now) - _HOUR, int(now)
    start, slash, end = given.partition("/")
    length, until = durations.seconds(start), durations.seconds(end)
    if not slash and length is not None:
        return int(now) - length, int(now)
    ends = _moment(end) if until is None and slash else None
    begins = _moment(start) if length is None and slash else None
    if begins is not None and until is not None:
        return begins, begins + until
    if ends is not None and length is not None:
        return ends - length, ends
    if begins is None or ends is None or begins >= ends:
        raise _bad(f"Invalid timespan: {given}, it must be two times, START/END, in ISO 8601, the earlier one first.")
    return begins, ends


def _moment(text: str) -> int | None:
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))  # a plus sign that was not encoded
    except ValueError:
        return None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def _interval(given: str | None, grain_s: int) -> int:
    allowed = grains(grain_s)
    asked = max(SAMPLED_S, grain_s) if given is None else durations.seconds(given)
    if asked not in allowed:
        supported = ",".join(durations.clock(each) for each in allowed)
        raise _bad(f"Invalid time grain duration: {given}, supported ones are: {supported}")
    return asked


def _aggregations(given: str | None) -> list[str]:
    asked = [name.strip().lower() for name in (given or AGGREGATION).split(",")]
    known = ("average", "count", "maximum", "minimum", "total", "none")
    for name in asked:
        if name not in known:
            raise _bad(f"Invalid aggregation type: {name}, supported ones are: {','.join(known)}")
    return asked


def _filter(given: str, metrics: Sequence[Metric], *, strict: bool) -> dict[str, list[str]]:
    """Read `A eq 'a' and B eq 'b1' or B eq 'b2' and C eq '*'`; `or` joins values of one dimension."""
    wanted: dict[str, list[str]] = {}
    if not given.strip():
        return wanted
    for part in re.split(r"\s+and\s+(?=(?:[^']*'[^']*')*[^']*$)", given):
        names = set()
        for clause in re.split(r"\s+or\s+(?=(?:[^']*'[^']*')*[^']*$)", part):
            found = _CLAUSE.fullmatch(clause)
            if found is None:
                raise _bad(f"Invalid $filter: '{clause.strip()}' is not of the form NAME eq 'VALUE'.")
            name, operator, value = found.groups()
            if operator.lower() != "eq":
                raise not_emulated(f"the operator {operator} in a $filter of metrics", "It has eq.")
            names.add(name.lower())
            wanted.setdefault(name.lower(), []).append(value.replace("''", "'").lower())
        if len(names) > 1:
            raise _bad(f"Invalid $filter: '{part.strip()}': 'or' cannot separate two different dimensions.")
    for metric in metrics:
        known = {name.lower() for name in metric.dimensions}
        if strict and not set(wanted) <= known:
            raise _bad(
                f"Metric: {metric.name} does not support requested dimension combination: {','.join(wanted)}, "
                f"supported ones are: {','.join(metric.dimensions)}"
            )
    return wanted


def _top(given: str | None, wanted: Mapping[str, Sequence[str]]) -> int:
    if given is None:
        return _TOP
    if not given.isdigit() or int(given) == 0:
        raise _bad(f"Invalid top: {given}, it must be a whole number from 1.")
    if not wanted:
        raise _bad("The parameter top is valid only if $filter is specified.")
    return int(given)


def _order(given: str | None) -> tuple[str, bool] | None:
    if given is None:
        return None
    aggregation, _, direction = given.strip().lower().partition(" ")
    if direction.strip() not in ("", "asc", "desc"):
        raise _bad(f"Invalid orderby: {given}, it must be an aggregation, and asc or desc.")
    return aggregation, direction.strip() == "desc"
