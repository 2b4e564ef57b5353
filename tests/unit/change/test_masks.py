"""What looks like a secret is not shown, wherever it stands; what does not, is."""

import json
from typing import Any

import pytest

from azml_change.comment import comment
from azml_change.plan import Finding, Plan, Remark
from azml_change.report import explain
from tests.support.plans import DEPLOYMENT, ENDPOINT, reported, step, urn

SECRET = "hunter2Zx9"
SIGNED = f"https://a.blob.core.windows.net/c/x.zip?sv=2022-11-02&se=2027-01-01&sig={SECRET}%3D&sp=r"
APP, SECRETS = "azure-native:web:WebApp", "kubernetes:core/v1:Secret"
FORMS = {
    "signed URL": SIGNED,
    "password of a URL": f"https://user:{SECRET}@github.com/x",
    "storage connection": f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={SECRET}==;EndpointSuffix=x",
    "bus connection": f"Endpoint=sb://x/;SharedAccessKeyName=r;SharedAccessKey={SECRET}=",
    "database connection": f"Server=tcp:x,1433;User ID=a;Password={SECRET};Encrypt=True",
    "JSON": json.dumps({"a": {"password": SECRET}}),
    "JSON in JSON": json.dumps({"settings": json.dumps({"apiKey": SECRET})}),
    "JSON in a text": f'started with {{"client_secret": "{SECRET}"}} and ended',
    "JSON with a list": json.dumps([{"name": "DB_PASSWORD", "value": SECRET}]),
    "private key": f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
    "token": f"Authorization: Bearer {SECRET}0123456789",
    "web token": f"eyJ0eXAiOiJKV1QifQ.{SECRET}.sig",
}


def everything(report: Any) -> str:
    return comment("serving", [report]) + json.dumps(report.wire(), ensure_ascii=False)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["value", "properties.setting"])
def test_no_form_of_a_secret_is_shown(form: str, name: str) -> None:
    outer, _, inner = name.partition(".")
    old, new = ({outer: {inner: text} if inner else text} for text in ("before", FORMS[form]))
    said = everything(reported(step("update", APP, "web", old, new, diff={name: "update"})))
    assert SECRET not in said
    assert f"{name} before → " in said


@pytest.mark.parametrize("form", FORMS)
def test_nor_what_programs_and_policies_quote(form: str) -> None:
    told = [{"urn": "", "severity": "error", "message": f"it broke: {FORMS[form]}"}]
    event = {"policyName": "p", "message": f"t\nrefused: {FORMS[form]}", "enforcementLevel": "mandatory"}
    report = explain(Plan.read("dev", {"diagnostics": told}, [{"policyEvent": event}], failed=True))
    assert SECRET not in everything(report)
    assert "it broke: " in everything(report)
    assert isinstance(report.remarks[0], Remark)
    assert isinstance(report.findings[0], Finding)


@pytest.mark.parametrize(("type_", "new"), [
    (APP, {"settings": [{"name": "DB_PASSWORD", "value": SECRET}]}),
    (APP, {"pwd": SECRET}), (APP, {"key1": SECRET}), (APP, {"privateKey": SECRET}),
    (SECRETS, {"stringData": {"a": SECRET}}), (SECRETS, {"data": {"a": SECRET}}),
    ("azure-native:keyvault:Secret", {"properties": {"value": SECRET}}),
    (DEPLOYMENT, {"name": "d", "properties": {"source": SIGNED}}),
    (DEPLOYMENT, {"name": "d", "model": SIGNED}),
    (ENDPOINT, {"name": "e", "authMode": "Key", "properties": {"source": f"AccountKey={SECRET}"}}),
    ("azml:index:EnvironmentVersion", {"name": "e", "version": "1", "condaFile": f"- --index-url https://u:{SECRET}@h/"}),
])  # fmt: skip
def test_no_member_that_is_called_a_secret_is_shown(type_: str, new: dict[str, Any]) -> None:
    *same, name = new
    old = {each: new[each] for each in same}
    assert SECRET not in everything(reported(step("update", type_, "it", old, new, diff={name: "add"})))


@pytest.mark.parametrize(("type_", "name", "path"), [
    ("docker:index/image:Image", "args", "build"), ("docker:index/image:Image", "args", "build.args"),
    ("docker:index/image:Image", "args", "build.args.FLAVOR"), ("docker-build:index:Image", "buildArgs", "buildArgs"),
    ("docker:index/remoteImage:RemoteImage", "buildArgs", 'build.buildArgs["FLAVOR"]'),
    ("docker:index/remoteImage:RemoteImage", "buildArg", "build"),
    ("docker:index/image:Image", "args", 'build["args"].FLAVOR'),
])  # fmt: skip
def test_no_value_of_a_build_argument_is_shown(type_: str, name: str, path: str) -> None:
    """A name says nothing here: whatever a build needs is handed over so. The name stays."""
    old, new = ({"context": "app", name: {"FLAVOR": value, "OTHER": "same"}} for value in ("before", SECRET))
    if path != name:
        old, new = {"build": old}, {"build": new}
    said = everything(reported(step("update", type_, "it", old, new, diff={path: "update"})))
    assert (SECRET in said, "before" in said, "same" in said, "FLAVOR" in said) == (False, False, False, True)
    assert ("app" in said) is (path == "build"), "the rest is shown"


@pytest.mark.parametrize("text", [
    "a > b", "https://host:8443/score", "Standard_DS3_v2", "size=3", "Basic", "key → Microsoft Entra token", "a@b.c",
    "mcr.microsoft.com/azureml/minimal-py311-inference:latest", "https://h/x?api-version=2024-10-01",
    "Basic authentication",
])  # fmt: skip
def test_what_is_no_secret_is_shown(text: str) -> None:
    (one,) = reported(step("update", APP, urn(APP, "w"), {"a": "x"}, {"a": text}, diff={"a": "update"})).explained
    assert one.lines == [f"a x → {text}"]
