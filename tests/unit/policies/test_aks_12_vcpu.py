"""The 12-vCPU floor, held against a computation of its own over the whole table of sizes.

`expected` is written from Microsoft's sentence and the table as a file; it shares no code with the rule.
"""

import csv
from pathlib import Path
from typing import Any

import pytest

from azml_policies.pack import Finding
from azml_policies.rule import Resource, Stage
from tests.unit.policies.kit import GROUP, NATIVE, UNKNOWN, pack, resource, said, stack

RULE = "aks-12-vcpu"
TABLE = Path(__file__).parents[3] / "components/azml/facts/azure_vm_sizes.csv"
SIZES = {row["name"]: int(row["vcpus"]) for row in csv.DictReader(TABLE.read_text().splitlines())}
PURPOSES = (None, "FastProd", "DenseProd", "DevTest", "DEV_TEST")
COMPUTE, EXTENSION = NATIVE + "Compute", "azure-native:kubernetesconfiguration:Extension"
CLUSTER, POOL = "azure-native:containerservice:ManagedCluster", "azure-native:containerservice:AgentPool"
CLUSTER_ID = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/c"


def refused(vcpus: int, purpose: str | None) -> bool:
    """Microsoft's sentence: at least 12, unless the purpose is DEV_TEST."""
    return vcpus < 12 and purpose not in {"DevTest", "DEV_TEST"}


def compute(size: Any, count: Any, purpose: Any = None) -> Resource:
    inner = {"agentVmSize": size, "agentCount": count, "clusterPurpose": purpose}
    return resource(COMPUTE, {"properties": {"computeType": "AKS", "properties": inner}}, "inference")


def cluster(*pools: dict[str, Any], **inputs: Any) -> Resource:
    given = {"resourceGroupName": "g", "resourceName": "c", "agentPoolProfiles": list(pools), **inputs}
    return resource(CLUSTER, given, "aks")


def pool(name: str = "more", **inputs: Any) -> Resource:
    return resource(POOL, {"resourceGroupName": "g", "resourceName": "c", "agentPoolName": name, **inputs}, name)


def attach(resource_id: Any = CLUSTER_ID, kind: str = "AKS", **inner: Any) -> Resource:
    return resource(
        COMPUTE, {"properties": {"computeType": kind, "resourceId": resource_id, "properties": inner}}, "attached"
    )


def extension(**inputs: Any) -> Resource:
    given = {
        "resourceGroupName": "g", "clusterName": "c", "clusterRp": "Microsoft.ContainerService",
        "clusterResourceName": "managedClusters", "extensionType": "microsoft.azureml.kubernetes", **inputs,
    }  # fmt: skip
    return resource(EXTENSION, given, "ml")


def weighty(findings: list[Finding]) -> bool:
    return any(found.level == "mandatory" for found in findings)


def in_update(*resources: Resource) -> list[Finding]:
    one = pack(RULE, preview=False)
    return [found for each in resources for found in one.analyze(each)]


def in_preview(*resources: Resource, **uses: dict[str, list[str]]) -> list[Finding]:
    one = pack(RULE)
    found = [each for item in resources for each in one.analyze(item)]
    return found + one.analyze_stack(stack(*resources, uses=uses))


def edges(vcpus: int) -> set[int]:
    """Counts around the floor, and around nothing."""
    enough = -(-12 // vcpus)
    return {0, 1, 2, 3, 12, enough - 1, enough, enough + 1}


def test_every_size_by_count_by_purpose() -> None:
    assert len(SIZES) == 1470
    one = pack(RULE)
    for size, vcpus in SIZES.items():
        for count in edges(vcpus):
            for purpose in PURPOSES:
                inner = {"agentVmSize": size, "agentCount": count, "clusterPurpose": purpose}
                inputs = {"properties": {"computeType": "AKS", "properties": inner}}
                found = one.analyze(Resource("urn", COMPUTE, "inference", inputs))
                assert weighty(found) == refused(vcpus * count, purpose), (size, count, purpose)


def test_every_size_by_autoscaler_minimum_by_purpose() -> None:
    """An autoscaled pool counts with its minimum, whatever its count is; any other with its count."""
    one, subjects = pack(RULE, preview=False), {purpose: attach(clusterPurpose=purpose) for purpose in PURPOSES}
    for size, vcpus in SIZES.items():
        for minimum in edges(vcpus):
            scaled = {"vmSize": size, "count": minimum + 50, "enableAutoScaling": True, "minCount": minimum}
            fixed = {"vmSize": size, "count": minimum, "enableAutoScaling": False, "minCount": minimum + 50}
            inputs = {
                "resourceGroupName": "g",
                "resourceName": "c",
                "agentPoolProfiles": [(scaled, fixed)[minimum % 2]],
            }
            one.analyze(Resource("urn", CLUSTER, "aks", inputs))
            for purpose, subject in subjects.items():
                assert weighty(one.analyze(subject)) == refused(vcpus * minimum, purpose), (size, minimum, purpose)


def test_pools_of_both_kinds_add_up() -> None:
    four, eight = {"vmSize": "Standard_D3_v2", "count": 1}, {"vmSize": "Standard_D4_v2", "count": 1}
    assert (SIZES["Standard_D3_v2"], SIZES["Standard_D4_v2"]) == (4, 8)
    for subject in (
        attach(),
        attach(kind="Kubernetes"),
        attach(CLUSTER_ID.upper().replace("/SUBSCRIPTIONS", "/subscriptions")),
        extension(),
    ):
        assert not weighty(in_update(cluster(four, eight), subject))
        assert not weighty(in_update(cluster(four), pool(**eight), subject))
        assert weighty(in_update(cluster(four), pool(**four), subject))
        assert weighty(in_update(cluster(four), pool(**eight, resourceName="other"), subject))
        assert not weighty(in_update(cluster(four), pool(**four), cluster_of_dev_test(subject)))


def cluster_of_dev_test(subject: Resource) -> Resource:
    """The same, said by a tag where it stands."""
    return Resource(subject.urn, subject.type, subject.name, {**subject.inputs, "tags": {"cluster_purpose": "DevTest"}})


def test_a_pool_without_a_count_has_one_node() -> None:
    """As Microsoft.ContainerService has it: "The default value is 1"."""
    eight, sixteen = {"vmSize": "Standard_D4_v2"}, {"vmSize": "Standard_D5_v2"}
    assert (SIZES["Standard_D4_v2"], SIZES["Standard_D5_v2"]) == (8, 16)
    assert weighty(in_update(cluster(eight), attach()))
    assert weighty(in_update(cluster(), pool(**eight), attach()))
    assert not weighty(in_update(cluster(sixteen), attach()))


def test_a_pool_written_twice_counts_once() -> None:
    four = {"name": "more", "vmSize": "Standard_D3_v2", "count": 2}
    assert weighty(in_update(cluster(four), pool("more", vmSize="Standard_D3_v2", count=2), attach()))


def test_the_purpose_may_be_a_tag_of_the_cluster_or_another_tag() -> None:
    small = {"vmSize": "Standard_D3_v2", "count": 1}
    assert not weighty(in_update(cluster(small, tags={"cluster_purpose": "DevTest"}), extension()))
    assert weighty(in_update(cluster(small, tags={"purpose": "DevTest"}), extension()))
    assert not weighty(in_update(cluster(small), extension(configurationSettings={"clusterPurpose": "DevTest"})))
    # What the attach itself says counts more than a tag.
    assert weighty(in_update(cluster(small, tags={"cluster_purpose": "DevTest"}), attach(clusterPurpose="FastProd")))


def test_what_is_no_cluster_for_models_is_left_alone() -> None:
    small = cluster({"vmSize": "Standard_D3_v2", "count": 1})
    assert in_update(small) == []
    assert in_update(small, extension(extensionType="microsoft.flux")) == []
    assert in_update(small, extension(clusterResourceName="connectedClusters")) == []
    assert in_update(small, attach("/subscriptions/1/x", kind="VirtualMachine")) == []
    arc = attach(f"{GROUP}/providers/Microsoft.Kubernetes/connectedClusters/c", kind="Kubernetes")
    assert (in_update(small, arc), in_preview(small, arc)) == ([], [])
    assert in_update(resource(COMPUTE, {"properties": {"computeType": "AmlCompute"}})) == []
    assert in_update(resource(COMPUTE, {})) == []


def test_a_preview_decides_by_what_is_made_of_what() -> None:
    """Ids are not known yet; what they are outputs of is."""
    four, eight = {"vmSize": "Standard_D3_v2", "count": 1}, {"vmSize": "Standard_D4_v2", "count": 1}
    attached, more = attach(UNKNOWN), pool(**eight, resourceName=UNKNOWN)
    of_cluster = {"attached": {"properties": ["aks"]}}
    assert said(in_preview(cluster(four), attached, **of_cluster)) == [("mandatory", "refused")]
    assert in_preview(cluster(four, four, four), attached, **of_cluster) == []
    waits = {"attached": {"properties": ["aks"], "tags": ["more"]}, "more": {"resourceName": ["aks"]}}
    assert said(in_preview(cluster(four), more, attached, **waits)) == [("advisory", "remark")]  # two nodes
    # A pool that may come after the attach does not help it: the update would refuse.
    (late,) = in_preview(cluster(four), more, attached, **of_cluster, more={"resourceName": ["aks"]})
    assert (late.level, late.word) == ("advisory", "unknown")
    assert "depends_on=[more]" in late.remedy
    assert weighty(in_update(cluster(four), attach()))


@pytest.mark.parametrize("made", [
    compute(UNKNOWN, 3), compute("Standard_D3_v2", UNKNOWN), compute("Standard_D3_v2", None), compute(None, 3),
    compute("Standard_D3_v9", 50), compute("Standard_D3_v2", "three"), compute("Standard_D3_v2", -3),
    compute("Standard_PB6s", 1, UNKNOWN),
], ids=lambda each: str(sorted(each.inputs["properties"]["properties"].items())))  # fmt: skip
def test_what_is_not_known_never_passes(made: Resource) -> None:
    """A preview waits where the update will know, and refuses where it will not; an update refuses."""
    (found,) = pack(RULE).analyze(made)
    later = "<unknown>" in str(made.inputs)
    assert (found.level, found.word) == ("advisory" if later else "mandatory", "unknown")
    assert said(in_update(made)) == [("mandatory", "unknown")]


@pytest.mark.parametrize("attached", [attach(), attach(UNKNOWN), extension(), extension(clusterName=UNKNOWN)])
def test_a_cluster_that_nobody_sees_never_passes(attached: Resource) -> None:
    assert said(in_update(attached)) == [("mandatory", "unknown")]
    known = attached.inputs in (attach().inputs, extension().inputs)
    assert said(in_preview(attached)) == [("mandatory" if known else "advisory", "unknown")]


def test_a_pool_whose_size_is_not_known_never_passes() -> None:
    enough = {"vmSize": "Standard_D5_v2", "count": 3}
    for gap in ({"vmSize": UNKNOWN, "count": 1}, {"vmSize": "Standard_D3_v2", "enableAutoScaling": UNKNOWN},
                {"vmSize": "Standard_D3_v2", "enableAutoScaling": True}):  # fmt: skip
        assert said(in_update(cluster(enough, gap), attach())) == [("mandatory", "unknown")]


def test_microsofts_own_fpga_sample_is_refused_unless_dev_test() -> None:
    (found,) = pack(RULE).analyze(compute("Standard_PB6s", 1))
    assert (found.level, found.word) == ("mandatory", "refused")
    assert found.what == (
        "1 × Standard_PB6s (6 vCPU each) = 6 vCPU; it gives no purpose, so it is FastProd, which takes at least 12."
        " That is the cluster of Microsoft's own FPGA sample (1 × Standard_PB6s, 6 vCPU):"
        " it is refused unless its purpose is DevTest."
    )
    assert found.remedy == "2 × Standard_PB6s or more; or clusterPurpose: DevTest, if no production depends on it"
    assert pack(RULE).analyze(compute("Standard_PB6s", 1, "DevTest")) == []
    assert said(pack(RULE).analyze(compute("Standard_PB6s", 2))) == [("advisory", "remark")]  # 12, on two nodes


def test_few_nodes_and_tiny_dev_test_clusters_are_remarked_on() -> None:
    (few,) = pack(RULE).analyze(compute("Standard_D5_v2", 2))
    assert (few.level, few.word) == ("advisory", "remark")
    assert "at least 3 nodes" in few.what
    assert pack(RULE).analyze(compute("Standard_D5_v2", 3)) == []
    (tiny,) = pack(RULE).analyze(compute("Standard_D1_v2", 1, "DevTest"))
    assert (tiny.level, tiny.word) == ("advisory", "remark")
    assert pack(RULE).analyze(compute("Standard_D1_v2", 2, "DevTest")) == []


def test_the_stage_decides_the_weight() -> None:
    small = compute("Standard_PB6s", 1)
    assert said(pack(RULE, stage=Stage.DEV).analyze(small)) == [("advisory", "advice")]
    assert said(pack(RULE, stage=Stage.TEST).analyze(small)) == [("advisory", "warning")]
