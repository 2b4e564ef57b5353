"""The endpoint with its assets, releases and rollout: exactly these registrations."""

from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import rpc

import azml
from azml.component import InvalidArgs
from tests.support.planned import SUBSCRIPTION, Registered, planned

WS = f"{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"

CONDA = "name: e\ndependencies: [python=3.11]\n"
PROBE = {"initialDelay": "PT10S", "period": "PT10S", "timeout": "PT2S", "successThreshold": 1, "failureThreshold": 30}
"""Azure's own defaults (reference-yaml-deployment-managed-online)."""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "score.py").write_text("def init(): ...\ndef run(data): ...\n")
    (tmp_path / "model.bin").write_bytes(b"model")
    (tmp_path / "conda.yml").write_text(CONDA)
    return tmp_path


def deployment(files: Path, **more: Any) -> dict[str, Any]:
    return {
        "name": "ridge",
        "model": {"path": str(files / "model.bin")},
        "environment": {"image": "mcr.microsoft.com/x:1", "conda_file": str(files / "conda.yml")},
        "code_configuration": {"code": str(files / "code"), "scoring_script": "score.py"},
        "instance_type": "Standard_DS3_v2",
        **more,
    }


def endpoint(*deployments: dict[str, Any], config: dict[str, Any] | None = None, **args: Any) -> list[Registered]:
    full = {"workspace_id": WS, "name": "churn", "location": "eastus", "deployments": list(deployments), **args}
    return planned(lambda: azml.OnlineEndpoint("churn", full), config)  # type: ignore[arg-type]


def of(made: list[Registered], type_: str) -> list[Registered]:
    return [resource for resource in made if resource.type == f"azml:index:{type_}"]


def release(files: Path, **more: Any) -> str:
    return str(of(endpoint(deployment(files, **more)), "ManagedOnlineDeployment")[0].inputs["name"])


def test_exactly_these_registrations(files: Path) -> None:
    made = endpoint(deployment(files))
    code, environment, release_, root, model, rollout, component = (
        of(made, kind)[0]
        for kind in (
            "CodeVersion",
            "EnvironmentVersion",
            "ManagedOnlineDeployment",
            "ManagedOnlineEndpoint",
            "ModelVersion",
            "Rollout",
            "OnlineEndpoint",
        )
    )
    assert len(made) == 7
    assert component.name == root.name == "churn"
    assert root.inputs == {
        "workspaceId": WS,
        "name": "churn",
        "location": "eastus",
        "authMode": "Key",
        "identity": {"type": "SystemAssigned"},
        "publicNetworkAccess": "Enabled",
    }
    for asset, kind in ((model, "model"), (environment, "environment"), (code, "code")):
        assert asset.name == f"churn-ridge-{kind}-{asset.inputs['version']}"
        assert asset.inputs["name"] == "churn-ridge"
        assert asset.inputs["version"] == asset.inputs["contentHash"][:12]
        assert asset.inputs["workspaceId"] == WS
    assert model.inputs["path"] == str(files / "model.bin")
    assert environment.inputs["condaFile"] == CONDA
    physical = release_.inputs["name"]
    assert release_.name == f"churn-{physical}"
    assert physical == f"ridge-{release_.inputs['release']}"
    assert release_.inputs == {
        "endpointId": f"{WS}/onlineEndpoints/churn",
        "name": physical,
        "deployment": "ridge",
        "release": physical.removeprefix("ridge-"),
        "onFailure": "keep",
        "model": f"{WS}/models/churn-ridge/versions/{model.inputs['version']}",
        "environmentId": f"{WS}/environments/churn-ridge/versions/{environment.inputs['version']}",
        "codeId": f"{WS}/codes/churn-ridge/versions/{code.inputs['version']}",
        "scoringScript": "score.py",
        "instanceType": "Standard_DS3_v2",
        "instanceCount": 1,
        "appInsightsEnabled": False,
        "egressPublicNetworkAccess": "Enabled",
        "requestSettings": {
            "requestTimeout": "PT5S",
            "maxConcurrentRequestsPerInstance": 1,
            "maxQueueWait": "PT0.5S",
        },
        "livenessProbe": PROBE,
        "readinessProbe": PROBE,
    }
    assert rollout.name == "churn-rollout"
    assert rollout.inputs == {"endpointId": f"{WS}/onlineEndpoints/churn", "traffic": {physical: 100}}


@pytest.mark.parametrize(
    "change",
    [
        {"instance_type": "Standard_DS2_v2"},
        {"environment_variables": {"A": "1"}},
        {"environment_variables": {"A": {"secret": "pw"}}},
        {"request_settings": {"request_timeout_ms": 90_000}},
        {"liveness_probe": {"period": 5}},
        {"readiness_probe": {"initial_delay": 60}},
        {"app_insights_enabled": True},
        {"egress_public_network_access": "disabled"},
        {"model_mount_path": "/m"},
        {"data_collector": {"collections": {"request": {"enabled": True}}}},
        {"code_configuration": {"code": "azureml:taxi:3", "scoring_script": "score.py"}},
        {"environment": {"image": "mcr.microsoft.com/x:2"}},
        {"environment": "azureml:env:2"},
        {"model": "azureml:model:2"},
        {"name": "lasso"},
    ],
)
def test_what_changes_scoring_is_a_new_release(files: Path, change: dict[str, Any]) -> None:
    config = {"pw": "x"}
    before = of(endpoint(deployment(files), config=config), "ManagedOnlineDeployment")[0].inputs
    after = of(endpoint(deployment(files, **change), config=config), "ManagedOnlineDeployment")[0].inputs
    assert before["release"] != after["release"]
    assert before["name"] != after["name"]


@pytest.mark.parametrize(
    "change",
    [
        {"tags": {"a": "1"}},
        {"description": "d"},
        {"instance_count": 3},
        {"properties": {"a": "1"}},
        {"type": "managed"},
    ],
)
def test_what_does_not_change_scoring_is_the_same_release(files: Path, change: dict[str, Any]) -> None:
    assert release(files) == release(files, **change)


@pytest.mark.parametrize("name", ["model.bin", "conda.yml", "code/score.py"])
def test_a_byte_is_a_new_release_and_back_again(files: Path, name: str) -> None:
    before, content = release(files), (files / name).read_bytes()
    (files / name).write_bytes(content + b"\n#")
    assert release(files) != before
    (files / name).write_bytes(content)
    assert release(files) == before


def test_a_secret_counts_by_its_name_only(files: Path) -> None:
    def made(value: str, name: str) -> dict[str, Any]:
        variables = {"environment_variables": {"TOKEN": {"secret": name}}}
        resources = endpoint(deployment(files, **variables), config={name: value})
        return of(resources, "ManagedOnlineDeployment")[0].inputs

    one, two = made("first", "pw"), made("second", "pw")
    for inputs, value in ((one, "first"), (two, "second")):
        assert rpc.is_rpc_secret(inputs["environmentVariables"])
        assert rpc.unwrap_rpc_secret(inputs["environmentVariables"]) == {"TOKEN": value}
    assert one["name"] == two["name"]
    assert made("first", "other")["name"] != one["name"]


def test_a_vault_s_secret_is_left_to_azure(files: Path) -> None:
    uri = "https://v.vault.azure.net/secrets/token"
    made = endpoint(deployment(files, environment_variables={"TOKEN": {"key_vault": uri}}))
    variables = of(made, "ManagedOnlineDeployment")[0].inputs["environmentVariables"]
    assert variables == {"TOKEN": "${{keyvault:https://v.vault.azure.net/secrets/token}}"}


def test_the_endpoint_says_what_becomes_of_a_release_that_fails(files: Path) -> None:
    made = endpoint(deployment(files), rollout={"on_failure": "delete"})
    assert of(made, "ManagedOnlineDeployment")[0].inputs["onFailure"] == "delete"


def test_a_fixed_release_keeps_its_name(files: Path) -> None:
    made = of(endpoint(deployment(files, release="fixed")), "ManagedOnlineDeployment")[0]
    assert (made.inputs["name"], made.inputs["release"], made.name) == ("ridge", "fixed", "churn-ridge")


def test_traffic_names_releases(files: Path) -> None:
    made = endpoint(
        deployment(files), deployment(files, name="lasso"), traffic={"ridge": 90, "lasso": 10}, mirror_traffic={}
    )
    names = {r.inputs["deployment"]: r.inputs["name"] for r in of(made, "ManagedOnlineDeployment")}
    assert of(made, "Rollout")[0].inputs["traffic"] == {names["ridge"]: 90, names["lasso"]: 10}


def test_mirroring_names_releases(files: Path) -> None:
    made = endpoint(
        deployment(files), deployment(files, name="lasso"), traffic={"ridge": 100}, mirror_traffic={"lasso": 20}
    )
    names = {r.inputs["deployment"]: r.inputs["name"] for r in of(made, "ManagedOnlineDeployment")}
    assert of(made, "Rollout")[0].inputs["mirrorTraffic"] == {names["lasso"]: 20}


def test_assets_by_name(files: Path) -> None:
    registry = "azureml://registries/azureml/environments/sklearn/versions/3"
    made = endpoint(deployment(files, model="azureml:taxi:7", environment=registry, code_configuration=None))
    assert not of(made, "ModelVersion")
    said = of(made, "ManagedOnlineDeployment")[0].inputs
    assert said["model"] == f"{WS}/models/taxi/versions/7"
    assert said["environmentId"] == registry


def test_assets_that_are_made_elsewhere_are_waited_for(files: Path) -> None:
    made = endpoint(deployment(files, model="azureml:taxi:7"), assets={"models/azureml:taxi:7": "the-id"})
    assert of(made, "ManagedOnlineDeployment")[0].inputs["model"] == "the-id"


def test_a_floating_name_is_refused(files: Path) -> None:
    with pytest.raises(InvalidArgs, match="azureml:taxi:VERSION"):
        endpoint(deployment(files, model="azureml:taxi@latest"))


def test_an_existing_endpoint_is_read_and_served_from(files: Path) -> None:
    id_ = f"{WS}/onlineEndpoints/theirs"
    made = endpoint(deployment(files), name="theirs", existing=id_, location=None)
    assert of(made, "ManagedOnlineEndpoint")[0].inputs == {}
    assert of(made, "ManagedOnlineDeployment")[0].inputs["endpointId"] == id_
    assert not of(made, "Rollout"), "its traffic is its owner's"


def test_wrong_arguments_are_all_said_at_once(files: Path) -> None:
    with pytest.raises(InvalidArgs) as caught:
        endpoint(deployment(files, instance_type="Standard_None", instance_count=0), auth_mode="magic")
    for word in ("auth_mode", "instance_type", "instance_count"):
        assert word in str(caught.value)


DATASTORE = "azureml://datastores/workspaceblobstore/paths"


def test_collected_data_is_registered_as_az_ml_does(files: Path) -> None:
    collector = {
        "collections": {
            "request": {"enabled": "True", "client_id": "c"},
            "model_inputs": {"enabled": False, "data": {"name": "mine", "version": 2, "path": f"{DATASTORE}/x"}},
            "model_outputs": {"enabled": True, "data": "azureml:theirs:3"},
            "response": {"enabled": True, "data": {"data_id": f"{WS}/data/also-theirs/versions/4"}},
        },
        "rolling_rate": "Minute",
        "sampling_rate": 0.5,
        "request_logging": {"capture_headers": ["X-Request-Id"]},
    }
    made = endpoint(deployment(files, data_collector=collector))
    # reference-yaml-deployment-managed-online: names and folders of collected data; here by the deployment's own name.
    assert [(data.name, data.inputs) for data in of(made, "DataVersion")] == [
        (
            "churn-mine-data-2",
            {"workspaceId": WS, "name": "mine", "version": "2", "uri": f"{DATASTORE}/x"},
        ),
        (
            "churn-ridge-request-data-1",
            {
                "workspaceId": WS,
                "name": "churn-ridge-request",
                "version": "1",
                "uri": f"{DATASTORE}/modelDataCollector/churn/ridge/request",
            },
        ),
    ]
    enabled = {"dataCollectionMode": "Enabled", "samplingRate": 0.5}
    assert of(made, "ManagedOnlineDeployment")[0].inputs["dataCollector"] == {
        "collections": {
            "request": {**enabled, "dataId": f"{WS}/data/churn-ridge-request/versions/1", "clientId": "c"},
            "model_inputs": {
                **enabled,
                "dataCollectionMode": "Disabled",
                "dataId": f"{WS}/data/mine/versions/2",
            },
            "model_outputs": {**enabled, "dataId": f"{WS}/data/theirs/versions/3"},
            "response": {**enabled, "dataId": f"{WS}/data/also-theirs/versions/4"},
        },
        "rollingRate": "Minute",
        "requestLogging": {"captureHeaders": ["X-Request-Id"]},
    }


def test_a_model_in_the_cloud_is_registered_where_it_is(files: Path) -> None:
    uri = "azureml://jobs/j/outputs/artifacts/paths/model"
    (model,) = of(endpoint(deployment(files, model={"path": uri, "type": "mlflow_model"})), "ModelVersion")
    assert (model.inputs["uri"], model.inputs.get("path"), model.inputs["type"]) == (uri, None, "mlflow_model")


def test_uploads_go_where_they_are_told(files: Path) -> None:
    (files / "context").mkdir()
    (files / "context" / "Dockerfile").write_text("FROM scratch\n")
    environment = {"build": {"path": str(files / "context")}, "datastore": "azureml:images"}
    model = {"path": str(files / "model.bin"), "datastore": "models"}
    made = endpoint(deployment(files, model=model, environment=environment))
    assert of(made, "ModelVersion")[0].inputs["datastore"] == "models"
    version = of(made, "EnvironmentVersion")[0].inputs
    assert version["datastore"] == "images"
    assert version["build"] == {"path": str(files / "context"), "dockerfilePath": "Dockerfile"}


def test_a_build_from_a_repository(files: Path) -> None:
    url = "https://github.com/team/images.git#main:serving"
    made = endpoint(deployment(files, environment={"build": {"path": url, "dockerfile_path": "Serving"}}))
    assert of(made, "EnvironmentVersion")[0].inputs["build"] == {"uri": url, "dockerfilePath": "Serving"}


def test_registered_code_is_used_as_it_is(files: Path) -> None:
    made = endpoint(deployment(files, code_configuration={"code": "azureml:taxi:3", "scoring_script": "score.py"}))
    assert not of(made, "CodeVersion")
    said = of(made, "ManagedOnlineDeployment")[0].inputs
    assert (said["codeId"], said["scoringScript"]) == (f"{WS}/codes/taxi/versions/3", "score.py")


def test_deployments_share_what_they_define_alike(files: Path) -> None:
    model = {"name": "taxi", "version": 1, "path": str(files / "model.bin")}
    two = deployment(files, model=model), deployment(files, name="lasso", model=model)
    made = endpoint(*two, traffic={"ridge": 100})
    assert [version.name for version in of(made, "ModelVersion")] == ["churn-taxi-model-1"]
    ids = {release.inputs["model"] for release in of(made, "ManagedOnlineDeployment")}
    assert ids == {f"{WS}/models/taxi/versions/1"}
    other = deployment(files, name="lasso", model={**model, "path": str(files / "conda.yml")})
    with pytest.raises(InvalidArgs, match="Two deployments define model taxi 1 with another content"):
        endpoint(two[0], other, traffic={"ridge": 100})


def test_an_endpoint_without_deployments_is_only_that() -> None:
    assert [resource.type for resource in endpoint()] == [
        "azml:index:ManagedOnlineEndpoint",
        "azml:index:OnlineEndpoint",
    ]


def test_no_traffic_is_a_wish_too(files: Path) -> None:
    made = endpoint(deployment(files), traffic={})
    assert set(of(made, "Rollout")[0].inputs["traffic"].values()) == {0}
