"""From config to components: tags, references, what waits for what, and problems a person can read."""

import sys
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import pulumi
import pytest

import azml
from azml import estate_config
from azml.spec import StackSpec
from tests.support.planned import SUBSCRIPTION, Registered, planned

module = import_module("azml.build")  # `azml.build` itself is the function

WS = {"name": "mlw-x", "location": "eastus"}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "model.bin").write_bytes(b"model")
    return tmp_path


def estate(files: Path, **more: Any) -> dict[str, Any]:
    return {
        "stage": "dev",
        "tags": {"team": "risk", "cost": "1"},
        "workspace": WS,
        "models": [{"name": "churn", "path": str(files / "model.bin")}],
        "environments": [{"name": "sk", "image": "i:1"}],
        "online_endpoints": [
            {
                "name": "churn-ep",
                "tags": {"cost": "2"},
                "deployments": [
                    {
                        "name": "blue",
                        "model": "azureml:churn@latest",
                        "environment": "azureml:sk",
                        "instance_type": "Standard_DS3_v2",
                    }
                ],
            }
        ],
        **more,
    }


def built(values: dict[str, Any]) -> list[Registered]:
    return planned(lambda: module.export(module.build(StackSpec.from_args(values))))


def of(made: list[Registered], type_: str) -> list[Registered]:
    return [resource for resource in made if resource.type.endswith(f":{type_}")]


def test_the_estate_s_assets_are_registered_once_and_named_by_version(files: Path) -> None:
    made = built(estate(files))
    (model,), (environment,) = of(made, "ModelVersion"), of(made, "EnvironmentVersion")
    assert model.name == f"model-churn-{model.inputs['version']}"
    said = of(made, "ManagedOnlineDeployment")[0].inputs
    assert said["model"].endswith(f"/models/churn/versions/{model.inputs['version']}")
    assert said["environmentId"].endswith(f"/environments/sk/versions/{environment.inputs['version']}")


def test_a_version_of_the_estate_s_own_is_its_own(files: Path) -> None:
    values = estate(files)
    values["models"][0]["version"] = "3"
    values["online_endpoints"][0]["deployments"][0]["model"] = "azureml:churn:3"
    made = built(values)
    assert (
        of(made, "ManagedOnlineDeployment")[0].inputs["model"]
        == f"{of(made, 'ModelVersion')[0].inputs['workspaceId']}/models/churn/versions/3"
    )


def test_a_new_model_is_a_new_resource_beside_the_old(files: Path) -> None:
    before = built(estate(files))
    (files / "model.bin").write_bytes(b"other")
    after = built(estate(files))
    for kind in ("ModelVersion", "ManagedOnlineDeployment"):
        assert of(before, kind)[0].name != of(after, kind)[0].name
    for kind in ("ManagedOnlineEndpoint", "Rollout", "EnvironmentVersion"):
        assert of(before, kind)[0].name == of(after, kind)[0].name


def with_inline_assets(files: Path, *endpoints: str) -> dict[str, Any]:
    """Endpoints whose deployments bring along the same named model, environment and data, as `az ml` files do."""
    values = estate(files, models=[], environments=[])
    (template,) = values["online_endpoints"]
    (blue,) = template["deployments"]
    values["online_endpoints"] = []
    for name in endpoints:
        (files / name).mkdir(exist_ok=True)
        (files / name / "model.bin").write_bytes(b"the same bytes in every place")
        data = {"name": "seen", "path": "azureml://datastores/workspaceblobstore/paths/seen"}
        own = {
            "model": {"name": "taxi", "path": str(files / name / "model.bin")},
            "environment": {"name": "sk", "version": "2", "image": "i:1"},
            "data_collector": {"collections": {"request": {"enabled": True, "data": data}}},
        }
        values["online_endpoints"].append({**template, "name": name, "deployments": [{**blue, **own}]})
    return values


def versions(made: list[Registered]) -> dict[str, str]:
    kinds = ("ModelVersion", "EnvironmentVersion", "DataVersion")
    return {one.type: one.name for kind in kinds for one in of(made, kind)}


def test_a_version_that_endpoints_share_is_one_resource_and_outlives_any_of_them(files: Path) -> None:
    made = built(with_inline_assets(files, "churn-a", "churn-b"))
    assert [len(of(made, kind)) for kind in ("ModelVersion", "EnvironmentVersion", "DataVersion")] == [1, 1, 1]
    assert of(made, "ModelVersion")[0].inputs["tags"] == {"team": "risk", "cost": "1"}
    deployments = [one.inputs for one in of(made, "ManagedOnlineDeployment")]
    workspace = of(made, "ModelVersion")[0].inputs["workspaceId"]
    assert {one["environmentId"] for one in deployments} == {f"{workspace}/environments/sk/versions/2"}
    collected = {one["dataCollector"]["collections"]["request"]["dataId"] for one in deployments}
    assert collected == {f"{workspace}/data/seen/versions/1"}
    assert versions(built(with_inline_assets(files, "churn-b"))) == versions(made)


def test_a_model_that_moves_into_the_estate_s_list_stays_the_same_resource(files: Path) -> None:
    before = built(with_inline_assets(files, "churn-a"))
    values = with_inline_assets(files, "churn-a")
    values["models"] = [values["online_endpoints"][0]["deployments"][0]["model"]]
    values["online_endpoints"][0]["deployments"][0]["model"] = "azureml:taxi@latest"
    after = built(values)
    assert versions(after) == versions(before)
    assert [one.name for one in of(after, "ManagedOnlineDeployment")] == [
        one.name for one in of(before, "ManagedOnlineDeployment")
    ], "the same release"


def test_endpoints_that_disagree_on_a_version_end_the_program(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "error", said.append)
    values = with_inline_assets(files, "churn-a", "churn-b")
    values["online_endpoints"][1]["deployments"][0]["data_collector"]["collections"]["request"]["data"] = {
        "name": "Seen"
    }
    with pytest.raises(SystemExit):
        built(values)
    assert "Two deployments define data Seen 1 with another uri" in said[0]


def test_tags_of_the_estate_are_on_everything_under_its_own(files: Path) -> None:
    made = built(estate(files))
    taggable = [resource for resource in made if "tags" in resource.inputs]
    untagged = {
        resource.type for resource in made if "tags" not in resource.inputs and "azml:index" not in resource.type
    }
    assert untagged == {"azure-native:authorization:RoleAssignment"}
    assert {resource.inputs["tags"]["team"] for resource in taggable} == {"risk"}
    assert of(made, "ManagedOnlineEndpoint")[0].inputs["tags"] == {"team": "risk", "cost": "2"}
    assert of(made, "ManagedOnlineDeployment")[0].inputs["tags"] == {"team": "risk", "cost": "1"}


def test_the_stage_reaches_the_key_vault(files: Path) -> None:
    for stage, purge in (("dev", None), ("prod", True)):
        vault = of(built(estate(files, stage=stage)), "Vault")[0].inputs["properties"]
        assert vault.get("enablePurgeProtection") is purge


HOLD_STATE = {
    "azure-native:resources:ResourceGroup": 2,  # the workspace's, and the registry's
    "azure-native:storage:StorageAccount": 1,
    "azure-native:keyvault:Vault": 1,
    "azure-native:operationalinsights:Workspace": 1,
    "azure-native:containerregistry:Registry": 1,
    "azure-native:machinelearningservices:Workspace": 1,
    "azure-native:machinelearningservices:Registry": 1,
}


@pytest.mark.parametrize(
    ("says", "holds"),
    [
        ({"stage": "prod"}, True),
        ({"stage": "prod", "protect": False}, False),
        ({"stage": "dev"}, False),
        ({"stage": "dev", "protect": "yes"}, True),
    ],
)
def test_what_holds_state_is_protected_and_nothing_else(files: Path, says: dict[str, Any], holds: bool) -> None:
    """A role or an identity that is protected would stand in the way of every change of a name or a network."""
    away = {"name": "shared", "location": "eastus", "resource_group": None}
    made = [*built(estate(files, **says)), *built({**says, "stage": says["stage"], "registries": [away]})]
    protected = Counter(each.type for each in made if each.protect and each.type.startswith("azure-native:"))
    assert protected == (HOLD_STATE if holds else {})


def test_what_exists_already_is_not_protected(files: Path) -> None:
    group = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/g/providers"
    images = f"{group}/Microsoft.ContainerRegistry/registries/ourimages"
    shared = {"name": "shared", "existing": f"{group}/Microsoft.MachineLearningServices/registries/shared"}
    values = estate(files, stage="prod", container_registry={"existing": images}, registries=[shared])
    found = [each for each in built(values) if each.exists]
    assert len(found) == 2
    assert not any(each.protect for each in found)


def test_the_registry_block_is_the_workspace_s(files: Path) -> None:
    made = built(estate(files, container_registry={"sku": "premium"}))
    assert of(made, "Registry")[0].inputs["sku"] == {"name": "Premium"}


IDENTITY = (
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-ids/providers"
    "/Microsoft.ManagedIdentity/userAssignedIdentities/reads"
)


def under_an_identity(files: Path, **more: Any) -> dict[str, Any]:
    """Two endpoints with an identity of the user's, and one without."""
    values = estate(files, **more)
    (endpoint,) = values["online_endpoints"]
    identity = {"type": "user_assigned", "user_assigned_identities": [{"resource_id": IDENTITY}]}
    values["online_endpoints"] = [
        endpoint,
        *({**endpoint, "name": name, "identity": identity} for name in ("mine-a", "mine-b")),
    ]
    return values


def granted(made: list[Registered]) -> dict[str, Any]:
    return {role.name: role.inputs for role in of(made, "RoleAssignment") if role.name.startswith("rg-ids-reads-")}


def test_an_identity_of_the_user_s_may_read_and_pull_before_anything_is_deployed(files: Path) -> None:
    made = built(under_an_identity(files))
    roles = granted(made)
    # concept-endpoints-online-auth: these two, on the workspace's storage and registry, before the deployment.
    found = {(role["scope"].split("/")[-2], role["roleDefinitionId"].rpartition("/")[2]) for role in roles.values()}
    assert found == {
        ("storageAccounts", "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"),
        ("registries", "7f951dda-4ed3-4680-a7ca-43fe172d538d"),
    }
    assert {(role["principalId"], role["principalType"]) for role in roles.values()} == {
        ("principal", "ServicePrincipal")
    }
    waits = {one.inputs["endpointId"].rpartition("/")[2]: one.waits_for for one in of(made, "ManagedOnlineDeployment")}
    assert waits["mine-a"] >= roles.keys()
    assert waits["mine-b"] >= roles.keys()
    assert not waits["churn-ep"] & roles.keys()


def test_what_others_made_is_theirs_to_open(files: Path) -> None:
    group = "/subscriptions/s/resourceGroups/g/providers"
    storage = f"{group}/Microsoft.Storage/storageAccounts/theirs"
    registry = f"{group}/Microsoft.ContainerRegistry/registries/theirs"
    assert list(granted(built(under_an_identity(files, workspace={**WS, "storage_account": storage})))) == [
        "rg-ids-reads-acrpull"
    ]
    block = {"container_registry": {"existing": registry}}
    assert list(granted(built(under_an_identity(files, **block)))) == ["rg-ids-reads-storage-blob-data-reader"]
    existing = {"existing": f"{group}/Microsoft.MachineLearningServices/workspaces/theirs"}
    assert granted(built(under_an_identity(files, workspace=existing))) == {}


def test_an_existing_workspace_gets_endpoints_and_no_tags(files: Path) -> None:
    id_ = (
        "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/g/providers"
        "/Microsoft.MachineLearningServices/workspaces/theirs"
    )
    made = built(estate(files, workspace={"existing": id_}))
    assert of(made, "ManagedOnlineEndpoint")[0].inputs["workspaceId"] == id_
    assert not of(made, "StorageAccount")


def test_existing_assets_are_used_as_they_are(files: Path) -> None:
    id_ = (
        "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/g/providers"
        "/Microsoft.MachineLearningServices/workspaces/w/models/churn/versions/9"
    )
    made = built(estate(files, models=[{"existing": id_}]))
    assert not of(made, "ModelVersion")
    assert of(made, "ManagedOnlineDeployment")[0].inputs["model"] == id_


def test_an_empty_estate_is_nothing() -> None:
    assert built({"stage": "dev"}) == []


def test_a_wrong_estate_ends_the_program_with_every_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: serving\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(
        "config:\n  serving:estate:\n    stage: never\n    workspace:\n      nmae: x\n"
    )
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "error", said.append)
    with pytest.raises(SystemExit) as caught:
        planned(estate_config.load, {"estate": {"stage": "never", "workspace": {"nmae": "x"}}})
    assert caught.value.code == 32
    text = "\n".join(said)
    assert "error:" not in text, "the engine says that"
    assert "Pulumi.dev.yaml:3" in text
    assert "nmae" in text
    assert len(said) >= 2


def test_a_component_that_cannot_be_made_ends_the_program(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "error", said.append)
    values = estate(files)
    (blue,) = values["online_endpoints"][0]["deployments"]
    blue["model"] = {"name": "taxi", "path": str(files / "model.bin")}
    green = {**blue, "name": "green", "model": {**blue["model"], "description": "the same bytes"}}
    values["online_endpoints"][0] |= {"deployments": [blue, green], "traffic": {"blue": 100}}
    with pytest.raises(SystemExit) as caught:
        built(values)
    assert caught.value.code == 32
    assert "Two deployments define model taxi" in said[0]
    assert "with another description" in said[0]


def test_the_spec_is_importable_without_pulumi() -> None:
    import subprocess

    code = "import azml, azml.spec, azml.facts, sys; assert 'pulumi' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_public_names_are_there() -> None:
    for name in azml.__all__:
        assert getattr(azml, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        azml.nonsense  # noqa: B018


def test_an_endpoint_can_be_told_to_serve_nothing(files: Path) -> None:
    """`traffic: {}` is a value, on its whole way: not the default of 100 % to the only deployment."""
    values = estate(files)
    values["online_endpoints"][0]["traffic"] = {}
    assert set(of(built(values), "Rollout")[0].inputs["traffic"].values()) == {0}


def test_registries_stand_beside_the_workspace_unless_they_say_where(files: Path) -> None:
    theirs = f"{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.MachineLearningServices/registries/theirs"
    registries = [
        {"name": "shared", "location": "eastus", "tags": {"cost": "3"}},
        {"name": "apart", "location": "eastus", "resource_group": "rg-apart"},
        {"existing": theirs},
    ]
    made = {resource.name: resource.inputs for resource in of(built(estate(files, registries=registries)), "Registry")
            if resource.type.startswith("azure-native:machinelearningservices")}  # fmt: skip
    assert made["shared"]["resourceGroupName"] == "g", "the workspace's"
    assert made["shared"]["tags"] == {"team": "risk", "cost": "3"}
    assert made["apart"]["resourceGroupName"] == "rg-apart"
    assert "registryName" not in made["theirs"]
    (alone,) = of(built({"stage": "dev", "registries": registries[:1]}), "ResourceGroup")
    assert alone.name == "shared-rg", "no workspace, no group to stand in"
