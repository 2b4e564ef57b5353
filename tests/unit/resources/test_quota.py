"""Quota for a release beside the one that serves: refused with the figures before anything is made, where Azure tells.

Numbers: 10 x DS3_v2 (4 cores) take ceil(1.2 x 10) x 4 = 48 cores, some large sizes take no reserve
(quota-allocation-online-deployment). Rows of usages: the sample answer of Usages - List (rest-azureml-2025-06-01).
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from azml.resources import endpoint_body
from azml.resources.arm_id import ArmId
from azml.resources.errors import ArmError, Incomplete, Refused
from azml.resources.managed_online_deployment import ManagedOnlineDeploymentHandler
from azml.resources.wire import UNKNOWN
from azml_local.scoring.contract import DeploymentFailed
from tests.unit.resources.conftest import Azure

ML = "2025-12-01"
REGIONS = iter(
    ["uksouth", "ukwest", "westus2", "westus3", "norwayeast", "spaincentral", "polandcentral", "japanwest", "eastasia"]
)


@pytest.fixture
def handler() -> ManagedOnlineDeploymentHandler:
    """One run of the provider: it remembers what its previews planned."""
    return ManagedOnlineDeploymentHandler()


@pytest.fixture
def region() -> str:
    """A region that nobody else uses."""
    return next(REGIONS)


@pytest.fixture
def limits(azure: Azure) -> Iterator[Callable[..., None]]:
    local = azure.theirs.running.azure
    before = local.settings

    def change(**cores: int) -> None:
        local.settings = dataclasses.replace(
            before, quota_cores={name.replace("ALL", "*"): n for name, n in cores.items()}
        )

    yield change
    local.settings = before


def inputs(azure: Azure, region: str, release: str, endpoint: str | None = None, **more: Any) -> dict[str, Any]:
    where = endpoint or azure.endpoint(location=region)
    named = {"deployment": "ridge", "release": release, "instanceCount": 10, **more}
    return azure.deployment_inputs(where, f"ridge-{release}", **named)


def refusal(do: Callable[[], Any]) -> str:
    with pytest.raises(Refused) as caught:
        do()
    return str(caught.value)


def is_there(azure: Azure, wanted: dict[str, Any]) -> bool:
    return azure.arm.find(f"{wanted['endpointId']}/deployments/{wanted['name']}", ML) is not None


def test_two_releases_that_do_not_fit_are_refused_before_anything_is_made(
    azure: Azure, handler: ManagedOnlineDeploymentHandler, region: str, limits: Callable[..., None]
) -> None:
    limits(Standard_DS3_v2=95)
    first = inputs(azure, region, "1")
    handler.create(azure.work(), first)
    endpoint_body.merge(
        azure.work(), ArmId.parse(first["endpointId"]), lambda live: ({"traffic": {"ridge-1": 100}}, live.tags)
    )
    second = inputs(azure, region, "2", first["endpointId"])
    previewed = refusal(lambda: handler.foresee(azure.work(), second))
    assert previewed == refusal(lambda: handler.create(azure.work(), second))
    assert not is_there(azure, second)
    assert f"The quota of {region} has no room for deployment ridge-2 beside ridge-1" in previewed
    assert "48 cores: 10 x Standard_DS3_v2 of 4" in previewed
    assert "48 in use + 48 = 96, and 95 are allowed" in previewed
    assert "Standard DSv2 Family Cluster Dedicated vCPUs" in previewed
    for remedy in ("release: fixed", "instance_count: 9 or fewer", "more quota"):
        assert remedy in previewed


def test_what_fits_exactly_is_made(
    azure: Azure, handler: ManagedOnlineDeploymentHandler, region: str, limits: Callable[..., None]
) -> None:
    limits(Standard_DS3_v2=96)
    first = inputs(azure, region, "1")
    handler.create(azure.work(), first)
    second = inputs(azure, region, "2", first["endpointId"])
    handler.foresee(azure.work(), second)
    handler.create(azure.work(), second)
    assert is_there(azure, second)


def test_the_total_of_the_region_counts_too_and_a_first_release_has_nothing_to_be_fixed(
    azure: Azure, handler: ManagedOnlineDeploymentHandler, region: str, limits: Callable[..., None]
) -> None:
    limits(ALL=7)
    text = refusal(lambda: handler.create(azure.work(), inputs(azure, region, "1", instanceCount=1)))
    assert "Total Cluster Dedicated Regional vCPUs: 0 in use + 8 = 8, and 7 are allowed" in text
    assert "release: fixed" not in text
    assert "instance_count" not in text


def test_what_a_preview_plans_adds_up(
    azure: Azure, handler: ManagedOnlineDeploymentHandler, region: str, limits: Callable[..., None]
) -> None:
    limits(Standard_DS3_v2=95)
    one, other = inputs(azure, region, "1"), inputs(azure, region, "1")
    handler.foresee(azure.work(), one)
    handler.foresee(azure.work(), one)
    text = refusal(lambda: handler.foresee(azure.work(), other))
    assert "0 in use + 48 of other deployments of this update + 48 = 96" in text
    ManagedOnlineDeploymentHandler().foresee(azure.work(), other)


def test_a_failed_release_that_goes_makes_room(
    azure: Azure, handler: ManagedOnlineDeploymentHandler, region: str, limits: Callable[..., None]
) -> None:
    limits(Standard_DS3_v2=48)
    first = inputs(azure, region, "1")
    azure.plane.fail["ridge-1"] = DeploymentFailed("ResourceNotReady", "crashed")
    with pytest.raises(Incomplete):
        handler.create(azure.work(), first)
    second = inputs(azure, region, "2", first["endpointId"])
    handler.foresee(azure.work(), second)
    handler.create(azure.work(), second)
    assert not is_there(azure, first)


def test_more_instances_are_compared_with_the_quota_in_a_preview(
    azure: Azure, handler: ManagedOnlineDeploymentHandler, region: str, limits: Callable[..., None]
) -> None:
    """10 instances take 48 cores, 11 take ceil(13.2) x 4 = 56, 12 take ceil(14.4) x 4 = 60."""
    limits(Standard_DS3_v2=59)
    first = inputs(azure, region, "1")
    state = {**first, **handler.create(azure.work(), first)}

    def changes_to(count: int) -> set[str]:
        return handler.difference(azure.work(), first, state, {**first, "instanceCount": count}).changed

    text = refusal(lambda: changes_to(12))
    assert "no room for deployment ridge-1 with more than its 10 instances. It stays as it is." in text
    assert "0 in use without it + 60 = 60, and 59 are allowed" in text
    assert "instance_count: 11 or fewer" in text
    assert changes_to(11) == {"instanceCount"}
    limits(Standard_DS3_v2=4)
    assert changes_to(9) == {"instanceCount"}, "fewer always fit"
    assert handler.difference(azure.work(), first, state, first).changed == set()


def test_some_sizes_take_no_reserve(
    azure: Azure, handler: ManagedOnlineDeploymentHandler, region: str, limits: Callable[..., None]
) -> None:
    limits(Standard_NC24ads_A100_v4=24)
    one = inputs(azure, region, "1", instanceType="standard_nc24ADS_a100_v4", instanceCount=1)
    handler.foresee(azure.work(), one)
    text = refusal(lambda: handler.foresee(azure.work(), {**one, "instanceCount": 2}))
    assert "48 cores: 2 x Standard_NC24ads_A100_v4 of 24.\n" in text
    assert "instance_count: 1 or fewer" in text


def test_a_quota_that_cannot_be_read_is_said_and_stops_nothing(
    azure: Azure, handler: ManagedOnlineDeploymentHandler, region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = azure.arm.list_all

    def list_all(id_: str, version: str) -> list[dict[str, Any]]:
        if id_.endswith("/usages"):
            raise ArmError("AuthorizationFailed", "The client may not perform action 'usages/read'", 403)
        return real(id_, version)

    monkeypatch.setattr(azure.arm, "list_all", list_all)
    wanted = inputs(azure, region, "1")
    handler.create(azure.work(), wanted)
    assert is_there(azure, wanted)
    (warning,) = [text for severity, text in azure.said if severity == "warning"]
    assert "usages/read" in warning


def test_what_is_not_known_yet_or_is_there_already_is_not_judged(
    azure: Azure, handler: ManagedOnlineDeploymentHandler, region: str, limits: Callable[..., None]
) -> None:
    wanted = inputs(azure, region, "1")
    handler.create(azure.work(), wanted)
    limits(ALL=0)
    handler.foresee(azure.work(), wanted)
    handler.foresee(azure.work(), {**wanted, "name": "ridge-2", "endpointId": UNKNOWN})
    handler.foresee(azure.work(), {**wanted, "endpointId": f"{wanted['endpointId']}-that-is-not-there"})


def row(type_: str, used: int | None, limit: int, value: str, shown: str | None = None) -> dict[str, Any]:
    return {
        "type": f"Microsoft.MachineLearningServices/{type_}",
        "currentValue": used,
        "limit": limit,
        "name": {"value": value, "localizedValue": shown or value},
        "unit": "Count",
    }


DSV2 = "Standard DSv2 Family Cluster Dedicated vCPUs"


@pytest.mark.parametrize(
    ("rows", "refused"),
    [
        ([row("vmFamily/dedicatedCores/usages", 14, 61, DSV2)], True),
        ([row("vmFamily/dedicatedCores/usages", 14, 61, "StandardDSv2Family", DSV2)], True),
        ([row("vmFamily/dedicatedCores/usages", 14, 62, DSV2)], False),
        ([row("vmFamily/dedicatedCores/usages", 14, -1, DSV2)], False),
        ([row("vmFamily/dedicatedCores/usages", None, 6, DSV2)], False),
        ([row("vmFamily/lowPriorityCores/usages", 0, 0, DSV2)], False),
        ([row("vmFamily/dedicatedCores/usages", 0, 0, "Standard D Family Cluster Dedicated vCPUs")], False),
        ([row("totalCores/usages", 7, 8, "Clusters")], False),
        ([row("lowPriorityCores/usages", 0, 0, "TotalLowPriorityCores")], False),
        ([row("dedicatedCores/usages", 14, 24, "Total Cluster Dedicated Regional vCPUs")], True),
    ],
)
def test_rows_are_read_as_azure_writes_them(
    azure: Azure,
    handler: ManagedOnlineDeploymentHandler,
    monkeypatch: pytest.MonkeyPatch,
    rows: list[dict[str, Any]],
    refused: bool,
) -> None:
    wanted = inputs(azure, "eastus", "1")
    real = azure.arm.list_all
    monkeypatch.setattr(azure.arm, "list_all", lambda id_, v: rows if id_.endswith("/usages") else real(id_, v))
    if refused:
        assert "no room" in refusal(lambda: handler.foresee(azure.work(), wanted))
    else:
        handler.foresee(azure.work(), wanted)
