"""One image, many services, as a person has them: the model of `samples/containers` on a managed endpoint and on a
container instance, an ONNX model on another, all from one stack and one `up`. On the real engine.

Expected numbers are those of the committed answers: scikit-learn's own, in plain Python, for both models. The tests of
this file share one estate and build on each other, in order.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

import azml_local
from azml.facts.roles import ROLES
from azml_cli.project import Project
from tests.support import changes
from tests.support.clone import ROOT
from tests.support.third_party import third_party

pytestmark = pytest.mark.engine

HASH = r"\b[0-9a-f]{12}\b|(?<=-)[0-9a-f]{8}\b"
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
        """What a service's container group runs, as ARM has it."""
        server = json.loads((self.root / "containers/.azml/local/server.json").read_text())
        with third_party(server) as others:
            group = others.get(self.output("container_services")[service], "2024-05-01-preview")
        return str(group["properties"]["containers"][0]["properties"]["image"])

    def service_by_identity(self) -> None:
        """Add a service in a subnet and a zone, whose image is pulled by an identity that may pull and nothing else."""
        server = json.loads((self.root / "containers/.azml/local/server.json").read_text())
        at = f"/subscriptions/{server['subscription_id']}"
        identity = f"{at}/resourceGroups/others/providers/Microsoft.ManagedIdentity/userAssignedIdentities/puller"
        with third_party(server) as others:
            others.send("PUT", f"{at}/resourceGroups/others", "2021-04-01", {"location": "eastus"})
            made = others.send("PUT", identity, "2023-01-31", {"location": "eastus"})
            registries = others.get(f"{at}/providers/Microsoft.ContainerRegistry/registries", "2023-07-01")["value"]
            role = {
                "principalId": made["properties"]["principalId"],
                "roleDefinitionId": f"{at}/providers/Microsoft.Authorization/roleDefinitions/{ROLES['AcrPull']}",
                "principalType": "ServicePrincipal",
            }
            scope = f"{registries[0]['id']}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
            others.send("PUT", scope, "2022-04-01", {"properties": role})
        service = {
            "name": "private",
            "image": f"{registries[0]['properties']['loginServer']}/diabetes:1",
            "subnet": f"{at}/resourceGroups/others/providers/Microsoft.Network/virtualNetworks/vnet/subnets/aci",
            "zones": [2],
            "identity": {"type": "user_assigned", "user_assigned_identities": [{"resource_id": identity}]},
        }
        stack = self.root / "containers/Pulumi.local.yaml"
        config = yaml.safe_load(stack.read_text())
        config["config"]["containers:estate"]["container_services"].append(service)
        stack.write_text(yaml.safe_dump(config, sort_keys=False))

    def code(self, returns: str) -> None:
        """Let run() of the diabetes model return something else."""
        script = self.root / "diabetes/code/score.py"
        head, _, _ = script.read_text().rpartition("return ")
        script.write_text(f"{head}return {returns}\n")

    @contextmanager
    def changed(self, rows: list[dict[str, Any]]) -> Iterator[None]:
        """The program with the changes of some rows in it, and back."""
        stack = self.root / "containers/Pulumi.local.yaml"
        files = [stack, *(self.root / name for row in rows for name in row.get("append", {}))]
        before = {file: file.read_bytes() for file in files}
        config = yaml.safe_load(stack.read_text())
        for row in rows:
            for name, text in row.get("append", {}).items():
                with (self.root / name).open("a") as file:
                    file.write(text)
            for path, value in row.get("set", {}).items():
                changes.put(config["config"]["containers:estate"], path, value)
        stack.write_text(yaml.safe_dump(config, sort_keys=False))
        yield
        for file, content in before.items():
            file.write_bytes(content)

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
    demo().fresh(root)
    made = Estate(root, engine)
    made.up()
    yield made
    demo().stop(root / "containers")


def demo() -> Any:
    """The program behind `make demo-containers`."""
    spec = importlib.util.spec_from_file_location("demo", ROOT / "samples/containers/demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["demo"] = module
    spec.loader.exec_module(module)
    return module


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


def test_the_table_of_the_demo(estate: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    """README shows it: the same places, models and predictions; ports are others each time."""
    assert demo().shown(estate.root / "containers")
    ports = re.compile(r":\d+/")
    shown = [ports.sub(":PORT/", line) for line in capsys.readouterr().out.splitlines()]
    readme = [ports.sub(":PORT/", line) for line in (ROOT / "README.md").read_text().splitlines()]
    assert len(shown) == 4
    assert set(shown) <= set(readme)


def test_local_status_shows_container_groups(estate: Estate) -> None:
    """Also whose memory it is, where a container works in a folder of a layer that others share."""
    groups = {one["name"]: one for one in azml_local.status(estate.root / "containers/.azml/local").container_groups}
    assert set(groups) == {"diabetes-test", "wine-test"}
    for name, group in groups.items():
        assert [f"http://{address}/score" for address in group["addresses"]] == [estate.output("scoring_uris")[name]]
        assert (group["state"], group["restarts"]) == ("Running", 0)
        assert group["memory_mb"] > 20, "a Python with a scoring server in it"


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
    done = estate.azml("logs", "diabetes-test", "ridge")
    assert (done.returncode, done.stderr) == (2, "diabetes-test is a container service: it has no deployments.\n")
    done = estate.azml("logs", "diabetes-tets")
    assert done.returncode == 1
    assert "There is no endpoint diabetes-tets in workspace" in done.stderr
    assert "It has: diabetes\nThe stack's container services: diabetes-test, wine-test" in done.stderr


def test_the_same_again_changes_nothing(estate: Estate) -> None:
    before = {one["urn"]: (one.get("id"), one.get("modified")) for one in estate.resources}
    said = estate.up()
    assert re.search(r"Resources:\n +\d+ unchanged\n\n", said), said
    for name, uri in estate.output("scoring_uris").items():
        assert name == "diabetes" or re.search(rf"  {name} +{uri}\n", said), "nobody asked the endpoint"
    assert {one["urn"]: (one.get("id"), one.get("modified")) for one in estate.resources} == before


def test_a_preview_says_what_becomes_of_each(estate: Estate) -> None:
    """The words were written by hand, in `changes/containers.yaml`, before the code."""
    rows = yaml.safe_load((ROOT / "tests/local/changes/containers.yaml").read_text(encoding="utf-8"))
    with estate.changed(rows):
        done = estate.azml("preview", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    (report,) = json.loads(done.stdout)["stacks"]
    said = {one["of"]: one for one in report["subjects"]}
    for wanted in (one for row in rows for one in row["expect"]):
        seen = said.pop(wanted["of"])
        assert (seen["downtime"], seen["way_back"]) == (wanted["downtime"], wanted["way_back"])
        assert [re.sub(HASH, "#", line) for line in seen["lines"]] == wanted["lines"]
    assert said == {}, "nothing else changes"


def test_one_changed_line_is_one_new_image_and_every_service_that_uses_it_follows(estate: Estate) -> None:
    names = ("diabetes-test", "wine-test")
    images, told = [estate.image(name) for name in names], ("container_service_keys", "scoring_uris")
    before = [estate.output(name) for name in told]
    estate.code("model.predict(data).round(3).tolist()")
    estate.service_by_identity()  # here, since an update takes seconds
    estate.up()
    rounded = [round(number, 3) for number in estate.committed(DIABETES)]
    assert estate.answer("diabetes-test", DIABETES) == rounded
    assert estate.answer("diabetes", DIABETES) == rounded
    diabetes, wine = (estate.image(name) for name in names)
    assert (diabetes != images[0], wine) == (True, images[1])
    assert estate.output("images")["diabetes"]["alias"] == "diabetes:2"
    assert estate.output("images")["wine"]["alias"] == "wine:1"
    now = [estate.output(name) for name in told]
    assert [{key: one[key] for key in old} for one, old in zip(now, before, strict=True)] == before, (
        "URLs and keys stay"
    )


def test_a_service_in_a_subnet_pulls_by_its_identity(estate: Estate) -> None:
    assert estate.image("private").endswith("/diabetes:1")
    assert estate.answer("private", DIABETES) == estate.committed(DIABETES)


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
    listed = {one["name"]: one for one in json.loads(estate.azml("services", "--json").stdout)}
    assert (listed["diabetes-test"]["image"], listed["diabetes-test"]["alias"]) == (good, "diabetes:2")
    (model,) = (
        one for one in estate.resources if one["type"] == "azml:index:ModelVersion" and "/diabetes/" in one["id"]
    )
    assert listed["diabetes-test"]["models"] == [f"diabetes:{model['id'].rpartition('/')[2]}"]
    rounded = [round(number, 3) for number in estate.committed(DIABETES)]
    assert estate.answer("diabetes-test", DIABETES) == rounded
