"""azure-mgmt-machinelearningservices: workspaces, and what becomes of deleted ones."""

from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.machinelearningservices import MachineLearningServicesMgmtClient
from azure.mgmt.resource.resources import ResourceManagementClient

from tests.contract import estate
from tests.contract.clients import Clients, refused


@pytest.fixture
def client(clients: Clients) -> MachineLearningServicesMgmtClient:
    return clients.of(MachineLearningServicesMgmtClient)


@pytest.fixture(scope="module")
def body(clients: Clients, group: str) -> dict[str, Any]:
    return estate.workspace_body(clients, group)


@pytest.fixture
def name() -> str:
    return f"mlw-{uuid4().hex[:8]}"


def test_life(client: MachineLearningServicesMgmtClient, group: str, name: str, body: dict[str, Any]) -> None:
    workspaces, answers = client.workspaces, []
    made = workspaces.begin_create_or_update(group, name, body, raw_response_hook=answers.append).result()
    assert answers[0].http_response.status_code == 202
    assert answers[0].http_response.headers["Location"]
    assert (made.name, made.location, made.provisioning_state) == (name, "eastus", "Succeeded")
    assert made.identity.principal_id
    assert workspaces.get(group, name).storage_account == body["properties"]["storageAccount"]
    assert name in [found.name for found in workspaces.list_by_resource_group(group)]
    assert name in [found.name for found in workspaces.list_by_subscription()]
    changed = workspaces.begin_update(group, name, {"tags": {"a": "1"}, "properties": {"description": "ours"}}).result()
    assert (changed.tags, changed.description) == ({"a": "1"}, "ours")
    assert workspaces.list_keys(group, name).user_storage_key
    assert workspaces.list_storage_account_keys(group, name).user_storage_key
    workspaces.begin_delete(group, name).result()
    workspaces.begin_delete(group, name).result()


def test_what_it_needs_must_be_there(
    client: MachineLearningServicesMgmtClient, group: str, name: str, body: dict[str, Any]
) -> None:
    """Storage, key vault and Application Insights are required."""
    for missing in ("storageAccount", "keyVault", "applicationInsights"):
        given = {key: value for key, value in body["properties"].items() if key != missing}
        for properties in (given, {**given, missing: f"{body['properties'][missing]}-nobody"}):
            with pytest.raises(HttpResponseError) as error:
                client.workspaces.begin_create_or_update(group, name, {**body, "properties": properties})
            assert error.value.status_code == 400
            assert missing in error.value.message


class TestDeletedWorkspaces:
    """A deleted workspace keeps its name for 14 days (concept-soft-delete, 2025-10-31)."""

    @pytest.fixture
    def deleted(self, client: MachineLearningServicesMgmtClient, group: str, name: str, body: dict[str, Any]) -> Any:
        made = client.workspaces.begin_create_or_update(group, name, {**body, "tags": {"kept": "yes"}}).result()
        model = {"properties": {"modelUri": "azureml://datastores/workspaceblobstore/paths/m"}}
        for version in ("1", "2"):
            client.model_versions.create_or_update(group, name, "churn", version, model)
        client.online_endpoints.begin_create_or_update(
            group, name, name, {"location": "eastus", "properties": {"authMode": "Key"}}
        ).result()
        client.workspaces.begin_delete(group, name).result()
        return made

    def recover(self, resources: ResourceManagementClient, id_: str, body: dict[str, Any]) -> Any:
        """What ARM's types of 2022-01-01-preview have for it."""
        asked = {**body, "properties": {**body["properties"], "allowRecoverSoftDeletedWorkspace": "True"}}
        return resources.resources.begin_create_or_update_by_id(id_, asked, api_version="2022-01-01-preview").result()

    def test_its_name_is_taken(
        self, client: MachineLearningServicesMgmtClient, group: str, body: dict[str, Any], deleted: Any
    ) -> None:
        with pytest.raises(ResourceNotFoundError):
            client.workspaces.get(group, deleted.name)
        assert deleted.name not in [found.name for found in client.workspaces.list_by_resource_group(group)]
        with pytest.raises(HttpResponseError) as error:
            client.workspaces.begin_create_or_update(group, deleted.name, body)
        assert refused(error) == (400, "BadRequest")
        assert "Soft-deleted workspace exists. Please purge or recover it." in error.value.message

    def test_it_comes_back_with_its_assets_but_not_its_endpoints(
        self,
        client: MachineLearningServicesMgmtClient,
        resources: ResourceManagementClient,
        group: str,
        body: dict[str, Any],
        deleted: Any,
    ) -> None:
        back = self.recover(resources, deleted.id, body)
        assert back.tags == {"kept": "yes"}
        assert back.identity.principal_id == deleted.identity.principal_id
        found = client.workspaces.get(group, deleted.name)
        assert found.workspace_id == deleted.workspace_id
        assert [one.name for one in client.model_versions.list(group, deleted.name, "churn")] == ["1", "2"]
        assert "workspaceblobstore" in [one.name for one in client.datastores.list(group, deleted.name)]
        assert list(client.online_endpoints.list(group, deleted.name)) == []
        client.workspaces.begin_delete(group, deleted.name).result()

    def test_it_may_be_recovered_in_the_portal_only(
        self, resources: ResourceManagementClient, body: dict[str, Any], deleted: Any, settings: Any
    ) -> None:
        settings(workspace_recovery="portal")
        with pytest.raises(HttpResponseError) as error:
            self.recover(resources, deleted.id, body)
        assert "Soft-deleted workspace exists" in error.value.message

    def test_it_can_be_purged(
        self, client: MachineLearningServicesMgmtClient, group: str, body: dict[str, Any], deleted: Any
    ) -> None:
        client.workspaces.begin_delete(group, deleted.name, params={"forceToPurge": "true"}).result()
        again = client.workspaces.begin_create_or_update(group, deleted.name, body).result()
        assert again.workspace_id != deleted.workspace_id
        assert list(client.model_containers.list(group, deleted.name)) == []
        client.workspaces.begin_delete(group, deleted.name, params={"forceToPurge": "true"}).result()
        client.workspaces.begin_create_or_update(group, deleted.name, body).result()
