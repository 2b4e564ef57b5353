"""`azml init`: what it writes, where, and what it leaves alone."""

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from azml.spec import json_schema, load, stack_schema
from azml.spec.project import project as stacks_project
from tests.support.commands import azml


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_project_that_is_valid_and_names_what_it_wrote(tmp_path: Path) -> None:
    done = azml(tmp_path, "init", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert said["directory"] == str(tmp_path)
    assert set(said["files"]) == files(tmp_path)
    validated = azml(tmp_path, "validate")
    assert (validated.returncode, validated.stdout) == (0, "4 stacks are valid\n"), validated.stderr
    (endpoint,) = load(tmp_path, "local").online_endpoints
    assert (tmp_path / "requests" / f"{endpoint.name}.json").is_file()


def test_the_projects_name_is_in_every_place_and_no_mark_is_left(tmp_path: Path) -> None:
    azml(tmp_path, "init", "--name", "risk.scoring_2")
    project = yaml.safe_load((tmp_path / "Pulumi.yaml").read_text())
    assert project["name"] == "risk.scoring_2"
    assert "template" not in project
    marks = re.compile(rb"\$\{(PROJECT|DESCRIPTION)\}")  # workflows and shells have others
    assert not [name for name in files(tmp_path) if marks.search((tmp_path / name).read_bytes())]


@pytest.mark.parametrize(
    ("folder", "name"),
    [("serving", "serving"), ("my serving (v2)", "my-serving-v2"), ("ÄÖÜ", "serving"), ("x" * 120, "x" * 100)],
)
def test_without_a_name_it_is_the_folders(tmp_path: Path, folder: str, name: str) -> None:
    done = azml(tmp_path, "init", folder, "--json")
    assert json.loads(done.stdout)["project"] == name
    assert yaml.safe_load((tmp_path / folder / "Pulumi.yaml").read_text())["name"] == name


@pytest.mark.parametrize("name", ["123", "1e3", "yes", "pulumi-x"])
def test_a_name_that_yaml_would_read_as_something_else_stays_a_name(tmp_path: Path, name: str) -> None:
    assert azml(tmp_path, "init", "--name", name).returncode == 0
    assert yaml.safe_load((tmp_path / "Pulumi.yaml").read_text())["name"] == name
    assert stacks_project(tmp_path) == name


@pytest.mark.parametrize("name", ["", "a/b", "x" * 101, "größe", "pulumi.x"])
def test_a_name_that_pulumi_does_not_take(tmp_path: Path, name: str) -> None:
    done = azml(tmp_path, "init", "--name", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert repr(name) in done.stderr
    assert "hyphens" in done.stderr
    assert files(tmp_path) == set()


def test_what_to_type_next_can_be_copied_into_a_shell(tmp_path: Path) -> None:
    said = azml(tmp_path, "init", "my serving").stdout
    assert "  cd 'my serving'\n" in said


def test_nothing_is_overwritten_and_all_that_is_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "stack.schema.json").symlink_to("nowhere")
    done = azml(tmp_path, "init")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[1:3] == ["  README.md", "  schemas/stack.schema.json"]
    assert files(tmp_path) == {"README.md"}
    assert (tmp_path / "README.md").read_text() == "mine"


def test_what_else_is_in_the_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert azml(tmp_path, "init").returncode == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = azml(tmp_path, "init", "file/project")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"The project cannot be written to {tmp_path / 'file' / 'project'}: ")


def test_editors_get_the_schemas_of_this_version(tmp_path: Path) -> None:
    azml(tmp_path, "init")
    assert json.loads((tmp_path / "schemas" / "stack.schema.json").read_text()) == stack_schema()
    assert json.loads((tmp_path / "schemas" / "estate.schema.json").read_text()) == json_schema()
    for name in ("Pulumi.local.yaml", "Pulumi.dev.yaml", "base.yaml"):
        head = (tmp_path / name).read_text().splitlines()[0]
        assert (tmp_path / head.removeprefix("# yaml-language-server: $schema=")).is_file()


@pytest.mark.parametrize(
    ("environment", "project", "written"),
    [(".venv", ".", ".venv"), ("env", "serving", "../env"), ("elsewhere/.venv", "serving", None)],
)
def test_the_engine_is_told_the_environment_if_it_goes_with_the_project(
    tmp_path: Path, environment: str, project: str, written: str | None
) -> None:
    """A path is kept only where it is the same on every machine: in the project, or in a folder above it."""
    made = tmp_path / environment
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", made], check=True)
    (packages,) = made.glob("lib/python3*/site-packages")
    (packages / "borrowed.pth").write_text("\n".join(path for path in sys.path if path))
    subprocess.run([made / "bin" / "python", "-m", "azml_cli", "init", project], cwd=tmp_path, check=True)
    options = yaml.safe_load((tmp_path / project / "Pulumi.yaml").read_text())["runtime"]["options"]
    assert options == {"toolchain": "pip"} | ({"virtualenv": written} if written else {})


def test_what_to_type_next(tmp_path: Path) -> None:
    said = azml(tmp_path, "init", "new").stdout
    assert said.endswith("up --local\n")
    assert "\n  cd new\n" in said


@pytest.mark.parametrize("command", [("up",), ("validate",)])
def test_outside_of_any_project_it_is_said_how_to_begin_one(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = azml(tmp_path, *command)
    assert (done.returncode, done.stdout) == (2, "")
    assert "azml init" in done.stderr


def test_the_version(tmp_path: Path) -> None:
    assert azml(tmp_path, "--version").stdout == f"azml {version('azml')}\n"
    assert files(tmp_path) == set()
