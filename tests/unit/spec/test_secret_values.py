"""A secret that the estate points to and that the stack's config has no value for is said before anything runs."""

from pathlib import Path

import pytest

from azml.spec import Problem, assemble, judge, missing_secrets
from tests.unit.spec.conftest import HEAD, Project

BLUE = "instance_type: Standard_DS3_v2, model: 'azureml:m:1', environment: 'azureml:e:1'"
ESTATE = HEAD + (
    "online_endpoints:\n  - name: churn\n    deployments:\n"
    f"      - {{name: blue, {BLUE}, environment_variables: {{TOKEN: {{secret: token}}, A: x}}}}\n"
)


def missing(project: Project, more: str = "", top: str = "") -> list[Problem]:
    file = project.stack(ESTATE)
    file.write_text(top + file.read_text() + more)
    tree = assemble(project.folder, "dev")
    return list(missing_secrets(project.folder, "dev", tree, judge(tree)))


def test_it_is_said_where_the_secret_is_named(project: Project) -> None:
    (problem,) = missing(project)
    lines = (project.folder / "Pulumi.dev.yaml").read_text().splitlines()
    assert problem.file == project.folder / "Pulumi.dev.yaml"
    assert problem.line is not None
    assert problem.column is not None
    assert lines[problem.line - 1][problem.column - 1 :].startswith("token}")
    assert problem.path == "online_endpoints.churn.deployments.blue.environment_variables.TOKEN.secret"
    assert "risk:token" in problem.what
    assert "pulumi config set --secret token --stack dev" in str(problem.fix)


def test_in_a_layer_it_is_the_layer_s_line(project: Project) -> None:
    layer = project.write("base.yaml", ESTATE)
    project.stack("extends: base.yaml\n")
    tree = assemble(project.folder, "dev")
    (problem,) = missing_secrets(project.folder, "dev", tree, judge(tree))
    assert (problem.file, problem.line) == (layer, 1 + ESTATE.splitlines().index(ESTATE.splitlines()[-1]))


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ("  risk:token:\n    secure: v1:abc=\n", 0),
        ("  risk:config:token: plain\n", 0),
        ("  token: plain\n", 0),
        ("  risk:token: ''\n", 0),
        ("  other:token: plain\n", 1),
        ("  risk:tokens: plain\n", 1),
    ],
)
def test_a_value_in_the_stack_file_is_enough(project: Project, more: str, count: int) -> None:
    assert len(missing(project, more)) == count


@pytest.mark.parametrize(
    ("config", "count"),
    [
        ("  token: {type: string, default: x}\n", 0),
        ("  risk:token: {value: x}\n", 0),
        ("  token: x\n", 0),
        ("  token: {type: string}\n", 1),
    ],
)
def test_so_is_one_that_the_project_gives_every_stack(project: Project, config: str, count: int) -> None:
    project.write("Pulumi.yaml", f"name: risk\nconfig:\n{config}")
    assert len(missing(project)) == count


def test_what_an_esc_environment_has_nobody_knows(project: Project) -> None:
    assert missing(project, top="environment: [risk/dev]\n") == []


def test_a_deployment_without_secrets_has_none_missing(project: Project, tmp_path: Path) -> None:
    project.stack(HEAD)
    tree = assemble(project.folder, "dev")
    assert list(missing_secrets(project.folder, "dev", tree, judge(tree))) == []
