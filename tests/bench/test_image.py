"""How soon an image is there: from an environment that is built, and when nothing changed."""

import hashlib
import http.client
import ssl
import statistics
from pathlib import Path

import pytest

from azml_local.docker import layers
from azml_local.docker.build import build
from azml_local.docker.pushed import Pushed
from tests.bench.report import seconds, show
from tests.support.tiny_registry import PASSWORD, USER, TinyRegistry, tiny_registry

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
_RUNS = 5
_DOCKERFILE = """FROM mcr.microsoft.com/base:1
COPY conda.yml /opt/azml/environment/conda.yml
RUN conda env create --prefix /opt/azml/env --file /opt/azml/environment/conda.yml
COPY model /var/azureml-app/azureml-models/diabetes/1
COPY code /var/azureml-app/code
ENTRYPOINT ["/opt/azml/env/bin/python", "-m", "azml_gateway.container"]
"""


def test_an_image(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The diabetes sample. Layer I/O is what reading, hashing and sending the same archives takes by itself."""
    monkeypatch.chdir(tmp_path)
    sample, context = root / "samples" / "diabetes", tmp_path / "ctx"
    for source, goal in (("code/score.py", "code"), ("model/diabetes.joblib", "model"), ("conda.yml", "")):
        (context / goal).mkdir(parents=True, exist_ok=True)
        (context / goal / Path(source).name).write_bytes((sample / source).read_bytes())
    (context / "Dockerfile").write_text(_DOCKERFILE, encoding="utf-8")
    sent: list[layers.Layer] = []
    remembered = layers.of_environment

    def of_environment(folder: Path, prefix: str) -> layers.Layer:
        sent[:] = [remembered(folder, prefix)]
        return sent[0]

    monkeypatch.setattr(layers, "of_environment", of_environment)
    with tiny_registry(tmp_path) as registry:
        monkeypatch.setenv("SSL_CERT_FILE", str(registry.bundle))
        inputs = {
            "imageName": f"{registry.host}/diabetes:1",
            "build": {"context": "ctx", "platform": "linux/amd64"},
            "registry": {"server": registry.host, "username": USER, "password": PASSWORD},
        }

        def ours() -> None:
            build(inputs, Pushed(), preview=False, status=lambda _: None)

        def first() -> None:
            registry.blobs.clear()
            registry.linked.clear()
            ours()

        first()  # makes the environment, if it is not there
        wire = [seconds(lambda: _send(registry, sent[0]), 1)[0] for _ in range(_RUNS)]
        print(f"\nlayer I/O of {sent[0].size / 1e6:.0f} MB: {statistics.median(wire):.2f} s")
        over = [seconds(first, 1)[0] - statistics.median(wire) for _ in range(_RUNS)]
        show("image from a warm environment, beyond layer I/O", over, 2, "s")
        registry.asked.clear()
        show("image that is there already", seconds(ours, _RUNS), 2, "s")
        assert registry.asked["PUT uploads"] == registry.asked["POST uploads"] == 0


def _send(registry: TinyRegistry, layer: layers.Layer) -> None:
    """Read, hash and send an archive in one PUT: what no build can do without."""
    hashed = hashlib.sha256()

    def pieces() -> object:
        for piece in layer.pieces():
            hashed.update(piece)
            yield piece

    connection = http.client.HTTPSConnection(registry.host, context=ssl.create_default_context())
    registry.uploads.add("bench")
    path = f"/v2/bench/blobs/uploads/bench?state=x&digest={layer.digest}"
    headers = {"Authorization": "Bearer repository:bench:pull,push", "Content-Length": str(layer.size)}
    connection.request("PUT", path, body=pieces(), headers=headers)
    assert connection.getresponse().status == 201
    connection.close()
    assert layer.digest == f"sha256:{hashed.hexdigest()}"
