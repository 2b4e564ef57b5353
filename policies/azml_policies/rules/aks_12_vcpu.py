"""AKS clusters that serve models have at least 12 vCPUs, unless they are for development and test.

A cluster that Azure ML makes is judged as soon as its size and count are known. An attach, or the ML extension, is
judged for the cluster that it is about: in a preview once the program has run to its end, because only then it is known
what belongs to what; in an update before it is touched.
"""

from collections.abc import Iterator

from azml.facts.aks_clusters import (
    DEFAULT_PURPOSE,
    DEV_TEST,
    DEV_TEST_VCPUS,
    EXTENSION_TYPE,
    FPGA_SAMPLE,
    MIN_NODES,
    MIN_VCPUS,
)
from azml_policies.clusters import Capacity, is_cluster, is_pool_of, nodes, of_cluster, parse, purpose
from azml_policies.rule import PASS, Resource, Rule, Run, Severity, Stack, Verdict, fail, remark, unknown
from azml_policies.tokens import CLUSTER, COMPUTE, EXTENSION, POOL
from azml_policies.values import UNKNOWN, Unknown

TAG = "purpose_tag"
_ARC = "/providers/microsoft.kubernetes/connectedclusters/"
"""Clusters elsewhere, which are no AKS clusters."""


def judge(resource: Resource, run: Run) -> Verdict:
    """Judge one resource by what is known before it is touched."""
    tag = str(run.config[TAG])
    if resource.type == EXTENSION or resource.at("properties", "resourceId") is not None:
        if run.preview:
            return PASS  # judge_stack decides: now is too early
        return _of(resource, Stack(run.seen), tag) if _concerns(resource) is not False else PASS
    kind = resource.at("properties", "computeType")
    if resource.at("properties") is None or (isinstance(kind, str) and kind.lower() != "aks"):
        return PASS
    if not isinstance(kind, str):
        return unknown("whether it is an AKS cluster is not known.", later=kind is UNKNOWN)
    inside = "properties", "properties"
    capacity = Capacity(
        (nodes(resource.name, resource.at(*inside, "agentVmSize"), resource.at(*inside, "agentCount")),)
    )
    return _floor(capacity, purpose(resource, None, tag))


def judge_stack(stack: Stack, run: Run) -> Iterator[tuple[Resource, Verdict]]:
    """Judge every attach and extension of a preview."""
    if not run.preview:
        return
    for resource in stack.resources.values():
        if resource.type == EXTENSION or resource.at("properties", "resourceId") is not None:
            concerns = _concerns(resource)
            if concerns is None:
                yield resource, unknown("whether it is about an AKS cluster is not known.")
            elif concerns:
                yield resource, _of(resource, stack, str(run.config[TAG]))


def _concerns(resource: Resource) -> bool | None:
    """Whether an attach or an extension makes an AKS cluster serve; None where that is not known."""
    if resource.type == COMPUTE:
        kind, id_ = resource.at("properties", "computeType"), resource.text("properties", "resourceId")
        if isinstance(id_, str) and _ARC in id_.lower():
            return False
        return kind.lower() in {"aks", "kubernetes"} if isinstance(kind, str) else None
    if resource.type != EXTENSION:
        return False
    asked = {
        "extensionType": EXTENSION_TYPE.lower(),
        "clusterRp": "microsoft.containerservice",
        "clusterResourceName": "managedclusters",
    }
    found = [(resource.at(name), wanted) for name, wanted in asked.items()]
    if any(isinstance(value, str) and value.lower() != wanted for value, wanted in found):
        return False
    return True if all(isinstance(value, str) for value, _ in found) else None


def _of(resource: Resource, stack: Stack, tag: str) -> Verdict:
    """The verdict on the cluster that an attach or an extension is about."""
    cluster = _cluster(resource, stack)
    is_for = purpose(resource, cluster if isinstance(cluster, Resource) else None, tag)
    if _exempt(is_for) and not isinstance(cluster, Resource):
        return PASS
    if not isinstance(cluster, Resource):
        return cluster
    pools = [each for each in stack.resources.values() if _belongs(each, cluster, stack)]
    verdict = _floor(of_cluster(cluster, pools), is_for)
    late = [] if not stack.depends else [each for each in pools if each.urn not in _waited_for(resource, stack)]
    before = of_cluster(cluster, [each for each in pools if each not in late])
    if verdict.outcome == "pass" and late and not _exempt(is_for) and before.vcpus < MIN_VCPUS:
        names = ", ".join(each.name for each in late)
        return unknown(
            f"{before.words} without {names}, which it does not wait for.",
            f"let {resource.name} wait for the cluster's pools: depends_on=[{names}]",
        )
    if verdict.outcome == "fail" and not stack.depends:
        return fail(f"{verdict.what} Pools that are made later do not count.", verdict.remedy)
    return verdict


def _cluster(resource: Resource, stack: Stack) -> Resource | Verdict:
    """The cluster, or why there is none to be judged."""
    clusters = {urn: each for urn, each in stack.resources.items() if each.type == CLUSTER}
    if resource.type == COMPUTE:
        key, id_ = "properties", resource.text("properties", "resourceId")
        named = parse(id_) if isinstance(id_, str) else None
        shown = id_
    else:
        group, name = resource.text("resourceGroupName"), resource.text("clusterName")
        key, shown = "clusterName", name
        named = (group, name) if isinstance(group, str) and isinstance(name, str) else None
    if named is not None:
        found = [each for each in clusters.values() if is_cluster(each, *named)]
    else:
        used = stack.uses.get(resource.urn, {}).get(key, frozenset())
        found = [each for urn, each in clusters.items() if urn in used]
    if len(found) == 1:
        return found[0]
    if isinstance(shown, str) and (named is not None or resource.type == COMPUTE):
        return unknown(
            f"the cluster {shown} is not in the program, so its pools are not known.",
            "describe the cluster in the program, or waive the rule for it with the count of its vCPUs as the reason",
            later=False,
        )
    return unknown("which cluster it is about is not known.")


def _belongs(each: Resource, cluster: Resource, stack: Stack) -> bool:
    return each.type == POOL and (
        is_pool_of(each, cluster) or cluster.urn in stack.uses.get(each.urn, {}).get("resourceName", ())
    )


def _waited_for(resource: Resource, stack: Stack) -> set[str]:
    """URNs that must be there before a resource is."""
    found, left = set[str](), [resource.urn]
    while left:
        for urn in stack.depends.get(left.pop(), frozenset()) - found:
            found.add(urn)
            left.append(urn)
    return found


def _exempt(is_for: str | Unknown | None) -> bool:
    return isinstance(is_for, str) and is_for.replace("_", "").lower() == DEV_TEST.lower()


def _floor(capacity: Capacity, is_for: str | Unknown | None) -> Verdict:
    """The rule itself."""
    if _exempt(is_for):
        if not capacity.unknown and capacity.vcpus < DEV_TEST_VCPUS:
            return remark(f"{capacity.words}; Microsoft recommends at least {DEV_TEST_VCPUS} for {DEV_TEST}.")
        return PASS
    if gaps := capacity.unknown:
        what = "; ".join(f"{each.where}: {each.why}" for each in gaps)
        return unknown(
            f"how many vCPUs the cluster has is not known: {what}.",
            "write size and count of every pool (minCount where it is autoscaled), in numbers and names of Azure",
            later=all(each.later for each in gaps),
        )
    if capacity.vcpus >= MIN_VCPUS:
        if capacity.count < MIN_NODES:
            return remark(
                f"{capacity.words} on {capacity.count} nodes; Microsoft asks for at least {MIN_NODES} nodes.",
                f"spread it over {MIN_NODES} nodes or more",
            )
        return PASS
    if isinstance(is_for, Unknown):
        return unknown(f"{capacity.words}, and what the cluster is for is not known.")
    given = f"its purpose is {is_for}" if is_for else f"it gives no purpose, so it is {DEFAULT_PURPOSE}"
    return fail(f"{capacity.words}; {given}, which takes at least {MIN_VCPUS}.{_sample(capacity)}", _more(capacity))


def _sample(capacity: Capacity) -> str:
    size, count = FPGA_SAMPLE
    if all((each.size, each.count) != (size, count) for each in capacity.nodes):
        return ""
    return (
        f" That is the cluster of Microsoft's own FPGA sample ({count} × {size}, 6 vCPU):"
        f" it is refused unless its purpose is {DEV_TEST}."
    )


def _more(capacity: Capacity) -> str:
    exempt = f"clusterPurpose: {DEV_TEST}, if no production depends on it"
    if len(capacity.nodes) != 1 or not capacity.nodes[0].vcpus:
        return f"raise the pools' counts (minCount where autoscaled) to {MIN_VCPUS} vCPU in all; or {exempt}"
    only = capacity.nodes[0]
    count = -(-MIN_VCPUS // (only.vcpus or 1))
    return f"{count} × {only.size} or more; or {exempt}"


RULE = Rule(
    id="aks-12-vcpu",
    title="An AKS cluster that serves models has at least 12 vCPUs",
    severity=Severity.CRITICAL,
    cause=(
        "An ML compute of type AKS with agentCount × vCPU(agentVmSize) below 12; or a ManagedCluster that an ML compute"
        " attaches, or that carries the extension Microsoft.AzureML.Kubernetes, whose pools have fewer than 12 vCPUs:"
        " the sum over its pools of minCount (where autoscaled, else count) × vCPU(vmSize), AgentPool resources"
        " included. vCPUs are the usable ones (of Standard_E4-2s_v5: 2)."
    ),
    explanation=(
        "Microsoft: unless the cluster's purpose is DevTest, \"you need to make sure agent_count multiplied by vm_size"
        ' is greater than or equal to 12 virtual CPUs" (how-to-deploy-azure-kubernetes-service.md, 2020-01-16). The'
        " purpose is clusterPurpose of the compute or the extension's settings, else a tag (cluster_purpose) there or"
        " on the cluster, else FastProd. Fewer than 3 nodes, and a DevTest cluster with fewer than 2 vCPUs, are"
        " remarked on. Microsoft's own FPGA sample (1 × Standard_PB6s, 6 vCPU, no purpose) is below the floor: it is"
        " refused unless its purpose is DevTest. A size or count that is not known never passes: a preview says so, an"
        " update refuses before the attach or the extension is touched."
    ),
    remedy="raise count or size to 12 vCPUs in all, or give the purpose DevTest where no production depends on it",
    types=frozenset({COMPUTE, EXTENSION}),
    remembers=frozenset({CLUSTER, POOL}),
    judge=judge,
    judge_stack=judge_stack,
    schema={
        TAG: {
            "type": "string",
            "minLength": 1,
            "default": "cluster_purpose",
            "description": "Tag that says what a cluster is for",
        }
    },
    strict=True,
)
