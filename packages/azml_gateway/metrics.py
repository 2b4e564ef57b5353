"""What happened, counted: requests by deployment and status, the model's own status, and a latency histogram.

Counters only grow and start at zero with the process. Where they are kept or plotted is not decided here.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from typing import Any

BUCKETS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 180_000)
"""Upper bounds of the latency histogram, up to the longest request timeout of a managed endpoint; one more is open."""


class _Series:
    def __init__(self) -> None:
        self.status: Counter[int] = Counter()
        self.model_status: Counter[int] = Counter()
        self.mirrored: Counter[str] = Counter()
        self.buckets = [0] * (len(BUCKETS_MS) + 1)
        self.total_ms = 0.0


class Metrics:
    """The counts of one gateway process."""

    def __init__(self) -> None:
        self._series: defaultdict[str, _Series] = defaultdict(_Series)

    def answered(self, deployment: str, status: int, model_status: int | None, seconds: float) -> None:
        """Count a live request that ended. `deployment` is empty where none was chosen (401, 404)."""
        series = self._series[deployment]
        series.status[status] += 1
        if model_status is not None:
            series.model_status[model_status] += 1
        series.buckets[bisect_left(BUCKETS_MS, seconds * 1000)] += 1
        series.total_ms += seconds * 1000

    def mirrored(self, deployment: str, outcome: str) -> None:
        """Count a copy that was sent (`outcome` is the model's status) or not (`dropped`, `failed`)."""
        self._series[deployment].mirrored[outcome] += 1

    def snapshot(self) -> dict[str, Any]:
        """All counts, JSON-ready."""
        return {
            "latency_buckets_ms": list(BUCKETS_MS),
            "deployments": {
                name: {
                    "status": {str(code): count for code, count in sorted(series.status.items())},
                    "model_status": {str(code): count for code, count in sorted(series.model_status.items())},
                    "mirrored": dict(series.mirrored),
                    "latency": list(series.buckets),
                    "latency_total_ms": series.total_ms,
                }
                for name, series in sorted(self._series.items())
            },
        }
