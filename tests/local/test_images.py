"""Serving images on the real engine: built and pushed once for equal content, numbered, labelled, reached by token.

Expected: what is promised of them, and what the registry itself says over the OCI distribution API, asked with plain
HTTPS. The tests share one clone and build on each other, in order.
"""

import gzip
import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.clone import Clone
from tests.support.registry_client import OCI_MANIFEST, Client, basic

pytestmark = pytest.mark.engine

STACK = """
config:
  serving:estate:
    extends: [layers/base.yaml]
    stage: dev
    workspace:
      name: mlw-images-local
    container_registry:
      images:
        - name: team/diabetes
          model: azureml:diabetes@latest
          environment: azureml:diabetes@latest
          code_configuration: {code: ../samples/diabetes/code, scoring_script: score.py}
          sample_request: ../samples/diabetes/sample-request.json
"""
NAME = "team/diabetes"
SCORE = "samples/diabetes/code/score.py"
CONDA = "samples/diabetes/conda.yml"
ACR = "2024-11-01-preview"


@pytest.fixture(scope="module")
def pushed(clone: Clone) -> dict[str, str]:
    """What the stack says of its image after the first update."""
    salt = [line for line in clone.stack_file.read_text().splitlines() if line.startswith("encryptionsalt")]
    clone.stack_file.write_text(STACK + "".join(f"{line}\n" for line in salt))
    return up(clone)


@pytest.fixture
def registry(clone: Clone, pushed: dict[str, str]) -> Iterator[Client]:
    """The registry, as the holder of the token's second password: the first one is the stack's.

    For each test anew: an update on a busy machine takes longer than a server keeps an idle connection.
    """
    token = clone.id_of("azure-native:containerregistry:Token")
    path = f"{token.partition('/tokens/')[0]}/generateCredentials"
    made = clone.arm_act(path, ACR, {"tokenId": token, "name": "password2"})
    authorization = basic(made["username"], made["passwords"][0]["value"])
    host = pushed["image"].partition("/")[0]
    with Client(host, clone.server["ca"], authorization=authorization, accept=OCI_MANIFEST) as client:
        yield client


def up(clone: Clone) -> dict[str, str]:
    done = clone.azml("up", "--local")
    assert done.returncode == 0, done.stdout + done.stderr
    return outputs(clone)


def outputs(clone: Clone) -> dict[str, str]:
    (stack,) = (resource for resource in clone.state if resource["type"] == "pulumi:pulumi:Stack")
    return dict(stack["outputs"]["images"][NAME])


def manifest(registry: Client, reference: str) -> dict[str, Any]:
    return dict(registry.ok("GET", f"/v2/{NAME}/manifests/{reference}").json)


def blob(registry: Client, descriptor: dict[str, Any]) -> bytes:
    return registry.ok("GET", f"/v2/{NAME}/blobs/{descriptor['digest']}").content


def file_of(registry: Client, reference: str, path: str) -> bytes:
    """A file of an image, from the topmost layer that has it."""
    for layer in reversed(manifest(registry, reference)["layers"]):
        content = blob(registry, layer)
        content = gzip.decompress(content) if layer["mediaType"].endswith("gzip") else content
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            names = [name for name in tar.getnames() if name.lstrip("./") == path]
            if names and (found := tar.extractfile(names[0])) is not None:
                return found.read()
    raise AssertionError(f"no layer has {path}")


def test_it_is_pushed_by_content_and_by_number(clone: Clone, pushed: dict[str, str], registry: Client) -> None:
    digest = pushed["image"].partition("@")[2]
    assert pushed["alias"] == f"{NAME}:1"
    tag = pushed["tag"].rpartition(":")[2]
    assert pushed["manifest"].startswith(tag)
    for reference in (tag, "1"):
        found = registry.ok("HEAD", f"/v2/{NAME}/manifests/{reference}").headers["Docker-Content-Digest"]
        assert found == digest
    assert file_of(registry, digest, f"var/azureml-app/code/{Path(SCORE).name}") == (clone.root / SCORE).read_bytes()
    schema = json.loads(file_of(registry, digest, "var/azureml-app/azml/request-schema.json"))
    assert schema["required"] == ["data"]


def test_labels_say_what_it_is_made_of(clone: Clone, pushed: dict[str, str], registry: Client) -> None:
    config = json.loads(blob(registry, manifest(registry, "1")["config"]))["config"]
    labels, model = config["Labels"], clone.id_of("azml:index:ModelVersion").split("/")
    assert labels["azml.manifest"] == pushed["manifest"]
    assert labels["azml.models"] == f"{model[-3]}:{model[-1]}"  # the version that the workspace has of it
    assert labels["azml.code"].endswith("/score.py")
    assert config["Entrypoint"] == ["/opt/azml/env/bin/python", "-m", "azml_gateway.container"]
    assert config["User"] == "1000"
    digest = pushed["image"].partition("@")[2]
    (made_from,) = registry.ok("GET", f"/v2/{NAME}/referrers/{digest}").json["manifests"]
    revision = made_from["annotations"]["org.opencontainers.image.revision"]
    assert revision == f"{clone.git('rev-parse', 'HEAD').strip()}-dirty"  # the stack file was changed


def test_nobody_comes_in_without_a_token(clone: Clone, registry: Client) -> None:
    with Client(registry.host, clone.server["ca"]) as stranger:
        assert stranger.send("GET", f"/v2/{NAME}/manifests/1").status == 401
    acr = clone.arm_of("azure-native:containerregistry:Registry", "2023-07-01")
    assert acr["properties"]["adminUserEnabled"] is False
    properties = [
        (each["type"].rpartition(":")[2], each.get(kind)) for each in clone.state for kind in ("inputs", "outputs")
    ]
    kept = [(type_, found) for type_, values in properties for found in passwords(values)]
    assert {type_ for type_, _ in kept} == {"RegistryAccess", "RegistryCredential", "Image", "ImageAlias"}
    assert [type_ for type_, found in kept if "ciphertext" not in found] == []


def passwords(value: Any) -> Iterator[Any]:
    """Every value of a resource that is called a password."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from [inner] if name == "password" else passwords(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from passwords(inner)


def test_another_clone_at_another_time_changes_nothing(clone: Clone, pushed: dict[str, str], tmp_path: Path) -> None:
    other = tmp_path / "another" / "clone"
    shutil.copytree(clone.root, other, symlinks=True, ignore=lambda _, names: {".azml"} & {*names})
    (other / ".azml").symlink_to(clone.root / ".azml")
    for path in [*other.rglob("samples/**/*"), *other.rglob("packages/azml_gateway/*")]:
        os.utime(path, (1_000_000_000, 1_000_000_000))
    before = built(clone)
    assert up(replace(clone, root=other)) == pushed
    assert built(clone) == before


def built(clone: Clone) -> str:
    """When the engine last changed the image in its state."""
    (image,) = (each for each in clone.state if each["type"] == "docker:index/image:Image")
    return str(image["modified"])


def test_one_changed_line_is_one_new_image(clone: Clone, pushed: dict[str, str], registry: Client) -> None:
    score = clone.root / SCORE
    score.write_text(score.read_text() + "# changed\n")
    after = up(clone)
    assert after["alias"] == f"{NAME}:2"
    assert after.keys() == pushed.keys()
    assert not {*after.values()} & {*pushed.values()}
    before, new = manifest(registry, "1"), manifest(registry, "2")
    own = {layer["digest"] for layer in new["layers"]} - {layer["digest"] for layer in before["layers"]}
    assert len(own) == 2  # the code, and what says so; environment, gateway and model are the layers of before
    assert file_of(registry, "2", f"var/azureml-app/code/{Path(SCORE).name}").endswith(b"# changed\n")
    assert {"1", "2"} < {*registry.ok("GET", f"/v2/{NAME}/tags/list").json["tags"]}


def test_a_build_that_fails_pushes_nothing_and_the_next_update_goes_on(
    clone: Clone, pushed: dict[str, str], registry: Client
) -> None:
    conda, tags = clone.root / CONDA, registry.ok("GET", f"/v2/{NAME}/tags/list").json
    good = conda.read_text()
    conda.write_text(good.replace("joblib=1.6.0", "joblib=99.9"))
    failed = clone.azml("up", "--local")
    conda.write_text(good)
    assert failed.returncode != 0
    assert "joblib==99.9" in failed.stdout + failed.stderr
    assert registry.ok("GET", f"/v2/{NAME}/tags/list").json == tags
    assert up(clone)["alias"] == f"{NAME}:2"
