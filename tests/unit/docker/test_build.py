"""Building and pushing: what is inside an image, what is sent, what a failure leaves."""

import io
import json
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from azml_local.docker import layers
from tests.support.provider_client import Client, Failure
from tests.unit.docker.conftest import Heard, Program

IMAGE = "docker:index/image:Image"


def layer(program: Program, number: int) -> tarfile.TarFile:
    manifest, _ = program.registry.image("diabetes:t1")
    return tarfile.open(fileobj=io.BytesIO(program.registry.blobs[manifest["layers"][number]["digest"]]))


def dockerfile(program: Program, *lines: str) -> None:
    program.write("ctx/Dockerfile", "\n".join(["FROM mcr.microsoft.com/base:1", *lines]) + "\n")


def failure(client: Client, program: Program, **more: Any) -> str:
    with pytest.raises(Failure) as caught:
        client.create(IMAGE, program.inputs(**more))
    return str(caught.value)


def test_the_image_is_one_that_oci_describes(client: Client, program: Program) -> None:
    """Expected: OCI image specification 1.1, manifest and configuration."""
    dockerfile(
        program,
        "COPY code /var/azureml-app/code",
        'LABEL azml.manifest="a b" org.opencontainers.image.title=diabetes',
        "ENV A=1 B='x y'",
        "ENV C=${A}2",
        "USER 1000:1000",
        "WORKDIR /var/azureml-app",
        "EXPOSE 5001",
        'ENTRYPOINT ["/opt/azml/env/bin/python", "-m", "azml_gateway.container"]',
    )
    client.create(IMAGE, program.inputs())
    manifest, config = program.registry.image("diabetes:t1")
    assert manifest["schemaVersion"] == 2
    assert manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert manifest["config"]["mediaType"] == "application/vnd.oci.image.config.v1+json"
    (described,) = manifest["layers"]
    assert described["mediaType"] == "application/vnd.oci.image.layer.v1.tar"
    assert config["rootfs"] == {"type": "layers", "diff_ids": [described["digest"]]}
    assert (config["architecture"], config["os"]) == ("amd64", "linux")
    assert config["config"] == {
        "User": "1000:1000",
        "WorkingDir": "/var/azureml-app",
        "Env": ["A=1", "B=x y", "C=12"],
        "Entrypoint": ["/opt/azml/env/bin/python", "-m", "azml_gateway.container"],
        "ExposedPorts": {"5001/tcp": {}},
        "Labels": {
            "azml.manifest": "a b",
            "org.opencontainers.image.title": "diabetes",
            "azml.local.base-absent": "mcr.microsoft.com/base:1",
        },
    }
    assert [("empty_layer" in step) for step in config["history"]] == [False, *[True] * 7]
    assert config["history"][0]["created_by"] == "COPY code /var/azureml-app/code"


def test_a_layer_says_nothing_of_this_machine(client: Client, program: Program) -> None:
    program.write("ctx/code/run.sh", "#!/bin/sh\n", mode=0o775)
    client.create(IMAGE, program.inputs())
    with layer(program, 0) as tar:
        found = {member.name: member for member in tar}
        assert list(found) == [
            "var",
            "var/azureml-app",
            "var/azureml-app/code",
            "var/azureml-app/code/run.sh",
            "var/azureml-app/code/score.py",
        ]
        assert {oct(member.mode) for member in found.values() if member.isdir()} == {"0o755"}
        assert oct(found["var/azureml-app/code/run.sh"].mode) == "0o755"
        assert oct(found["var/azureml-app/code/score.py"].mode) == "0o644"
        assert {(one.uid, one.gid, one.uname, one.gname, one.mtime) for one in found.values()} == {(0, 0, "", "", 0)}
        score = tar.extractfile("var/azureml-app/code/score.py")
        assert score is not None
        assert score.read() == b"def run(data): ...\n"


@pytest.mark.parametrize(
    ("copy", "expected"),
    [
        ("code /app", {"app/score.py"}),
        ("code/score.py /app", {"app"}),
        ("code/score.py /app/", {"app/score.py"}),
        ("code/score.py models/diabetes/1/model.bin /app/", {"app/score.py", "app/model.bin"}),
        ('["models", "/m n"]', {"m n/diabetes/1/model.bin"}),
        ("--chown=1000:1000 ./code/ app", {"srv/app/score.py"}),
        ("../code /app", {"app/score.py"}),
    ],
)
def test_copy_is_the_dockerfile_references(client: Client, program: Program, copy: str, expected: set[str]) -> None:
    """A folder's content, not the folder; a slash at the end makes the destination a folder; relative to WORKDIR."""
    dockerfile(program, "WORKDIR /srv", f"COPY {copy}")
    client.create(IMAGE, program.inputs())
    with layer(program, 0) as tar:
        assert {member.name for member in tar if member.isfile()} == expected


def test_equal_content_makes_an_equal_image_and_is_not_sent_again(client: Client, program: Program) -> None:
    """From another clone, with other times, in the order in which it was written."""
    _, first = client.create(IMAGE, program.inputs())
    before = program.registry.asked.copy()
    assert before["PUT uploads"] == 3  # two layers and the configuration
    for name in ("models/diabetes/1/model.bin", "code/score.py", "Dockerfile"):
        text = (program.folder / "ctx" / name).read_text(encoding="utf-8")
        program.write(f"clone/{name}", text)
    build = {"context": "clone", "dockerfile": "clone/Dockerfile", "platform": "linux/amd64"}
    _, second = client.create(IMAGE, program.inputs(build=build))
    assert second["repoDigest"] == first["repoDigest"]
    assert program.registry.asked - before == {"HEAD blobs": 3, "PUT manifests": 1, "token": 1}


def test_one_changed_line_sends_one_layer(client: Client, program: Program) -> None:
    client.create(IMAGE, program.inputs())
    before = program.registry.asked.copy()
    program.write("ctx/code/score.py", "def run(data): return 1\n")
    client.create(IMAGE, program.inputs())
    assert (program.registry.asked - before)["PUT uploads"] == 2  # the layer and the configuration


def test_images_of_one_stack_send_what_they_share_once(client: Client, program: Program) -> None:
    """OCI distribution specification 1.1, mounting a blob from another repository; built at the same time."""
    host = program.registry.host
    names = [f"{host}/one:t1", f"{host}/two:t1", f"{host}/team/three:t1"]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda name: client.create(IMAGE, program.inputs(imageName=name)), names))
    assert {f"{host}/{name}" for name in program.registry.tags} == set(names)
    assert program.registry.asked["PUT uploads"] == 2 + 3  # two layers once, the configuration in each repository


def test_a_source_that_is_missing_is_named_and_nothing_is_pushed(client: Client, program: Program) -> None:
    """BuildKit's words, and which line asks for it."""
    dockerfile(program, "COPY code /code", "COPY models/churn/2 /models")
    said = failure(client, program)
    assert "failed to compute cache key" in said
    assert '"/models/churn/2": not found' in said
    assert "Dockerfile line 3: COPY models/churn/2 /models" in said
    assert not program.registry.asked


def test_an_ignored_source_is_as_good_as_missing(client: Client, program: Program) -> None:
    program.write("ctx/.dockerignore", "models\n")
    assert '"/models": not found' in failure(client, program)
    assert not program.registry.asked


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("RUN apt-get update && apt-get install -y curl", "the command `apt-get update`"),
        ("RUN echo a | sh", "`|` in a command"),
        ("RUN conda env create --prefix /e --file /c.yml", "/c.yml is copied in no line above it"),
        ("RUN /e/bin/python -m pip install numpy", "no environment is made there above"),
        ("ADD https://example.com/a /a", "this instruction"),
        ("ARG VERSION=1", "this instruction"),
        ("HEALTHCHECK NONE", "this instruction"),
        ("COPY --from=build /a /b", "--from"),
        ("COPY code/*.py /app/", "patterns"),
        ("COPY <<EOF /a", "here-documents"),
        ("FROM other", "one stage"),
        ("ENV A=$PATH:/x", "$PATH is set in no line above it"),
        ("ENV A 1", "expected NAME=value, not 'A'"),
        ("CMD python main.py", "the shell form needs the base image"),
    ],
)
def test_what_azml_does_not_write_is_refused_with_its_line(
    client: Client, program: Program, line: str, told: str
) -> None:
    dockerfile(program, "# a comment", "COPY code \\", "  /code", line)
    said = failure(client, program)
    assert said.startswith("NotImplemented: Dockerfile line 5: ")
    assert told in said
    assert not program.registry.asked


@pytest.mark.parametrize(
    "more", [{"args": {"A": "1"}}, {"target": "final"}, {"platform": "linux/arm64"}], ids=lambda more: next(iter(more))
)
def test_options_that_are_not_emulated_are_refused_by_name(
    client: Client, program: Program, more: dict[str, Any]
) -> None:
    build = {**program.inputs()["build"], **more}
    assert failure(client, program, build=build).startswith(
        "NotImplemented: the docker stand-in does not emulate build."
    )


def test_a_registry_elsewhere_is_never_asked(client: Client, program: Program, heard: Heard) -> None:
    """And nothing is built for it."""
    said = failure(client, program, imageName="crprod.azurecr.io/diabetes:t1")
    assert "the docker stand-in talks to a local Azure only, and https://crprod.azurecr.io/" in said
    assert heard.said == []


def test_a_token_service_elsewhere_is_never_asked(client: Client, program: Program) -> None:
    program.registry.realm = "https://evil.test/oauth2/token"
    assert "https://evil.test/oauth2/token" in failure(client, program)


def test_a_wrong_password_is_refused_in_the_registrys_words(client: Client, program: Program) -> None:
    """As Docker tells a registry's error: its code in lower case, its message (Azure/acr issue 506)."""
    registry = {**program.inputs()["registry"], "password": "wrong"}
    assert failure(client, program, registry=registry) == (
        "unauthorized: authentication required, visit https://aka.ms/acr/authorization for more information."
    )
    assert not program.registry.blobs


def test_what_a_scope_does_not_allow_is_told(client: Client, program: Program) -> None:
    denied = {"errors": [{"code": "DENIED", "message": "requested access to the resource is denied"}]}
    program.registry.failing["POST uploads"] = (403, denied)
    assert failure(client, program) == "denied: requested access to the resource is denied"


@pytest.mark.parametrize("answer", [(507, None), (0, None)])
def test_a_push_that_fails_leaves_no_image_and_no_upload(
    client: Client, program: Program, answer: tuple[int, None]
) -> None:
    program.registry.failing["PUT uploads"] = answer
    failure(client, program)
    assert not program.registry.tags
    assert not program.registry.uploads
    program.registry.failing.clear()
    client.create(IMAGE, program.inputs())
    assert "diabetes:t1" in program.registry.tags


def test_a_conda_file_that_cannot_be_honoured_is_explained_as_for_an_endpoint(client: Client, program: Program) -> None:
    program.write("ctx/conda.yml", "dependencies:\n- python=3.11\n- gdal=3.8\n- pip:\n  - -r more.txt\n")
    dockerfile(program, "COPY conda.yml /c.yml", "RUN conda env create --prefix /opt/azml/env --file /c.yml --yes")
    said = failure(client, program)
    assert "The conda file cannot be built here:" in said
    assert "`gdal=3.8` is a system library" in said
    assert "`-r more.txt` points to a file" in said
    assert not program.registry.asked


def test_an_environment_becomes_a_layer_without_what_is_this_machines(tmp_path: Path) -> None:
    made = tmp_path / "cache" / "abc"
    for name, text in {
        "pyvenv.cfg": "home = /usr/bin\nversion_info = 3.11.7\n",
        "bin/gunicorn": "#!/bin/sh\n",
        "lib/python3.11/site-packages/a.py": "A = 1\n",
        "lib/python3.11/site-packages/__pycache__/a.cpython-311.pyc": "x",
    }.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text, encoding="utf-8")
    (made / "bin/gunicorn").chmod(0o755)
    (made / "bin/python").symlink_to("/usr/bin/python3.11")
    (made / "bin/python3").symlink_to("python")
    (made / "lib64").symlink_to("lib")
    layer = layers.of_environment(made, "/opt/azml/env")
    content = b"".join(layer.pieces())
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        below = {member.name.removeprefix("opt/azml/env/"): member for member in tar if not member.isdir()}
        config = tar.extractfile("opt/azml/env/pyvenv.cfg")
        assert config is not None
        assert config.read() == b"version_info = 3.11.7\n"
    assert set(below) == {"pyvenv.cfg", "bin/gunicorn", "bin/python3", "lib64", "lib/python3.11/site-packages/a.py"}
    assert (below["lib64"].linkname, below["bin/python3"].linkname) == ("lib", "python")
    assert len(content) == layer.size
    assert layers.of_environment(made, "/opt/azml/env").digest == layer.digest
    memory = json.loads((made.parent / "abc.layer.json").read_text(encoding="utf-8"))
    assert (memory["digest"], memory["size"]) == (layer.digest, layer.size)
    assert layers.of_environment(made, "/other").digest != layer.digest


def test_an_environment_that_was_made_anew_is_hashed_anew(tmp_path: Path) -> None:
    made = tmp_path / "abc"
    made.mkdir()
    (made / "pyvenv.cfg").write_text("version_info = 3.11.7\n", encoding="utf-8")
    before = layers.of_environment(made, "/e").digest
    made.rename(tmp_path / "old")
    made.mkdir()
    (made / "pyvenv.cfg").write_text("version_info = 3.12.1\n", encoding="utf-8")
    assert layers.of_environment(made, "/e").digest != before
