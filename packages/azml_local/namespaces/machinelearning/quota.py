"""Cores that online deployments may take in a region, with the service's 20 % reserve: by VM family and in total."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from azml.facts import online_endpoints, vm_sizes
from azml_local.arm.errors import ArmError
from azml_local.arm.store import Resource

ALL_SIZES = "*"
_SIZE = re.compile(r"Standard_([A-Z]+)\d+(?:-\d+)?([a-z]*)(\w*)", re.IGNORECASE)


class Quota(NamedTuple):
    """Cores of a family (`*`: of all) that are used, and how many may be. None: no limit."""

    family: str
    used: int
    limit: int | None


def family(size: str) -> str:
    """The family that a size's quota is counted in: DS2_v2 and DS3_v2 are of standardDSv2Family.

    By the rule of most names in ARM's own example (vmSizes, 2023-04-01); Azure spells a few GPU families otherwise.
    """
    found = _SIZE.fullmatch(size)
    if found is None:
        return size
    series, features, rest = found.groups()
    return f"standard{series.upper()}{features.upper()}{rest.replace('_', '')}Family"


def cores_needed(instance_type: str, instances: int) -> int:
    """Cores that count for `instances` of a size, reserve included."""
    size = vm_sizes.find(instance_type)
    if size is None:
        return 0
    return online_endpoints.instances_in_quota(size.name, instances) * size.cores


def quotas(limits: Mapping[str, int], deployments: Iterable[Resource]) -> list[Quota]:
    """The region's quotas, the total first. `limits` is the setting `quota_cores`: by size, or by family."""
    used: dict[str, int] = defaultdict(int)
    for each in deployments:
        for name in (ALL_SIZES, family(_size(each))):
            used[name] += cores_needed(_size(each), each.body["sku"]["capacity"])
    allowed: dict[str, int] = {}
    for name, limit in limits.items():
        key = name if name == ALL_SIZES else family(name)
        allowed[key] = min(limit, allowed.get(key, limit))
    families = sorted((used.keys() | allowed.keys()) - {ALL_SIZES})
    return [Quota(name, used[name], allowed.get(name)) for name in (ALL_SIZES, *families)]


def problems(limits: Mapping[str, int], instance_type: str, instances: int, others: list[Resource]) -> list[ArmError]:
    """Tell where a deployment goes beyond the limits, `others` being there already."""
    found = []
    for name, used, limit in quotas(limits, others):
        needed = cores_needed(instance_type, instances)
        if name in (ALL_SIZES, family(instance_type)) and limit is not None and used + needed > limit:
            what = "all sizes together" if name == ALL_SIZES else name
            text = (
                f"Not enough quota available for {instance_type}. Current usage/limit of {what}: {used}/{limit} cores. "
                f"Additional needed: {needed} ({instances} instances and a reserve of 20 % for upgrades). Please see "
                "troubleshooting guide, available here: https://aka.ms/oe-tsg#error-outofquota"
            )
            found.append(ArmError(400, "OutOfQuota", text))
    return found


def _size(resource: Resource) -> str:
    return str(resource.properties["instanceType"])
