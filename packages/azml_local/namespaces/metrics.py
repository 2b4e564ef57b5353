"""Microsoft.Insights/metrics and metricDefinitions of online endpoints and their deployments.

Owns Azure Monitor's answers. What is counted, and how, is `azml_local.monitor`'s.
"""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from azml_gateway.counts import Key, Second
from azml_local.arm.call import Answer, Call
from azml_local.arm.errors import not_emulated
from azml_local.arm.ids import ResourceId
from azml_local.arm.types import ResourceType
from azml_local.monitor import durations, query
from azml_local.monitor.definitions import AGGREGATION, ENDPOINT, METRICS, Metric
from azml_local.monitor.series import Series, series

_RETENTION = "P93D"
_EVIDENCE = (
    "REST reference of Azure Monitor metrics 2023-10-01; names and dimensions: supported metrics 2026-07-13; averages: "
    "metrics-aggregation-explained"
)


class Metrics(ResourceType):
    """What was measured."""

    type = "Microsoft.Insights/metrics"
    evidence = _EVIDENCE
    operations = ("LIST",)

    def listed(self, scope: ResourceId | None, call: Call) -> Answer:
        """Answer a query."""
        about = _measured(scope)
        settings = self.azure.settings
        asked = query.read(about.type, call.query, settings.metric_grain_seconds)
        seconds = list(self.azure.plane.counts(str(_endpoint(about)), asked.since, asked.ends))
        ready = time.time() - settings.metric_lag_seconds
        counts = _Counts(about, settings.mirrored_requests)
        value = [
            _metric(about, metric, asked, [] if refused else series(metric, asked, seconds, counts, ready), refused)
            for metric in asked.metrics
            for refused in [_refused(asked)]
        ]
        endpoint = self.azure.store.get(_endpoint(about))
        body = {
            "cost": max((asked.until - asked.since) // 60 - 1, 0) * len(value),
            "timespan": f"{_written(asked.since)}/{_written(asked.until)}",
            "interval": durations.written(asked.interval_s),
            "value": value,
            "namespace": about.type.lower(),
            "resourceregion": "" if endpoint is None else endpoint.body["location"],
        }
        return Answer(200, body)


class MetricDefinitions(ResourceType):
    """What can be measured."""

    type = "Microsoft.Insights/metricDefinitions"
    evidence = _EVIDENCE
    operations = ("LIST",)

    def listed(self, scope: ResourceId | None, _call: Call) -> Answer:
        """List the metrics that are served."""
        about = _measured(scope)
        return Answer(200, {"value": [self._definition(about, metric) for metric in METRICS[about.type]]})

    def _definition(self, about: ResourceId, metric: Metric) -> dict[str, Any]:
        grains = query.grains(self.azure.settings.metric_grain_seconds)
        return {
            "id": f"{about}/providers/microsoft.insights/metricdefinitions/{metric.name}",
            "resourceId": str(about),
            "namespace": about.type,
            "name": {"value": metric.name, "localizedValue": metric.title},
            "displayDescription": metric.description,
            "isDimensionRequired": False,
            "unit": metric.unit,
            "primaryAggregationType": AGGREGATION,
            "supportedAggregationTypes": [AGGREGATION],
            "metricAvailabilities": [
                {"timeGrain": durations.written(grain), "retention": _RETENTION} for grain in grains
            ],
            "dimensions": [{"value": name, "localizedValue": name} for name in metric.dimensions],
        }


class _Counts:
    """Chooses what counts for a resource: live requests, and copies as the settings say."""

    def __init__(self, about: ResourceId, mirrored: str) -> None:
        self._deployment = None if about.type == ENDPOINT else about.name
        self._copies = mirrored == "both" or (mirrored == "deployment" and self._deployment is not None)

    def __call__(self, second: Second) -> Iterable[tuple[Key, int]]:
        """List the counts of a second."""
        found = [*second.live.items(), *(second.mirror.items() if self._copies else ())]
        return [(key, count) for key, count in found if self._deployment in (None, key[0])]


def _measured(scope: ResourceId | None) -> ResourceId:
    if scope is None or scope.type not in METRICS:
        what = "the tenant" if scope is None else scope.type
        raise not_emulated(f"metrics of {what}", f"It has those of {', '.join(METRICS)}.")
    return scope


def _endpoint(about: ResourceId) -> ResourceId:
    found = about.ancestor(ENDPOINT)
    assert found is not None  # noqa: S101 - tells the type checker what METRICS holds
    return found


def _refused(asked: query.Query) -> dict[str, str]:
    """Say what is wrong with an aggregation that these metrics do not have, as the reference's example does."""
    odd = [name for name in asked.aggregations if name != AGGREGATION.lower()]
    if not odd:
        return {}
    text = f"Sampling type is not found. SamplingType: {', '.join(odd)}; there is {AGGREGATION}."
    return {"errorCode": "InvalidSamplingType", "errorMessage": text}


def _metric(
    about: ResourceId, metric: Metric, asked: query.Query, found: list[Series], refused: dict[str, str]
) -> dict[str, Any]:
    return {
        "id": f"{about}/providers/Microsoft.Insights/metrics/{metric.name}",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": metric.name, "localizedValue": metric.title},
        "displayDescription": metric.description,
        "unit": metric.unit,
        "timeseries": [_timeseries(one, asked) for one in found],
        **(refused or {"errorCode": "Success"}),
    }


def _timeseries(one: Series, asked: query.Query) -> dict[str, Any]:
    names = [
        {"name": {"value": name, "localizedValue": name}, "value": value} for name, value in sorted(one.values.items())
    ]
    if asked.metadata:
        return {"metadatavalues": names}
    return {
        "metadatavalues": names,
        "data": [
            {"timeStamp": _written(at), **({} if value is None else {"average": value})}
            for at, value in zip(asked.moments, one.points, strict=True)
        ],
    }


def _written(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


DECLARED = (Metrics, MetricDefinitions)
