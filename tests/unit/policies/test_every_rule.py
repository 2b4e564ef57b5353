"""Every rule: its tokens exist, nothing makes it crash, unknown never passes, no secret is shown, both sides."""

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pulumi
import pulumi_azure_native
import pytest
from hypothesis import given, settings

import azml
from azml_policies.pack import Level, Pack
from azml_policies.rule import PASS, Rule, Stage
from azml_policies.rules import RULES
from tests.unit.policies.kit import NATIVE, OURS, UNKNOWN, judged, pack, resource, said, secret, stack

IMAGE = "mcr.microsoft.com/azureml/minimal-py311-inference"
DIGEST = f"{IMAGE}@sha256:{'a' * 64}"
DS2 = {"instanceType": "Standard_DS2_v2", "instanceCount": 5}
CREATED = {"agentVmSize": "Standard_D3_v2", "agentCount": 3}


def aks(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"properties": {"computeType": "AKS", "properties": inputs}}


# Per rule: type, what passes, what fails, what is unknown, and what fails with a secret in it; settings where needed.
# A pass, a fail, an unknown and a secret case of each.
CASES: dict[str, tuple[str, Any, Any, Any, Any, dict[str, Any]]] = {
    "aks-12-vcpu": (
        NATIVE + "Compute", aks(CREATED), aks(CREATED | {"agentCount": 2}), aks(CREATED | {"agentCount": UNKNOWN}),
        aks({"agentVmSize": secret("Standard_PB6s"), "agentCount": 1}), {},
    ),
    # DS2_v2 has 2 cores: ceil(1.2 × 5) × 2 = 12.
    "quota-factor": (
        OURS + "ManagedOnlineDeployment", DS2 | {"instanceCount": 4}, DS2, DS2 | {"instanceCount": UNKNOWN},
        DS2 | {"instanceCount": secret(5)}, {"quota": {"Standard_DS?_v2": 11}},
    ),
    "traffic-sums": (
        NATIVE + "OnlineEndpoint", {"properties": {"traffic": {"a": 100}, "mirrorTraffic": {"b": 50}}},
        {"properties": {"traffic": {"a": 90}}}, {"properties": {"traffic": {"a": 100, "b": UNKNOWN}}},
        {"properties": {"traffic": secret({"a": 90})}}, {},
    ),
    "one-step-in-prod": (
        OURS + "Rollout", {"steps": [10, 100]}, {"steps": [100]}, {"steps": UNKNOWN}, {"steps": secret([100])}, {},
    ),
    "no-gate-in-prod": (
        OURS + "Rollout", {"gates": {"smoke": ["a.json"]}}, {"gates": {"minRequests": 20}},
        {"gates": {"smoke": UNKNOWN}}, {"gates": secret({"smoke": []})}, {},
    ),
    "key-auth": (
        OURS + "ManagedOnlineEndpoint", {"authMode": "AADToken"}, {"authMode": "Key"}, {"authMode": UNKNOWN},
        {"authMode": secret("Key")}, {},
    ),
    "public-network": (
        NATIVE + "Workspace", {"publicNetworkAccess": "Disabled"}, {}, {"publicNetworkAccess": UNKNOWN},
        {"publicNetworkAccess": secret("Enabled")}, {},
    ),
    "registry-admin-user": (
        "azure-native:containerregistry:Registry", {}, {"adminUserEnabled": True}, {"adminUserEnabled": UNKNOWN},
        {"adminUserEnabled": secret(True)}, {},
    ),
    "image-without-digest": (
        OURS + "EnvironmentVersion", {"image": DIGEST}, {"image": f"{IMAGE}:latest"}, {"image": UNKNOWN},
        {"image": secret(f"{IMAGE}:1")}, {},
    ),
    "latest-reference": (
        NATIVE + "OnlineDeployment", {"properties": {"model": "azureml:m:3"}},
        {"properties": {"model": "azureml:m@latest"}}, {"properties": {"environmentId": UNKNOWN}},
        {"properties": {"model": secret("azureml:m@latest")}}, {},
    ),
    "retired-size": (
        NATIVE + "OnlineDeployment", {"properties": {"instanceType": "Standard_D2as_v4"}},
        {"properties": {"instanceType": "Standard_NC6s_v3"}}, {"properties": {"instanceType": UNKNOWN}},
        {"properties": {"instanceType": secret("Standard_NC6s_v3")}}, {},
    ),
}  # fmt: skip
VALUES = {"aks-12-vcpu": "Standard_PB6s", "image-without-digest": f"{IMAGE}:1", "latest-reference": "azureml:m@latest"}
KUBERNETES = Path(__file__).with_name("kubernetes_tokens.txt").read_text().splitlines()
"""The SDK is not in the lock: its plugin would be asked for at every command."""
PROTECTED = "stateful-delete-or-replace"


def ids(rule: Rule) -> str:
    return rule.id


@pytest.mark.parametrize("rule", CASES)
def test_what_keeps_to_it_passes(rule: str) -> None:
    type_, good, _, _, _, config = CASES[rule]
    assert judged(rule, resource(type_, good), config=config) == []


@pytest.mark.parametrize("rule", CASES)
def test_what_breaks_it_is_found_and_says_what_to_change(rule: str) -> None:
    type_, _, bad, _, _, config = CASES[rule]
    (found,) = judged(rule, resource(type_, bad), config=config)
    assert (found.level, found.word, found.rule) == (Level.MANDATORY, "refused", rule)
    assert found.text.splitlines() == [found.title, f"refused: {found.what}", f"remedy: {found.remedy}"]
    assert found.what
    assert found.remedy


@pytest.mark.parametrize("rule", CASES)
def test_what_is_not_known_yet_is_said_and_waits(rule: str) -> None:
    type_, _, _, open_, _, config = CASES[rule]
    assert said(judged(rule, resource(type_, open_), config=config)) == [("advisory", "unknown")]


@pytest.mark.parametrize("rule", CASES)
def test_a_secret_is_judged_and_not_shown(rule: str) -> None:
    type_, _, _, _, hidden, config = CASES[rule]
    (found,) = judged(rule, resource(type_, hidden), config=config)
    assert found.level is Level.MANDATORY
    if rule in VALUES:
        assert VALUES[rule] not in found.text
        assert "[secret]" in found.text


def test_protection_is_an_option_and_no_input() -> None:
    workspace = NATIVE + "Workspace"
    assert judged(PROTECTED, resource(workspace, {}, protect=True)) == []
    assert said(judged(PROTECTED, resource(workspace, {}))) == [("mandatory", "refused")]


def test_every_rule_has_its_cases() -> None:
    assert {rule.id for rule in RULES} == {*CASES, PROTECTED}
    assert len(RULES) == 12


@pytest.mark.parametrize(("stage", "level", "word"), [
    (Stage.DEV, "advisory", "advice"), (Stage.TEST, "advisory", "warning"), (Stage.PROD, "mandatory", "refused"),
])  # fmt: skip
def test_dev_advises_test_warns_prod_refuses(stage: Stage, level: str, word: str) -> None:
    for rule, (type_, _, bad, _, _, config) in CASES.items():
        only_prod = rule in {"one-step-in-prod", "no-gate-in-prod"} and stage is not Stage.PROD
        expected = [] if only_prod else [(level, word)]
        assert said(judged(rule, resource(type_, bad), config=config, stage=stage)) == expected


@pytest.mark.parametrize("rule", RULES, ids=ids)
def test_its_tokens_exist_in_the_sdk(rule: Rule) -> None:
    for token in rule.types | rule.remembers:
        package, module, name = token.split(":")
        if package == "azml":
            assert issubclass(getattr(azml, name), pulumi.CustomResource)
            continue
        if package == "kubernetes":
            assert token in KUBERNETES
            continue
        assert package == "azure-native"
        class_ = getattr(getattr(pulumi_azure_native, module), name)
        assert issubclass(class_, pulumi.CustomResource)
        assert f"'{token}'" in Path(inspect.getfile(class_)).read_text()


@pytest.mark.parametrize("rule", RULES, ids=ids)
def test_its_page_says_everything(rule: Rule) -> None:
    for text in (rule.title, rule.cause, rule.explanation, rule.remedy):
        assert text.strip() == text != ""
    assert not rule.title.endswith(".")


leaves = st.none() | st.booleans() | st.integers(-5, 200) | st.floats(-1, 1) | st.sampled_from(
    [UNKNOWN, "", "AKS", "Kubernetes", "Key", "Enabled", "DevTest", "Standard_PB6s", "azureml:m@latest", "a\nb:1"]
)  # fmt: skip
KEYS = sorted(
    {"properties", "computeType", "resourceId", "agentVmSize", "agentCount", "clusterPurpose", "agentPoolProfiles"}
    | {"vmSize", "count", "minCount", "enableAutoScaling", "tags", "cluster_purpose", "traffic", "mirrorTraffic", "a"}
    | {"steps", "gates", "smoke", "authMode", "publicNetworkAccess", "networkAcls", "networkRuleSet", "defaultAction"}
    | {"adminUserEnabled", "image", "containers", "initContainers", "model", "assetId", "environmentId", "resources"}
    | {"codeConfiguration", "codeId", "instanceType", "instanceCount", "sku", "capacity", "compute", "clusterName"}
    | {
        "extensionType",
        "clusterRp",
        "ipAddress",
        "type",
        "clusterResourceName",
        "resourceGroupName",
        "resourceName",
        "registryProperties",
    }
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6) | inner.map(secret)
    ),
    max_leaves=12,
)
TYPES = sorted({type_ for rule in RULES for type_ in rule.types | rule.remembers})


@settings(max_examples=300)
@given(
    made=st.lists(
        st.tuples(st.sampled_from(TYPES), st.dictionaries(st.sampled_from(KEYS), trees, max_size=6)), max_size=3
    ),
    preview=st.booleans(),
)
def test_nothing_makes_a_rule_crash(made: list[tuple[str, dict[str, Any]]], preview: bool) -> None:
    """Missing, null, unknown, secret and senseless values, wherever they stand."""
    one = pack(preview=preview)
    resources = [resource(type_, inputs, f"r{number}") for number, (type_, inputs) in enumerate(made)]
    found = [each for item in resources for each in one.analyze(item)]
    found += one.analyze_stack(stack(*resources))
    assert [each for each in found if each.word == "crash"] == []
    assert all(len(each.text.splitlines()) == 3 for each in found)


@pytest.mark.parametrize("rule", sorted(CASES))
def test_an_unknown_resource_as_a_whole_never_passes(rule: str) -> None:
    """Where every map that a rule reads is not known yet, it says so."""
    type_ = CASES[rule][0]
    inputs = dict.fromkeys(KEYS, UNKNOWN)
    config = CASES[rule][5]
    one = judged(rule, resource(type_, inputs), config=config, preview=False)
    assert [found.word for found in one] == ["unknown"]


def test_a_crash_is_a_finding_and_tells_no_secret() -> None:
    def crashes(_resource: Any, _run: Any) -> Any:
        raise ValueError("the password is hunter2")

    broken = replace(RULES[5], judge=crashes)
    for preview in (True, False):
        (found,) = Pack([broken], Stage.PROD, preview=preview).analyze(resource(OURS + "ManagedOnlineEndpoint", {}))
        assert (found.level, found.word) == (Level.MANDATORY, "crash")
        assert "ValueError" in found.text
        assert "hunter2" not in found.text


def test_a_crash_over_the_whole_stack_is_one_too() -> None:
    """Also where it comes after verdicts that were good."""

    def crashes(_stack: Any, _run: Any) -> Any:
        yield resource(OURS + "ManagedOnlineEndpoint", {}), PASS
        raise ValueError("the password is hunter2")

    broken = replace(RULES[5], judge_stack=crashes)
    (found,) = Pack([broken], Stage.PROD, preview=True).analyze_stack(stack())
    assert (found.rule, found.level, found.word) == (broken.id, Level.MANDATORY, "crash")
    assert "hunter2" not in found.text
