"""The template's workflow files, as far as can be told without running them: rights, pins, names that lead somewhere.

The services publish JSON Schemas for them, which are not part of this repository.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.clone import ROOT

TEMPLATE = ROOT / "templates" / "online-endpoint"
GITHUB = sorted((TEMPLATE / ".github" / "workflows").glob("*.yml"))
PIPELINES = [TEMPLATE / "azure-pipelines.yml", TEMPLATE / "ci" / "azure-stage.yml"]
WORKFLOWS = [*GITHUB, *PIPELINES]
SCRIPTS = sorted((TEMPLATE / "ci").glob("*.sh"))
ACTIONS = {"actions/checkout", "actions/setup-python", "azure/login"}
STAGE = {"contents": "read", "id-token": "write"}


def read(file: Path) -> dict[Any, Any]:
    return dict(yaml.safe_load(file.read_text()))


def expressions(file: Path) -> list[str]:
    return [found.strip() for found in re.findall(r"\$\{\{(.*?)\}\}", file.read_text())]


def references(file: Path) -> list[list[str]]:
    words = [re.sub(r"'[^']*'", "", text) for text in expressions(file)]
    return [path.split(".") for text in words for path in re.findall(r"[a-z][\w-]*(?:\.[\w-]+)+", text)]


def jobs() -> list[tuple[str, dict[str, Any]]]:
    return [(name, job) for file in GITHUB for name, job in read(file)["jobs"].items()]


def ids(files: list[Path]) -> list[str]:
    return [file.name for file in files]


@pytest.mark.parametrize("file", WORKFLOWS, ids=ids(WORKFLOWS))
def test_no_secret_is_kept(file: Path) -> None:
    text = file.read_text()
    assert "secrets." not in text
    assert not re.search(r"(?i)client[-_]?secret|password:|PULUMI_CONFIG_PASSPHRASE\b(?!_FILE)|ACCESS_KEY", text)


@pytest.mark.parametrize("file", GITHUB, ids=ids(GITHUB))
def test_every_action_is_one_of_three_and_pinned_to_a_commit(file: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", file.read_text())
    for name, comment in used:
        if name.startswith("./"):
            assert (TEMPLATE / name).is_file()
            continue
        action, _, commit = name.partition("@")
        assert action in ACTIONS
        assert re.fullmatch(r"[0-9a-f]{40}", commit)
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment)


def test_rights_are_the_least() -> None:
    assert all(read(file)["permissions"] == {} for file in GITHUB)
    assert {name: job["permissions"] for name, job in jobs()} == {
        "preview": {**STAGE, "pull-requests": "write"},
        "dev": STAGE,
        "test": STAGE,
        "prod": STAGE,
        "deploy": STAGE,
    }
    text = "".join(file.read_text() for file in WORKFLOWS)
    kept = [*re.findall(r"persist-credentials: (\w+)", text), *re.findall(r"persistCredentials: (\w+)", text)]
    assert kept == ["false"] * len(re.findall(r"actions/checkout@|checkout: self", text))


def test_one_run_a_stage_at_a_time_and_none_is_cut_off() -> None:
    groups = {name: job["concurrency"] for name, job in jobs() if "concurrency" in job}
    assert groups["deploy"] == {"group": "azml-${{ inputs.stage }}", "cancel-in-progress": False}
    assert set(groups) == {"deploy", "preview"}
    assert read(PIPELINES[0])["lockBehavior"] == "sequential"


@pytest.mark.parametrize("file", GITHUB, ids=ids(GITHUB))
def test_every_name_in_an_expression_is_defined(file: Path) -> None:
    document = read(file)
    inputs = ((document[True] or {}).get("workflow_call") or {}).get("inputs", {})
    steps = [step for job in document["jobs"].values() for step in job.get("steps", [])]
    known = {step["id"] for step in steps if "id" in step}
    for first, second, *rest in references(file):
        if first == "inputs":
            assert second in inputs
        elif first in ("needs", "jobs"):
            assert second in document["jobs"]
            assert rest == ["outputs", "versions"]
        elif first == "steps":
            assert second in known
        else:
            assert first in ("vars", "github"), first
    for name, job in document["jobs"].items():
        needed = {path[1] for path in references(file) if path[0] == "needs" and f"needs.{path[1]}." in str(job)}
        assert needed <= {job.get("needs")}, name


def test_parameters_of_the_pipelines_template_are_defined_and_given() -> None:
    declared = {each["name"] for each in read(PIPELINES[1])["parameters"]}
    assert {path[1] for path in references(PIPELINES[1])} == declared
    assert {path[0] for path in references(PIPELINES[1])} == {"parameters"}
    given = [each["parameters"] for each in read(PIPELINES[0])["stages"] if "template" in each]
    assert [set(each) for each in given] == [declared] * 3
    order = [(each["stage"], each["after"]) for each in given]
    assert order == [("dev", []), ("test", ["dev"]), ("prod", ["test"])]


def test_every_script_that_is_named_is_there_and_the_other_way_round() -> None:
    text = "".join(file.read_text() for file in [*WORKFLOWS, *SCRIPTS])
    named = set(re.findall(r"(?:bash|\.) ci/([\w-]+\.sh)", text))
    assert named == {script.name for script in SCRIPTS}


def test_azml_is_never_installed_by_its_name() -> None:
    for file in [*WORKFLOWS, *SCRIPTS]:
        for line in file.read_text().splitlines():
            if "pip install" in line:
                assert line.endswith('"$wheel"'), line


def test_pulumi_is_the_one_that_azml_is_run_with() -> None:
    (pinned,) = re.findall(r"^PULUMI_VERSION=(\S+)$", (TEMPLATE / "ci" / "environment.sh").read_text(), re.MULTILINE)
    (built,) = re.findall(r"github\.com/pulumi/pulumi/pkg/v3 v(\S+)", (ROOT / "engine" / "go.mod").read_text())
    assert pinned == built
