"""What Azure Monitor has of the requests to a deployment: how many, with which status, how slow.

Owns the query and what its figures mean. Deliberately judges nothing.

Names, dimensions and the one aggregation, Average: supported metrics of Microsoft.MachineLearningServices/workspaces/
onlineEndpoints (2026-07-13) and .../deployments (2025-04-16). RequestsPerMinute is sampled once a minute, and Average
is the mean of the samples that a point covers; so each point asked for is one minute of one combination of dimensions
(less than a minute where the grain is less), and the mean is the number itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from azml.resources.arm_id import ArmId
from azml.resources.errors import ArmError

if TYPE_CHECKING:
    from azml.resources.arm import Arm
    from azml.spec.rollout import MetricsSpec

VERSION = "2023-10-01"
"""The stable version of Microsoft.Insights/metrics."""
MINUTE = timedelta(minutes=1)
COUNTED_AS_FAILED = frozenset({408, 424, 429})
"""Too slow, the model's own error, too many at once. Beside these every 5xx. Other 4xx are the callers' own mistakes
(a wrong key, a body too large): they count neither as failed nor as requests. 424 counts whatever the model's status
was: a model that refuses what clients send has failed them."""
MOST_SERIES = 1000
"""Azure gives 10 unless asked for more: combinations of dimensions."""


@dataclass(frozen=True)
class Figures:
    """The requests to one deployment in a window of time."""

    since: datetime
    until: datetime
    by_status: Mapping[int, int]
    """Requests by their status; callers' own mistakes are left out."""
    failures: Mapping[int, int]
    """Those of them that failed."""
    p95_ms: float | None
    """95th percentiles of the minutes, averaged by their numbers of requests: the percentile of the whole window cannot
    be made from them. None without requests."""

    @property
    def requests(self) -> int:
        """How many there were, failed ones included."""
        return sum(self.by_status.values())

    @property
    def failed(self) -> int:
        """How many failed."""
        return sum(self.failures.values())


def window(metrics: MetricsSpec, since: datetime, now: datetime) -> tuple[datetime, datetime] | None:
    """The whole grains that began after `since` and are old enough to be read; None where there is none yet."""
    grain = metrics.grain.total_seconds()
    begin = -(-since.timestamp() // grain) * grain
    end = (now - metrics.lag).timestamp() // grain * grain
    if end <= begin:
        return None
    return datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(end, UTC)


def live(arm: Arm, endpoint: ArmId, deployment: str, at: tuple[datetime, datetime], metrics: MetricsSpec) -> Figures:
    """Live requests, as the endpoint counts them. `ArmError` where they cannot be read."""
    name = deployment.replace("'", "''")
    of = f"deployment eq '{name}'"
    every = " and ".join(f"{dimension} eq '*'" for dimension in ("statusCode", "statusCodeClass", "modelStatusCode"))
    counts = _read(arm, endpoint, "RequestsPerMinute", at, metrics, f"{of} and {every}")
    slow = _read(arm, endpoint, "RequestLatency_P95", at, metrics, of)
    return _figures(at, counts, slow, "statuscode", copies=False)


def at_deployment(
    arm: Arm, endpoint: ArmId, deployment: str, at: tuple[datetime, datetime], metrics: MetricsSpec, *, copies: bool
) -> Figures:
    """Requests as the deployment itself counts them. `ArmError` where they cannot be read.

    Of `copies` every 4xx is a failure: callers' own mistakes are refused by the endpoint, and not copied.
    """
    scope = endpoint.child("deployments", deployment)
    counts = _read(arm, scope, "RequestsPerMinute", at, metrics, "envoy_response_code eq '*'")
    slow = _read(arm, scope, "RequestLatency_P95", at, metrics, None)
    return _figures(at, counts, slow, "envoy_response_code", copies=copies)


def _read(
    arm: Arm, scope: ArmId, metric: str, at: tuple[datetime, datetime], metrics: MetricsSpec, only: str | None
) -> list[dict[str, Any]]:
    """The time series of a metric."""
    query = {
        "metricnames": metric,
        "timespan": "/".join(moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in at),
        "interval": interval(min(metrics.grain, MINUTE)),
        "aggregation": "Average",
        **({} if only is None else {"$filter": only, "top": str(MOST_SERIES)}),
    }
    answer = arm.get(f"{scope.text}/providers/Microsoft.Insights/metrics", VERSION, query)
    found: list[dict[str, Any]] = []
    for value in answer.get("value", []):
        if value.get("errorCode", "Success") != "Success":
            raise ArmError(str(value["errorCode"]), str(value.get("errorMessage") or f"{metric} could not be read"))
        found += value.get("timeseries", [])
    return found


def interval(length: timedelta) -> str:
    """A grain as the query has it."""
    seconds = int(length.total_seconds())
    return "PT1M" if seconds == 60 else f"PT{seconds}S"


def _figures(
    at: tuple[datetime, datetime],
    counts: list[dict[str, Any]],
    slow: list[dict[str, Any]],
    dimension: str,
    *,
    copies: bool,
) -> Figures:
    by_status: dict[int, int] = {}
    by_time: dict[str, float] = {}
    for one in counts:
        status = _dimension(one, dimension)
        for moment, number in _points(one):
            by_time[moment] = by_time.get(moment, 0) + number
            if status is not None and (copies or status < 400 or _failed(status)):
                by_status[status] = by_status.get(status, 0) + round(number)
    failures = {status: n for status, n in by_status.items() if (status >= 400 if copies else _failed(status))}
    return Figures(*at, by_status, failures, _weighted([point for one in slow for point in _points(one)], by_time))


def _failed(status: int) -> bool:
    return status >= 500 or status in COUNTED_AS_FAILED


def _weighted(points: list[tuple[str, float]], weights: Mapping[str, float]) -> float | None:
    total = sum(weights.get(moment, 0) for moment, _ in points)
    if not total:
        return None
    return sum(value * weights.get(moment, 0) for moment, value in points) / total


def _points(one: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for point in one.get("data", []):
        if point.get("average") is not None:
            yield str(point["timeStamp"]), float(point["average"])


def _dimension(one: Mapping[str, Any], name: str) -> int | None:
    """The status of a series; None where it is none: requests without an answer have a word there, or 0."""
    for pair in one.get("metadatavalues", []):
        if str(pair["name"]["value"]).lower() == name and str(pair["value"]).isdigit():
            return int(pair["value"]) or None
    return None
