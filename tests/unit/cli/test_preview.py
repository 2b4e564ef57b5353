"""What `azml preview` says where it cannot do what was asked: of its files, and of a stack that there is not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: risk\nruntime: python\n", encoding="utf-8")
    return tmp_path


def preview(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PULUMI_BACKEND_URL": f"file://{folder / 'state'}", "PULUMI_CONFIG_PASSPHRASE": "x"}
    command = [sys.executable, "-m", "azml_cli", "preview", *arguments]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"pack": {\n  "waivers": [}}', "policies.json:2:15: this is no JSON: "),
        ("[]", "policies.json is no JSON object.\nIt has settings by rule: docs/policies/README.md\n"),
    ],
)
def test_a_configuration_that_is_none_is_said_with_its_place(project: Path, text: str, said: str) -> None:
    (project / "policies.json").write_text(text, encoding="utf-8")
    done = preview(project, "dev", "--policy-pack", "policies", "--policy-pack-config", "policies.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)


@pytest.mark.engine
@pytest.mark.usefixtures("engine")
def test_stacks_that_there_are_not_are_told_in_the_comment_too(project: Path) -> None:
    """Where one of several has no preview, the others' and its own reason are there all the same."""
    done = preview(project, "dev", "prod", "--json", "--markdown", "made/by/it/preview.md")
    assert done.returncode == 1
    said = [(one["stack"], one["failed"], one["remarks"]) for one in json.loads(done.stdout)["stacks"]]
    assert said == [
        (name, True, [{"severity": "error", "text": f"no stack named '{name}' found", "urn": ""}])
        for name in ("dev", "prod")
    ]
    comment = (project / "made/by/it/preview.md").read_text(encoding="utf-8")
    assert "no stack named 'dev' found" in comment
    assert "no stack named 'prod' found" in comment


@pytest.mark.engine
@pytest.mark.usefixtures("engine")
def test_a_comment_that_cannot_be_written_is_said(project: Path) -> None:
    (project / "file").touch()
    done = preview(project, "dev", "--markdown", "file/preview.md")
    assert (done.returncode, done.stderr) == (2, "--markdown file/preview.md cannot be written: File exists\n")
