"""Managed online endpoints: the service's limits, defaults and instance types.

Owns numbers. Deliberately does not decide what to do about them (`azml.spec`, policies).

Sources, read in August 2026: how-to-manage-quotas.md (2026-01-27) for limits;
reference-yaml-deployment-managed-online.md (2023-10-19) and azure-mgmt-machinelearningservices 2.0.0b2 for settings;
how-to-safely-rollout-online-endpoints.md (2023-10-24) for traffic; quota-allocation-online-deployment.md for the
reserve; reference-managed-online-endpoints-vm-sku-list.md (2023-10-18 with later edits) for instance types.
"""

from __future__ import annotations

import math
from datetime import timedelta

MAX_DEPLOYMENTS = 20
"""Deployments of one endpoint (Azure raises it on request)."""
MAX_INSTANCES = 50
"""Instances of one managed deployment (Azure raises it on request)."""
MAX_MIRROR_PERCENT = 50
"""Mirrored traffic, and to one deployment only."""

REQUEST_TIMEOUT_MS = 5_000
MAX_REQUEST_TIMEOUT_MS = 180_000
MAX_CONCURRENT_REQUESTS_PER_INSTANCE = 1
MAX_QUEUE_WAIT_MS = 500

PROBE_INITIAL_DELAY_S = 10
PROBE_PERIOD_S = 10
PROBE_TIMEOUT_S = 2
PROBE_SUCCESS_THRESHOLD = 1
PROBE_FAILURE_THRESHOLD = 30

SAMPLING_RATE = 1.0
ROLLING_RATE = "hour"

METRIC_GRAIN = timedelta(minutes=1)
"""The finest grain of the service's metrics (monitor-azure-machine-learning-reference.md, 2024-07-30: PT1M)."""
FINER_METRIC_GRAINS_S = (1, 5, 10, 15, 30)
"""Those below a minute, in seconds, that the local Azure has beside Azure's (its setting `metric_grain_seconds`)."""
METRIC_LAG = timedelta(minutes=2)
"""Until a metric can be read. data-ingestion-time.md: platform metrics are "available in under a minute in the metrics
database"; another minute is the grain that has to end first."""

QUOTA_RESERVE = 1.2
"""A managed deployment takes quota for this many times its instances, so that it can be upgraded."""


def _sizes(family: str, counts: str) -> tuple[str, ...]:
    return tuple("Standard_" + family.replace("#", count) for count in counts.split())


INSTANCE_TYPES: tuple[str, ...] = (
    *_sizes("D#as_v4", "2 4 8 16 32 48 64 96"),
    *_sizes("D#a_v4", "2 4 8 16 32 48 64 96"),
    *_sizes("DS#_v2", "1 2 3 4 5"),
    *_sizes("E#s_v3", "2 4 8 16 32 48 64"),
    *_sizes("F#s_v2", "2 4 8 16 32 48 64 72"),
    *_sizes("FX#mds", "4 12 24 36 48"),
    *_sizes("L#as_v3", "8 16 32 48 64 80"),
    *_sizes("L#s_v2", "8 16 32 48 64 80"),
    *_sizes("L#s_v3", "8 16 32 48 64 80"),
    *_sizes("NC#s_v2", "6 12 24"),
    *_sizes("NC#s_v3", "6 12 24"),
    *_sizes("NC#as_T4_v3", "4 8 16 64"),
    *_sizes("NC#ads_A100_v4", "24 48 96"),
    *_sizes("NC#_H100_v5", "40ads 80adis"),
    "Standard_ND40rs_v2",
    "Standard_ND96asr_v4",
    "Standard_ND96amsr_A100_v4",
    *_sizes("ND96#_H100_v5", "is isr"),
    *_sizes("NV#ads_A10_v5", "6 12 18 36 72"),
    "Standard_NV36adms_A10_v5",
)
"""The published list. It may lag behind newer sizes."""

NEWEST_LISTED_GENERATION = 4
"""CPU sizes up to this generation (`_v4`) existed when the list was written: absent from it means not offered. A later
generation may have been added since."""

QUOTA_EXEMPT_INSTANCE_TYPES: frozenset[str] = frozenset(
    {
        *_sizes("NC#ads_A100_v4", "24 48 96"),
        *_sizes("NC#_H100_v5", "40ads 80adis"),
        "Standard_ND96amsr_A100_v4",
        "Standard_ND96asr_v4",
        "Standard_ND40rs_v2",
        *_sizes("ND96#_H100_v5", "is isr"),
    }
)
"""Sizes that take no reserve."""


def instances_in_quota(instance_type: str, instances: int) -> int:
    """Instances that count against the quota for `instances` running ones."""
    if instance_type in QUOTA_EXEMPT_INSTANCE_TYPES:
        return instances
    return math.ceil(round(QUOTA_RESERVE * instances, 6))
