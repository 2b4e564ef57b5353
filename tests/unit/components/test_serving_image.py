"""What a serving image registers: pulumi-docker's arguments as docs/adr/0013 settles them, its number, its tokens."""

import json
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import pulumi
import pytest

from azml import ServingImage, serving_image
from azml.component import InvalidArgs
from azml.spec import StackSpec
from tests.support.planned import SUBSCRIPTION, Registered, planned

module = import_module("azml.build")
REGISTRY = f"{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/crrisk"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose program is in a folder of its own, as `main` says."""
    (tmp_path / "Pulumi.yaml").write_text("name: risk\nmain: stacks\n")
    (tmp_path / "model.bin").write_bytes(b"model")
    (tmp_path / "conda.yml").write_text("dependencies: [python=3.11]\n")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "score.py").write_text("def init(): pass\n")
    (tmp_path / "stacks").mkdir()
    monkeypatch.chdir(tmp_path / "stacks")
    return tmp_path


def image(**more: Any) -> dict[str, Any]:
    return {
        "name": "team/churn",
        "model": {"path": "../model.bin"},
        "environment": {"conda_file": "../conda.yml"},
        "code_configuration": {"code": "../code", "scoring_script": "score.py"},
        **more,
    }


def built(*images: dict[str, Any], **more: Any) -> list[Registered]:
    registry = {"resource_group": "g", "name": "crrisk", "images": list(images)}
    spec = StackSpec.from_args({"stage": "dev", "container_registry": registry, **more})
    return planned(lambda: module.export(module.build(spec)))


def tag_of(project: Path) -> str:
    """The one content of the image that was staged."""
    (staged,) = (project / ".azml" / "images" / "team+churn").iterdir()
    return staged.name


def of(made: list[Registered], type_: str) -> list[Registered]:
    return [resource for resource in made if resource.type.endswith(f":{type_}")]


def test_pulumi_docker_is_told_what_was_decided_and_no_more(project: Path) -> None:
    (made,) = of(built(image()), "Image")
    context = f"../.azml/images/team+churn/{tag_of(project)}"
    assert made.type == "docker:index/image:Image"
    assert made.inputs["build"] == {
        "context": context, "dockerfile": f"{context}/Dockerfile", "platform": "linux/amd64",
    }  # fmt: skip
    assert {*made.inputs} == {"imageName", "build", "registry", "skipPush", "buildOnPreview"}
    assert (made.inputs["skipPush"], made.inputs["buildOnPreview"]) == (False, False)
    assert {*made.inputs["registry"]} <= {"server", "username", "password"}
    assert (project / "stacks" / context / "Dockerfile").is_file()


def test_one_token_pushes_all_images_and_reaches_nothing_else() -> None:
    made = built(image(), image(name="other"))
    (scope,), (token,) = of(made, "ScopeMap"), of(made, "Token")
    repositories = {
        action.removeprefix("repositories/").rpartition("/content/")[0] for action in scope.inputs["actions"]
    }
    assert repositories - {""} == {"team/churn", "other"}
    assert not any("*" in action for action in scope.inputs["actions"])
    assert token.inputs["scopeMapId"]
    assert 5 <= len(token.inputs["tokenName"]) <= 50
    assert len(of(made, "RegistryCredential")) == 1


def test_a_number_after_the_push_and_what_stays(project: Path) -> None:
    (alias,) = of(built(image(keep=3)), "ImageAlias")
    assert (alias.inputs["repository"], alias.inputs["keep"]) == ("team/churn", 3)
    assert "team/churn" in alias.waits_for  # the image's own resource: its digest is an input


def test_references_become_the_estate_s_own_files(project: Path) -> None:
    estate = {
        "workspace": {"name": "mlw-risk", "location": "eastus"},
        "models": [{"name": "churn", "version": "7", "path": "../model.bin", "description": "d"}],
        "environments": [{"name": "sk", "image": "base:1", "conda_file": "../conda.yml"}],
    }
    registry = {"images": [image(model="azureml:churn@latest", environment="azureml:sk")]}
    spec = StackSpec.from_args({"stage": "dev", **estate, "container_registry": registry})
    made = planned(lambda: module.export(module.build(spec)))
    assert len(of(made, "Image")) == 1
    context = project / ".azml" / "images" / "team+churn" / tag_of(project)
    assert (context / "models" / "0" / "churn" / "7" / "model.bin").read_bytes() == b"model"
    assert (context / "Dockerfile").read_text().startswith("FROM base:1\n")


def test_retention_knows_what_services_and_environments_name() -> None:
    """An endpoint's environment, or another image, may be based on an image of the registry; no container shows it."""
    environment = {"name": "sk", "image": "crrisk.azurecr.io/team/churn:1", "conda_file": "../conda.yml"}
    based = image(name="other", environment={"conda_file": "../conda.yml", "image": "crrisk.azurecr.io/team/churn:2"})
    services = [{"name": "a", "image": "team/churn:3"}, {"name": "b", "image": "team/churn"}]
    registry = {"images": [image(keep=1), based]}
    estate = {"workspace": {"name": "mlw-risk", "location": "eastus"}, "environments": [environment]}
    spec = StackSpec.from_args(
        {"stage": "dev", **estate, "container_services": services, "container_registry": registry}
    )
    aliases = of(planned(lambda: module.export(module.build(spec))), "ImageAlias")
    host = "crrisk.azurecr.io/team/churn"
    assert [alias.inputs["used"] for alias in aliases] == [[f"{host}:1", f"{host}:2", "team/churn:3"]] * 2


def test_nothing_of_images_where_there_are_none() -> None:
    made = built()
    assert not of(made, "Image") + of(made, "Token") + of(made, "ScopeMap")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": "azureml:churn@latest"}, "none of the estate's models"),
        ({"name": "Churn"}, "not a name for a repository"),
        ({"keep": 0}, "keep"),
    ],
)
def test_arguments_of_a_program_go_through_the_same_rules(change: dict[str, Any], said: str) -> None:
    def program() -> None:
        place: Any = {"registry_id": REGISTRY, "login_server": "h", "username": "u", "password": "p"}
        ServingImage("churn", {**image(**change), **place})

    with pytest.raises(InvalidArgs, match=said):
        planned(program)


def test_without_a_project_there_is_no_place_for_it(project: Path) -> None:
    (project / "Pulumi.yaml").unlink()
    place: Any = {"registry_id": REGISTRY, "login_server": "h", "username": "u", "password": pulumi.Output.secret("p")}
    with pytest.raises(InvalidArgs, match=r"Pulumi\.yaml"):
        planned(lambda: ServingImage("churn", {**image(), **place}) and None)


def test_tokens_are_made_in_the_stacks_own_subscription() -> None:
    """azure-native builds their ids from the provider's subscription, whatever the registry's own id says."""
    there = {"existing": REGISTRY.upper().replace("/SUBSCRIPTIONS", "/subscriptions"), "images": [image()]}
    (made,) = of(built(container_registry=there), "Token")
    assert made.inputs["registryName"] == "CRRISK"
    elsewhere = {**there, "existing": REGISTRY.replace(SUBSCRIPTION, "/subscriptions/other")}
    with pytest.raises(pulumi.RunError) as caught:
        built(container_registry=elsewhere)
    said = str(caught.value)
    assert said.startswith("container_registry.existing: /subscriptions/other/")
    assert f"The stack's subscription: {SUBSCRIPTION.split('/')[2]}" in said
    assert "HOST/NAME@sha256:DIGEST" in said


def test_what_others_may_use_of_it(project: Path) -> None:
    seen: dict[str, Any] = {}

    def program() -> None:
        place: Any = {"registry_id": REGISTRY, "login_server": "h.io", "username": "u", "password": "p"}
        made = ServingImage("churn", {**image(), **place})
        for name in ("image", "tag", "manifest", "models"):
            getattr(made, name).apply(lambda value, name=name: seen.update({name: value}))

    planned(program)
    tag = tag_of(project)
    document = json.loads((project / ".azml/images/team+churn" / tag / "azml/manifest.json").read_text())
    (model,) = document["models"]
    assert seen == {
        "image": f"h.io/team/churn@sha256:{'0' * 64}",
        "tag": f"h.io/team/churn:{tag}",
        "manifest": document["manifest"],
        "models": [f"{model['name']}:{model['version']}"],
    }
    assert len(seen["manifest"]) == 64


def test_the_commit_that_it_is_made_from(project: Path) -> None:
    """It is told beside the image; files that differ from it are told too. Without Git there is nothing to tell."""

    def revision() -> str | None:
        serving_image._revision.cache_clear()
        (alias,) = of(built(image()), "ImageAlias")
        return alias.inputs.get("revision")

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        done = subprocess.run(["git", *identity, *arguments], cwd=project, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    assert revision() is None
    git("init", "--quiet")
    git("add", "model.bin")
    git("commit", "--quiet", "--message", "one")
    assert revision() == git("rev-parse", "HEAD")
    (project / "model.bin").write_bytes(b"another")
    assert revision() == f"{git('rev-parse', 'HEAD')}-dirty"
    serving_image._revision.cache_clear()
