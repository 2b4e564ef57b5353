"""`azml local …` as people and shells use it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import azml_local


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "Pulumi.yaml").write_text("name: serving\n")
    yield tmp_path
    azml_local.stop(tmp_path / ".azml" / "local")


def azml(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    code = "from azml_cli.local import app; app(prog_name='azml local')"
    environment = {**os.environ, "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=project, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_day(project: Path) -> None:
    assert azml(project, "status").stdout.startswith("The local Azure does not run")
    assert azml(project, "env").returncode == 1
    started = azml(project, "start", "--json")
    assert (started.returncode, json.loads(started.stdout)["running"]) == (0, True)
    shown = json.loads(azml(project, "status", "--json").stdout)
    assert shown["endpoints"] == []
    assert shown["url"].startswith("https://127.0.0.1:")
    script = f'{azml(project, "env").stdout}\nprintf %s "$AZURE_AUTHORITY_HOST"'
    assert subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout == shown["url"]
    assert "ready at" in azml(project, "logs").stdout
    assert json.loads(azml(project, "stop", "--json").stdout) == {"stopped": True}


MADE_UP = """
import os, sys, requests
port = os.environ["AZURE_AUTHORITY_HOST"].rpartition(":")[2]
print(requests.get(f"https://nobody.blob.core.azlocal.test:{port}/c?restype=container").headers["x-ms-error-code"])
try:
    requests.get("https://management.azure.com/")
except requests.exceptions.ProxyError as error:
    print("management.azure.com is not of the local Azure" in str(error))
sys.exit(7)
"""


def test_a_command_finds_names_that_no_name_service_knows(project: Path) -> None:
    """The host is the one that azure-ai-ml makes up for uploads; any other name is refused, and the code is its own."""
    assert azml(project, "run", "--", sys.executable, "-c", MADE_UP).returncode == 1
    azml(project, "start")
    done = azml(project, "run", "--", sys.executable, "-c", MADE_UP)
    assert done.stdout.split() == ["ResourceNotFound", "True"], done.stderr
    assert done.returncode == 7
    assert "cannot be run" in azml(project, "run", "no-such-command").stderr


def test_reset_asks(project: Path) -> None:
    azml(project, "start")
    refused = azml(project, "reset")
    assert (refused.returncode, "--yes" in refused.stderr) == (2, True)
    assert json.loads(azml(project, "status", "--json").stdout)["running"]
    assert azml(project, "reset", "--yes").returncode == 0
    assert not json.loads(azml(project, "status", "--json").stdout)["running"]


def test_outside_a_project_it_says_so(tmp_path: Path) -> None:
    answer = azml(tmp_path, "status")
    assert answer.returncode == 2
    assert "Pulumi.yaml" in answer.stderr
