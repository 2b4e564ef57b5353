"""Handlers against a local Azure over HTTPS: only the part that runs models is replaced."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from azml.resources import rollout_move
from azml.resources.arm import Arm
from azml.resources.gates import ask
from azml.resources.managed_online_deployment import ManagedOnlineDeploymentHandler
from azml.resources.managed_online_endpoint import ManagedOnlineEndpointHandler
from azml.resources.work import Work
from tests.unit.local import support
from tests.unit.local.support import FakePlane, Running, running
from tests.unit.resources.registries import Registry, registries
from tests.unit.resources.rollouts import Gates


@dataclass
class Azure:
    """A workspace in a local Azure, our client, and Microsoft's own to look behind it."""

    arm: Arm
    theirs: support.Arm
    plane: FakePlane
    workspace: str
    said: list[tuple[str, str]] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)
    endpoints: list[str] = field(default_factory=list)

    def work(self, urn: str = "urn:pulumi:dev::p::azml:index:Thing::t", seconds: float = 30) -> Work:
        def log(_urn: str, severity: str, text: str) -> None:
            self.said.append((severity, text))

        return Work(lambda: self.arm, urn, self.cancelled, log, seconds)

    def get(self, path: str) -> Any:
        return self.theirs.ok("GET", path)

    def endpoint(self, **inputs: Any) -> str:
        """An endpoint made by our handler; its id."""
        handler = ManagedOnlineEndpointHandler()
        name = f"ep-{uuid4().hex[:8]}"
        wanted = handler.check({"workspaceId": self.workspace, "name": name, "authMode": "Key", **inputs})
        handler.create(self.work(), wanted)
        self.endpoints.append(handler.arm_id(wanted).text)
        return self.endpoints[-1]

    def deployment(self, endpoint: str, name: str, **inputs: Any) -> dict[str, Any]:
        """A deployment made by our handler; its state."""
        handler = ManagedOnlineDeploymentHandler()
        wanted = self.deployment_inputs(endpoint, name, **inputs)
        return {**wanted, **handler.create(self.work(), wanted)}

    def deployment_inputs(self, endpoint: str, name: str, **inputs: Any) -> dict[str, Any]:
        asset = {
            "model": f"{self.workspace}/models/m/versions/1",
            "codeId": f"{self.workspace}/codes/c/versions/1",
            "scoringScript": "score.py",
            "environmentId": f"{self.workspace}/environments/e/versions/1",
        }
        base = {"endpointId": endpoint, "name": name, "release": "r1", "instanceType": "Standard_DS3_v2"}
        return ManagedOnlineDeploymentHandler().check({**base, **asset, "instanceCount": 1, **inputs})


@pytest.fixture(scope="package")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("azure")) as found:
        yield found


@pytest.fixture(scope="package")
def environment(local: Running) -> Iterator[dict[str, str]]:
    """The variables by which official clients, and ours, find the local Azure."""
    who = local.azure.identity
    variables = {
        "AZURE_AUTHORITY_HOST": local.url,
        "AZURE_TENANT_ID": who.tenant_id,
        "AZURE_CLIENT_ID": who.client_id,
        "AZURE_CLIENT_SECRET": who.client_secret,
        "ARM_CLOUD_METADATA_URL": f"{local.url}/metadata/endpoints?api-version=2019-05-01",
        "REQUESTS_CA_BUNDLE": str(local.home.bundle),
        "SSL_CERT_FILE": str(local.home.bundle),
        "NO_PROXY": "127.0.0.1,localhost",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield variables


@pytest.fixture(scope="package")
def shared(local: Running, environment: dict[str, str]) -> Iterator[Azure]:
    theirs, credential = support.Arm(local), local.credential
    theirs.client = local.client(credential=credential)
    workspace = theirs.workspace(theirs.group())
    theirs.assets(workspace)
    arm = Arm()
    yield Azure(arm, theirs, local.plane, workspace)
    # Before the server ends: a connection that only one side closed is a warning at the end of the run.
    arm.close()
    theirs.client.close()
    credential.close()


@pytest.fixture(scope="package")
def repositories(shared: Azure) -> Callable[..., Registry]:
    """Repositories of one registry, each with a token that pushes to it."""
    return registries(shared)


@pytest.fixture
def azure(shared: Azure) -> Iterator[Azure]:
    """The shared workspace, with nothing said and nothing cancelled yet, and without endpoints of tests before."""
    shared.said.clear()
    shared.cancelled.clear()
    shared.plane.fail.clear()
    shared.plane.gate.set()
    yield shared
    for endpoint in shared.endpoints:  # a subscription has at most 100; nobody waits for their end
        shared.theirs.send("DELETE", endpoint)
    shared.endpoints.clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder: two files, one of them below."""
    (tmp_path / "model" / "weights").mkdir(parents=True)
    (tmp_path / "model" / "model.bin").write_bytes(uuid4().bytes)
    (tmp_path / "model" / "weights" / "1.bin").write_bytes(b"weights")
    return tmp_path / "model"


@pytest.fixture
def gates(monkeypatch: pytest.MonkeyPatch) -> Gates:
    """Gates that say yes, until a test has them say something else."""
    made = Gates()
    for name in ("before_live", "figures", "copies", "report"):
        monkeypatch.setattr(ask, name, getattr(made, name))
    monkeypatch.setattr(rollout_move, "POLL_SECONDS", 0.01)
    return made
