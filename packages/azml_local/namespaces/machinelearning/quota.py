"""Cores that online deployments may take in a region, with the service's 20 % reserve."""

from collections.abc import Mapping
from typing import Any

from azml.facts import online_endpoints, vm_sizes
from azml_local.arm.errors import ArmError
from azml_local.arm.store import Resource

ALL_SIZES = "*"


def cores_needed(instance_type: str, instances: int) -> int:
    """Cores that count for `instances` of a size, reserve included."""
    size = vm_sizes.find(instance_type)
    if size is None:
        return 0
    return online_endpoints.instances_in_quota(size.name, instances) * size.cores


def problems(limits: Mapping[str, int], instance_type: str, instances: int, others: list[Resource]) -> list[ArmError]:
    """Tell where a deployment goes beyond the limits (cores by size, `*` for all), `others` being there already."""
    found = []
    for name, limit in limits.items():
        if name not in (ALL_SIZES, instance_type) and name.lower() != instance_type.lower():
            continue
        used = sum(_cores(other) for other in others if name == ALL_SIZES or _size(other).lower() == name.lower())
        needed = cores_needed(instance_type, instances)
        if used + needed > limit:
            what = "all sizes together" if name == ALL_SIZES else name
            text = (
                f"Not enough quota available for {instance_type}. Current usage/limit of {what}: {used}/{limit} cores. "
                f"Additional needed: {needed} ({instances} instances and a reserve of 20 % for upgrades). Please see "
                "troubleshooting guide, available here: https://aka.ms/oe-tsg#error-outofquota"
            )
            found.append(ArmError(400, "OutOfQuota", text))
    return found


def _cores(resource: Resource) -> int:
    capacity: Any = resource.body["sku"]["capacity"]
    return cores_needed(_size(resource), capacity)


def _size(resource: Resource) -> str:
    return str(resource.properties["instanceType"])
