"""Where the estate stands, and what is said when it does not stand there."""

import pytest

from azml.spec import SpecError, load, stacks
from tests.unit.spec.conftest import HEAD, Project


def test_the_namespace_is_the_projects_name(project: Project) -> None:
    assert project.load(HEAD).stage == "dev"


@pytest.mark.parametrize("key", ["estate", "risk:config:estate"])
def test_other_forms_of_the_key_that_the_engine_takes(project: Project, key: str) -> None:
    project.write("Pulumi.dev.yaml", f"config:\n  {key}: {{stage: test}}\n")
    assert load(project.folder, "dev").stage == "test"


def test_the_project_file_may_lie_above(project: Project) -> None:
    project.write("stacks/Pulumi.dev.yaml", "config: {'risk:estate': {stage: prod}}\n")
    assert load(project.folder / "stacks", "dev").stage == "prod"


@pytest.mark.parametrize("wrong", ["azml:estate", "other:estate", "risk:estat"])
def test_a_key_in_the_wrong_namespace_is_pointed_at(project: Project, wrong: str) -> None:
    project.write("Pulumi.dev.yaml", f"config:\n  {wrong}:\n    stage: dev\n")
    problem = project.problem()
    assert project.source(problem) == f"{wrong}:"
    assert problem.fix == f"rename {wrong} to risk:estate"


@pytest.mark.parametrize(
    "content", ["", "config: {}\n", "config:\n  aws:region: x\n", "encryptionsalt: v1:x\n", "hello\n"]
)
def test_no_estate_at_all(project: Project, content: str) -> None:
    project.write("Pulumi.dev.yaml", content)
    assert project.problem().what == "there is no risk:estate in the config"


@pytest.mark.parametrize("estate", ["hello", "[1, 2]", "5", "null"])
def test_an_estate_is_a_map(project: Project, estate: str) -> None:
    project.write("Pulumi.dev.yaml", f"config:\n  risk:estate: {estate}\n")
    problem = project.problem()
    assert problem.what == "must be a map"
    assert project.source(problem) == estate


def test_a_stack_without_a_file(project: Project) -> None:
    project.stack(HEAD, "production")
    with pytest.raises(SpecError) as caught:
        load(project.folder, "prodution")
    [problem] = caught.value.problems
    assert problem.fix == "did you mean production?"


def test_a_folder_in_place_of_the_stack_file(project: Project) -> None:
    (project.folder / "Pulumi.dev.yaml").mkdir()
    assert "is a folder" in project.problem().what


def test_no_project(project: Project) -> None:
    (project.folder / "Pulumi.yaml").unlink()
    assert "there is no Pulumi.yaml" in project.problem(HEAD).what


def test_the_stacks_of_a_folder(project: Project) -> None:
    project.stack(HEAD, "prod")
    project.stack(HEAD, "dev")
    assert stacks(project.folder) == ["dev", "prod"]


def test_values_come_from_the_engine_and_positions_from_the_file(project: Project) -> None:
    project.write("model.pkl")
    project.stack(HEAD + "models:\n  - name: churn\n    path: model.pkl\n    version: 1\n")
    values = {
        "stage": "test",
        "workspace": {"name": "mlw-risk", "location": "eastus"},
        "models": [{"name": "churn", "path": "model.pkl", "version": 2}],
    }
    spec = load(project.folder, "dev", values)
    assert (spec.stage, spec.models[0].version, spec.models[0].path) == ("test", "2", project.folder / "model.pkl")
    values["models"] = [{"name": "churn", "path": "modle.pkl", "version": 2}]
    with pytest.raises(SpecError) as caught:
        load(project.folder, "dev", values)
    [problem] = caught.value.problems
    assert problem.value == "modle.pkl"
    assert project.source(problem) == "model.pkl"


def test_what_only_the_engine_knows_stands_at_the_nearest_place(project: Project) -> None:
    project.stack("stage: dev\n")
    with pytest.raises(SpecError) as caught:
        load(project.folder, "dev", {"stage": "dev", "workspace": {"nam": "x"}})
    assert {(problem.file, problem.line) for problem in caught.value.problems} == {
        (project.folder / "Pulumi.dev.yaml", 2)
    }


def test_an_encrypted_value_is_refused_with_the_way_out_and_without_the_value(project: Project) -> None:
    problems = project.problems(HEAD + "nonsense: 1\ntags:\n  token:\n    secure: v1:AAAA\n")
    assert [problem.path for problem in problems] == ["nonsense", "tags.token"]
    assert "pulumi config set --secret" in str(problems[1].fix)
    assert "AAAA" not in str(problems[1])
