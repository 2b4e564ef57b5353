"""What a stack's state says of its services: which image each runs, and which models are in it.

The states are in the engine's own form (`pulumi stack export`), as far as the command looks.
"""

from typing import Any

import pytest

from azml_cli.services import Service, found_in

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
