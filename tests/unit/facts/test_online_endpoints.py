"""Limits and quota of managed online endpoints."""

import pytest

from azml.facts.online_endpoints import INSTANCE_TYPES, QUOTA_EXEMPT_INSTANCE_TYPES, instances_in_quota


@pytest.mark.parametrize(
    ("instance_type", "instances", "counted"),
    [
        ("Standard_DS3_v2", 10, 12),  # Azure's own example: 10 × 4 cores take 48
        ("Standard_DS3_v2", 1, 2),
        ("Standard_DS3_v2", 5, 6),
        ("Standard_DS3_v2", 0, 0),
        ("Standard_NC24ads_A100_v4", 3, 3),
    ],
)
def test_a_fifth_is_reserved_for_upgrades(instance_type: str, instances: int, counted: int) -> None:
    assert instances_in_quota(instance_type, instances) == counted


def test_exempt_sizes_are_managed_ones() -> None:
    assert set(INSTANCE_TYPES) >= QUOTA_EXEMPT_INSTANCE_TYPES
    assert len(INSTANCE_TYPES) == len(set(INSTANCE_TYPES))
