"""The folder that a command works in: none at all, or one whose Pulumi.yaml says nothing."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from azml_cli.project import Project


@pytest.mark.parametrize("text", ["", "- a\n", "runtime: python\n", "name:\n", "name: [\n", "\0"])
def test_a_project_without_a_name_is_a_located_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (tmp_path / "Pulumi.yaml").write_text(text)
    with pytest.raises(typer.Exit) as ended:
        Project(tmp_path).name  # noqa: B018
    assert ended.value.exit_code == 1
    assert "Pulumi.yaml:1:" in capsys.readouterr().err


def test_the_engines_address_of_a_folder_with_any_name(tmp_path: Path) -> None:
    """RFC 8089, RFC 3986 §2.1: what an address gives a meaning to is escaped."""
    folder = Project(tmp_path / "50%20 #1?")
    address = folder.pulumi_environment(tmp_path)["PULUMI_BACKEND_URL"]
    assert address == f"file://{tmp_path}/50%2520%20%231%3F/.azml/state"


@pytest.mark.parametrize("command", ["init", "validate", "recover --local"])
def test_a_folder_that_is_gone(tmp_path: Path, command: str) -> None:
    there = tmp_path / "there"
    there.mkdir()
    script = f'rmdir "{there}" && exec "{sys.executable}" -P -m azml_cli {command}'
    done = subprocess.run(["sh", "-c", script], cwd=there, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "The folder that this shell is in was deleted or moved.",
        "Go to another one: cd FOLDER",
    ]


def test_a_file_where_azml_keeps_its_folder(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: serving\nruntime: python\n")
    (tmp_path / ".azml").write_text("")
    command = [sys.executable, "-m", "azml_cli", "local", "start"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    said, remedy = done.stderr.splitlines()
    assert said.startswith(f"{tmp_path}/.azml")
    assert remedy == "azml needs it: correct that, then run it again."
