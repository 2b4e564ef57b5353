"""What a plan means, on plans that the real engine made and on plans of raw programs."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from azml_change import container, serving, workspace
from azml_change.impact import STATEFUL, Downtime
from azml_change.plan import Plan
from azml_change.report import Report, explain
from tests.support.plans import DEPLOYMENT, ENDPOINT, GROUP, ROLLOUT, UNKNOWN, recorded, reported, step, urn

IDENTITY = "azure-native:managedidentity:UserAssignedIdentity"
ROLE = "azure-native:authorization:RoleAssignment"
STORAGE = "azure-native:storage:StorageAccount"
WORKSPACE = "azure-native:machinelearningservices:Workspace"
RAW_ENDPOINT = "azure-native:machinelearningservices:OnlineEndpoint"
RAW_DEPLOYMENT = "azure-native:machinelearningservices:OnlineDeployment"


def words(report: Report) -> dict[str, list[str]]:
    return {one.title: one.lines for one in report.explained}


def only(report: Report) -> Any:
    (one,) = report.explained
    return one


def test_a_recorded_plan_with_noise() -> None:
    """Each role is to be replaced, says the engine, as the identity's principal is unknown while its tags change."""
    document = recorded("tags")
    replaced = [one["urn"] for one in document["steps"] if one["op"] == "replace"]
    assert len(replaced) == 6
    report = explain(Plan.read("local", document))
    assert report.noise == 6
    assert report.changes == {"update": 20}
    assert report.downtime is Downtime.none
    assert words(report)["workspace mlw-diabetes-local"] == ["tags: costcenter added (10 resources)"]


def test_the_engines_order_does_not_matter() -> None:
    document = recorded("several")
    backwards = {**document, "steps": document["steps"][::-1]}
    assert words(explain(Plan.read("local", backwards))) == words(explain(Plan.read("local", document)))


def test_losses_of_a_recorded_plan_come_first() -> None:
    report = explain(Plan.read("local", recorded("rename_workspace")))
    kinds = [loss.kind for loss in report.lost]
    assert kinds[:2] == ["resource group", "workspace"]
    assert kinds.count("URL") == 2
    assert [one.title for one in report.explained][-1] == "workspace mlw-other"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"location": "West Europe"}, {"location": "westeurope"}),
        ({"keyVault": f"{GROUP}/KV"}, {"keyVault": f"{GROUP.lower()}/kv"}),
        ({"bakeTime": "PT90S"}, {"bakeTime": "PT1M30S"}),
        ({"ipRules": [{"value": "a"}, {"value": "b"}]}, {"ipRules": [{"value": "b"}, {"value": "a"}]}),
        ({"__createBeforeDelete": True}, {}),
        ({"sku": {"name": "x", "tier": None}}, {"sku": {"name": "x"}}),
    ],
)
def test_other_spellings_are_noise(old: dict[str, Any], new: dict[str, Any]) -> None:
    (name,) = old
    report = reported(step("update", STORAGE, "s", old, new, diff={name: "update"}))
    assert report.is_empty
    assert report.noise == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"args": ["a", "b"]}, {"args": ["b", "a"]}),
        ({"enabled": False}, {}),
        ({"count": 0}, {"count": 1}),
        ({"name": "A"}, {"name": "a"}),
    ],
)
def test_real_changes_are_not(old: dict[str, Any], new: dict[str, Any]) -> None:
    (name,) = old
    assert not reported(step("update", "azure-native:web:WebApp", "w", old, new, diff={name: "update"})).is_empty


def test_an_unknown_value_of_something_new_is_a_change() -> None:
    """The principal of an identity that is replaced is another one."""
    sources = {"principalId": [urn(IDENTITY, "i")]}
    role = step("replace", ROLE, "r", {"principalId": "p"}, {"principalId": UNKNOWN}, sources=sources,
                diff={"principalId": "update-replace"})  # fmt: skip
    tagged = step("update", IDENTITY, "i", {"tags": {}}, {"tags": {"a": "b"}}, diff={"tags": "update"})
    replaced = step("replace", IDENTITY, "i", {"location": "a"}, {"location": "b"}, diff={"location": "update-replace"})
    assert reported(tagged, role).noise == 1
    assert reported(replaced, role).noise == 0


@pytest.mark.parametrize("type_", [
    "docker:index/image:Image", "command:local:Command", "azure-native:resources:Deployment", "azml:index:ImageAlias",
])  # fmt: skip
def test_an_unknown_value_of_what_has_other_results_is_a_change(type_: str) -> None:
    """An image that is built anew is updated in place, says the engine, and what runs it gets another digest."""
    made = step("update", type_, "i", {"a": "1"}, {"a": "2"}, diff={"a": "update"})
    runs = step("update", "azure-native:web:WebApp", "w", {"image": "x@sha256:1"}, {"image": UNKNOWN},
                sources={"image": [urn(type_, "i")]}, diff={"image": "update"})  # fmt: skip
    assert reported(made, runs).noise == 0


def test_what_holds_state_is_never_noise() -> None:
    sources = {"accountName": [urn(IDENTITY, "i")]}
    gone = step("replace", STORAGE, "s", {"accountName": "a"}, {"accountName": UNKNOWN}, sources=sources,
                diff={"accountName": "update-replace"})  # fmt: skip
    report = reported(step("same", IDENTITY, "i", {}), gone)
    assert [loss.kind for loss in report.lost] == ["storage account"]
    assert report.downtime is Downtime.outage


NATIVE = "azure-native:"
LOST = {
    NATIVE + "resources:ResourceGroup": "resource group", NATIVE + "machinelearningservices:Workspace": "workspace",
    "azml:index:ManagedOnlineEndpoint": "URL", NATIVE + "machinelearningservices:OnlineEndpoint": "URL",
    NATIVE + "machinelearningservices:BatchEndpoint": "URL", NATIVE + "machinelearningservices:Registry": "registry",
    NATIVE + "storage:StorageAccount": "storage account", NATIVE + "storage:BlobContainer": "blob container",
    NATIVE + "storage:FileShare": "file share", NATIVE + "keyvault:Vault": "key vault", NATIVE + "keyvault:Key": "key",
    NATIVE + "containerregistry:Registry": "container registry", NATIVE + "iothub:IotHubResource": "IoT hub",
    NATIVE + "operationalinsights:Workspace": "Log Analytics workspace",
    NATIVE + "containerservice:ManagedCluster": "AKS cluster",
}  # fmt: skip
"""What holds something that no program makes again, written from what Azure keeps in each."""


@pytest.mark.parametrize("op", ["delete", "replace"])
@pytest.mark.parametrize("type_", LOST)
def test_what_holds_state_and_goes_is_lost_and_comes_first(type_: str, op: str) -> None:
    harmless = [step("update", "azure-native:web:WebApp", f"a{n}", {"a": 1}, {"a": 2}) for n in range(3)]
    report = reported(*harmless, step(op, type_, "z", {"name": "z"}))
    assert [loss.kind for loss in report.lost] == [LOST[type_]]
    assert report.explained[0].lost
    assert report.explained[0].downtime is Downtime.outage


def test_every_type_that_holds_state_is_in_that_list() -> None:
    assert set(STATEFUL) == set(LOST)


NAMED = {serving.GROUP, container.IMAGE} | set(workspace.PARTS) | set(LOST)


@pytest.mark.parametrize("token", sorted(token for token in NAMED if not token.startswith("azml:")))
def test_every_type_that_is_named_exists_in_its_sdk(token: str) -> None:
    """The file of its class says so, which is not imported: that takes seconds."""
    package, module, name = token.replace("/image:", ":").split(":")
    found = find_spec(f"pulumi_{package.replace('-', '_')}")
    assert found is not None
    folder = Path(str(found.origin)).parent / ("" if module == "index" else module)
    file = folder / f"{re.sub(r'(?<=[a-z])(?=[A-Z])', '_', name).lower()}.py"
    assert f'"{token}"' in file.read_text(encoding="utf-8")


def test_a_replacement_in_three_steps_is_one() -> None:
    three = [
        step(op, STORAGE, "s", {"kind": "a"}, {"kind": "b"})
        for op in ("create-replacement", "replace", "delete-replaced")
    ]
    report = reported(*three)
    assert report.changes == {"replace": 1}
    assert len(report.lost) == 1


def test_a_raw_program_is_explained_like_ours() -> None:
    """azure-native's own endpoint and deployment, with no component around them."""
    endpoint = {"endpointName": "churn", "workspaceName": "w", "onlineEndpointProperties": {"authMode": "Key"}}
    private = {**endpoint, "onlineEndpointProperties": {"authMode": "Key", "publicNetworkAccess": "Disabled"}}
    inside = {"instanceType": "Standard_DS2_v2", "model": f"{GROUP}/models/churn/versions/1"}
    before = {"endpointName": "churn", "deploymentName": "blue", "onlineDeploymentProperties": inside}
    now = {**before, "onlineDeploymentProperties": {**inside, "model": f"{GROUP}/models/churn/versions/2"}}
    report = reported(
        step(
            "update", RAW_ENDPOINT, "e", endpoint, private, diff={"onlineEndpointProperties.publicNetworkAccess": "add"}
        ),
        step("update", RAW_DEPLOYMENT, "b", before, now, diff={"onlineDeploymentProperties.model": "update"}),
    )
    assert only(report).title == "online endpoint churn"
    assert only(report).downtime is Downtime.outage
    assert only(report).lines == [
        "exposure: internet → private endpoints only; who calls from the internet is refused",
        "blue: updated in place, 20 % of its instances at a time, without gates",
        "blue: model churn 1 → churn 2",
    ]


def test_drift_says_what_azure_has() -> None:
    """Equal inputs, and a property that only Azure has otherwise: the remark of the handler."""
    same = {"name": "churn", "authMode": "Key"}
    drifted = step("update", ENDPOINT, "churn", same, same, diff={"authMode": "update"})
    drifted["detailedDiff"]["authMode"]["inputDiff"] = False
    told = [
        {"urn": drifted["urn"], "severity": "info", "message": "authMode is 'AADToken' in Azure: it is set again.\n"}
    ]
    report = explain(Plan.read("dev", {"steps": [drifted], "diagnostics": told}))
    assert only(report).lines == ["authMode is 'AADToken' in Azure: it is set again."]


@pytest.mark.parametrize(
    ("before", "now", "settings", "said", "downtime"),
    [
        ({"a": 100}, {"b": 100}, {}, "traffic: b takes over from a at once", Downtime.none),
        ({"a": 100}, {"b": 100}, {"steps": [10]}, "traffic: b takes over from a in steps of 10, 100 %", Downtime.none),
        ({"a": 60, "b": 40}, {"c": 100}, {}, "traffic: a 60 %, b 40 % → c 100 %, at once", Downtime.none),
        ({}, {"a": 100}, {"steps": [10]}, "traffic: none → a 100 %, at once", Downtime.none),
        ({"a": 100}, {"a": 0}, {}, "traffic: a 100 % → none: no request is answered", Downtime.outage),
    ],
)
def test_traffic(
    before: dict[str, int], now: dict[str, int], settings: dict[str, Any], said: str, downtime: Downtime
) -> None:
    common = {"endpointId": f"{GROUP}/onlineEndpoints/churn", **settings}
    moved = step(
        "update", ROLLOUT, "r", {**common, "traffic": before}, {**common, "traffic": now}, diff={"traffic": "update"}
    )
    report = reported(moved)
    assert only(report).title == "online endpoint churn"
    assert only(report).lines == [said]
    assert only(report).downtime is downtime


def test_no_value_of_a_variable_is_shown() -> None:
    old = {"name": "d", "environmentVariables": {"KEY": "first", "GONE": "x"}}
    new = {"name": "d", "environmentVariables": {"KEY": "second", "MORE": "y"}}
    report = reported(step("update", DEPLOYMENT, "d", old, new, diff={"environmentVariables": "update"}))
    assert only(report).lines[1] == "d: variables: GONE removed, KEY changed, MORE added"
    other = reported(step("update", "azure-native:web:WebApp", "w", old, new, diff={"environmentVariables": "update"}))
    assert only(other).lines == ["environmentVariables (not shown) → (not shown)"]
    assert not {"first", "second"} & set(str(report.wire()).replace("'", " ").split())


def test_an_engine_that_fails_without_a_word_has_its_stderr() -> None:
    plan = Plan.read("dev", {"steps": []}, failed=True, said="error: no such stack\n")
    report = explain(plan)
    assert report.broken
    assert [remark.text for remark in report.remarks] == ["no such stack"]


def test_a_policy_that_refuses_is_no_broken_preview() -> None:
    """The engine says of it only that the preview failed; a real error beside it is one."""
    event = {
        "policyName": "key-auth",
        "message": "Tokens, not keys\nrefused: authMode is Key.",
        "enforcementLevel": "mandatory",
        "resourceUrn": urn(ENDPOINT, "churn"),
    }
    engine = {"severity": "error", "message": "error: preview failed\n"}
    document: dict[str, Any] = {"steps": [], "diagnostics": [engine]}
    refused = explain(Plan.read("dev", document, [{"policyEvent": event}], failed=True))
    assert (refused.refused, refused.failed, refused.broken, refused.remarks) == (True, True, False, ())
    document["diagnostics"].append({"severity": "error", "message": "error: no quota"})
    assert explain(Plan.read("dev", document, [{"policyEvent": event}], failed=True)).broken


def test_protection_that_goes_is_said_though_the_engine_calls_it_no_change() -> None:
    kept = [step("same", STORAGE, "st", {"accountName": "st"}), step("same", WORKSPACE, "w", {"workspaceName": "w"})]
    for one in kept:
        one["oldState"]["protect"] = True
    report = reported(*kept, step("same", ROLE, "r", {"scope": "s"}))
    assert {line for one in report.explained for line in one.lines} == {
        "no longer protected from delete and replace: storage account",
        "no longer protected from delete and replace: workspace",
    }
    back = [{**one, "oldState": one["newState"], "newState": one["oldState"]} for one in kept]
    assert {line for one in reported(*back).explained for line in one.lines} == {
        "protected from delete and replace: storage account",
        "protected from delete and replace: workspace",
    }
    unchanged = [{**one, "newState": one["oldState"]} for one in kept]
    assert reported(*unchanged).is_empty


def test_a_refusal_to_delete_says_what_to_write() -> None:
    said = 'error: Preview failed: resource "u" cannot be deleted\nbecause it is protected. To unprotect it, either'
    document: dict[str, Any] = {"steps": [], "diagnostics": [{"severity": "error", "message": said}]}
    (remark,) = explain(Plan.read("prod", document, failed=True)).remarks
    assert remark.text.startswith(said.removeprefix("error: "))
    assert "protect: false" in remark.text.splitlines()[-1]


def test_settings_of_a_rule_that_there_is_not_are_named_as_such() -> None:
    """As engine 3.259 says it of `{"retired-sise": {"notice_days": 3}}`."""
    said = 'error: configuring policy pack "azml" at "policies": invalid enforcement level ""'
    (remark,) = explain(Plan.read("dev", {}, failed=True, said=said)).remarks
    assert remark.text.splitlines()[1].endswith("a rule that the pack has not: check its name.")
