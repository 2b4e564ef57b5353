"""azure-mgmt-machinelearningservices: datastores, assets, online endpoints and deployments, and how they fail."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.machinelearningservices import MachineLearningServicesMgmtClient, models

from azml_local.scoring.contract import DeploymentFailed
from tests.contract import estate
from tests.contract.clients import Clients, refused
from tests.unit.local.support import Running

URI = "azureml://datastores/workspaceblobstore/paths/LocalUpload/x"


@pytest.fixture
def client(clients: Clients) -> MachineLearningServicesMgmtClient:
    return clients.of(MachineLearningServicesMgmtClient)


@pytest.fixture(scope="module")
def workspace(clients: Clients, group: str) -> Any:
    return estate.workspace(clients, group)


@pytest.fixture(scope="module")
def at(group: str, workspace: Any) -> tuple[str, str]:
    """Resource group and workspace: what every call starts with."""
    return group, workspace.name


@pytest.fixture
def name() -> str:
    return f"x-{uuid4().hex[:8]}"


def test_datastores(client: MachineLearningServicesMgmtClient, at: tuple[str, str], workspace: Any) -> None:
    account = workspace.storage_account.rpartition("/")[2]
    body = {
        "properties": {
            "datastoreType": "AzureBlob",
            "accountName": account,
            "containerName": "mine",
            "credentials": {"credentialsType": "AccountKey", "secrets": {"secretsType": "AccountKey", "key": "a2V5"}},
        }
    }
    made = client.datastores.create_or_update(*at, "mine", body)
    assert (made.name, made.properties.account_name, made.properties.is_default) == ("mine", account, False)
    assert "a2V5" not in str(made.as_dict())
    assert client.datastores.get(*at, "mine").properties.container_name == "mine"
    assert client.datastores.list_secrets(*at, "mine").key == "a2V5"
    names = [found.name for found in client.datastores.list(*at)]
    assert {"workspaceblobstore", "workspaceartifactstore", "mine"} <= set(names)
    assert [found.name for found in client.datastores.list(*at, is_default=True)] == ["workspaceblobstore"]
    client.datastores.delete(*at, "mine")
    client.datastores.delete(*at, "mine")
    with pytest.raises(ResourceNotFoundError):
        client.datastores.get(*at, "mine")


ASSETS: dict[str, Callable[..., Any]] = {
    "model": partial(models.ModelVersionProperties, model_uri=f"{URI}/model", model_type="custom_model"),
    "code": partial(models.CodeVersionProperties, code_uri="https://127.0.0.1/acct/cont/code"),
    "environment": partial(models.EnvironmentVersionProperties, image="mcr.microsoft.com/x:1", conda_file="name: e"),
    "data": partial(models.UriFolderDataVersion, data_uri=f"{URI}/data"),
}
CONTAINERS: dict[str, Any] = {
    "model": models.ModelContainerProperties(description="mine"),
    "code": models.CodeContainerProperties(description="mine"),
    "environment": models.EnvironmentContainerProperties(description="mine"),
    "data": models.DataContainerProperties(description="mine", data_type="uri_folder"),
}
BODIES: dict[str, Any] = {
    "model": (models.ModelContainer, models.ModelVersion),
    "code": (models.CodeContainer, models.CodeVersion),
    "environment": (models.EnvironmentContainer, models.EnvironmentVersion),
    "data": (models.DataContainer, models.DataVersionBase),
}
CHANGES = {"model": "model_uri", "code": "code_uri", "environment": "image", "data": "data_uri"}


@pytest.mark.parametrize("kind", ASSETS)
def test_an_asset(client: MachineLearningServicesMgmtClient, at: tuple[str, str], name: str, kind: str) -> None:
    """The container shows the newest version; what a version is made of never changes; archived ones are not listed."""
    containers, versions = getattr(client, f"{kind}_containers"), getattr(client, f"{kind}_versions")
    a_container, a_version = BODIES[kind]
    containers.create_or_update(*at, name, a_container(properties=CONTAINERS[kind]))
    for number in ("1", "2"):
        made = versions.create_or_update(*at, name, number, a_version(properties=ASSETS[kind]()))
        assert made.name == number
    found = containers.get(*at, name).properties
    assert (found.description, found.latest_version, found.next_version) == ("mine", "2", "3")
    assert name in [one.name for one in containers.list(*at)]
    assert sorted(one.name for one in versions.list(*at, name)) == ["1", "2"]
    other = ASSETS[kind](**{CHANGES[kind]: f"{URI}/other"})
    with pytest.raises(HttpResponseError) as error:
        versions.create_or_update(*at, name, "1", a_version(properties=other))
    assert error.value.status_code == 400
    versions.create_or_update(*at, name, "1", a_version(properties=ASSETS[kind](is_archived=True)))
    assert [one.name for one in versions.list(*at, name)] == ["2"]
    assert versions.get(*at, name, "1").properties.is_archived is True
    versions.delete(*at, name, "1")
    versions.delete(*at, name, "1")
    with pytest.raises(ResourceNotFoundError):
        versions.get(*at, name, "1")
    containers.delete(*at, name)
    containers.delete(*at, name)
    with pytest.raises(ResourceNotFoundError):
        containers.get(*at, name)


@pytest.fixture(scope="module")
def body(clients: Clients, at: tuple[str, str], workspace: Any) -> dict[str, Any]:
    """A deployment that works."""
    return estate.deployment_body(clients, at, workspace)


def sent(body: dict[str, Any]) -> bytes:
    """The client loses the kind of a deployment that it gets as a dict."""
    return json.dumps(body).encode()


class TestOnlineEndpoints:
    @pytest.fixture
    def endpoint(self, client: MachineLearningServicesMgmtClient, at: tuple[str, str], name: str) -> Any:
        body = {"location": "eastus", "properties": {"authMode": "Key"}}
        return client.online_endpoints.begin_create_or_update(*at, name, body).result()

    @pytest.fixture
    def blue(
        self, client: MachineLearningServicesMgmtClient, at: tuple[str, str], endpoint: Any, body: dict[str, Any]
    ) -> Any:
        return client.online_deployments.begin_create_or_update(*at, endpoint.name, "blue", sent(body)).result()

    def traffic(self, client: MachineLearningServicesMgmtClient, at: tuple[str, str], name: str, **shares: int) -> Any:
        body = {"location": "eastus", "properties": {"authMode": "Key", "traffic": shares}}
        return client.online_endpoints.begin_create_or_update(*at, name, body).result()

    def test_life(self, client: MachineLearningServicesMgmtClient, at: tuple[str, str], name: str) -> None:
        endpoints, answers = client.online_endpoints, []
        body = {"location": "eastus", "tags": {"a": "1"}, "properties": {"authMode": "Key"}}
        made = endpoints.begin_create_or_update(*at, name, body, raw_response_hook=answers.append).result()
        first = answers[0].http_response
        assert first.status_code == 201
        assert first.headers["Azure-AsyncOperation"]
        assert first.headers["x-ms-async-operation-timeout"]
        assert (made.properties.provisioning_state, made.properties.traffic) == ("Succeeded", {})
        assert made.properties.scoring_uri
        changed = endpoints.begin_update(*at, name, {"tags": {"b": "2"}}, raw_response_hook=answers.append).result()
        assert changed.tags == {"b": "2"}
        assert name in [found.name for found in endpoints.list(*at)]
        keys = endpoints.list_keys(*at, name)
        endpoints.begin_regenerate_keys(*at, name, {"keyType": "Primary"}).result()
        assert endpoints.list_keys(*at, name).primary_key != keys.primary_key
        assert endpoints.list_keys(*at, name).secondary_key == keys.secondary_key
        endpoints.begin_delete(*at, name, raw_response_hook=answers.append).result()
        endpoints.begin_delete(*at, name).result()
        with pytest.raises(ResourceNotFoundError):
            endpoints.get(*at, name)

    def test_tokens(self, client: MachineLearningServicesMgmtClient, at: tuple[str, str], name: str) -> None:
        body = {"location": "eastus", "properties": {"authMode": "AMLToken"}}
        client.online_endpoints.begin_create_or_update(*at, name, body).result()
        token = client.online_endpoints.get_token(*at, name)
        assert token.token_type == "Bearer"
        assert token.refresh_after_time_utc < token.expiry_time_utc
        with pytest.raises(HttpResponseError) as error:
            client.online_endpoints.list_keys(*at, name)
        assert error.value.status_code == 400

    def test_a_deployment(
        self, client: MachineLearningServicesMgmtClient, at: tuple[str, str], endpoint: Any, blue: Any
    ) -> None:
        deployments = client.online_deployments
        assert (blue.properties.provisioning_state, blue.sku.capacity) == ("Succeeded", 1)
        assert blue.properties.scale_settings.scale_type == "Default"
        two = {"sku": {"name": "Default", "capacity": 2}}
        assert deployments.begin_update(*at, endpoint.name, "blue", two).result().sku.capacity == 2
        assert [found.name for found in deployments.list(*at, endpoint.name)] == ["blue"]
        assert deployments.get_logs(*at, endpoint.name, "blue", {"tail": 10}).content
        deployments.begin_delete(*at, endpoint.name, "blue").result()
        deployments.begin_delete(*at, endpoint.name, "blue").result()
        with pytest.raises(ResourceNotFoundError):
            deployments.get(*at, endpoint.name, "blue")

    def test_what_was_left_out_is_as_documented(self, blue: Any) -> None:
        """reference-yaml-deployment-managed-online, 2023-10-19."""
        settings, probe = blue.properties.request_settings, blue.properties.liveness_probe
        assert (settings.request_timeout.total_seconds(), settings.max_queue_wait.total_seconds()) == (5, 0.5)
        assert settings.max_concurrent_requests_per_instance == 1
        assert (probe.initial_delay.total_seconds(), probe.period.total_seconds()) == (10, 10)
        assert (probe.timeout.total_seconds(), probe.success_threshold, probe.failure_threshold) == (2, 1, 30)

    @pytest.mark.usefixtures("blue")
    def test_traffic(self, client: MachineLearningServicesMgmtClient, at: tuple[str, str], endpoint: Any) -> None:
        """The sum is 0 or 100, of deployments that there are; what has traffic cannot be deleted."""
        assert self.traffic(client, at, endpoint.name, blue=100).properties.traffic == {"blue": 100}
        for shares in ({"blue": 90}, {"blue": 101}, {"green": 100}):
            with pytest.raises(HttpResponseError) as error:
                self.traffic(client, at, endpoint.name, **shares)
            assert error.value.status_code == 400
        with pytest.raises(HttpResponseError) as error:
            client.online_deployments.begin_delete(*at, endpoint.name, "blue")
        assert error.value.status_code == 400
        self.traffic(client, at, endpoint.name, blue=0)
        client.online_deployments.begin_delete(*at, endpoint.name, "blue").result()

    def test_a_start_that_fails(
        self,
        client: MachineLearningServicesMgmtClient,
        azure: Running,
        at: tuple[str, str],
        endpoint: Any,
        body: dict[str, Any],
    ) -> None:
        """The write is accepted and the operation fails, with the service's code in its status document."""
        azure.plane.fail["blue"] = DeploymentFailed("ResourceNotReady", "User container has crashed or terminated")
        poller = client.online_deployments.begin_create_or_update(*at, endpoint.name, "blue", sent(body))
        with pytest.raises(HttpResponseError) as error:
            poller.result()
        assert refused(error)[1] == "ResourceNotReady"
        found = client.online_deployments.get(*at, endpoint.name, "blue")
        assert found.properties.provisioning_state == "Failed"

    def test_one_operation_at_a_time(
        self,
        client: MachineLearningServicesMgmtClient,
        azure: Running,
        at: tuple[str, str],
        endpoint: Any,
        body: dict[str, Any],
    ) -> None:
        """Any new operation on an endpoint with one in progress: 409 (how-to-troubleshoot-online-endpoints)."""
        azure.plane.gate.clear()
        try:
            poller = client.online_deployments.begin_create_or_update(*at, endpoint.name, "blue", sent(body))
            with pytest.raises(ResourceExistsError) as error:
                client.online_deployments.begin_create_or_update(*at, endpoint.name, "green", sent(body))
            assert error.value.status_code == 409
            with pytest.raises(ResourceExistsError):
                client.online_endpoints.begin_delete(*at, endpoint.name)
        finally:
            azure.plane.gate.set()
        assert poller.result().properties.provisioning_state == "Succeeded"

    @pytest.mark.parametrize(
        ("bad", "named"),
        [
            ({"sku": {"name": "Default", "capacity": 51}}, "sku.capacity"),
            ({"properties": {"instanceType": "Standard_NP10s"}}, "Standard_NP10s"),
            ({"properties": {"requestSettings": {"requestTimeout": "PT181S"}}}, "requestTimeout"),
            ({"properties": {"livenessProbe": {"successThreshold": 2}}}, "livenessProbe.successThreshold"),
            ({"properties": {"scaleSettings": {"scaleType": "TargetUtilization"}}}, "DefaultScaleSettings"),
        ],
        ids=["instances", "size", "timeout", "probe", "scale"],
    )
    def test_limits(
        self,
        client: MachineLearningServicesMgmtClient,
        at: tuple[str, str],
        endpoint: Any,
        body: dict[str, Any],
        bad: dict[str, Any],
        named: str,
    ) -> None:
        """50 instances, listed sizes, 180 s, one success, default scaling (how-to-manage-quotas 2026-01-27)."""
        given = {**body, **bad, "properties": {**body["properties"], **bad.get("properties", {})}}
        with pytest.raises(HttpResponseError, match=named) as error:
            client.online_deployments.begin_create_or_update(*at, endpoint.name, "blue", sent(given))
        assert error.value.status_code == 400

    @pytest.mark.usefixtures("blue")
    def test_a_size_is_for_good(
        self, client: MachineLearningServicesMgmtClient, at: tuple[str, str], endpoint: Any, body: dict[str, Any]
    ) -> None:
        """`instanceType` is create-only in ARM's types."""
        given = {**body, "properties": {**body["properties"], "instanceType": "Standard_DS4_v2"}}
        with pytest.raises(HttpResponseError, match="instanceType") as error:
            client.online_deployments.begin_create_or_update(*at, endpoint.name, "blue", sent(given))
        assert error.value.status_code == 400

    def test_an_endpoint_goes_with_its_deployments(
        self, client: MachineLearningServicesMgmtClient, at: tuple[str, str], endpoint: Any, blue: Any
    ) -> None:
        client.online_endpoints.begin_delete(*at, endpoint.name).result()
        with pytest.raises(ResourceNotFoundError):
            client.online_deployments.get(*at, endpoint.name, blue.name)
