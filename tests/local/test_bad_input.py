"""Bad input through the commands that people type: exit code, place and remedy are said, and what runs keeps serving.

Each case edits one file of the clone; the file and line that must be named are where the edit was made.
"""

import json
import os
import subprocess
import urllib.request
from pathlib import Path

import pytest

from azml_local import environment
from tests.support.clone import REQUEST, ROOT, Clone
from tests.support.commands import azml

pytestmark = pytest.mark.engine

STACK = "stacks/Pulumi.local.yaml"
BASE = "stacks/layers/base.yaml"
ENDPOINT = "samples/diabetes/endpoint.yml"
DEPLOYMENT = "samples/diabetes/deployment.yml"

# file, text there, what it becomes, what must be said besides file and line
CASES = {
    "unknown key": (DEPLOYMENT, "instance_count: 1", "instance_cuont: 1", ["instance_cuont", "instance_count"]),
    "wrong type": (DEPLOYMENT, "instance_count: 1", "instance_count: many", ["instance_count", "many"]),
    "out of range": (DEPLOYMENT, "instance_count: 1", "instance_count: 51", ["51", "50"]),
    "traffic sum": (ENDPOINT, "auth_mode: key", "auth_mode: key\ntraffic: {ridge: 90}", ["90", "100"]),
    "traffic to nobody": (ENDPOINT, "auth_mode: key", "auth_mode: key\ntraffic: {rigde: 100}", ["rigde", "ridge"]),
    "long name": (DEPLOYMENT, "name: ridge", f"name: {'r' * 33}", ["r" * 33, "32"]),
    "missing file": (BASE, "conda_file: ../../samples/diabetes/conda.yml", "conda_file: conda.yml", ["conda.yml"]),
    "missing layer": (STACK, "layers/base.yaml", "layers/bsae.yaml", ["bsae.yaml"]),
    "broken YAML": (BASE, "  location: eastus", "  location: eastus: 5", ["YAML"]),
    "a tab": (BASE, "  location: eastus", "\tlocation: eastus", ["base.yaml"]),
    "a secret without a value": (
        DEPLOYMENT,
        "instance_count: 1",
        "instance_count: 1\nenvironment_variables: {TOKEN: {secret: token}}",
        ["pulumi config set --secret token --stack local"],
    ),
    "a size that is none": (DEPLOYMENT, "Standard_DS2_v2", "Standard_DS2_v22", ["Standard_DS2_v22", "Standard_DS2_v2"]),
}


@pytest.fixture(scope="module")
def serving(clone: Clone) -> Clone:
    done = clone.up()
    assert done.returncode == 0, done.stdout + done.stderr
    return clone


@pytest.fixture(scope="module")
def asked(serving: Clone) -> urllib.request.Request:
    """A request to what runs."""
    uri = serving.arm_get("onlineEndpoints/diabetes")["properties"]["scoringUri"]
    key = serving.arm_post("onlineEndpoints/diabetes/listKeys")["primaryKey"]
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return urllib.request.Request(uri, (serving.root / REQUEST).read_bytes(), headers)


@pytest.mark.parametrize("case", CASES)
def test_refused_with_place_and_remedy(serving: Clone, asked: urllib.request.Request, case: str) -> None:
    name, old, new, said = CASES[case]
    file = serving.root / name
    good = file.read_text()
    assert old in good
    file.write_text(good.replace(old, new))
    line = good[: good.index(old)].count("\n") + 1
    try:
        for done in (azml(serving.root, "validate", "local"), serving.up()):
            text = done.stdout + done.stderr
            assert done.returncode == 1, text
            assert "Traceback" not in text
            places = [f"{Path(name).name}:{line + delta}:" for delta in ((0,) if "\n" not in new else (0, 1, 2))]
            assert any(place in text for place in places), text
            for words in said:
                assert words in text
    finally:
        file.write_text(good)
    with urllib.request.urlopen(asked) as answer:
        assert len(json.load(answer)) == 2


def test_every_problem_at_once(serving: Clone) -> None:
    file = serving.root / DEPLOYMENT
    good = file.read_text()
    file.write_text(good.replace("instance_count: 1", "instance_count: 0\nmodle: azml").replace("score.py", "skore.py"))
    try:
        done = serving.azml("validate", "local", "--json")
    finally:
        file.write_text(good)
    assert done.returncode == 1
    problems = json.loads(done.stdout)["local"]
    assert {problem["path"].rpartition(".")[2] for problem in problems} == {"instance_count", "modle", "scoring_script"}


def test_pulumi_itself_says_the_same(serving: Clone) -> None:
    """The program is held by the same rules when the engine is run without azml's command."""
    file = serving.root / DEPLOYMENT
    good = file.read_text()
    file.write_text(good.replace("instance_count: 1", "instance_count: 0"))
    variables = serving.environment | environment(serving.root / ".azml/local")
    variables |= {
        "PULUMI_HOME": str(serving.root / ".azml/pulumi"),
        "PULUMI_BACKEND_URL": f"file://{serving.root / '.azml/state'}",
        "PULUMI_CONFIG_PASSPHRASE": "azml-local",
    }
    try:
        done = subprocess.run(
            [serving.engine / "pulumi", "preview", "--stack", "local", "--non-interactive"],
            cwd=serving.root, env=variables, capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        file.write_text(good)
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "deployment.yml:10:" in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["invoke", "diabetse", "--request", REQUEST], "diabetse"),
        (["invoke", "diabetes", "--request", REQUEST, "-d", "blue"], "ridge"),
        (["invoke", "diabetes", "--request", "no.json"], "no.json"),
        (["logs", "diabetes", "blue"], "ridge"),
        (["logs", "nobody", "blue"], "nobody"),
        (["invoke", "diabetes", "--request", REQUEST, "-s", "dev"], "dev"),
        (["up"], "--local"),
        (["validate", "nowhere"], "nowhere"),
    ],
    ids=" ".join,
)
def test_commands_refuse_in_words(serving: Clone, arguments: list[str], said: str) -> None:
    done = serving.azml(*arguments)
    assert done.returncode in {1, 2}
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


@pytest.mark.parametrize("arguments", [["recover"], ["logs", "diabetes-dev", "ridge"]], ids=" ".join)
def test_before_anybody_has_logged_in(
    serving: Clone, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    for name in ("PULUMI_ACCESS_TOKEN", "PULUMI_BACKEND_URL"):
        monkeypatch.delenv(name, raising=False)
    done = serving.azml(*arguments, "--stack", "dev")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("pulumi login\n")


def test_outside_a_project(tmp_path: Path) -> None:
    done = subprocess.run(
        [ROOT / ".venv/bin/azml", "up", "--local"],
        cwd=tmp_path, env={**os.environ, "NO_COLOR": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Pulumi.yaml" in done.stderr
