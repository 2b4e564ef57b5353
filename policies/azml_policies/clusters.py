"""What an AKS cluster has: nodes and vCPUs of its pools, and the cluster that something is attached to.

Owns reading clusters from inputs, and finding the pools and the purpose that belong together. Deliberately holds no
bound: that is the rule's (`rules.aks_12_vcpu`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from azml.facts import aks_clusters, vm_sizes
from azml_policies.rule import Resource
from azml_policies.tokens import CLUSTER, POOL
from azml_policies.values import UNKNOWN, Unknown, at, flag, listed, table, text, whole

_CLUSTER_ID = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/([^/]+)/providers/Microsoft\.ContainerService/managedClusters/([^/]+)/?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Nodes:
    """Nodes of one size. Count and vCPUs are None where they are not known; `why` says so."""

    where: str
    size: str
    count: int | None
    vcpus: int | None
    """Usable ones of one node."""
    why: str = ""
    later: bool = False
    """Whether the update will know."""

    @property
    def words(self) -> str:
        """`3 × Standard_D3_v2 (4 vCPU each)`."""
        return f"{self.count} × {self.size} ({self.vcpus} vCPU each)"


@dataclass(frozen=True)
class Capacity:
    """All nodes of a cluster."""

    nodes: tuple[Nodes, ...]

    @property
    def unknown(self) -> list[Nodes]:
        """Those that cannot be counted."""
        return [each for each in self.nodes if each.why]

    @property
    def vcpus(self) -> int:
        """Of all that can be counted."""
        return sum(each.count * each.vcpus for each in self.nodes if each.count is not None and each.vcpus is not None)

    @property
    def count(self) -> int:
        """Nodes, as far as they can be counted."""
        return sum(each.count for each in self.nodes if each.count is not None)

    @property
    def words(self) -> str:
        """Every pool, and the sum."""
        return f"{' + '.join(each.words for each in self.nodes) or 'no pool'} = {self.vcpus} vCPU"


def nodes(where: str, size: Any, count: Any) -> Nodes:
    """Nodes of a size and count as they stand in inputs."""
    name, number = text(size), whole(count)
    known = vm_sizes.find(name) if isinstance(name, str) else None
    vcpus = known.cores if known else None
    counted = number if isinstance(number, int) else None
    why = [] if known else [_why_size(size)]
    why += [] if counted is not None else [_why_count(count)]
    later = (size is UNKNOWN or known is not None) and (count is UNKNOWN or counted is not None)
    return Nodes(
        where, known.name if known else str(name), counted, vcpus, " and ".join(why), later=later and bool(why)
    )


def _why_size(size: Any) -> str:
    if size is None:
        return "its VM size is not given"
    if not isinstance(size, str):
        return "its VM size is not known" if size is UNKNOWN else "its VM size is no text"
    return f"{size} is not in the table of {len(vm_sizes.sizes()):,} VM sizes"


def _why_count(count: Any) -> str:
    if count is None:
        return "its count of nodes is not given"
    return "its count of nodes is not known" if count is UNKNOWN else "its count of nodes is no whole number"


def pool(where: str, inputs: Any) -> Nodes:
    """A node pool: its minimum where it is autoscaled, else its count."""
    scaled = flag(at(inputs, "enableAutoScaling"))
    if isinstance(scaled, Unknown):
        return nodes(where, at(inputs, "vmSize"), UNKNOWN)
    if scaled:
        return nodes(where, at(inputs, "vmSize"), at(inputs, "minCount"))
    count = at(inputs, "count")
    return nodes(where, at(inputs, "vmSize"), aks_clusters.DEFAULT_POOL_COUNT if count is None else count)


def of_cluster(cluster: Resource, pools: Iterable[Resource]) -> Capacity:
    """A cluster's own pools and those that are resources of their own."""
    inline = listed(cluster.at("agentPoolProfiles"))
    if isinstance(inline, Unknown):
        own = [Nodes(cluster.name, "", None, None, "its pools are not known", later=True)]
    else:
        own = [pool(str(at(each, "name") or cluster.name), each) for each in inline]
    return Capacity((*own, *(pool(each.name, each.inputs) for each in _once(pools, inline))))


def _once(pools: Iterable[Resource], inline: list[Any] | Unknown) -> Iterator[Resource]:
    """A pool that is written at the cluster and as a resource of its own is one pool."""
    written = {at(each, "name") for each in inline} - {None, UNKNOWN} if isinstance(inline, list) else set()
    return (each for each in pools if each.text("agentPoolName") not in written)


def is_cluster(resource: Resource, group: str, name: str) -> bool:
    """Whether a resource is the cluster of that name."""
    return resource.type == CLUSTER and _named(resource, group, name)


def is_pool_of(resource: Resource, cluster: Resource) -> bool:
    """Whether a resource is a pool of that cluster, as far as names tell."""
    group, name = cluster.text("resourceGroupName"), cluster.text("resourceName")
    if not isinstance(group, str) or not isinstance(name, str):
        return False
    return resource.type == POOL and _named(resource, group, name)


def _named(resource: Resource, group: str, name: str) -> bool:
    found = resource.text("resourceGroupName"), resource.text("resourceName")
    return all(isinstance(a, str) and a.lower() == b.lower() for a, b in zip(found, (group, name), strict=True))


def parse(id_: str) -> tuple[str, str] | None:
    """Resource group and name in the ARM id of a cluster."""
    found = _CLUSTER_ID.fullmatch(id_)
    return (found[1], found[2]) if found else None


def purpose(attached: Resource, cluster: Resource | None, tag: str) -> str | Unknown | None:
    """What a cluster is for: what the attach says, else a tag there, else a tag of the cluster."""
    said = [
        attached.at("properties", "properties", "clusterPurpose"),
        attached.at("configurationSettings", "clusterPurpose"),
        _tag(attached, tag),
        _tag(cluster, tag) if cluster is not None else None,
    ]
    return next((text(value) for value in said if value is not None), None)


def _tag(resource: Resource, tag: str) -> Any:
    tags: Mapping[str, Any] | Unknown = table(resource.at("tags"))
    return tags if isinstance(tags, Unknown) else tags.get(tag)
