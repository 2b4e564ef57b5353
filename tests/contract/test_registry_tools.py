"""skopeo and oras, unmodified, against a local registry, by the passwords of its own tokens."""

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from azure.mgmt.containerregistry import ContainerRegistryManagementClient
from oras.client import OrasClient

from tests.contract.clients import Clients
from tests.support.registry_client import OCI_INDEX, OCI_MANIFEST, descriptor, digest_of, image

ALL = ("content/read", "content/write", "content/delete", "metadata/read")


@pytest.fixture(scope="module")
def host(clients: Clients, group: str) -> str:
    """The login server of a registry whose token `tools` may do everything below `team`, and `guest` only pull."""
    client = clients.of(ContainerRegistryManagementClient)
    name = f"cr{uuid4().hex[:12]}"
    made = client.registries.begin_create(group, name, {"location": "eastus", "sku": {"name": "Basic"}}).result()
    for user, verbs in (("tools", ALL), ("guest", ALL[:1])):
        actions = [f"repositories/team/*/{verb}" for verb in verbs]
        map_ = client.scope_maps.begin_create(group, name, f"{user}-map", {"properties": {"actions": actions}}).result()
        token = client.tokens.begin_create(group, name, user, {"properties": {"scopeMapId": map_.id}}).result()
        made_now = client.registries.begin_generate_credentials(group, name, {"tokenId": token.id}).result()
        PASSWORDS[user] = made_now.passwords[0].value
    return str(made.properties.login_server)


PASSWORDS: dict[str, str] = {}


@pytest.fixture
def repository() -> str:
    return f"team/{uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image on disk: OCI image specification 1.1, "Image Layout"."""
    root = tmp_path_factory.mktemp("layout")
    blobs = root / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        member = tarfile.TarInfo("model.bin")
        member.size = 2 << 20
        tar.addfile(member, io.BytesIO(os.urandom(2 << 20)))
    layer = gzip.compress(content.getvalue(), 1)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": {"azml.models": "m"}},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(content.getvalue())]},
        }
    ).encode()
    document = image(config, layer)
    document["layers"][0]["mediaType"] += "+gzip"
    manifest = json.dumps(document).encode()
    for blob in (layer, config, manifest):
        (blobs / hashlib.sha256(blob).hexdigest()).write_bytes(blob)
    listed = {**descriptor(OCI_MANIFEST, manifest), "annotations": {"org.opencontainers.image.ref.name": "v1"}}
    (root / "index.json").write_text(json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [listed]}))
    (root / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return root


class Skopeo:
    """The program, as the user of one token."""

    def __init__(self, clients: Clients, home: Path, user: str) -> None:
        program = shutil.which("skopeo")
        assert program, "skopeo is not installed, and these tests are about it. Install it: apt-get install skopeo"
        self._program, self._user = program, user
        self._environment = {"SSL_CERT_FILE": str(clients.azure.home.bundle), "HOME": str(home), "PATH": os.defpath}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [self._program, "--insecure-policy", "--tmpdir", self._environment["HOME"], *arguments]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)

    def ok(self, what: str, *arguments: str) -> str:
        flags = ("--src-creds", "--dest-creds") if what == "copy" else ("--creds",)
        credentials = [part for flag in flags for part in (flag, f"{self._user}:{PASSWORDS[self._user]}")]
        done = self.run(what, *credentials, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def skopeo(clients: Clients, host: str, tmp_path: Path) -> Skopeo:
    return Skopeo(clients, tmp_path, "tools")


def test_skopeo_copies_inspects_and_deletes(
    skopeo: Skopeo, host: str, repository: str, layout: Path, tmp_path: Path
) -> None:
    at = f"docker://{host}/{repository}"
    pushed = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
    skopeo.ok("copy", f"oci:{layout}:v1", f"{at}:v1")
    about = json.loads(skopeo.ok("inspect", f"{at}:v1"))
    assert (about["Digest"], about["RepoTags"], about["Labels"]) == (pushed, ["v1"], {"azml.models": "m"})
    assert json.loads(skopeo.ok("list-tags", at))["Tags"] == ["v1"]
    # a second tag, and another repository: every blob is there or is mounted
    skopeo.ok("copy", f"{at}@{pushed}", f"{at}:v2")
    skopeo.ok("copy", f"{at}:v2", f"{at}/promoted:v2")
    skopeo.ok("copy", f"{at}/promoted:v2", f"oci:{tmp_path}/pulled:v2")
    for blob in (layout / "blobs" / "sha256").iterdir():
        assert (tmp_path / "pulled" / "blobs" / "sha256" / blob.name).read_bytes() == blob.read_bytes()
    skopeo.ok("delete", f"{at}:v1")
    gone = skopeo.run("inspect", "--creds", f"tools:{PASSWORDS['tools']}", f"{at}:v2")
    assert "manifest" in gone.stderr
    assert "unknown" in gone.stderr or "not found" in gone.stderr


def test_skopeo_copies_as_docker_schema_2(skopeo: Skopeo, host: str, repository: str, layout: Path) -> None:
    at = f"docker://{host}/{repository}:v1"
    skopeo.ok("copy", "--format", "v2s2", f"oci:{layout}:v1", at)
    raw = json.loads(skopeo.ok("inspect", "--raw", at))
    assert raw["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json"


def test_skopeo_is_refused_what_the_scope_map_does_not_grant(
    clients: Clients, host: str, repository: str, layout: Path, tmp_path: Path
) -> None:
    Skopeo(clients, tmp_path, "tools").ok("copy", f"oci:{layout}:v1", f"docker://{host}/{repository}:v1")
    guest = Skopeo(clients, tmp_path, "guest")
    guest.ok("copy", f"docker://{host}/{repository}:v1", f"oci:{tmp_path}/pulled:v1")
    credentials = f"guest:{PASSWORDS['guest']}"
    pushed = guest.run("copy", "--dest-creds", credentials, f"oci:{layout}:v1", f"docker://{host}/{repository}:v2")
    assert (pushed.returncode, "authentication required" in pushed.stderr) == (1, True)
    outside = guest.run("inspect", "--creds", credentials, f"docker://{host}/elsewhere:v1")
    assert (outside.returncode, "authentication required" in outside.stderr) == (1, True)
    wrong = guest.run("inspect", "--creds", "guest:wrong", f"docker://{host}/{repository}:v1")
    assert (wrong.returncode, "authentication required" in wrong.stderr) == (1, True)


@pytest.fixture(params=["basic"])
def oras(clients: Clients, host: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """By Basic authentication; `token` keeps the token of its first scope for all, so it can only read."""
    client = OrasClient(tls_verify=str(clients.azure.home.ca), auth_backend=request.param)
    client.auth.set_basic_auth("tools", PASSWORDS["tools"])
    yield client
    client.session.close()
    client.auth.session.close()


def test_oras_pushes_pulls_lists_and_deletes(
    oras: OrasClient, host: str, repository: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.bin").write_bytes(os.urandom(300_000))
    target = f"{host}/{repository}:v1"
    pushed = oras.push(target, files=["model.bin:application/x.model"], manifest_annotations={"of": "test"})
    assert pushed.status_code == 201
    manifest = oras.get_manifest(target)
    assert manifest["layers"][0]["mediaType"] == "application/x.model"
    assert manifest["annotations"]["of"] == "test"
    pulled = oras.pull(target, outdir=str(tmp_path / "pulled"))
    assert Path(pulled[0]).read_bytes() == Path("model.bin").read_bytes()
    assert oras.get_tags(f"{host}/{repository}") == ["v1"]


def test_oras_pushes_in_chunks(
    oras: OrasClient, host: str, repository: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("layer").write_bytes(os.urandom(700_000))
    target = f"{host}/{repository}:v1"
    oras.push(target, files=["layer"], do_chunked=True, chunk_size=100_000)
    pulled = oras.pull(target, outdir=str(tmp_path / "pulled"))
    assert Path(pulled[0]).read_bytes() == Path("layer").read_bytes()


def test_oras_deletes(
    oras: OrasClient, host: str, repository: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("layer").write_text("content")
    oras.push(f"{host}/{repository}:v1", files=["layer"])
    container = oras.get_container(f"{host}/{repository}:v1")
    assert oras.delete_tag(container, "v1") is True
    assert oras.delete_tag(container, "v1") is False


@pytest.mark.parametrize("oras", ["token"], indirect=True)
def test_oras_reads_with_a_bearer_token(
    oras: OrasClient, skopeo: Skopeo, host: str, repository: str, layout: Path, tmp_path: Path
) -> None:
    skopeo.ok("copy", f"oci:{layout}:v1", f"docker://{host}/{repository}:v1")
    assert oras.get_manifest(f"{host}/{repository}:v1")["mediaType"] == OCI_MANIFEST
