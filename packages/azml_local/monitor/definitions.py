"""Which metrics there are: names, units, dimensions.

Source: Supported metrics for Microsoft.MachineLearningServices/workspaces/onlineEndpoints, 2026-07-13 (azure-monitor-
docs), and .../deployments, 2024-07-30. Each has one aggregation, Average, and is sampled once a minute (PT1M).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ENDPOINT = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
DEPLOYMENT = f"{ENDPOINT}/deployments"
AGGREGATION = "Average"
SAMPLED_S = 60
"""Seconds between two samples in Azure."""


@dataclass(frozen=True)
class Metric:
    """One metric. `percentile` is set for those of latency that are one."""

    name: str
    title: str
    description: str
    unit: str
    dimensions: Sequence[str] = ()
    percentile: int | None = None


def _latencies(*dimensions: str) -> list[Metric]:
    return [
        Metric(
            f"RequestLatency_P{rank}",
            f"Request Latency P{rank}",
            f"The average P{rank} request latency aggregated by all request latency values collected over the selected "
            "time period",
            "MilliSeconds",
            dimensions,
            rank,
        )
        for rank in (50, 90, 95, 99)
    ]


METRICS: Mapping[str, Sequence[Metric]] = {
    ENDPOINT: [
        Metric(
            "RequestsPerMinute",
            "Requests Per Minute",
            "The number of requests sent to online endpoint within a minute",
            "Count",
            ("deployment", "statusCode", "statusCodeClass", "modelStatusCode"),
        ),
        Metric(
            "RequestLatency",
            "Request Latency",
            "The average complete interval of time taken for a request to be responded in milliseconds",
            "MilliSeconds",
            ("deployment",),
        ),
        *_latencies("deployment"),
        Metric(
            "ConnectionsActive",
            "Connections Active",
            "The total number of concurrent TCP connections active from clients.",
            "Count",
        ),
        Metric(
            "NewConnectionsPerSecond",
            "New Connections Per Second",
            "The average number of new TCP connections per second established from clients.",
            "CountPerSecond",
        ),
    ],
    DEPLOYMENT: [
        Metric(
            "RequestsPerMinute",
            "Requests Per Minute",
            "The number of requests sent to online deployment within a minute",
            "Count",
            ("envoy_response_code",),
        ),
        *_latencies(),
    ],
}
"""Those that are served here, by the type of resource."""

NOT_SERVED: Mapping[str, Sequence[str]] = {
    ENDPOINT: ["NetworkBytes", "DataCollectionErrorsPerMinute", "DataCollectionEventsPerMinute"],
    DEPLOYMENT: [
        "CpuUtilizationPercentage",
        "CpuMemoryUtilizationPercentage",
        "DiskUtilization",
        "GpuUtilizationPercentage",
        "GpuMemoryUtilizationPercentage",
        "GpuEnergyJoules",
        "DeploymentCapacity",
        "DataCollectionErrorsPerMinute",
        "DataCollectionEventsPerMinute",
    ],
}
"""Those that Azure has and the local Azure does not."""
