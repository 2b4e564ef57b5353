"""What azml sends for deployments, environments and models, against what az ml itself sends for the same file.

Microsoft's own entities make the expected body. azml may send more (defaults that Azure would fill in, its own marks),
never something else.
"""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import azml
from azml.resources import deployment_body
from azml.resources.asset import AssetHandler
from azml.resources.environment_version import EnvironmentVersionHandler
from azml.resources.handler import equal
from azml.resources.model_version import ModelVersionHandler
from tests.support import official
from tests.support.planned import SUBSCRIPTION, planned

WS = f"{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
CONDA = "name: e\ndependencies: [python=3.11]\n"
ROUTES = {f"{kind}_route": {"path": f"/{kind}", "port": 8000} for kind in ("liveness", "readiness", "scoring")}
PROBE = {"initial_delay": 600, "period": 90, "timeout": 299, "success_threshold": 1, "failure_threshold": 49}
DEPLOYMENT = {
    "name": "blue",
    "endpoint_name": "churn",
    "instance_type": "Standard_DS3_v2",
    "instance_count": 2,
    "model": f"azureml:{WS}/models/m/versions/1",
    "environment": f"azureml:{WS}/environments/e/versions/1",
}


def theirs(kind: str, fields: dict[str, Any], folder: Path, **place: str) -> dict[str, Any]:
    """The body that az ml makes of a file, with what it resolves online (ids of assets) left as it is written."""
    file = folder / f"{kind}.yml"
    file.write_text(json.dumps(fields), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = getattr(official.official, f"load_{kind}")(file)
        return dict(made._to_rest_object(**place).as_dict())


def sent(fields: dict[str, Any]) -> dict[str, Any]:
    """The body of azml's deployment."""
    args: Any = {"workspace_id": WS, "name": "churn", "deployments": [fields]}
    (made,) = (
        one
        for one in planned(lambda: azml.OnlineEndpoint("churn", args))
        if one.type == "azml:index:ManagedOnlineDeployment"
    )
    return deployment_body.body("eastus", None, {}, made.inputs, "urn")


def body_of(handler: AssetHandler, kind: str, **fields: Any) -> dict[str, Any]:
    """What azml sends for an asset that needs no upload."""
    deployment = DEPLOYMENT | fields
    args: Any = {"workspace_id": WS, "name": "churn", "deployments": [deployment]}
    made = planned(lambda: azml.OnlineEndpoint("churn", args))
    (inputs,) = (one.inputs for one in made if one.type == f"azml:index:{kind}")
    nobody: Any = None  # nothing is uploaded
    described = {name: inputs[name] for name in ("description", "stage", "tags", "properties") if name in inputs}
    return described | handler.body(nobody, handler.check(inputs))


def missing(wanted: Any, given: Any, at: str = "") -> list[str]:
    """What of the one is not in the other; enums in any case, durations and ids by what they mean."""
    if wanted in (None, {}, False) and not given:
        return []
    if isinstance(wanted, Mapping) and isinstance(given, Mapping):
        return [line for key, item in wanted.items() for line in missing(item, given.get(key), f"{at}.{key}")]
    if isinstance(wanted, str) and isinstance(given, str) and wanted.removeprefix("azureml:").lower() == given.lower():
        return []
    return [] if equal(wanted, given) else [f"{at}: {wanted!r} is {given!r}"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"description": "d", "tags": {"a": "b"}, "properties": {"p": "1"}},
        {"environment_variables": {"A": "b", "B": "1"}},
        {"app_insights_enabled": "yes", "egress_public_network_access": "Disabled", "model_mount_path": "/models"},
        {"request_settings": {"request_timeout_ms": 90_000, "max_concurrent_requests_per_instance": 3}},
        {"request_settings": {"max_queue_wait_ms": 250}},
        {"liveness_probe": PROBE, "readiness_probe": {**PROBE, "success_threshold": 3}},
        {"scale_settings": {"type": "Default"}},
        {"code_configuration": {"code": f"azureml:{WS}/codes/c/versions/1", "scoring_script": "score.py"}},
        {
            "data_collector": {
                "collections": {"request": {"enabled": "True", "client_id": "c"}, "response": {"enabled": "false"}},
                "rolling_rate": "minute",
                "sampling_rate": 0.25,
                "request_logging": {"capture_headers": ["X-Request-Id"]},
            }
        },
    ],
)
def test_a_deployment(tmp_path: Path, fields: dict[str, Any]) -> None:
    wanted = theirs("online_deployment", DEPLOYMENT | fields, tmp_path, location="eastus")
    assert wanted["properties"]["instanceType"] == "Standard_DS3_v2", "it is a body of ARM"
    assert missing(wanted, sent(DEPLOYMENT | fields)) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"conda_file": "conda.yml"},
        {"conda_file": {"dependencies": ["python=3.11"]}, "os_type": "Windows"},
        {"inference_config": ROUTES, "description": "d", "tags": {"a": "b"}},
        {"image": None, "build": {"path": "https://github.com/team/images.git", "dockerfile_path": "Serving"}},
    ],
)
def test_an_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any]) -> None:
    (tmp_path / "conda.yml").write_text(CONDA)
    monkeypatch.chdir(tmp_path)
    whole = {name: value for name, value in ({"name": "e", "image": "i:1"} | fields).items() if value is not None}
    wanted = theirs("environment", whole, tmp_path)["properties"]
    handler = EnvironmentVersionHandler()
    made = body_of(handler, "EnvironmentVersion", environment=whole)
    for each in (wanted, made):
        if "condaFile" in each:
            each["condaFile"] = yaml.safe_load(each["condaFile"])
    assert missing(wanted, made) == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"type": "MLFLOW_MODEL", "flavors": {"sklearn": {"version": "1"}}, "stage": "Production"},
        {"type": "triton_model", "description": "d", "tags": {"a": 1}, "properties": {"p": 2}},
        {"path": "runs:/1/model"},
    ],
)
def test_a_model(tmp_path: Path, fields: dict[str, Any]) -> None:
    whole = {"name": "m", "path": "azureml://jobs/j/outputs/artifacts/paths/model"} | fields
    wanted = theirs("model", whole, tmp_path)["properties"]
    assert wanted["modelUri"] == whole["path"], "it is a body of ARM"
    assert missing(wanted, body_of(ModelVersionHandler(), "ModelVersion", model=whole)) == []
