"""Two deployments whose names with their endpoints' come out alike: refused exactly where they would make the same.

What a deployment makes is called ENDPOINT-DEPLOYMENT in Pulumi, and a resource's name is once in a stack.
"""

from typing import Any

import pytest

from azml.spec import SpecError, StackSpec

FIXED = {"release": "fixed"}


def estate(one: dict[str, Any], other: dict[str, Any], names: tuple[str, str] = ("eu-blue", "blue")) -> dict[str, Any]:
    base = {"instance_type": "Standard_DS3_v2", "model": "azureml:m:1", "environment": "azureml:e:1"}
    endpoints = [
        {"name": endpoint, "deployments": [{"name": name, **base, **more}]}
        for endpoint, name, more in (("churn", names[0], one), ("churn-eu", names[1], other))
    ]
    return {"stage": "dev", "workspace": {"name": "mlw-risk"}, "online_endpoints": endpoints}


def problems(*what: Any) -> list[str]:
    try:
        StackSpec.from_args(estate(*what))
    except SpecError as error:
        return [f"{problem.path}: {problem.what}" for problem in error.problems]
    return []


CLASH = (
    "online_endpoints.churn-eu.deployments.blue.name: makes the same as deployment eu-blue of endpoint churn: both are "
    "churn-eu-blue in Pulumi, and where they bring the same asset along also in Azure"
)


@pytest.fixture
def files(tmp_path: Any) -> Any:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "score.py").write_text("def init(): ...\ndef run(data): ...\n")
    return tmp_path


def test_two_that_are_fixed() -> None:
    assert problems(FIXED, FIXED) == [CLASH]


def test_names_that_do_not_come_out_alike() -> None:
    assert problems(FIXED, FIXED, ("eu-blue", "green")) == []


def test_releases_have_names_of_their_own() -> None:
    assert problems({}, {}) == []
    assert problems(FIXED, {}) == []


def test_the_same_code_without_a_name_of_its_own(files: Any) -> None:
    def code(name: str) -> dict[str, Any]:
        return {"code_configuration": {"code": str(files / name), "scoring_script": "score.py"}}

    assert problems(code("one"), code("one")) == [CLASH]
    assert problems(code("one"), code("other")) == []


def test_the_same_model(files: Any) -> None:
    def model(**fields: Any) -> dict[str, Any]:
        return {"model": {"path": str(files / "one"), **fields}}

    assert problems(model(), model()) == [CLASH]
    assert problems(model(name="m"), model(name="m")) == []
    assert problems(model(version="1"), {"model": {"path": str(files / "other"), "version": "1"}}) == [CLASH]


def test_the_same_environment() -> None:
    environment = {"environment": {"image": "registry.example/i:1"}}
    assert problems(environment, environment) == [CLASH]
    assert problems(environment, {"environment": {"image": "registry.example/i:2"}}) == []


def test_collected_data() -> None:
    def collects(**data: Any) -> dict[str, Any]:
        return {"data_collector": {"collections": {"request": {"enabled": True, **data}}}}

    assert problems(collects(), collects()) == [CLASH]
    assert problems(collects(data={"name": "one"}), collects(data={"name": "other"})) == []
