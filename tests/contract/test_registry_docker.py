"""What the docker stand-in pushes, a registry of the local Azure has: as any client reads it."""

import hashlib
import io
import tarfile
from pathlib import Path
from uuid import uuid4

import pytest
from azure.mgmt.containerregistry import ContainerRegistryManagementClient

from azml_local.docker.build import build
from azml_local.docker.pushed import Pushed
from azml_local.stand_in.errors import Refused
from tests.contract.clients import Clients
from tests.support.registry_client import Client, basic


@pytest.fixture(name="registry", scope="module")
def _registry(clients: Clients, group: str) -> tuple[str, str, str]:
    """Host, user and password of a registry."""
    client, name = clients.of(ContainerRegistryManagementClient), f"cr{uuid4().hex[:12]}"
    body = {"location": "eastus", "sku": {"name": "Premium"}, "properties": {"adminUserEnabled": True}}
    made = client.registries.begin_create(group, name, body).result()
    password = client.registries.list_credentials(group, name).passwords[0].value
    return str(made.properties.login_server), name, str(password)


def test_registry_takes_images_of_the_docker_stand_in(
    clients: Clients, registry: tuple[str, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, user, password = registry
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(clients.azure.home.ca))
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    (tmp_path / "ctx" / "code").mkdir(parents=True)
    (tmp_path / "ctx" / "code" / "score.py").write_text("A = 1\n", encoding="utf-8")
    (tmp_path / "ctx" / "Dockerfile").write_text("FROM base:1\nCOPY code /app\n", encoding="utf-8")
    inputs = {
        "imageName": f"{host}/team/churn:t1",
        "build": {"context": "ctx", "platform": "linux/amd64"},
        "registry": {"server": host, "username": user, "password": password},
    }
    said: list[str] = []
    outputs = build(inputs, Pushed(), preview=False, status=said.append).outputs
    with Client(host, str(clients.azure.home.ca), authorization=basic(user, password)) as client:
        answer = client.ok("GET", "/v2/team/churn/manifests/t1")
        assert outputs["repoDigest"] == f"{host}/team/churn@{answer.headers['Docker-Content-Digest']}"
        (layer,) = answer.json["layers"]
        content = client.ok("GET", f"/v2/team/churn/blobs/{layer['digest']}").content
    assert layer["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert tar.getnames() == ["app", "app/score.py"]
    assert sum(text.endswith(": Pushed") for text in said) == 1
    again: list[str] = []
    assert build(inputs, Pushed(), preview=False, status=again.append).outputs == outputs
    assert sum(text.endswith(": Layer already exists") for text in again) == 1
    mounted: list[str] = []
    memory = Pushed()
    build(inputs, memory, preview=False, status=mounted.append)
    build({**inputs, "imageName": f"{host}/team/other:t1"}, memory, preview=False, status=mounted.append)
    assert sum(text.endswith(": Mounted from team/churn") for text in mounted) == 1
    wrong = {**inputs, "imageName": f"{host}/team/churn:t2", "registry": {"username": user, "password": "wrong"}}
    with pytest.raises(Refused, match=r"^unauthorized: authentication required"):
        build(wrong, Pushed(), preview=False, status=said.append)
