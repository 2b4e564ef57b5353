"""Rules at their edges. Figures are Azure's own, as the facts' documents give them."""

from collections.abc import Callable
from typing import Any

import pytest

from azml.resources.rollout_args import GatesArgs
from azml_policies.rules.no_gate_in_prod import GATES
from azml_policies.tokens import canonical
from tests.unit.policies.kit import NATIVE, OURS, UNKNOWN, judged, pack, resource, said, stack

REFUSED, OPEN = [("mandatory", "refused")], [("advisory", "unknown")]
ENDPOINT, DEPLOYMENT = NATIVE + "OnlineEndpoint", NATIVE + "OnlineDeployment"
CONTAINERS = "azure-native:containerinstance:ContainerGroup"


def verdicts(rule: str, type_: str, inputs: dict[str, Any], **how: Any) -> list[tuple[str, str]]:
    return said(judged(rule, resource(type_, inputs), **how))


@pytest.mark.parametrize(("type_", "token"), [
    ("azure-native:storage:StorageAccount", "azure-native:storage:StorageAccount"),
    ("azure-native:storage/v20230101:StorageAccount", "azure-native:storage:StorageAccount"),
    ("azure-native_storage_v20230101:storage:StorageAccount", "azure-native:storage:StorageAccount"),
    ("azml:index:Rollout", "azml:index:Rollout"), ("aws:s3/bucket:Bucket", "aws:s3/bucket:Bucket"),
])  # fmt: skip
def test_every_version_of_a_type_is_the_type(type_: str, token: str) -> None:
    assert canonical(type_) == token


# The same thing in azure-native's words and in azml's.
SAME = [
    ("key-auth", "OnlineEndpoint", {"authMode": "Key"}),
    ("key-auth", "OnlineEndpoint", {"authMode": "AADToken"}),
    ("public-network", "OnlineEndpoint", {"publicNetworkAccess": "Enabled"}),
    ("public-network", "OnlineEndpoint", {"publicNetworkAccess": "Disabled"}),
    ("public-network", "OnlineEndpoint", {}),
    ("image-without-digest", "EnvironmentVersion", {"image": "a/b:1"}),
    ("image-without-digest", "EnvironmentVersion", {}),
    ("latest-reference", "OnlineDeployment", {"model": "azureml:m@latest"}),
    ("latest-reference", "OnlineDeployment", {"environmentId": "azureml://registries/r/environments/e/labels/latest"}),
    ("latest-reference", "OnlineDeployment", {"environmentId": "azureml://registries/r/environments/e/versions/3"}),
    ("retired-size", "OnlineDeployment", {"instanceType": "Standard_NC6s_v3"}),
    ("retired-size", "OnlineDeployment", {"instanceType": "Standard_E4s_v3"}),
]


@pytest.mark.parametrize(("rule", "kind", "properties"), SAME)
def test_raw_azure_native_is_judged_like_ours(rule: str, kind: str, properties: dict[str, Any]) -> None:
    ours = f"{OURS}{kind if kind.endswith('Version') else f'Managed{kind}'}"
    raw = judged(rule, resource(NATIVE + kind, {"properties": properties}))
    own = judged(rule, resource(ours, properties))
    assert [(each.level, each.what, each.remedy) for each in raw] == [
        (each.level, each.what, each.remedy) for each in own
    ]


def test_the_id_of_a_version_that_the_program_makes_is_not_known_yet_and_needs_no_word() -> None:
    model = resource(OURS + "ModelVersion", {"name": "m"}, "model")
    deployed = resource(OURS + "ManagedOnlineDeployment", {"model": UNKNOWN}, "deployed")
    made_of = {"deployed": {"model": ["model"]}}
    for uses, expected in ((made_of, []), ({}, OPEN)):
        one = pack("latest-reference")
        found = [*one.analyze(model), *one.analyze(deployed), *one.analyze_stack(stack(model, deployed, uses=uses))]
        assert said(found) == expected
    assert said(pack("latest-reference", preview=False).analyze(deployed)) == OPEN


@pytest.mark.parametrize(("traffic", "mirror", "words"), [
    ({"a": 100}, {}, []), ({"a": 0}, {}, []), ({}, {}, []), (None, None, []),
    ({"a": 60, "b": 40}, {"c": 50}, []), ({"a": 100, "b": 0}, {"b": 10}, []), ({"a": 100}, {"b": 0, "c": 0}, []),
    ({"a": 99}, {}, ["adds up to 99"]), ({"a": 60, "b": 60}, {}, ["adds up to 120"]),
    ({"a": 100}, {"b": 51}, ["at most 50 %"]), ({"a": 100}, {"b": 10, "c": 10}, ["2 deployments"]),
    ({"a": 60, "b": 40}, {"b": 10}, ["live and mirrored"]),
    ({"a": 90}, {"b": 60}, ["adds up to 90", "at most 50 %"]),
])  # fmt: skip
def test_traffic(traffic: Any, mirror: Any, words: list[str]) -> None:
    """100 or 0; one mirror of at most 50 %, without live traffic (how-to-safely-rollout-online-endpoints.md)."""
    maps = {"traffic": traffic, "mirrorTraffic": mirror}
    for found in (
        judged("traffic-sums", resource(ENDPOINT, {"properties": maps})),
        judged("traffic-sums", resource(OURS + "Rollout", maps)),
    ):
        assert said(found) == (REFUSED if words else [])
        assert all(word in found[0].what for word in words)


def test_traffic_that_is_wrong_whatever_is_unknown() -> None:
    known = {"properties": {"traffic": {"a": 70, "b": UNKNOWN}, "mirrorTraffic": {"c": 60}}}
    assert verdicts("traffic-sums", ENDPOINT, known) == REFUSED
    on_cluster = {"properties": {"compute": "/x", "traffic": {"a": 100}, "mirrorTraffic": {"b": 10}}}
    assert verdicts("traffic-sums", ENDPOINT, on_cluster) == REFUSED


def test_the_quota_is_taken_as_azure_takes_it() -> None:
    """Microsoft's example: 10 × Standard_DS3_v2 (4 cores) take 48 cores. A100 sizes take no reserve."""
    ten = resource(DEPLOYMENT, {"properties": {"instanceType": "Standard_DS3_v2"}, "sku": {"capacity": 10}}, "ten")
    assert judged("quota-factor", ten, config={"quota": {"*_v2": 48}}) == []
    (found,) = judged("quota-factor", ten, config={"quota": {"*_v2": 47}})
    assert found.what == "ten 48 = 48 cores of *_v2, and the quota is 47."
    gpu = resource(
        OURS + "ManagedOnlineDeployment", {"instanceType": "Standard_NC24ads_A100_v4", "instanceCount": 2}, "gpu"
    )
    assert judged("quota-factor", gpu, config={"quota": {"*A100*": 48}}) == []
    # Together: the second one is too much, and sizes of another pattern have their own quota.
    both = judged("quota-factor", ten, gpu, config={"quota": {"*A100*": 48, "*": 48}})
    assert both == []
    again = resource(DEPLOYMENT, {"properties": {"instanceType": "Standard_DS2_v2"}, "sku": {"capacity": 1}}, "two")
    (late,) = judged("quota-factor", ten, again, config={"quota": {"*": 48}})
    assert late.what == "ten 48 + two 4 = 52 cores of *, and the quota is 48."


def test_without_a_quota_nothing_is_said_and_an_uncovered_size_is_unknown() -> None:
    ten = resource(DEPLOYMENT, {"properties": {"instanceType": "Standard_DS3_v2"}, "sku": {"capacity": 10}})
    assert judged("quota-factor", ten) == []
    assert said(judged("quota-factor", ten, config={"quota": {"*A100*": 8}})) == OPEN


@pytest.mark.parametrize(("size", "expected"), [
    ("Standard_NC6s_v3", REFUSED), ("standard_nc6S_V3", REFUSED),  # retired 2025-09-30
    ("Standard_NP10s", REFUSED),  # 2027-05-31: within a year
    ("Standard_DS3_v2", []),  # 2028-05-01
    ("Standard_E4s_v3", []), ("Standard_Quantum1", OPEN),
])  # fmt: skip
def test_sizes(size: str, expected: Any) -> None:
    cluster = {"agentPoolProfiles": [{"vmSize": "Standard_E4s_v3"}, {"vmSize": size}]}
    places = {
        DEPLOYMENT: {"properties": {"instanceType": size}},
        NATIVE + "BatchDeployment": {"properties": {"resources": {"instanceType": size}}},
        NATIVE + "Compute": {"properties": {"properties": {"vmSize": size}}},
        "azure-native:containerservice:ManagedCluster": cluster,
        "azure-native:containerservice:AgentPool": {"vmSize": size},
    }  # fmt: skip
    for type_, inputs in places.items():
        assert verdicts("retired-size", type_, inputs) == expected, type_


def test_an_instance_type_of_a_cluster_is_no_vm_size() -> None:
    inputs = {"properties": {"endpointComputeType": "Kubernetes", "instanceType": "defaultinstancetype"}}
    assert verdicts("retired-size", DEPLOYMENT, inputs) == []


@pytest.mark.parametrize("mode", ["Key", "key", "KEY"])
def test_a_key_is_one_in_whichever_case(mode: str) -> None:
    assert verdicts("key-auth", ENDPOINT, {"properties": {"authMode": mode}}) == REFUSED


DENY = {"defaultAction": "Deny"}


@pytest.mark.parametrize(("type_", "inputs", "expected"), [
    ("azure-native:storage:StorageAccount", {"networkRuleSet": DENY}, []),
    ("azure-native:storage:StorageAccount", {"publicNetworkAccess": "Enabled"}, REFUSED),
    ("azure-native:storage:StorageAccount", {"publicNetworkAccess": "SecuredByPerimeter"}, []),
    ("azure-native:keyvault:Vault", {"properties": {"publicNetworkAccess": "disabled"}}, []),
    ("azure-native:keyvault:Vault", {"properties": {"networkAcls": DENY}}, []),
    ("azure-native:keyvault:Vault", {"properties": {"networkAcls": {"defaultAction": "Allow"}}}, REFUSED),
    ("azure-native:keyvault:Vault", {"properties": {"networkAcls": UNKNOWN}}, OPEN),
    ("azure-native:containerregistry:Registry", {}, REFUSED),
    (NATIVE + "Registry", {"registryProperties": {"publicNetworkAccess": "Disabled"}}, []),
    (ENDPOINT, {"properties": {"compute": "/cluster"}}, []),
    (CONTAINERS, {"ipAddress": {"type": "Public", "ports": []}}, REFUSED),
    (CONTAINERS, {"ipAddress": {"type": "Private"}, "subnetIds": [{"id": "/s"}]}, []),
    (CONTAINERS, {}, []), (CONTAINERS, {"ipAddress": UNKNOWN}, OPEN), (CONTAINERS, {"ipAddress": {}}, OPEN),
])  # fmt: skip
def test_network(type_: str, inputs: dict[str, Any], expected: Any) -> None:
    assert verdicts("public-network", type_, inputs) == expected


WORKSPACE, ADDRESSES = NATIVE + "Workspace", OURS + "WorkspaceNetworkAcls"


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize(("workspace", "addresses", "expected"), [
    ({}, None, REFUSED),
    ({}, {"defaultAction": "Allow"}, REFUSED),
    ({}, {}, REFUSED),
    ({}, DENY, []),
    ({"publicNetworkAccess": "Enabled"}, {"defaultAction": "deny"}, []),
    ({"publicNetworkAccess": UNKNOWN}, DENY, []),
    ({"publicNetworkAccess": UNKNOWN}, None, OPEN),
    ({}, {"defaultAction": UNKNOWN}, OPEN),
    ({"publicNetworkAccess": "Disabled"}, {"defaultAction": "Allow"}, []),
])  # fmt: skip
def test_addresses_beside_a_workspace_of_azml(
    workspace: dict[str, Any], addresses: dict[str, Any] | None, expected: Any, preview: bool
) -> None:
    ours = resource(WORKSPACE, workspace, "ours", parent=OURS + "Workspace")
    beside = [] if addresses is None else [resource(ADDRESSES, addresses, "beside", parent=OURS + "Workspace")]
    uses = {"beside": {"workspaceId": ["ours"]}} if beside else None
    assert said(judged("public-network", ours, *beside, uses=uses, preview=preview)) == expected


def test_addresses_of_another_workspace_limit_nothing() -> None:
    one, other = (resource(WORKSPACE, {}, name, parent=OURS + "Workspace") for name in ("one", "other"))
    beside = resource(ADDRESSES, DENY, "beside", parent=OURS + "Workspace")
    found = judged("public-network", one, other, beside, uses={"beside": {"workspaceId": ["other"]}})
    assert [(each.urn, each.word) for each in found] == [(one.urn, "refused")]


def test_a_raw_workspace_is_refused_before_it_is_touched() -> None:
    """Whatever comes after it: an update judges it while it is not there yet."""
    raw, beside = resource(WORKSPACE, {}, "raw"), resource(ADDRESSES, DENY, "beside")
    assert said(pack("public-network", preview=False).analyze(raw)) == REFUSED
    assert said(judged("public-network", raw, beside, uses={"beside": {"workspaceId": ["raw"]}})) == REFUSED


@pytest.mark.parametrize("group", [CONTAINERS, f"{CONTAINERS}Profile"])
def test_images_of_a_container_group(group: str) -> None:
    good = {"image": f"a@sha256:{'0' * 64}"}
    assert verdicts("image-without-digest", group, {"containers": [good, good]}) == []
    assert verdicts("image-without-digest", group, {"containers": [good, {"image": "a:1"}]}) == REFUSED
    assert (
        verdicts("image-without-digest", group, {"containers": [good], "initContainers": [{"image": "a"}]}) == REFUSED
    )
    assert verdicts("image-without-digest", group, {"containers": [good, {"image": UNKNOWN}]}) == OPEN
    assert verdicts("image-without-digest", group, {"containers": [{"image": "a@sha256:12"}]}) == REFUSED


@pytest.mark.parametrize(("kind", "template"), [
    ("core/v1:Pod", lambda pod: {"spec": pod}),
    ("apps/v1:Deployment", lambda pod: {"spec": {"template": {"spec": pod}}}),
    ("apps/v1:StatefulSet", lambda pod: {"spec": {"template": {"spec": pod}}}),
    ("batch/v1:Job", lambda pod: {"spec": {"template": {"spec": pod}}}),
    ("batch/v1:CronJob", lambda pod: {"spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}}),
])  # fmt: skip
def test_images_of_kubernetes_workloads(kind: str, template: Callable[[object], dict[str, Any]]) -> None:
    """Where a workload's pods are: Kubernetes' API reference, PodTemplateSpec and JobTemplateSpec."""
    good, type_ = {"image": f"a/b@sha256:{'0' * 64}"}, f"kubernetes:{kind}"
    assert verdicts("image-without-digest", type_, template({"containers": [good]})) == []
    assert verdicts("image-without-digest", type_, template({"containers": [good, {"image": "a:1"}]})) == REFUSED
    assert verdicts("image-without-digest", type_, template({"containers": [good], "initContainers": [{"image": "a"}]}))
    assert verdicts("image-without-digest", type_, template(UNKNOWN)) == OPEN


def test_the_token_that_a_cluster_of_ones_own_can_take() -> None:
    (found,) = judged("key-auth", resource(ENDPOINT, {"properties": {"authMode": "Key", "compute": "/cluster"}}))
    assert "AMLToken" in found.remedy


def test_gates_are_those_that_a_rollout_has() -> None:
    """All of them but the two that say how others are read."""
    words = [name.split("_") for name in GatesArgs.__annotations__ if name not in {"min_requests", "metrics"}]
    assert set(GATES) == {first + "".join(map(str.title, rest)) for first, *rest in words}
    for gate in ({"maxErrorRate": 0}, {"schema": True}, {"mirrorFirst": {"percent": 10}}):
        assert verdicts("no-gate-in-prod", OURS + "Rollout", {"gates": gate}) == []
    for none in ({}, {"gates": {}}, {"gates": {"schema": False, "smoke": []}}, {"gates": None}):
        assert verdicts("no-gate-in-prod", OURS + "Rollout", none) == REFUSED


@pytest.mark.parametrize(("steps", "expected"), [
    (None, REFUSED), ([], REFUSED), ([100], REFUSED), ([50, 100], []), ([1, 100], []), ([UNKNOWN, 100], OPEN),
])  # fmt: skip
def test_steps(steps: Any, expected: Any) -> None:
    assert verdicts("one-step-in-prod", OURS + "Rollout", {"steps": steps}) == expected
