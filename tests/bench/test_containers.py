"""What a container group costs: the sample's image, built and pulled by the local Azure, asked beside the same scoring
server started bare, by the same client, turn by turn. Building, pulling and starting it are told with it."""

import http.client
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from azml.image_context import folder_of, stage
from azml.image_manifest import manifest_of
from azml.spec.serving_image import ServingImageSpec
from azml_local.docker import build
from azml_local.docker.pushed import Pushed
from tests.bench.report import seconds, show
from tests.bench.test_gateway import scoring_server
from tests.unit.local.support import Arm, running

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "samples/diabetes"
REQUESTS, RUNS, KEY = 100, 15, "the-key-of-the-bench"


class Caller:
    """One client on one connection."""

    def __init__(self, host: str, port: int, **headers: str) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=30)
        self._headers = {"Content-Type": "application/json", **headers}
        self._body = (SAMPLE / "sample-request.json").read_bytes()

    def close(self) -> None:
        self._connection.close()

    def ask(self) -> Any:
        self._connection.request("POST", "/score", self._body, self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        return json.loads(content)


def window(ours: Caller, bare: Caller) -> float:
    """Median time of ours over that of the bare one, asked in turns: what else the machine does meets both alike."""
    figures = [(seconds(ours.ask, 1)[0], seconds(bare.ask, 1)[0]) for _ in range(REQUESTS)]
    mine, its = zip(*figures, strict=True)
    return statistics.median(mine) / statistics.median(its)


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    home = tmp_path_factory.mktemp("azure")
    with running(home) as azure, Arm(azure) as arm, pytest.MonkeyPatch.context() as variables:
        variables.setenv("SSL_CERT_FILE", str(azure.home.bundle))
        at = f"{arm.group()}/providers"
        registry = f"{at}/Microsoft.ContainerRegistry/registries/crbench"
        server, user, password = _registry(arm, registry)
        started = time.perf_counter()
        image = _image(home, server, user, password)
        built = time.perf_counter()
        path = f"{at}/Microsoft.ContainerInstance/containerGroups/bench"
        arm.ok("PUT", path, _body(image, server, user, password))
        address = arm.ok("GET", path)["properties"]["ipAddress"]
        caller = _answers(address["ip"], address["ports"][0]["port"])
        ended = time.perf_counter()
        print(f"\nimage built and pushed in {built - started:.1f} s; pulled and answering after {ended - built:.1f} s")
        yield caller
        caller.close()


def test_a_container_group_answers_like_the_bare_server(group: Caller) -> None:
    with scoring_server(ROOT) as (address, _):
        parts = urlsplit(f"//{address}")
        bare = Caller(str(parts.hostname), int(parts.port or 0))
        assert group.ask() == bare.ask()
        show("container group over the bare scoring server", [window(group, bare) for _ in range(RUNS)], 1.2, "×")
        bare.close()


def _registry(arm: Arm, path: str) -> tuple[str, str, str]:
    body = {"location": "eastus", "sku": {"name": "Basic"}, "properties": {"adminUserEnabled": True}}
    arm.ok("PUT", path, body)
    credentials = arm.ok("POST", f"{path}/listCredentials")
    server = arm.ok("GET", path)["properties"]["loginServer"]
    return server, credentials["username"], credentials["passwords"][0]["value"]


def _image(home: Path, server: str, user: str, password: str) -> str:
    spec = ServingImageSpec.model_validate(
        {
            "name": "diabetes",
            "model": {"path": str(SAMPLE / "model"), "name": "diabetes", "version": "1"},
            "environment": {"conda_file": str(SAMPLE / "conda.yml")},
            "code_configuration": {"code": str(SAMPLE / "code"), "scoring_script": "score.py"},
        }
    )
    manifest = manifest_of(spec)
    folder = folder_of(home, spec.name, manifest.tag)
    stage(manifest.context(), folder)
    given = {
        "imageName": f"{server}/diabetes:1",
        "registry": {"server": server, "username": user, "password": password},
        "build": {"context": str(folder), "dockerfile": str(folder / "Dockerfile")},
    }
    return str(build.build(given, Pushed(), preview=False, status=lambda _: None).outputs["repoDigest"])


def _body(image: str, server: str, user: str, password: str) -> dict[str, Any]:
    container = {
        "image": image,
        "ports": [{"port": 80}],
        "resources": {"requests": {"cpu": 2, "memoryInGB": 2}},
        "environmentVariables": [{"name": "AZML_PRIMARY_KEY", "secureValue": KEY}],
        "readinessProbe": {"httpGet": {"path": "/", "port": 80}},
    }
    properties = {
        "osType": "Linux",
        "containers": [{"name": "diabetes", "properties": container}],
        "imageRegistryCredentials": [{"server": server, "username": user, "password": password}],
        "ipAddress": {"type": "Public", "ports": [{"port": 80}]},
    }
    return {"location": "eastus", "properties": properties}


def _answers(host: str, port: int) -> Caller:
    deadline = time.monotonic() + 120
    while True:
        caller = Caller(host, port, Authorization=f"Bearer {KEY}")
        try:
            caller.ask()
        except OSError:
            caller.close()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return caller
