"""The folder that a command works in: none at all, or one whose Pulumi.yaml says nothing."""

import json
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


UNREADABLE = [
    ("config:\n  x:estate: [a\n  b: c\n", "3:4: error: is not YAML: "),
    ("config:\n  x:estate:\n    stage: dev\n    stage: test\n", "4:5: error: the key stage stands here twice"),
    ("config: 7\n", "1:9: error: config: must be a map"),
    ("- a\n", "1:1: error: must be a map"),
]


@pytest.mark.parametrize(("text", "said"), UNREADABLE)
def test_a_stack_file_that_the_engine_could_not_read(tmp_path: Path, text: str, said: str) -> None:
    """Said with its line, as `azml validate` does, by commands that do without the estate; and nothing is started."""
    (tmp_path / "Pulumi.yaml").write_text("name: x\nruntime: python\nstackConfigDir: stacks\n")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "Pulumi.local.yaml").write_text(text)

    def azml(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "azml_cli", *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    destroyed = azml("destroy", "--local")
    assert (destroyed.returncode, destroyed.stdout) == (1, "")
    assert destroyed.stderr.startswith(f"stacks/Pulumi.local.yaml:{said}")
    previewed = azml("preview", "--json")
    ((remark,),) = (one["remarks"] for one in json.loads(previewed.stdout)["stacks"])
    assert previewed.returncode == 1
    assert remark["text"].startswith("stacks/Pulumi.local.yaml:" + said.replace("error: ", "", 1))
    assert not (tmp_path / ".azml").exists()


def test_a_stack_without_a_file_and_one_without_config_are_readable(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: x\nruntime: python\n")
    assert Project(tmp_path).unreadable("local") == []
    for text in ("", "config:\n", "config: {}\n", "encryptionsalt: v1:x\n"):
        (tmp_path / "Pulumi.local.yaml").write_text(text)
        assert Project(tmp_path).unreadable("local") == []
