"""Quota of a region as azure-mgmt-machinelearningservices reads it: by VM family, and in total.

Numbers: a managed deployment needs quota for ceil(1.2 x instances) x cores of its size; 10 x DS3_v2, of 4 cores, take
48 (quota-allocation-online-deployment). Names and types: ARM's own example of vmSizes (2023-04-01), and what
subscriptions answer.
"""

from collections.abc import Callable
from typing import Any

import pytest
from azure.mgmt.machinelearningservices import MachineLearningServicesMgmtClient

from tests.contract import estate
from tests.contract.clients import Clients

NAMESPACE = "Microsoft.MachineLearningServices"


@pytest.fixture
def client(clients: Clients) -> MachineLearningServicesMgmtClient:
    return clients.of(MachineLearningServicesMgmtClient)


@pytest.fixture(scope="module")
def deployed(clients: Clients, group: str) -> str:
    """A region of its own with ten instances of DS3_v2."""
    region = "brazilsouth"
    workspace = estate.workspace(clients, group)
    body = {**estate.deployment_body(clients, (group, workspace.name), workspace), "location": region}
    ml = clients.of(MachineLearningServicesMgmtClient)
    endpoint: Any = {"location": region, "properties": {"authMode": "Key"}}
    ml.online_endpoints.begin_create_or_update(group, workspace.name, "usages", endpoint).result()
    made: Any = {**body, "sku": {"name": "Default", "capacity": 10}}
    ml.online_deployments.begin_create_or_update(group, workspace.name, "usages", "blue", made).result()
    return region


def test_what_a_deployment_takes_is_used(
    client: MachineLearningServicesMgmtClient, deployed: str, settings: Callable[..., None]
) -> None:
    settings(quota_cores={"*": 1000, "Standard_DS2_v2": 60, "standardFSv2Family": 8})
    found = {each.name.value: each for each in client.usages.list(deployed)}
    total, family, other = found["TotalDedicatedCores"], found["standardDSv2Family"], found["standardFSv2Family"]
    assert (total.current_value, total.limit, total.type) == (48, 1000, f"{NAMESPACE}/dedicatedCores/usages")
    assert (family.current_value, family.limit) == (48, 60)
    assert family.type == f"{NAMESPACE}/vmFamily/dedicatedCores/usages"
    assert family.name.localized_value == "Standard DSv2 Family Cluster Dedicated vCPUs"
    assert (other.current_value, other.limit, other.unit) == (0, 8, "Count")


def test_what_is_not_limited_is_minus_one(
    client: MachineLearningServicesMgmtClient, deployed: str, settings: Callable[..., None]
) -> None:
    settings(quota_cores={})
    assert {each.limit for each in client.usages.list(deployed)} == {-1}
    assert [each.current_value for each in client.usages.list("polandcentral")] == [0]


def test_a_size_names_its_family(client: MachineLearningServicesMgmtClient) -> None:
    found = {size.name: size for size in client.virtual_machine_sizes.list("eastus").value}
    for name, cores in {"Standard_DS1_v2": 1, "Standard_DS2_v2": 2, "Standard_DS3_v2": 4}.items():
        assert (found[name].family, found[name].v_cp_us) == ("standardDSv2Family", cores)
    assert found["Standard_NC24ads_A100_v4"].family == "standardNCADSA100v4Family"
    assert found["Standard_NC24ads_A100_v4"].gpus == 1
    assert "MIR" in found["Standard_DS3_v2"].supported_compute_types
