"""`azml validate`, `azml explain` and `azml schema`, as a person or an editor runs them."""

import json
from pathlib import Path

import pytest

from tests.support.commands import azml

STACK = "config:\n  risk:estate:\n    stage: dev\n    workspace:\n      name: mlw-risk\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: risk\nstackConfigDir: stacks\n", encoding="utf-8")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "Pulumi.dev.yaml").write_text(STACK, encoding="utf-8")
    return tmp_path


def test_valid_stacks(project: Path) -> None:
    (project / "stacks" / "Pulumi.prod.yaml").write_text(STACK.replace("dev", "prod"), encoding="utf-8")
    done = azml(project, "validate")
    assert (done.returncode, done.stdout, done.stderr) == (0, "2 stacks are valid\n", "")


def test_an_invalid_stack_says_where_and_what_to_do(project: Path) -> None:
    (project / "stacks" / "Pulumi.prod.yaml").write_text(STACK.replace("dev", "prd"), encoding="utf-8")
    done = azml(project, "validate")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "stacks/Pulumi.prod.yaml:3:12: error: stage: is not known here\n"
        "    value:   prd\n"
        "    allowed: dev, test, prod\n"
        "    fix:     did you mean prod?\n"
        "1 problem in 1 stack\n"
    )


def test_values_are_shown_as_they_are(project: Path) -> None:
    """Versions stand between colons, as the names of emoji do for rich."""
    stack = STACK + "    container_services: [{name: churn, image: 'azureml:x:1'}]\n"
    (project / "stacks" / "Pulumi.dev.yaml").write_text(stack, encoding="utf-8")
    assert "    value:   azureml:x:1\n" in azml(project, "validate").stderr


def test_a_secret_without_a_value_is_said(project: Path) -> None:
    deployment = "instance_type: Standard_DS3_v2, model: 'azureml:m:1', environment: 'azureml:e:1'"
    secret = f"{{name: blue, {deployment}, environment_variables: {{T: {{secret: token}}}}}}"
    stack = f"{STACK}    online_endpoints: [{{name: churn, deployments: [{secret}]}}]\n"
    file = project / "stacks" / "Pulumi.dev.yaml"
    file.write_text(stack, encoding="utf-8")
    done = azml(project, "validate")
    assert done.returncode == 1
    assert done.stderr.startswith("stacks/Pulumi.dev.yaml:6:")
    assert "stacks/Pulumi.dev.yaml has no risk:token" in done.stderr
    file.write_text(f"{stack}  risk:token:\n    secure: v1:abc\n", encoding="utf-8")
    assert azml(project, "validate").returncode == 0


def test_a_problem_of_a_shared_layer_is_said_once(project: Path) -> None:
    (project / "stacks" / "base.yaml").write_text("stage: dev\nworkspce: {}\n", encoding="utf-8")
    for name in ("dev", "prod"):
        text = "config:\n  risk:estate: {extends: base.yaml}\n"
        (project / "stacks" / f"Pulumi.{name}.yaml").write_text(text, encoding="utf-8")
    done = azml(project, "validate")
    assert done.stderr.count("workspce") == 1
    assert done.stderr.endswith("1 problem in 2 stacks\n")


def test_one_stack_by_name(project: Path) -> None:
    (project / "stacks" / "Pulumi.prod.yaml").write_text("nonsense", encoding="utf-8")
    assert azml(project, "validate", "dev").returncode == 0
    assert "did you mean dev?" in azml(project, "validate", "dv").stderr


def test_problems_for_machines(project: Path) -> None:
    (project / "stacks" / "Pulumi.prod.yaml").write_text(STACK.replace("dev", "prd"), encoding="utf-8")
    done = azml(project, "validate", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    answer = json.loads(done.stdout)
    assert answer["dev"] == []
    assert answer["prod"][0]["line"] == 3
    assert Path(answer["prod"][0]["file"]) == project / "stacks" / "Pulumi.prod.yaml"


def test_values_and_where_they_come_from(project: Path) -> None:
    done = azml(project, "explain", "dev", "workspace")
    assert done.returncode == 0
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["workspace.name", "mlw-risk", "stacks/Pulumi.dev.yaml:5"] in rows
    assert ["workspace.public_network_access", "enabled", "default"] in rows
    assert all(row[0].startswith("workspace.") for row in rows)


def test_values_for_machines(project: Path) -> None:
    answer = json.loads(azml(project, "explain", "dev", "stage", "--json").stdout)
    file = str(project / "stacks" / "Pulumi.dev.yaml")
    assert answer == [{"path": "stage", "value": "dev", "file": file, "line": 3}]


def test_a_path_that_is_not_there(project: Path) -> None:
    done = azml(project, "explain", "dev", "worksapce")
    assert done.returncode == 2
    assert "Did you mean workspace?" in done.stderr


def test_schemas_in_a_folder(project: Path) -> None:
    assert json.loads(azml(project, "schema").stdout)["title"] == "Estate"
    assert azml(project, "schema", "--out", "schemas").returncode == 0
    assert sorted(file.name for file in (project / "schemas").iterdir()) == ["estate.schema.json", "stack.schema.json"]


def test_schemas_where_nothing_can_be_written(project: Path) -> None:
    done = azml(project, "schema", "--out", "Pulumi.yaml/schemas")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("The schemas cannot be written to Pulumi.yaml/schemas: Not a directory")


def test_two_stacks_with_a_name_that_azure_takes_once(project: Path) -> None:
    """The local stack has its own Azure."""
    for stack in ("dev", "prod", "local"):
        workspace = f"{{name: mlw-{stack}, location: eastus}}"
        estate = f"{{stage: dev, workspace: {workspace}, online_endpoints: [{{name: churn}}]}}"
        (project / "stacks" / f"Pulumi.{stack}.yaml").write_text(f"config:\n  risk:estate: {estate}\n")
    done = azml(project, "validate", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert {stack: len(problems) for stack, problems in found.items()} == {"dev": 0, "local": 0, "prod": 1}
    assert found["prod"][0]["path"] == "online_endpoints.churn.name"
