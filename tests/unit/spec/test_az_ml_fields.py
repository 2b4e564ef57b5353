"""Models, environments, managed endpoints and deployments: every field of az ml, judged as Microsoft's loader does."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azml.spec import EnvironmentSpec, ModelSpec, OnlineDeploymentSpec, OnlineEndpointSpec, SpecError, load
from azml.spec.base import Spec
from azml.spec.fields import spec_at
from tests.support import official
from tests.unit.spec.az_ml_fields import ESTATES, KINDER, ROUTES, SCHEMAS, STRICTER, paths, reason, with_value
from tests.unit.spec.conftest import HEAD, Project

SPECS: dict[str, type[Spec]] = {
    "model": ModelSpec,
    "environment": EnvironmentSpec,
    "online_endpoint": OnlineEndpointSpec,
    "online_deployment": OnlineDeploymentSpec,
}
ARM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
IDENTITY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u"
REGISTRY = "azureml://registries/azureml"
COLLECTED = "azureml://datastores/workspaceblobstore/paths/collected"

TAKEN: dict[str, dict[str, list[Any]]] = {
    "model": {
        "version": ["1", 1, "1.0", "2024-01-01"],
        "type": ["custom_model", "MLFLOW_MODEL", "triton_model"],
        "path": [
            *("model", "./model", "model/model.bin", COLLECTED, "azureml://jobs/j/outputs/artifacts/paths/model"),
            *("azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/d/paths/x", "runs:/1/model"),
            *("https://a.blob.core.windows.net/c/m", "wasbs://c@a.blob.core.windows.net/m"),
            "abfss://c@a.dfs.core.windows.net/m",
        ],
        "tags": [{"a": "b", "n": 1, "t": True}],
        "properties": [{"a": "b", "n": 1}],
        "stage": ["Production"],
        "flavors": [{"sklearn": {"version": "1"}, "python_function": {"loader_module": "x", "n": 1}}],
        "datastore": ["azureml:workspaceartifactstore", "workspaceblobstore", f"{ARM}/datastores/d"],
        "system_metadata": [{"a": 1}],
        "id": ["x"],
        "creation_context": [{"created_by": "x"}],
        "utc_time_created": ["2020-10-19 17:44:02"],
        "job_name": ["j"],
        "latest_version": ["1"],
        "intellectual_property": [{"publisher": "x"}],
    },
    "environment": {
        "version": ["1", 1, "2.2.3"],
        "conda_file": ["conda.yml", "./conda.yml", {"dependencies": ["python=3.11"]}],
        "build": [{"path": "context"}, {"path": "context", "dockerfile_path": "Dockerfile"}],
        "build.path": ["https://github.com/team/images.git#main:serving"],
        "inference_config": [ROUTES],
        "inference_config.scoring_route.port": ["80", 80],
        "os_type": ["linux", "Windows", "LINUX"],
        "datastore": ["azureml:images"],
        "id": ["azureml:sk:1"],
    },
    "online_endpoint": {
        "name": ["Churn-1", "a--b", "a" * 32],
        "auth_mode": ["key", "Key", "aml_token", "AMLToken", "aad_token", "AADToken"],
        "location": ["eastus", "East US"],
        "identity": [
            {"type": "SystemAssigned", "principal_id": "p", "tenant_id": "t"},
            {"type": "user_assigned", "user_assigned_identities": [{"resource_id": IDENTITY}]},
            {"type": "UserAssigned", "user_assigned_identities": [{"resource_id": IDENTITY, "client_id": "c"}]},
            {"type": "user_assigned", "user_assigned_identities": [{"resource_id": IDENTITY, "object_id": "o"}]},
            {"type": "none"},
        ],
        "traffic": [{}],
        "mirror_traffic": [{}],
        "properties": [{"enforce_access_to_default_secret_stores": "enabled"}],
        "public_network_access": ["enabled", "Disabled"],
        "kind": ["Managed"],
        "provisioning_state": ["Succeeded"],
    },
    "online_deployment": {
        "model": [
            *("azureml:taxi:1", f"{REGISTRY}/models/bert/versions/7", f"{REGISTRY}/models/bert/labels/latest"),
            *(f"azureml:{ARM}/models/m/versions/1", {"path": "model"}, {"name": "q", "version": 1, "path": "model"}),
        ],
        "environment": [
            *("azureml:sk:1", f"{REGISTRY}/environments/e/versions/7", f"azureml:{ARM}/environments/e/versions/1"),
            *({"image": "x"}, {"image": "x", "conda_file": "conda.yml"}, {"name": "q", "version": 1, "image": "x"}),
            *({"image": "x", "inference_config": ROUTES}, {"build": {"path": "context"}, "inference_config": ROUTES}),
        ],
        "code_configuration.code": ["code", "./code", "azureml:c:1", f"azureml:{ARM}/codes/c/versions/1"],
        "environment_variables": [{"A": "b", "N": 1, "F": 1.5, "T": True}],
        "app_insights_enabled": [True, "yes", "True", "off", 1, 0],
        "scale_settings": [{"type": "default"}, {"type": "Default"}],
        "request_settings.request_timeout_ms": [5000, "5000", 180_000],
        "request_settings.max_queue_wait_ms": [0],
        "liveness_probe": [{}, {"initial_delay": 600, "period": "5", "timeout": 1, "failure_threshold": 49}],
        "readiness_probe.success_threshold": [3],
        "instance_count": [1, "2", 50],
        "instance_type": ["STANDARD_DS3_V2", "Standard_NC4as_T4_v3"],
        "model_mount_path": ["/models"],
        "data_collector": [{"collections": {}}, {"collections": {}, "rolling_rate": "Hour", "sampling_rate": "0.5"}],
        "data_collector.collections.*.enabled": ["true", "True", "false"],
        "data_collector.collections.*.data": [{"name": "x", "path": COLLECTED, "version": "1"}, f"azureml:{'x'}:1"],
        "data_collector.collections.*.client_id": ["c"],
        "data_collector.request_logging": [{}, {"capture_headers": ["X-Request-Id"]}],
        "egress_public_network_access": ["enabled", "Disabled"],
        "type": ["managed", "Managed"],
        "provisioning_state": ["Succeeded"],
        "creation_context": [{}],
    },
}
REFUSED: dict[str, dict[str, list[Any]]] = {
    "model": {"name": [5], "type": ["onnx"], "path": [5], "local_path": ["model"]},
    "environment": {
        "name": [5],
        "conda_file": ["nope.yml", "file:conda.yml", 5],
        "build": ["context", {"path": "nope"}],
        "inference_config": [{}, {"scoring_route": ROUTES["scoring_route"]}],
        "os_type": ["macos"],
        "docker": [{"image": "x"}],
        "channels": [["x"]],
        "dependencies": [["x"]],
        "properties": [{"a": "b"}],
    },
    "online_endpoint": {
        "name": ["ch_urn", "1churn", "churn-", 5],
        "auth_mode": ["none"],
        "identity": [
            *({}, {"type": "system_assigned", "foo": 1}, {"type": "system_assigned,user_assigned"}),
            {"type": "user_assigned", "user_assigned_identities": [IDENTITY]},
            {
                "type": "user_assigned",
                "user_assigned_identities": [{"resource_id": i} for i in (IDENTITY, f"{IDENTITY}2")],
            },
        ],
        "traffic": ["blue=100", {"blue": 60, "green": 50}],
        "public_network_access": ["no", True],
        "type": ["managed"],
        "creation_context": [{}],
    },
    "online_deployment": {
        "model": ["taxi", "taxi:1", "<modelId>", 5, {"local_path": "model"}],
        "environment": ["AzureML-sklearn@latest", "file:conda.yml", "sk:1"],
        "code_configuration.code": [{"local_path": "code"}],
        "app_insights_enabled": ["maybe", 2],
        "scale_settings": [{}, {"type": "default", "min_instances": 1}, {"type": "manual"}, {"min_instances": 1}],
        "data_collector": [{}, {"collections": {}, "rolling_rate": "month"}, {"collections": {}, "sampling_rate": 1.1}],
        "data_collector.collections.*": [{}, {"enabled": "maybe"}],
        "data_collector.request_logging": [{"capture_headers": "X-Request-Id"}],
        "egress_public_network_access": [False],
        "liveness_probe.path": ["/"],
        "startup_probe": [{"period": 10}],
        "compute": ["azureml:k8s"],
        "resources": [{"requests": {"cpu": "1"}}],
    },
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Everything that the files name."""
    made = Project(tmp_path_factory.mktemp("fields"))
    made.write("code/score.py", "def init(): ...\ndef run(data): ...\n")
    made.write("conda.yml", "dependencies: [python=3.11]\n")
    made.write("context/Dockerfile", "FROM scratch\n")
    made.write("model/model.bin", "model")
    return made


def problems(project: Project, kind: str, fields: dict[str, Any]) -> str | None:
    """What azml says about a file with these fields, as part of an estate; None: it takes it."""
    file = project.write("tried.yml", json.dumps(fields))
    project.stack(HEAD + ESTATES[kind].replace("FILE", file.name))
    try:
        load(project.folder, "dev")
    except SpecError as error:
        return str(error)
    return None


def cases(table: dict[str, dict[str, list[Any]]], kind: str) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    for path, values in table[kind].items():
        for value in values:
            yield path, value, with_value(kind, path, value)


@pytest.mark.parametrize("kind", SCHEMAS)
def test_what_both_take(project: Project, kind: str) -> None:
    wrong = [
        (path, value, said)
        for path, value, fields in cases(TAKEN, kind)
        if not official.takes(kind, fields, project.folder) or (said := problems(project, kind, fields)) is not None
    ]
    assert wrong == []


@pytest.mark.parametrize("kind", SCHEMAS)
def test_what_both_refuse(project: Project, kind: str) -> None:
    wrong = [
        (path, value)
        for path, value, fields in cases(REFUSED, kind)
        if official.takes(kind, fields, project.folder) or problems(project, kind, fields) is None
    ]
    assert wrong == []


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_field_is_a_field_here_or_refused_with_a_reason(kind: str) -> None:
    """By the schemas: what az ml reads, we know, forget on purpose, or refuse in words of its own."""
    for path in paths(kind):
        *above, name = _keys(path)
        block = spec_at(SPECS[kind], with_value(kind, path, None), above)
        if block is None or name in block.elsewhere:  # None: below something that is refused as a whole
            assert reason(STRICTER, path), path
        else:
            assert name in {*block.model_fields, *block.forgotten}, path


def _keys(path: str) -> list[str | int]:
    return [0 if part == "[]" else "request" if part == "*" else part for part in path.split(".")]


WORDS = (
    *(
        "x",
        "true",
        "True",
        "yes",
        "5",
        "0",
        "-1",
        "a b",
        "default",
        "Default",
        "Enabled",
        "disabled",
        "managed",
        "Hour",
    ),
    *("minute", "mlflow_model", "CUSTOM_MODEL", "user_assigned", "SystemAssigned", "none", "key", "AMLToken", "Linux"),
    *("windows", "azureml:x:1", "azureml:x", "code", "context", "conda.yml", "model", "score.py", "Standard_DS3_v2"),
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 60) | st.sampled_from([180_000, 10**9]),
    st.floats(-1, 3, allow_nan=False),
    st.sampled_from(WORDS),
    st.text("aZ09 -_./:@#<>$*é", max_size=8),
    st.lists(st.sampled_from(["x", 1, {}]), max_size=2),
    st.dictionaries(
        st.sampled_from(["a", "name", "type", "path", "version"]), st.sampled_from(["x", 1, None]), max_size=2
    ),
)
FIELDS = [(kind, path) for kind in SCHEMAS for path in paths(kind)]


@given(at=st.sampled_from(FIELDS), value=VALUES)
def test_any_value_anywhere(project: Project, at: tuple[str, str], value: Any) -> None:
    kind, path = at
    fields = with_value(kind, path, value)
    theirs, said = official.takes(kind, fields, project.folder), problems(project, kind, fields)
    if theirs and said is not None:
        assert reason(STRICTER, path), f"az ml takes it, azml says: {said}"
    if not theirs and said is None:
        nothing = value is None or (isinstance(value, dict) and None in value.values())
        assert nothing or reason(KINDER, path), "az ml refuses it"
