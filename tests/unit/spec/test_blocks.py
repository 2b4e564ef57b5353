"""The blocks: spellings that az ml accepts, documented defaults, and from_args."""

from pathlib import Path
from typing import Any

import pytest

from azml.spec import (
    ContainerRegistrySpec,
    EnvironmentSpec,
    KeyVaultSecret,
    ModelSpec,
    OnlineDeploymentSpec,
    OnlineEndpointSpec,
    PulumiSecret,
    SpecError,
    WorkspaceSpec,
)
from azml.spec.base import Spec
from azml.spec.data_collector import CollectedDataSpec
from azml.spec.environment import BuildSpec

GROUP = "/subscriptions/s/resourceGroups/g/providers"
UAI = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/uai"
DEPLOYMENT = {"name": "blue", "instance_type": "Standard_DS3_v2", "model": "azureml:m:1", "environment": "azureml:e:1"}


def deployment(**fields: Any) -> OnlineDeploymentSpec:
    return OnlineDeploymentSpec.from_args(DEPLOYMENT | fields)


def refused(model: type[Spec], args: dict[str, Any]) -> list[str]:
    with pytest.raises(SpecError) as caught:
        model.from_args(args)
    return [f"{problem.path}: {problem.what}" for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("key", "key"), ("Key", "key"), ("AMLToken", "aml_token"), ("aml_token", "aml_token"), ("AAD-Token", "aad_token")],
)
def test_enums_in_the_spellings_of_az_ml(written: str, meant: str) -> None:
    assert OnlineEndpointSpec.from_args({"name": "churn", "auth_mode": written}).auth_mode == meant


@pytest.mark.parametrize(("written", "meant"), [("2", 2), (2.0, 2), (2, 2)])
def test_numbers_in_quotes_and_as_the_wires_floats(written: Any, meant: int) -> None:
    assert deployment(instance_count=written).instance_count == meant


def test_none_is_as_good_as_absent() -> None:
    assert deployment(instance_count=None, tags={"a": None}) == deployment()


@pytest.mark.parametrize("written", [True, "two", 1.5, [], {}])
def test_what_is_no_number(written: Any) -> None:
    [problem] = refused(OnlineDeploymentSpec, DEPLOYMENT | {"instance_count": written})
    assert problem.startswith("instance_count: must be a")


@pytest.mark.parametrize(
    ("written", "meant"), [("yes", True), ("Off", False), ("True", True), (False, False), (1, True)]
)
def test_flags_in_the_words_of_yaml(written: Any, meant: bool) -> None:
    assert deployment(app_insights_enabled=written).app_insights_enabled is meant


def test_documented_defaults_of_a_deployment() -> None:
    # reference-yaml-deployment-managed-online.md: request_settings and probes.
    made = deployment()
    assert made.request_settings.model_dump() == {
        "request_timeout_ms": 5000,
        "max_concurrent_requests_per_instance": 1,
        "max_queue_wait_ms": 500,
    }
    probe = {"initial_delay": 10, "period": 10, "timeout": 2, "success_threshold": 1, "failure_threshold": 30}
    assert made.liveness_probe.model_dump() == made.readiness_probe.model_dump() == probe
    assert (made.instance_count, made.app_insights_enabled, made.egress_public_network_access) == (1, False, "enabled")


@pytest.mark.parametrize(
    ("field", "allowed", "refused_value"),
    [
        ("instance_count", 50, 51),
        ("instance_count", 1, 0),
        ("request_settings.request_timeout_ms", 180_000, 180_001),
        ("request_settings.request_timeout_ms", 1, 0),
        ("request_settings.max_queue_wait_ms", 0, -1),
        ("liveness_probe.initial_delay", 1, 0),
        ("liveness_probe.success_threshold", 1, 2),
        ("readiness_probe.failure_threshold", 1, 0),
        ("data_collector.sampling_rate", 1, 1.01),
        ("data_collector.sampling_rate", 0, -0.01),
    ],
)
def test_limits(field: str, allowed: Any, refused_value: Any) -> None:
    def with_value(value: Any) -> dict[str, Any]:
        block, _, name = field.rpartition(".")
        nested = {name: value} | ({"collections": {}} if block == "data_collector" else {})
        return DEPLOYMENT | ({block: nested} if block else {name: value})

    OnlineDeploymentSpec.from_args(with_value(allowed))
    [problem] = refused(OnlineDeploymentSpec, with_value(refused_value))
    assert problem.startswith(f"{field}: is too ")


def test_maps_of_text_take_numbers_and_flags_as_az_ml_sends_them() -> None:
    made = deployment(environment_variables={"A": 1, "B": 1.5, "C": True, "D": "x"}, tags={"n": 3})
    assert made.environment_variables == {"A": "1", "B": "1.5", "C": "True", "D": "x"}
    assert made.tags == {"n": "3"}


def test_variables_point_to_secrets() -> None:
    vault = "https://kv-risk.vault.azure.net/secrets/token"
    made = deployment(environment_variables={"A": {"secret": "token"}, "B": {"key_vault": vault}})
    assert made.environment_variables == {"A": PulumiSecret(secret="token"), "B": KeyVaultSecret(key_vault=vault)}


@pytest.mark.parametrize(
    "value", [{}, {"secret": ""}, {"secret": "a", "key_vault": "b"}, {"key_vault": "kv-risk"}, ["x"]]
)
def test_variables_point_nowhere_else(value: Any) -> None:
    assert refused(OnlineDeploymentSpec, DEPLOYMENT | {"environment_variables": {"A": value}})


@pytest.mark.parametrize(
    ("model", "key"),
    [
        (OnlineEndpointSpec, "scoring_uri"),
        (OnlineEndpointSpec, "openapi_uri"),
        (OnlineEndpointSpec, "provisioning_state"),
        (OnlineEndpointSpec, "id"),
        (OnlineEndpointSpec, "$schema"),
        (WorkspaceSpec, "discovery_url"),
    ],
)
def test_what_only_azure_writes_is_accepted_and_forgotten(model: type[Spec], key: str) -> None:
    assert model.from_args({"name": "churn", key: "x"}) == model.from_args({"name": "churn"})


def test_identities_in_the_forms_of_endpoint_and_workspace() -> None:
    id_ = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/uai"
    listed = {"type": "user_assigned", "user_assigned_identities": [{"resource_id": id_, "client_id": "x"}]}
    mapped = {"type": "UserAssigned", "user_assigned_identities": {id_: {"principal_id": "x"}}}
    for identity in (listed, mapped):
        made = OnlineEndpointSpec.from_args({"name": "churn", "identity": identity}).identity
        assert [one.resource_id for one in made.user_assigned_identities] == [id_]


@pytest.mark.parametrize(
    "identity",
    [
        {},
        {"type": "user_assigned"},
        {"type": "user_assigned", "user_assigned_identities": [{"resource_id": UAI}, {"resource_id": f"{UAI}2"}]},
        {"type": "system_assigned,user_assigned", "user_assigned_identities": [{"resource_id": UAI}]},
        {"type": "none", "user_assigned_identities": [{}]},
        {"type": "user_assigned", "user_assigned_identities": {"ID": 5}},
        {"type": "user_assigned", "user_assigned_identities": {"ID": {"foo": 1}}},
    ],
)
def test_identities_that_cannot_be(identity: dict[str, Any]) -> None:
    assert refused(OnlineEndpointSpec, {"name": "churn", "identity": identity})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Standard_DS3_v2", "Standard_DS3_v2"),
        ("STANDARD_NC4AS_T4_V3", "Standard_NC4as_T4_v3"),
        ("Standard_D4s_v5", "Standard_D4s_v5"),
    ],
)
def test_instance_types_in_any_case_and_newer_than_the_list(written: str, meant: str) -> None:
    assert deployment(instance_type=written).instance_type == meant


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("Standard_DS3_v9", "is not an Azure VM size"),
        ("Standard_NP10s", "is not offered"),
        ("Standard_PB6s", "is not offered"),
        ("Standard_B2s", "is not offered"),
        ("Standard_D2_v3", "is not offered"),
        ("Standard_NC6s_v3", "Azure has retired (2025-09-30)"),
    ],
)
def test_instance_types_that_azure_refuses(written: str, what: str) -> None:
    [problem] = refused(OnlineDeploymentSpec, DEPLOYMENT | {"instance_type": written})
    assert what in problem


@pytest.mark.parametrize("name", ["bl", "x" * 33, "blue_1", "1blue", "blue-", "blü", ""])
def test_deployment_names_that_azure_refuses(name: str) -> None:
    [problem] = refused(OnlineDeploymentSpec, DEPLOYMENT | {"name": name})
    assert problem.startswith("name: is not a name for a deployment")


@pytest.mark.parametrize("name", ["abc", "x" * 32, "Blue-1", "a--b"])
def test_deployment_names_that_azure_takes(name: str) -> None:
    assert deployment(name=name).name == name


@pytest.mark.parametrize(
    ("text", "name", "version", "label", "registry"),
    [
        ("azureml:churn:3", "churn", "3", None, None),
        (f"azureml:{GROUP}/Microsoft.MachineLearningServices/workspaces/w/models/m/versions/1", "m", "1", None, None),
        ("azureml:churn@latest", "churn", None, "latest", None),
        ("azureml:churn", "churn", None, None, None),
        ("azureml://registries/azureml/models/bert/versions/7", "bert", "7", None, "azureml"),
        ("azureml://registries/azureml/models/bert/labels/latest", "bert", None, "latest", "azureml"),
        (f"{GROUP}/Microsoft.MachineLearningServices/workspaces/w/models/m/versions/1", "m", "1", None, None),
    ],
)
def test_references(text: str, name: str, version: str | None, label: str | None, registry: str | None) -> None:
    made: Any = deployment(model=text).model
    assert (made.text, made.name, made.version, made.label, made.registry) == (text, name, version, label, registry)
    assert made.arm_id == (text.removeprefix("azureml:") if "/subscriptions/" in text else None)


@pytest.mark.parametrize(
    "text",
    [
        "churn",
        "churn:1",
        "azureml:",
        "azureml:a:b:c",
        "azureml://registries/azureml/environments/e/versions/1",
        "<modelId>",
        f"{GROUP}/Microsoft.MachineLearningServices/workspaces/w/environments/e/versions/1",
    ],
)
def test_what_is_no_reference_to_a_model(text: str) -> None:
    assert refused(OnlineDeploymentSpec, DEPLOYMENT | {"model": text}) == ["model: does not name one of the models"]


@pytest.mark.parametrize(("written", "meant"), [(1, "1"), (1.0, "1"), ("1.10", "1.10"), ("2024-01", "2024-01")])
def test_versions(written: Any, meant: str) -> None:
    assert ModelSpec.from_args({"name": "m", "path": __file__, "version": written}).version == meant


@pytest.mark.parametrize("written", [1.1, True, "a b", "a:b", ""])
def test_what_is_no_version(written: Any) -> None:
    assert refused(ModelSpec, {"name": "m", "path": __file__, "version": written})


def test_a_model_folder_holds_something(tmp_path: Path) -> None:
    assert refused(ModelSpec, {"name": "m", "path": str(tmp_path)}) == ["path: there is no file in it"]
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "model.bin").write_bytes(b"1")
    assert ModelSpec.from_args({"name": "m", "path": str(tmp_path)}).path == tmp_path


@pytest.mark.parametrize("uri", ["nope", "http://v.vault.azure.net/secrets/s", "https://v.vault.azure.net/keys/s"])
def test_what_is_no_secret_identifier(uri: str) -> None:
    said = refused(OnlineDeploymentSpec, DEPLOYMENT | {"environment_variables": {"T": {"key_vault": uri}}})
    assert said == ["environment_variables.T.key_vault: is not the identifier of a secret"]


def test_arguments_have_paths_relative_to_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.pkl").touch()
    monkeypatch.chdir(tmp_path)
    assert ModelSpec.from_args({"name": "m", "path": "model.pkl"}).path == tmp_path / "model.pkl"


@pytest.mark.parametrize(
    "path", ["azureml:m:1", "hdfs://x/y", "azureml://datastores/<name>/paths/x", "no/such", "", "a\0b"]
)
def test_paths_that_lead_nowhere(path: str) -> None:
    assert refused(ModelSpec, {"name": "m", "path": path})


@pytest.mark.parametrize(
    "uri",
    [
        "azureml://datastores/d/paths/x",
        "azureml://jobs/j/outputs/artifacts/paths/model",
        "runs:/1/model",
        "https://a.blob.core.windows.net/c/m",
        "wasbs://c@a.blob.core.windows.net/m",
        "abfss://c@a.dfs.core.windows.net/m",
    ],
)
def test_models_that_are_in_the_cloud_already(uri: str) -> None:
    assert ModelSpec.from_args({"name": "m", "path": uri}).path == uri
    said = refused(ModelSpec, {"name": "m", "path": uri, "datastore": "d"})
    assert said == ["datastore: nothing is uploaded: the model is in the cloud already"]


@pytest.mark.parametrize(
    "written",
    ["ds", "azureml:ds", f"{GROUP}/Microsoft.MachineLearningServices/workspaces/w/datastores/ds"],
)
def test_datastores_in_the_spellings_of_az_ml(written: str) -> None:
    assert ModelSpec.from_args({"name": "m", "path": __file__, "datastore": written}).datastore == "ds"
    assert refused(ModelSpec, {"name": "m", "path": __file__, "datastore": "a b"})


def test_a_build_from_a_repository() -> None:
    url = "https://github.com/team/images.git#main:serving"
    assert EnvironmentSpec.from_args({"build": {"path": url}}).build == BuildSpec(path=url)
    assert refused(EnvironmentSpec, {"build": {"path": "azureml://datastores/d/paths/x"}})


@pytest.mark.parametrize("kind", ["models", "environments"])
def test_what_exists_is_named_for_good(kind: str) -> None:
    model = {"models": ModelSpec, "environments": EnvironmentSpec}[kind]
    for id_ in (
        f"azureml://registries/azureml/{kind}/bert/versions/7",
        f"{GROUP}/Microsoft.MachineLearningServices/workspaces/w/{kind}/bert/versions/7",
    ):
        assert model.from_args({"existing": id_}) == model.from_args({"existing": id_, "name": "bert"})
    for id_ in ("azureml:bert:7", f"azureml://registries/azureml/{kind}/bert/labels/latest"):
        assert refused(model, {"existing": id_}) == ["existing: does not name one version for good"]


def test_code_that_is_registered_already() -> None:
    for text in ("azureml:c:1", f"azureml:{GROUP}/Microsoft.MachineLearningServices/workspaces/w/codes/c/versions/1"):
        code: Any = deployment(code_configuration={"code": text, "scoring_script": "score.py"}).code_configuration
        assert (code.code.name, code.code.version) == ("c", "1")
    said = refused(
        OnlineDeploymentSpec, DEPLOYMENT | {"code_configuration": {"code": "azureml:c", "scoring_script": "s"}}
    )
    assert said == ["code_configuration.code: names no version"]


def collected(data: Any) -> dict[str, Any]:
    return DEPLOYMENT | {"data_collector": {"collections": {"request": {"enabled": "True", "data": data}}}}


def test_where_collected_data_goes() -> None:
    path = "azureml://datastores/workspaceblobstore/paths/collected"
    made = OnlineDeploymentSpec.from_args(collected({"name": "taxi", "version": 1, "path": path})).data_collector
    assert made is not None
    assert made.collections["request"].data == CollectedDataSpec(name="taxi", version="1", path=path)
    assert OnlineDeploymentSpec.from_args(collected("azureml:taxi:1"))
    id_ = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/w/data/taxi/versions/1"
    at = "data_collector.collections.request.data"
    assert OnlineDeploymentSpec.from_args(collected({"data_id": id_}))
    assert refused(OnlineDeploymentSpec, collected({"data_id": id_, "name": "taxi"})) == [
        f"{at}.name: data_id names a data asset that is there already"
    ]
    assert refused(OnlineDeploymentSpec, collected("azureml:taxi")) == [f"{at}: names no version"]
    assert refused(OnlineDeploymentSpec, collected({"path": "collected"})) == [
        f"{at}.path: is not the URI of a folder in the cloud"
    ]


def test_managed_deployments_scale_by_count_alone() -> None:
    said = refused(OnlineDeploymentSpec, DEPLOYMENT | {"scale_settings": {"type": "TargetUtilization"}})
    # The words of az ml itself.
    assert said == ["scale_settings.type: ManagedOnlineEndpoint supports DefaultScaleSettings only"]


def test_conda_files_are_looked_into(tmp_path: Path) -> None:
    good, empty, broken = tmp_path / "good.yml", tmp_path / "empty.yml", tmp_path / "broken.yml"
    good.write_text("dependencies: [python=3.11]\n", encoding="utf-8")
    empty.write_text("name: x\n", encoding="utf-8")
    broken.write_text("dependencies: [\n", encoding="utf-8")
    assert EnvironmentSpec.from_args({"image": "i", "conda_file": str(good)}).conda_file == good
    assert EnvironmentSpec.from_args({"image": "i", "conda_file": {"dependencies": []}}).conda_file == {
        "dependencies": []
    }
    assert "no list `dependencies`" in refused(EnvironmentSpec, {"image": "i", "conda_file": str(empty)})[0]
    assert "broken.yml:1:15: is not YAML" in refused(EnvironmentSpec, {"image": "i", "conda_file": str(broken)})[0]


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({}, "there is no image"),
        ({"conda_file": {"dependencies": []}}, "there is no image"),
        ({"image": "i", "build": {"path": "."}}, "exclude each other"),
        ({"build": {"path": "."}, "conda_file": {"dependencies": []}}, "where there is a Dockerfile"),
    ],
)
def test_environments_have_one_source(
    fields: dict[str, Any], what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Dockerfile").touch()
    monkeypatch.chdir(tmp_path)
    [problem] = refused(EnvironmentSpec, fields)
    assert what in problem


def test_existing_things_have_the_name_of_their_id_and_nothing_else() -> None:
    id_ = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/mlw-risk"
    assert WorkspaceSpec.from_args({"existing": id_}).name == "mlw-risk"
    assert refused(WorkspaceSpec, {"existing": id_, "name": "other"}) == ["name: is not the name in `existing`"]
    assert refused(WorkspaceSpec, {"existing": id_, "tags": {"a": "b"}}) == [
        "tags: cannot be set on something that is used and never changed"
    ]
    wrong = f"{GROUP}/Microsoft.Storage/storageAccounts/st"
    assert "is the id of a Microsoft.Storage/storageAccounts" in refused(WorkspaceSpec, {"existing": wrong})[0]


def test_a_private_registry_is_premium() -> None:
    assert refused(ContainerRegistrySpec, {"public_network_access": "disabled"}) == [
        "public_network_access: is not possible in a standard registry"
    ]
    assert ContainerRegistrySpec.from_args({"public_network_access": "disabled", "sku": "Premium"}).sku == "premium"


def test_the_primary_identity_is_one_of_the_workspaces() -> None:
    one, other = (f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/{name}" for name in ("one", "two"))
    identity = {"type": "user_assigned", "user_assigned_identities": {one: {}}}
    args = {"name": "mlw-risk", "identity": identity}
    assert (
        WorkspaceSpec.from_args(args | {"primary_user_assigned_identity": one.upper()}).identity.type == "user_assigned"
    )
    assert refused(WorkspaceSpec, args | {"primary_user_assigned_identity": other}) == [
        "primary_user_assigned_identity: is not one of the workspace's identities"
    ]


def test_blocks_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(deployment(), "name", "green")  # noqa: B010 - mypy knows it too


def test_a_region_is_written_in_two_ways() -> None:
    for written in ("eastus2", "East US 2", "EastUS2"):
        assert WorkspaceSpec.from_args({"name": "mlw", "location": written}).location == "eastus2"
