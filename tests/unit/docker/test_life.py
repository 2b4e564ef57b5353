"""Create, update, read, delete: what is built, what is pushed, what state keeps."""

import json
import re
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2 as wire

from tests.support.behaviours import behaves
from tests.support.provider_client import UNKNOWN, Client, Failure, urn
from tests.support.provider_plugin import wire as property_map
from tests.support.tiny_registry import PASSWORD, USER
from tests.unit.docker.conftest import Heard, Program

IMAGE = "docker:index/image:Image"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
"""Pulumi's mark of a secret."""


@behaves("Configure", "hybrid.go: Configure")
def test_it_previews_and_takes_no_secrets(client: Client) -> None:
    """It says that it previews, and takes neither secrets nor outputs"""
    answer = client.call("Configure", wire.ConfigureRequest())
    assert (answer.supportsPreview, answer.acceptSecrets, answer.acceptOutputs) == (True, False, False)


@behaves("Create", "provider.go: canPreview")
def test_a_preview_builds_nothing(client: Client, program: Program) -> None:
    """A preview echoes inputs and builds nothing: outputs such as `repoDigest` are not there, so unknown"""
    given = program.inputs()
    assert client.create(IMAGE, given, preview=True) == ("", given)
    assert client.update(IMAGE, "id", {}, given, preview=True) == given
    assert not program.registry.asked


@behaves("Create", "provider.go: canPreview")
def test_a_preview_builds_where_that_is_wanted(client: Client, program: Program, heard: Heard) -> None:
    """With `buildOnPreview` a preview builds and does not push; `repoDigest` is then the image's own id"""
    _, outputs = client.create(IMAGE, program.inputs(buildOnPreview=True), preview=True)
    assert re.fullmatch("sha256:[0-9a-f]{64}", outputs["repoDigest"])
    assert not program.registry.asked
    given = program.inputs(buildOnPreview=True, imageName=UNKNOWN)
    assert client.create(IMAGE, given, preview=True) == ("", given)
    (warning,) = heard.warnings()
    assert warning.startswith("Minimum inputs for build are unresolved. Continuing without preview image build.")


@behaves("Create", "provider.go: Create")
def test_an_image_is_built_and_pushed_under_its_name(client: Client, program: Program) -> None:
    """Create builds, and pushes under `imageName` alone; that is also the id"""
    given = program.inputs()
    id_, _ = client.create(IMAGE, given)
    assert id_ == given["imageName"]
    assert list(program.registry.tags) == ["diabetes:t1"]


@behaves("Create", "image.go: dockerBuild")
def test_the_outputs(client: Client, program: Program) -> None:
    """Outputs: `baseImageName` and `imageName` are the input, `registryServer` and `context` as given, `dockerfile`
    relative to the context, `repoDigest` `host/repository@sha256:…` of the manifest that the registry has
    """
    given = program.inputs()
    _, outputs = client.create(IMAGE, given)
    host = program.registry.host
    assert outputs == {
        "baseImageName": f"{host}/diabetes:t1",
        "imageName": f"{host}/diabetes:t1",
        "registryServer": host,
        "context": "ctx",
        "dockerfile": "Dockerfile",
        "platform": "linux/amd64",
        "repoDigest": f"{host}/diabetes@{program.registry.digest('diabetes:t1')}",
        "__inputs": given,
    }


@behaves("Create", "provider.go: checkpointObject")
def test_inputs_are_kept_as_one_secret(client: Client, program: Program) -> None:
    """State keeps the inputs as the secret output `__inputs`; the password is nowhere else in it"""
    request = wire.CreateRequest(urn=urn(IMAGE, "a"), properties=property_map(program.inputs()))
    outputs = client.call("Create", request).properties
    kept = outputs["__inputs"]
    assert {key: kept[key] for key in SECRET} == SECRET
    del outputs["__inputs"]
    assert PASSWORD not in json.dumps(dict(outputs.items()))


@behaves("Create", "image.go: dockerBuild")
def test_an_image_that_is_not_pushed(client: Client, program: Program) -> None:
    """With `skipPush` nothing is pushed, and `repoDigest` is the image's own id"""
    _, outputs = client.create(IMAGE, program.inputs(skipPush=True, imageName="diabetes"))
    assert re.fullmatch("sha256:[0-9a-f]{64}", outputs["repoDigest"])
    assert not program.registry.asked


@behaves("Update", "provider.go: Update")
def test_an_update_builds_and_pushes_again(client: Client, program: Program) -> None:
    """An update builds and pushes again; what was pushed before stays, and so does the id"""
    given = program.inputs()
    id_, before = client.create(IMAGE, given)
    program.write("ctx/code/score.py", "def run(data): return 2\n")
    after = client.update(IMAGE, id_, {}, {**given, "imageName": f"{program.registry.host}/diabetes:t2"}, before)
    assert after["repoDigest"] != before["repoDigest"]
    assert list(program.registry.tags) == ["diabetes:t1", "diabetes:t2"]


@behaves("Read", "provider.go: Read")
def test_a_refresh_asks_nobody(client: Client, program: Program) -> None:
    """A refresh gives back what state has: an image that is gone from the registry is not noticed"""
    given, state = program.inputs(), {"repoDigest": "h.io/a@sha256:00"}
    assert client.read(IMAGE, "h.io/a:1", given, state) == ("h.io/a:1", state, given)
    assert not program.registry.asked


@behaves("Delete", "provider.go: Delete")
def test_deleting_leaves_the_registry_alone(client: Client, program: Program) -> None:
    """Delete removes nothing, neither tag nor manifest"""
    id_, _ = client.create(IMAGE, program.inputs())
    asked = program.registry.asked.copy()
    client.delete(IMAGE, id_)
    assert program.registry.asked == asked


@behaves("Cancel", "hybrid.go: Cancel")
def test_cancel_ends_nothing(client: Client, program: Program) -> None:
    """Cancel does nothing: what is built goes on to its end"""
    client.cancel()
    client.create(IMAGE, program.inputs())
    assert "diabetes:t1" in program.registry.tags


@behaves("Create", "image.go: getRegistryAuth")
@pytest.mark.parametrize(
    ("given", "warning"),
    [
        ({"password": "p"}, "username was not set, although password was; using host credentials file"),
        ({"username": "u"}, "password was not set, although username was; using host credentials file"),
        ({}, None),
    ],
)
def test_half_a_credential_is_none(
    client: Client, program: Program, heard: Heard, given: dict[str, Any], warning: str | None
) -> None:
    """User name and password count only together: else the Docker config file's do, with a warning where one was
    given
    """
    host = program.registry.host
    pair = "cHVzaDpzM2NyZXQ="  # base64 of USER:PASSWORD
    program.write("../docker/config.json", json.dumps({"auths": {host: {"auth": pair}}}))
    assert (USER, PASSWORD) == ("push", "s3cret")
    client.create(IMAGE, program.inputs(registry=given))
    assert heard.warnings() == ([warning] if warning else [])
    assert "diabetes:t1" in program.registry.tags


@behaves("Create", "image.go: pullDockerImage")
def test_a_cache_that_cannot_be_had_is_a_warning(client: Client, program: Program, heard: Heard) -> None:
    """An image of `cacheFrom` that cannot be pulled is a warning, no more"""
    build = {**program.inputs()["build"], "cacheFrom": {"images": ["h.io/a:1"]}}
    client.create(IMAGE, program.inputs(build=build))
    (warning,) = heard.warnings()
    assert warning.startswith("Failed to pull cached image h.io/a:1: ")


@behaves("Create", "image.go: processLogLine")
def test_progress_is_shown_in_the_status_line(client: Client, program: Program, heard: Heard) -> None:
    """What is done is told in the status line: the build, its id, each layer of the push"""
    client.create(IMAGE, program.inputs())
    said = "\n".join(heard.status())
    assert re.search(r"Building the image\n(.*\n)*Image built successfully, local id sha256:\w+\nPushing Image", said)
    assert len(re.findall(r"^\w{12}: Pushed$", said, re.MULTILINE)) == 2
    assert re.search(r"^t1: digest: sha256:\w{64} size: \d+$", said, re.MULTILINE)
    assert heard.warnings() == []


def test_other_resources_and_functions_are_refused_by_name(client: Client) -> None:
    for token in ("docker:index/registryImage:RegistryImage", "docker:index/container:Container"):
        with pytest.raises(Failure, match=f"docker stand-in does not emulate {token}"):
            client.check(token, {})
    with pytest.raises(Failure, match="does not emulate docker:index/getRegistryImage:getRegistryImage"):
        client.invoke("docker:index/getRegistryImage:getRegistryImage", {})
