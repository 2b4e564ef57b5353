"""Deployments stay within the quota, with the reserve that Azure takes for upgrades."""

from collections.abc import Mapping
from fnmatch import fnmatch

from azml.facts import vm_sizes
from azml.facts.online_endpoints import QUOTA_RESERVE, instances_in_quota
from azml_policies.rule import PASS, Resource, Rule, Run, Severity, Verdict, fail, unknown
from azml_policies.serving import instances, on_kubernetes, setting
from azml_policies.tokens import DEPLOYMENT, OUR_DEPLOYMENT
from azml_policies.values import UNKNOWN, table, text, whole

QUOTA = "quota"
TYPES = frozenset({DEPLOYMENT, OUR_DEPLOYMENT})


def judge(resource: Resource, run: Run) -> Verdict:
    """Judge a deployment together with those that were registered before it."""
    quota = table(run.config[QUOTA])
    if not isinstance(quota, Mapping) or not quota or on_kubernetes(resource) is True:
        return PASS
    size, count = text(setting(resource, "instanceType")), whole(instances(resource))
    if not isinstance(size, str) or not isinstance(count, int):
        return unknown("its size or its count of instances is not known.", later=UNKNOWN in (size, count))
    pattern = _covers(quota, size)
    if vm_sizes.find(size) is None or pattern is None:
        return unknown(f"no quota is configured for {size}, or it is no VM size.", later=False)
    taken = [
        (each.name, cores)
        for each in run.seen.values()
        if each.type in TYPES and (cores := _cores(each, quota, pattern)) is not None
    ]
    total = sum(cores for _, cores in taken)
    if total <= quota[pattern]:
        return PASS
    return fail(
        f"{' + '.join(f'{name} {cores}' for name, cores in taken)} = {total} cores of {pattern}, and the quota is"
        f" {quota[pattern]}.",
        f"fewer instances or smaller ones; or a quota of {total} cores, and that figure in the configuration",
    )


def _cores(deployment: Resource, quota: Mapping[str, int], pattern: str) -> int | None:
    size, count = text(setting(deployment, "instanceType")), whole(instances(deployment))
    if not isinstance(size, str) or not isinstance(count, int) or _covers(quota, size) != pattern:
        return None
    known = vm_sizes.find(size)
    return instances_in_quota(known.name, count) * known.cores if known and not on_kubernetes(deployment) else None


def _covers(quota: Mapping[str, int], size: str) -> str | None:
    return next((pattern for pattern in quota if fnmatch(size.lower(), pattern.lower())), None)


RULE = Rule(
    id="quota-factor",
    title="Managed deployments fit into the quota with Azure's reserve",
    severity=Severity.MEDIUM,
    cause=(
        f"The cores of the stack's managed online deployments, ceil({QUOTA_RESERVE} × instances) × cores of the size,"
        " are more than the quota that is configured for their sizes. Without a configured quota nothing is judged: a"
        " pack cannot ask Azure."
    ),
    explanation=(
        "Azure takes quota for 20 % more instances than run, so that it can upgrade them; some GPU sizes are exempt"
        " (quota-allocation-online-deployment.md). A deployment that does not fit fails with OutOfQuota after minutes,"
        " and a new release needs its cores beside the old one."
    ),
    remedy="fewer or smaller instances, or more quota",
    types=TYPES,
    remembers=TYPES,
    judge=judge,
    schema={
        QUOTA: {
            "type": "object",
            "default": {},
            "additionalProperties": {"type": "integer", "minimum": 0},
            "description": "Cores that there are in the region, by pattern of VM sizes: Standard_DS?_v2",
        }
    },
)
