"""`azml plugin install`: what lies where the engine looks, and what is said about it."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from azml_cli.plugin import Plugin

VERSION = version("azml")


def azml(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "azml_cli", "plugin", "install", *arguments]
    environment = os.environ | {"PULUMI_HOME": str(home)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def folder(home: Path, of: str = VERSION) -> Path:
    """Where the engine looks: its own layout of PULUMI_HOME."""
    return home / "plugins" / f"resource-azml-v{of}"


def stranger(home: Path, of: str, python: str) -> Path:
    """A plugin that another environment installed."""
    made = folder(home, of)
    made.mkdir(parents=True)
    (made / "pulumi-resource-azml").write_text(f'#!/bin/sh\nexec {python} -P -m azml "$@"\n')
    return made


def run(home: Path) -> subprocess.CompletedProcess[str]:
    """Start the installed program as the engine does, but without an engine's address."""
    return subprocess.run(
        [folder(home) / "pulumi-resource-azml"], cwd=home, capture_output=True, text=True, check=False
    )


def test_it_lies_where_the_engine_looks_and_starts(tmp_path: Path) -> None:
    done = azml(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Installed azml {VERSION} at {folder(tmp_path)}\nIt runs in {sys.executable}\n"
    assert [path.name for path in folder(tmp_path).iterdir()] == ["pulumi-resource-azml"]
    assert "the Pulumi engine starts it" in run(tmp_path).stderr


def test_without_pulumi_home_it_is_the_users_own(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "PULUMI_HOME"} | {"HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-m", "azml_cli", "plugin", "install"], env=environment, check=True)
    assert folder(tmp_path / ".pulumi").is_dir()


def test_again_changes_nothing_and_says_so(tmp_path: Path) -> None:
    azml(tmp_path)
    written = (folder(tmp_path) / "pulumi-resource-azml").stat().st_mtime_ns
    assert azml(tmp_path).stdout.startswith(f"Already there: azml {VERSION} at ")
    assert (folder(tmp_path) / "pulumi-resource-azml").stat().st_mtime_ns == written


def test_another_environments_plugin_is_replaced_by_name(tmp_path: Path) -> None:
    stranger(tmp_path, VERSION, "/gone/python")
    said = azml(tmp_path).stdout
    assert said.startswith(f"Installed, instead of /gone/python: azml {VERSION} at ")
    assert "the Pulumi engine starts it" in run(tmp_path).stderr


@pytest.mark.parametrize("python", [sys.executable, "/gone/python"])
def test_a_version_that_this_environment_had_before_goes(tmp_path: Path, python: str) -> None:
    """It would run today's azml under yesterday's number, or nothing."""
    old = stranger(tmp_path, "0.0.1", python)
    assert f"Removed {old}:" in azml(tmp_path).stdout
    assert not old.exists()


def test_a_version_of_another_living_environment_stays(tmp_path: Path) -> None:
    old = stranger(tmp_path, "0.0.1", "/bin/sh")
    assert "Removed" not in azml(tmp_path).stdout
    assert old.is_dir()


def test_for_machines(tmp_path: Path) -> None:
    old = stranger(tmp_path, "0.0.1", "/gone/python")
    assert json.loads(azml(tmp_path, "--json").stdout) == {
        "name": "azml",
        "version": VERSION,
        "folder": str(folder(tmp_path)),
        "python": sys.executable,
        "instead_of": None,
        "removed": [str(old)],
    }


def test_a_home_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "plugins").write_text("a file where a folder should be")
    done = azml(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"The plugin cannot be put into {tmp_path}: ")
    assert "PULUMI_HOME" in done.stderr


def test_an_environment_that_is_gone_is_said_by_the_plugin_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "it's gone" / "python"))
    Plugin("azml", VERSION, "azml").install(tmp_path)
    done = run(tmp_path)
    assert done.returncode == 1
    assert str(tmp_path / "it's gone" / "python") in done.stderr
    assert done.stderr.endswith("Install it from the one you use now: azml plugin install\n")


def test_a_file_of_the_project_does_not_get_in_the_way(tmp_path: Path) -> None:
    """The engine starts plugins in the program's folder."""
    azml(tmp_path)
    for module in ("azml", "json", "asyncio"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('shadowed')\n")
    assert "the Pulumi engine starts it" in run(tmp_path).stderr
