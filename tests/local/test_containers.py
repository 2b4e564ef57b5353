"""One image, many services, as a person has them: the model of `samples/containers` on a managed endpoint and on a
container instance, an ONNX model on another, all from one stack and one `up`. On the real engine.

Expected numbers are those of the committed answers: scikit-learn's own, in plain Python, for both models. The tests of
this file share one estate and build on each other, in order.
"""

import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from azml_cli.project import Project
from tests.support.clone import ROOT

pytestmark = pytest.mark.engine

COMMITTED = "model.predict(data).tolist()"
DIABETES, WINE = "diabetes/sample-request.json", "onnx/sample-request.json"


@dataclass(frozen=True)
class Estate:
    """A copy of the samples, and the commands that people type."""

    root: Path
    engine: Path

    def azml(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / ".venv/bin/azml", *arguments], cwd=self.root / "containers", env=self._environment,
            capture_output=True, text=True, timeout=400, check=False,
        )  # fmt: skip

    def up(self) -> str:
        done = self.azml("up", "--local")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def output(self, name: str) -> Any:
        """An output of the stack, as `pulumi stack output --show-secrets` gives it."""
        return json.loads(self._pulumi("output", name, "--json", "--show-secrets"))

    @property
    def resources(self) -> list[dict[str, Any]]:
        """The state, without what is secret."""
        return list(json.loads(self._pulumi("export"))["deployment"]["resources"])

    def answer(self, name: str, request: str) -> Any:
        done = self.azml("invoke", name, "--request", f"../{request}")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def committed(self, request: str) -> Any:
        return json.loads((self.root / request.replace("request", "answer")).read_text())

    def image(self, service: str) -> str:
        """What a service's container group runs."""
        (group,) = (
            one
            for one in self.resources
            if one["type"].endswith(":ContainerGroup") and one["id"].endswith(f"/{service}")
        )
        return str(group["outputs"]["containers"][0]["image"])

    def code(self, returns: str) -> None:
        """Let run() of the diabetes model return something else."""
        script = self.root / "diabetes/code/score.py"
        head, _, _ = script.read_text().rpartition("return ")
        script.write_text(f"{head}return {returns}\n")

    def _pulumi(self, *arguments: str) -> str:
        return subprocess.run(
            [self.engine / "pulumi", "stack", *arguments, "--stack", "local", "--non-interactive"],
            cwd=self.root / "containers", env=Project(self.root / "containers").pulumi_environment(self.engine),
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PATH": f"{self.engine}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}


@pytest.fixture(name="estate", scope="module")
def _estate(tmp_path_factory: pytest.TempPathFactory, engine: Path) -> Iterator[Estate]:
    root = tmp_path_factory.mktemp("samples")
    for name in ("diabetes", "onnx", "containers"):
        shutil.copytree(ROOT / "samples" / name, root / name, ignore=shutil.ignore_patterns(".azml"))
    made = Estate(root, engine)
    made.up()
    yield made
    made.azml("local", "stop")


def scored(uri: str, key: str, body: bytes) -> tuple[int, bytes]:
    request = urllib.request.Request(uri, body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_one_up_gives_both_and_both_say_what_plain_python_says(estate: Estate) -> None:
    for name in ("diabetes", "diabetes-test"):
        assert estate.answer(name, DIABETES) == estate.committed(DIABETES)
    for row, wanted in zip(estate.answer("wine-test", WINE), estate.committed(WINE), strict=True):
        assert row == pytest.approx(wanted, abs=1e-5), "single precision"


def test_a_key_is_asked_for(estate: Estate) -> None:
    uri, keys = estate.output("scoring_uris")["diabetes-test"], estate.output("container_service_keys")
    body = (estate.root / DIABETES).read_bytes()
    for key in keys["diabetes-test"].values():
        status, answer = scored(uri, key, body)
        assert (status, json.loads(answer)) == (200, estate.committed(DIABETES))
    for key in ("", "wrong", keys["wine-test"]["primary"]):
        assert scored(uri, key, body)[0] == 401


def test_keys_are_secrets_of_the_state(estate: Estate) -> None:
    keys = [key for pair in estate.output("container_service_keys").values() for key in pair.values()]
    state = json.dumps(estate.resources)
    assert not [key for key in keys if key in state]


def test_the_log_is_the_containers(estate: Estate) -> None:
    done = estate.azml("logs", "diabetes-test", "--lines", "200")
    assert "azml: Listening on http://" in done.stdout
    assert "POST /score 200" in done.stdout


def test_the_same_again_changes_nothing(estate: Estate) -> None:
    before = estate.resources
    said = estate.up()
    assert re.search(r"Resources:\n +\d+ unchanged\n\n", said), said
    assert estate.resources == before


def test_one_changed_line_is_one_new_image_and_every_service_that_uses_it_follows(estate: Estate) -> None:
    names = ("diabetes-test", "wine-test")
    images, told = [estate.image(name) for name in names], ("container_service_keys", "scoring_uris")
    before = [estate.output(name) for name in told]
    estate.code("model.predict(data).round(3).tolist()")
    estate.up()
    rounded = [round(number, 3) for number in estate.committed(DIABETES)]
    assert estate.answer("diabetes-test", DIABETES) == rounded
    assert estate.answer("diabetes", DIABETES) == rounded
    diabetes, wine = (estate.image(name) for name in names)
    assert (diabetes != images[0], wine) == (True, images[1])
    assert estate.output("images")["diabetes"]["alias"] == "diabetes:2"
    assert estate.output("images")["wine"]["alias"] == "wine:1"
    assert [estate.output(name) for name in told] == before, "nobody's URL or key changes"


def test_a_bad_image_never_reaches_what_serves(estate: Estate) -> None:
    good = estate.image("diabetes-test")
    estate.code("(model.predict(data) / 10).tolist()")
    done = estate.azml("up", "--local")
    assert done.returncode == 1
    assert (
        "does not go live: the container group of service diabetes-test was not touched." in done.stdout + done.stderr
    )
    assert "Gate golden[0] failed" in done.stdout + done.stderr
    assert estate.image("diabetes-test") == good
    rounded = [round(number, 3) for number in estate.committed(DIABETES)]
    assert estate.answer("diabetes-test", DIABETES) == rounded
