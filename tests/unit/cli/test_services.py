"""What a stack's state says of its services: which image each runs, and which models are in it.

The states are in the engine's own form (`pulumi stack export`), as far as the command looks.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from azml.resources.errors import Refused
from azml_cli import services
from azml_cli.project import Project
from azml_cli.pulled import asked, plain
from azml_cli.services import Service, found_in
from azml_local import certificates
from azml_local.home import Home
from tests.unit.local.registry.conftest import Served

OLD, NEW = ("cr.azurecr.io/team/churn@sha256:" + letter * 64 for letter in "ab")
WS = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"


def group(name: str, image: str, **more: Any) -> dict[str, Any]:
    inputs = {"containerGroupName": name, "containers": [{"name": name, "image": image}]}
    return {"type": "azure-native:containerinstance:ContainerGroup", "inputs": inputs, **more}


def deployment(name: str, model: str | None) -> dict[str, Any]:
    inputs = {"endpointId": f"{WS}/onlineEndpoints/churn-ep", "name": name, **({"model": model} if model else {})}
    return {"type": "azml:index:ManagedOnlineDeployment", "inputs": inputs}


STATE = [
    {"type": "pulumi:pulumi:Stack", "outputs": {}},
    {
        "type": "azml:index:ServingImage",
        "outputs": {"image": NEW, "alias": "team/churn:2", "models": ["churn:1f", "help:2"]},
    },
    group("churn-test", NEW),
    group("churn-old", OLD),
    group("churn-gone", NEW, delete=True),
    group("theirs", "docker.io/them/server:1"),
    deployment("blue-1f", f"{WS}/models/churn/versions/1f"),
    deployment("shared", "azureml://registries/r/models/churn/versions/7"),
    deployment("custom", None),
]


def names(**wanted: str) -> list[str]:
    found = found_in(STATE)
    return [
        one.name
        for one in found
        if ("image" not in wanted or one.runs(wanted["image"])) and ("model" not in wanted or one.has(wanted["model"]))
    ]


def test_every_service_once() -> None:
    assert names() == [
        "churn-test", "churn-old", "theirs", "churn-ep/blue-1f", "churn-ep/shared", "churn-ep/custom",
    ]  # fmt: skip
    first = next(iter(found_in(STATE)))
    assert first == Service("churn-test", "container service", NEW, "team/churn:2", ("churn:1f", "help:2"))


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("team/churn", ["churn-test", "churn-old"]),
        ("churn", ["churn-test", "churn-old"]),
        ("team/churn:2", ["churn-test"]),
        (NEW, ["churn-test"]),
        ("them/server", ["theirs"]),
        ("them/server:1", ["theirs"]),
        ("them/server:2", []),
        ("hurn", []),
    ],
)
def test_by_image(image: str, found: list[str]) -> None:
    assert names(image=image) == found


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ("churn", ["churn-test", "churn-ep/blue-1f", "churn-ep/shared"]),
        ("churn:1f", ["churn-test", "churn-ep/blue-1f"]),
        ("churn:7", ["churn-ep/shared"]),
        ("help:2", ["churn-test"]),
        ("chur", []),
    ],
)
def test_by_model(model: str, found: list[str]) -> None:
    assert names(model=model) == found


def test_a_state_of_nothing() -> None:
    assert not list(found_in([]))


@pytest.fixture(name="registry", scope="module")
def _registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A registry with an image that the stack once built: its labels as the Dockerfile writes them, and a number."""
    home = Home(tmp_path_factory.mktemp("home"))
    home.make()
    certificates.ensure(home)
    found = Served(home, tmp_path_factory.mktemp("registries"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(home.bundle))
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield found
    found.close()


@pytest.fixture(name="old", scope="module")
def _old(registry: Served) -> str:
    labels = {"azml.manifest": "0" * 64, "azml.models": "churn:1e,help:1"}
    digest = registry.client().push_image("team/churn", "1", b"old", labels=labels)
    return f"{registry.host}/team/churn@{digest}"


def pulling(image: str, password: str = "secret") -> dict[str, Any]:
    """A group's inputs in a state that was exported with its secrets, as the engine writes them."""
    inputs = group("churn-test", image)["inputs"]
    login = {"server": image.partition("/")[0], "username": "team", "password": secret(password)}
    return {**inputs, "imageRegistryCredentials": secret([login])}


def secret(value: Any) -> dict[str, str]:
    """sdk/go/common/apitype/core.go, SecretV1: the value as JSON."""
    mark = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
    return {**mark, "plaintext": json.dumps(value)}


def test_the_registry_says_what_state_forgot(old: str) -> None:
    assert asked(old, plain(pulling(old))) == ("team/churn:1", ("churn:1e", "help:1"))
    by_tag = old.replace(old[old.index("@") :], ":1")
    assert asked(by_tag, plain(pulling(old))) == ("team/churn:1", ("churn:1e", "help:1"))
    elsewhere = old.replace(old.partition("/")[0], "docker.io")
    assert asked(elsewhere, plain(pulling(old))) == ("", ()), "no password for that registry"
    assert asked(f"{old[:-1]}{'0' if old[-1] != '0' else '1'}", plain(pulling(old))) == ("", ()), "gone"
    with pytest.raises(Refused, match="HTTP 401"):
        asked(old, plain(pulling(old, password="another")))


@pytest.mark.parametrize("password", ["secret", "another"])
def test_after_a_failed_release(
    registry: Served, old: str, password: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """State has the image that was built last; the group runs the one before."""
    built = {"type": "azml:index:ServingImage", "outputs": {"image": f"{registry.host}/team/churn@sha256:{'b' * 64}"}}
    gone = group("churn-test", NEW, delete=True)  # what replaces it is there already
    ours = {**group("churn-test", old), "inputs": pulling(old, password)}
    state = [built, ours, group("theirs", "docker.io/s:1"), gone]
    exported: list[tuple[str, ...]] = []

    def export(_project: Project, _stack: str, *options: str) -> list[dict[str, Any]]:
        exported.append(options)
        return state

    monkeypatch.setattr(services, "_resources", export)
    (tmp_path / "Pulumi.yaml").write_text("name: risk\nruntime: python\n")
    monkeypatch.chdir(tmp_path)
    services.services(stack="dev", json_=True)
    said = capsys.readouterr()
    first, second = json.loads(said.out)
    known = ("team/churn:1", ["churn:1e", "help:1"]) if password == "secret" else ("", [])
    assert (first["image"], first["alias"], first["models"]) == (old, *known)
    assert second["models"] == []
    assert ("cannot be looked up" in said.err) is (password != "secret")
    assert exported == [(), ("--show-secrets",)]


def test_secrets_are_asked_for_only_where_they_are_needed(
    old: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    image = {"type": "azml:index:ServingImage", "outputs": {"image": old, "alias": "team/churn:1", "models": ["m:1"]}}
    state = [image, {**group("churn-test", old), "inputs": pulling(old)}, group("theirs", "docker.io/them/server:1")]
    monkeypatch.setattr(services, "_resources", lambda _project, _stack: state)
    (tmp_path / "Pulumi.yaml").write_text("name: risk\nruntime: python\n")
    monkeypatch.chdir(tmp_path)
    services.services(stack="dev", model="m:1", json_=True)
    assert [one["name"] for one in json.loads(capsys.readouterr().out)] == ["churn-test"]
