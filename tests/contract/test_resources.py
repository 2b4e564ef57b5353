"""azure-mgmt-resource: groups, providers, any resource by its id, and what holds for all: pages, errors, operations."""

import time
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.resource.resources import ResourceManagementClient

from tests.contract.clients import Clients, refused

IDENTITIES = "2023-01-31"


@pytest.fixture
def name() -> str:
    return f"rg-{uuid4().hex[:8]}"


@pytest.fixture
def identity_id(clients: Clients, group: str) -> str:
    within = f"/subscriptions/{clients.subscription}/resourceGroups/{group}/providers"
    return f"{within}/Microsoft.ManagedIdentity/userAssignedIdentities/id-{uuid4().hex[:6]}"


class TestGroups:
    def test_life(self, resources: ResourceManagementClient, name: str) -> None:
        groups = resources.resource_groups
        assert groups.check_existence(name) is False
        made = groups.create_or_update(name, {"location": "West US 2", "tags": {"a": "1"}})
        assert (made.name, made.location, made.properties.provisioning_state) == (name, "westus2", "Succeeded")
        assert made.type == "Microsoft.Resources/resourceGroups"
        assert groups.check_existence(name) is True
        assert groups.get(name.upper()).id == made.id
        assert name in [found.name for found in groups.list()]
        assert groups.update(name, {"tags": {"b": "2"}}).tags == {"b": "2"}
        assert groups.create_or_update(name, {"location": "westus2"}).tags in (None, {})
        groups.begin_delete(name).result()
        with pytest.raises(ResourceNotFoundError) as error:
            groups.get(name)
        assert refused(error) == (404, "ResourceGroupNotFound")
        with pytest.raises(ResourceNotFoundError) as error:
            groups.begin_delete(name)
        assert refused(error) == (404, "ResourceGroupNotFound")

    def test_it_does_not_move(self, resources: ResourceManagementClient, group: str) -> None:
        with pytest.raises(ResourceExistsError) as error:
            resources.resource_groups.create_or_update(group, {"location": "westus"})
        assert refused(error) == (409, "InvalidResourceGroupLocation")

    def test_a_place_that_is_none(self, resources: ResourceManagementClient, name: str) -> None:
        with pytest.raises(HttpResponseError) as error:
            resources.resource_groups.create_or_update(name, {"location": "atlantis"})
        assert refused(error) == (400, "LocationNotAvailableForResourceType")

    def test_deleting_it_takes_no_default_poll_interval(self, resources: ResourceManagementClient, name: str) -> None:
        """Without a positive wait from the server the client looks again after 30 s."""
        resources.resource_groups.create_or_update(name, {"location": "eastus"})
        started = time.monotonic()
        resources.resource_groups.begin_delete(name).result()
        assert time.monotonic() - started < 15


class TestAnyResource:
    def test_life(self, resources: ResourceManagementClient, group: str, identity_id: str) -> None:
        by_id = resources.resources
        assert by_id.check_existence_by_id(identity_id, api_version=IDENTITIES) is False
        body = {"location": "eastus", "tags": {"a": "1"}}
        made = by_id.begin_create_or_update_by_id(identity_id, body, api_version=IDENTITIES).result()
        assert made.id == identity_id
        assert made.properties["principalId"]
        assert by_id.check_existence_by_id(identity_id, api_version=IDENTITIES) is True
        changed = by_id.begin_update_by_id(identity_id, {"tags": {"b": "2"}}, api_version=IDENTITIES).result()
        assert changed.tags == {"b": "2"}
        assert by_id.get_by_id(identity_id.lower(), api_version=IDENTITIES).id == identity_id
        kind = "resourceType eq 'Microsoft.ManagedIdentity/userAssignedIdentities'"
        assert identity_id in [found.id for found in by_id.list_by_resource_group(group, filter=kind)]
        assert identity_id in [found.id for found in by_id.list(filter=kind)]
        by_id.begin_delete_by_id(identity_id, api_version=IDENTITIES).result()
        by_id.begin_delete_by_id(identity_id, api_version=IDENTITIES).result()
        with pytest.raises(ResourceNotFoundError) as error:
            by_id.get_by_id(identity_id, api_version=IDENTITIES)
        assert refused(error) == (404, "ResourceNotFound")

    def test_a_group_that_is_not_there(self, resources: ResourceManagementClient, group: str, identity_id: str) -> None:
        with pytest.raises(ResourceNotFoundError) as error:
            resources.resources.begin_create_or_update_by_id(
                identity_id.replace(group, "rg-nobody"), {"location": "eastus"}, api_version=IDENTITIES
            )
        assert refused(error) == (404, "ResourceGroupNotFound")

    def test_a_place_is_needed(self, resources: ResourceManagementClient, identity_id: str) -> None:
        with pytest.raises(HttpResponseError) as error:
            resources.resources.begin_create_or_update_by_id(identity_id, {"tags": {"a": "1"}}, api_version=IDENTITIES)
        assert refused(error) == (400, "LocationRequired")

    def test_what_is_not_emulated_says_so(self, resources: ResourceManagementClient, group: str) -> None:
        id_ = f"/subscriptions/x/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/vm"
        with pytest.raises(HttpResponseError) as error:
            resources.resources.get_by_id(id_, api_version="2024-07-01")
        assert refused(error) == (501, "NotImplemented")

    def test_lists_come_in_pages(self, resources: ResourceManagementClient, name: str, identity_id: str) -> None:
        resources.resource_groups.create_or_update(name, {"location": "eastus"})
        within = identity_id.partition("/resourceGroups/")[0] + f"/resourceGroups/{name}/providers"
        ids = [f"{within}/Microsoft.ManagedIdentity/userAssignedIdentities/id-{number}" for number in range(5)]
        for id_ in ids:
            resources.resources.begin_create_or_update_by_id(
                id_, {"location": "eastus"}, api_version=IDENTITIES
            ).result()
        pages = list(resources.resources.list_by_resource_group(name, top=2).by_page())
        assert [len(list(page)) for page in pages] == [2, 2, 1]


TRACKED = {
    "Microsoft.OperationalInsights/workspaces": ("2023-09-01", {"properties": {"sku": {"name": "PerGB2018"}}}),
    "Microsoft.Insights/components": ("2020-02-02", {"kind": "web", "properties": {"Application_Type": "web"}}),
    "Microsoft.ManagedIdentity/userAssignedIdentities": (IDENTITIES, {}),
}


@pytest.mark.parametrize("kind", TRACKED)
def test_what_has_no_client_of_its_own(
    resources: ResourceManagementClient, clients: Clients, group: str, kind: str
) -> None:
    version, more = TRACKED[kind]
    id_ = f"/subscriptions/{clients.subscription}/resourceGroups/{group}/providers/{kind}/any-{uuid4().hex[:6]}"
    by_id, body = resources.resources, {"location": "eastus", **more}
    made = by_id.begin_create_or_update_by_id(id_, body, api_version=version).result()
    assert (made.id, made.type, made.location) == (id_, kind, "eastus")
    assert by_id.begin_update_by_id(id_, {"tags": {"a": "1"}}, api_version=version).result().tags == {"a": "1"}
    assert by_id.get_by_id(id_, api_version=version).tags == {"a": "1"}
    by_id.begin_delete_by_id(id_, api_version=version).result()
    with pytest.raises(ResourceNotFoundError):
        by_id.get_by_id(id_, api_version=version)


class TestSubscription:
    def test_providers(self, resources: ResourceManagementClient) -> None:
        found = resources.providers.get("microsoft.machinelearningservices")
        assert (found.namespace, found.registration_state) == ("Microsoft.MachineLearningServices", "Registered")
        assert "workspaces/onlineEndpoints" in [kind.resource_type for kind in found.resource_types]
        assert resources.providers.register("Microsoft.Storage").registration_state == "Registered"
        assert "Microsoft.KeyVault" in [one.namespace for one in resources.providers.list()]

    def test_a_provider_that_is_not_emulated(self, resources: ResourceManagementClient) -> None:
        with pytest.raises(ResourceNotFoundError) as error:
            resources.providers.get("Microsoft.Compute")
        assert refused(error) == (404, "InvalidResourceNamespace")


class TestOperations:
    """The shapes of long-running operations that the poller of azure-mgmt-core knows."""

    LOGS = "2023-09-01"

    def id_of(self, clients: Clients, group: str, kind: str, name: str) -> str:
        return f"/subscriptions/{clients.subscription}/resourceGroups/{group}/providers/{kind}/{name}"

    def test_a_status_document(self, clients: Clients, resources: ResourceManagementClient, group: str) -> None:
        """201 and Azure-AsyncOperation: the status is looked at, then the resource itself."""
        id_ = self.id_of(clients, group, "Microsoft.OperationalInsights/workspaces", "logs")
        answers: list[Any] = []
        body = {"location": "eastus", "properties": {"sku": {"name": "PerGB2018"}}}
        poller = resources.resources.begin_create_or_update_by_id(
            id_, body, api_version=self.LOGS, raw_response_hook=answers.append
        )
        assert poller.result().properties["provisioningState"] == "Succeeded"
        first, *polls = [answer.http_response for answer in answers]
        assert first.status_code == 201
        assert first.headers["Azure-AsyncOperation"].startswith("https://")
        assert "Retry-After" not in first.headers
        assert 0 < int(first.headers["retry-after-ms"]) <= 1000
        assert polls[0].json()["status"] in ("InProgress", "Succeeded")
        assert poller.status() == "Succeeded"

    def test_a_place_to_look_at(self, resources: ResourceManagementClient, name: str) -> None:
        """202 and Location: 202 while it runs, then no content."""
        resources.resource_groups.create_or_update(name, {"location": "eastus"})
        answers: list[Any] = []
        resources.resource_groups.begin_delete(name, raw_response_hook=answers.append).result()
        first, *polls = [answer.http_response for answer in answers]
        assert (first.status_code, first.text()) == (202, "")
        assert first.headers["Location"].startswith("https://")
        assert {poll.status_code for poll in polls} <= {202, 204}
        assert polls[-1].status_code == 204
