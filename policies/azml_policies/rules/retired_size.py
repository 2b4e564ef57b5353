"""VM sizes outlive what runs on them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from azml.facts import vm_sizes
from azml_policies.rule import PASS, Resource, Rule, Run, Severity, Verdict, fail, unknown
from azml_policies.serving import on_kubernetes, setting
from azml_policies.tokens import BATCH_DEPLOYMENT, CLUSTER, COMPUTE, DEPLOYMENT, OUR_DEPLOYMENT, POOL
from azml_policies.values import UNKNOWN, Unknown, at, listed

NOTICE = "notice_days"


def judge(resource: Resource, run: Run) -> Verdict:
    """Judge every VM size that a resource names."""
    sizes = list(_sizes(resource))
    until = run.today + timedelta(days=int(run.config[NOTICE]))
    wrong: list[str] = []
    for size in sizes:
        known = vm_sizes.find(size) if isinstance(size, str) else None
        if known and known.retirement and known.retirement <= until:
            gone = "was retired" if known.retirement <= run.today else "is retired"
            wrong.append(f"{known.name} {gone} on {known.retirement}.")
    if wrong:
        return fail(" ".join(dict.fromkeys(wrong)))
    missing = [size for size in sizes if size is not None and (not isinstance(size, str) or not vm_sizes.find(size))]
    if missing:
        named = [size for size in missing if isinstance(size, str)]
        table = f"{', '.join(named)} is not in the table of VM sizes." if named else "a VM size is not known."
        return unknown(table, "check the size's name and its retirement", later=not named)
    return PASS


def _sizes(resource: Resource) -> Iterator[Any]:
    if resource.type == COMPUTE:
        yield resource.at("properties", "properties", "vmSize")
        yield resource.at("properties", "properties", "agentVmSize")
    elif resource.type == CLUSTER:
        pools = listed(resource.at("agentPoolProfiles"))
        yield from [UNKNOWN] if isinstance(pools, Unknown) else [at(pool, "vmSize") for pool in pools]
    elif resource.type == POOL:
        yield resource.at("vmSize")
    elif resource.type == BATCH_DEPLOYMENT:
        yield setting(resource, "resources", "instanceType")
    elif on_kubernetes(resource) is not True:  # there it is the name of an InstanceType of the cluster
        yield setting(resource, "instanceType")


RULE = Rule(
    id="retired-size",
    title="VM sizes are not retired, and not about to be",
    severity=Severity.HIGH,
    cause="A VM size whose series Azure has retired, or retires within notice_days (365).",
    explanation=(
        'Azure stops what still runs on a retired size, and makes nothing new on it ("Retired Azure VM size series",'
        " 2025-06-13 with later edits; NP-series: np-series.md, 2026-04-13)."
    ),
    remedy="a size of a current series; a new release under the other size takes over the traffic",
    types=frozenset({DEPLOYMENT, OUR_DEPLOYMENT, BATCH_DEPLOYMENT, COMPUTE, CLUSTER, POOL}),
    judge=judge,
    schema={
        NOTICE: {
            "type": "integer",
            "minimum": 0,
            "default": 365,
            "description": "Days before a retirement from which a size is a finding",
        }
    },
)
