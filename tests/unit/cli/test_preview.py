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


BAD = """{
  "key-auth": "mandatroy",
  "retired-size": {
    "notice_days": -3,
    "enforcementLevel": "warn"
  },
  "quota-factor": {"quota": {"Standard_DS?_v2": "many"}},
  "traffic-sums": 7,
  "no-such-rule": {"x": 1},
  "public-network": {"enforcementLevel": "advisory"},
  "pack": {
    "waivers": [
      {"rule": "key-aut", "resource": "churn", "owner": "", "reason": "x", "expires": "2027-02-31"},
      {"rule": "key-auth", "resource": "churn", "owner": "a", "reson": "x", "expires": "20270101"},
      7
    ]
  }
}
"""
PLACES = [
    "2:15: error: key-auth: is no level",
    "4:20: error: retired-size.notice_days: is too small",
    "5:25: error: retired-size.enforcementLevel: is no level",
    "7:49: error: quota-factor.quota.Standard_DS?_v2: must be a whole number",
    "8:19: error: traffic-sums: is neither a level nor a map of settings",
    "13:16: error: pack.waivers.[0].rule: is not known here",
    "13:57: error: pack.waivers.[0].owner: is empty",
    "13:87: error: pack.waivers.[0].expires: is no date",
    "14:7: error: pack.waivers.[1].reason: is missing",
    "14:63: error: pack.waivers.[1].reson: there is no such key",
    "14:88: error: pack.waivers.[1].expires: is no date",
    "15:7: error: pack.waivers.[2]: must be a map",
]


def test_what_breaks_the_schema_is_said_all_at_once_with_its_place(project: Path) -> None:
    """Of azml's own pack, whichever way it is started; of another one only what no pack takes."""
    (project / "bad.json").write_text(BAD, encoding="utf-8")
    (project / "pack").mkdir()
    (project / "pack" / "__main__.py").write_text("from azml_policies.server import main\n\nmain()\n")
    for pack in ("/somewhere/bin/azml-policies", "pack"):
        done = preview(project, "dev", "--policy-pack", pack, "--policy-pack-config", "bad.json")
        assert (done.returncode, done.stdout) == (2, "")
        said = [line.removeprefix("bad.json:") for line in done.stderr.splitlines() if line.startswith("bad.json:")]
        assert sorted(said) == sorted(PLACES)
        assert "    value:   mandatroy\n    allowed: advisory, disabled, mandatory, remediate\n" in done.stderr
        assert "    fix:     did you mean key-auth?\n" in done.stderr
        assert "    allowed: rule, resource, owner, reason, expires\n    fix:     did you mean reason?\n" in done.stderr
    other = preview(project, "dev", "--policy-pack", "theirs", "--policy-pack-config", "bad.json")
    assert [line for line in other.stderr.splitlines() if line.startswith("bad.json:")] == [
        f"bad.json:{PLACES[number]}" for number in (0, 2, 4)
    ]


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
