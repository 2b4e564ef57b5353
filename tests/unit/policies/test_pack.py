"""Levels, waivers and configuration: what a verdict comes to."""

from datetime import date, timedelta
from typing import Any

import pytest

from azml_policies.pack import Finding, Level, Pack, Settings
from azml_policies.rule import Stack, Stage
from tests.unit.policies.kit import GROUP, NATIVE, OURS, TODAY, pack, resource, said, secret, stack

ENDPOINT = OURS + "ManagedOnlineEndpoint"
WAIVER = {"rule": "key-auth", "resource": "churn", "owner": "risk", "reason": "old client", "expires": "2026-11-21"}


def keyed(name: str = "churn", mode: Any = "Key") -> Any:
    return resource(ENDPOINT, {"authMode": mode}, name)


def configured(*waivers: Any, today: date = TODAY, **how: Any) -> Pack:
    return pack("key-auth", settings=Settings(rules={"pack": {"waivers": list(waivers)}}), today=today, **how)


def both(one: Pack, *resources: Any) -> tuple[list[tuple[str, str]], list[Finding]]:
    """What is said of the resources, and of the pack itself at the end."""
    findings = [found for each in resources for found in one.analyze(each)]
    return said(findings), one.analyze_stack(stack(*resources))


def test_a_waiver_lets_pass_is_shown_and_is_used() -> None:
    one = configured(WAIVER)
    (waived,) = one.analyze(keyed())
    assert (waived.level, waived.word) == (Level.ADVISORY, "waived")
    assert waived.what == "authMode is Key. Waived by risk until 2026-11-21: old client"
    assert one.analyze_stack(Stack({})) == []


@pytest.mark.parametrize("resource_", ["churn", keyed().urn])
def test_it_names_a_resource_or_its_urn_and_no_other(resource_: str) -> None:
    one = configured(WAIVER | {"resource": resource_})
    assert said(one.analyze(keyed("other"))) == [("mandatory", "refused")]
    assert said(one.analyze(keyed())) == [("advisory", "waived")]


def test_it_holds_on_its_last_day_and_not_the_day_after() -> None:
    assert both(configured(WAIVER), keyed()) == ([("advisory", "waived")], [])
    late = configured(WAIVER, today=TODAY + timedelta(days=1))
    found, (itself,) = both(late, keyed())
    assert found == [("mandatory", "refused")]
    assert (itself.rule, itself.level, itself.word) == ("pack", Level.MANDATORY, "refused")
    assert itself.what == "the waiver of key-auth for churn expired on 2026-11-21 (risk)."


@pytest.mark.parametrize("unused", [keyed(mode="AADToken"), keyed("other", mode="AADToken")])
def test_an_unused_waiver_is_a_finding(unused: Any) -> None:
    found, (itself,) = both(configured(WAIVER), unused)
    assert found == []
    assert itself.what == "the waiver of key-auth for churn waives nothing."
    assert said(both(configured(WAIVER, stage=Stage.DEV), unused)[1]) == [("advisory", "advice")]


@pytest.mark.parametrize("gone", ["rule", "resource", "owner", "reason", "expires"])
def test_a_waiver_has_all_five(gone: str) -> None:
    found, itself = both(configured({key: value for key, value in WAIVER.items() if key != gone}), keyed())
    assert found == [("mandatory", "refused")]
    assert [gone in each.what for each in itself] == [True]


def test_a_day_that_is_none_and_a_field_too_many_are_findings() -> None:
    for wrong in ({"expires": "next year"}, {"until": "2027-01-01"}):
        found, itself = both(configured(WAIVER | wrong), keyed())
        assert found == [("mandatory", "refused")]
        assert len(itself) == 1


def test_a_waiver_waives_what_is_unknown_too() -> None:
    assert both(configured(WAIVER), keyed(mode=None)) == ([("advisory", "waived")], [])


def test_a_level_of_its_own_wins_over_the_stage() -> None:
    for stage, level in ((Stage.DEV, Level.MANDATORY), (Stage.PROD, Level.ADVISORY)):
        one = pack("key-auth", stage=stage, settings=Settings(levels={"key-auth": level}))
        assert [found.level for found in one.analyze(keyed())] == [level]
    off = pack("key-auth", settings=Settings(levels={"key-auth": Level.DISABLED}))
    assert off.analyze(keyed()) == []


def test_names_that_do_not_exist_are_findings_with_the_nearest() -> None:
    settings = Settings(rules={"key-aut": {}, "retired-size": {"notice_dais": 3}})
    itself = pack(settings=settings).analyze_stack(Stack({}))
    assert [(each.what, each.remedy) for each in itself] == [
        ("the configuration names 'key-aut', and there is no such rule.", "did you mean key-auth?"),
        ("retired-size has no setting 'notice_dais'.", "did you mean notice_days?"),
    ]
    waiver = WAIVER | {"rule": "no-such-thing-at-all"}
    (each,) = configured(waiver).analyze_stack(Stack({}))
    assert each.remedy.startswith("there are: key-auth")


def test_a_setting_replaces_its_default() -> None:
    """DS2_v2 retires on 2028-05-01."""
    deployed = resource(OURS + "ManagedOnlineDeployment", {"instanceType": "Standard_DS2_v2"})
    assert pack("retired-size").analyze(deployed) == []
    soon = pack("retired-size", settings=Settings(rules={"retired-size": {"notice_days": 800}}))
    assert said(soon.analyze(deployed)) == [("mandatory", "refused")]


def test_every_text_of_a_secret_is_masked_the_longest_first() -> None:
    image = resource(OURS + "EnvironmentVersion", {"image": secret("reg.io/a/b:1"), "tags": secret({"x": "reg.io"})})
    (found,) = pack("image-without-digest").analyze(image)
    assert "reg.io" not in found.text
    assert found.what == "[secret] names no digest."


def test_a_secret_in_another_case_or_of_another_resource_is_masked_too() -> None:
    """A size in the table's own spelling; a cluster's pools in the finding on what attaches it."""
    lower = {"agentVmSize": secret("standard_pb6s"), "agentCount": 1}
    compute = {"properties": {"computeType": "AKS", "properties": lower}}
    (found,) = pack("aks-12-vcpu").analyze(resource(NATIVE + "Compute", compute))
    assert "pb6s" not in found.text.lower()
    pools = [{"vmSize": secret("Standard_D3_v2"), "count": 1}]
    cluster = {"resourceGroupName": "g", "resourceName": "c", "agentPoolProfiles": pools}
    id_ = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/c"
    one = pack("aks-12-vcpu", preview=False)
    one.analyze(resource("azure-native:containerservice:ManagedCluster", cluster, "c"))
    (found,) = one.analyze(
        resource(NATIVE + "Compute", {"properties": {"computeType": "AKS", "resourceId": id_}}, "attached")
    )
    assert found.word == "refused"
    assert "D3_v2" not in found.text
