"""Check: defaults, the digest of the context, what is refused."""

import hashlib
import os
from typing import Any

import pytest
from pulumi.runtime.proto import engine_pb2

from tests.support.behaviours import behaves
from tests.support.provider_client import UNKNOWN, Client, Failure
from tests.unit.docker.conftest import DOCKERFILE, Heard, Program

IMAGE = "docker:index/image:Image"


def check(client: Client, inputs: dict[str, Any]) -> dict[str, Any]:
    checked, failures = client.check(IMAGE, inputs)
    assert failures == []
    return checked


def digest(client: Client, program: Program) -> str:
    return str(check(client, program.inputs())["build"]["contextDigest"])


def sha(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


@behaves("Check", "image.go: marshalBuildAndApplyDefaults")
def test_paths_have_defaults(client: Client, program: Program) -> None:
    """`context` is `.` where nothing is said, `dockerfile` the file `Dockerfile` in the context; both are written
    down.
    """
    program.write("Dockerfile", DOCKERFILE)
    assert (
        check(client, {"imageName": "h.io/a:1"})["build"].items()
        >= {"context": ".", "dockerfile": "Dockerfile"}.items()
    )
    given = {"imageName": "h.io/a:1", "build": {"context": "ctx"}}
    assert check(client, given)["build"]["dockerfile"] == "ctx/Dockerfile"


@behaves("Check", "provider.go: Check")
def test_building_in_a_preview_has_to_be_asked_for(client: Client, program: Program) -> None:
    """`buildOnPreview` is false where it is absent or unknown; `skipPush` is left as it is given."""
    given = program.inputs()
    del given["buildOnPreview"], given["skipPush"]
    checked = check(client, given)
    assert checked["buildOnPreview"] is False
    assert "skipPush" not in checked
    assert check(client, program.inputs(buildOnPreview=UNKNOWN))["buildOnPreview"] is False


@behaves("Check", "provider.go: Check")
def test_the_platform_is_this_machines(client: Client, program: Program, heard: Heard) -> None:
    """`platform` is `linux/` and this machine's architecture where nothing is said, and a message tells so."""
    assert check(client, program.inputs(build={"context": "ctx"}))["build"]["platform"] == "linux/amd64"
    ((severity, text, _),) = heard.said
    assert severity == engine_pb2.INFO
    assert text.startswith(
        "Building your image for linux/amd64 architecture.\nTo ensure you are building for the correct"
    )
    assert check(client, program.inputs())["build"]["platform"] == "linux/amd64"
    assert len(heard.said) == 1


@behaves("Check", "provider.go: hashContext")
def test_the_digest_is_of_names_modes_and_contents(client: Client, program: Program) -> None:
    """`contextDigest`: the Dockerfile as `Dockerfile` with no mode, then each file in the order of a walk: its path,
    its mode in Go's words, the hash of its bytes, a zero byte
    """
    program.write("ctx/code/run.sh", "#!/bin/sh\n", mode=0o755)
    files = (
        ("Dockerfile", "----------", DOCKERFILE),
        ("Dockerfile", "-rw-r--r--", DOCKERFILE),
        ("code/run.sh", "-rwxr-xr-x", "#!/bin/sh\n"),
        ("code/score.py", "-rw-r--r--", "def run(data): ...\n"),
        ("models/diabetes/1/model.bin", "-rw-r--r--", "weights"),
    )
    told = b"".join(name.encode() + mode.encode() + sha(text) + b"\0" for name, mode, text in files)
    assert digest(client, program) == hashlib.sha256(told).hexdigest()


@behaves("Check", "provider.go: hashPath")
def test_times_owners_and_folders_do_not_count(client: Client, program: Program) -> None:
    """Times and empty folders are no part of the digest; names and modes are"""
    before = digest(client, program)
    os.utime(program.folder / "ctx/code/score.py", (1, 1))
    (program.folder / "ctx/empty").mkdir()
    assert digest(client, program) == before
    (program.folder / "ctx/code/score.py").chmod(0o755)
    other = digest(client, program)
    (program.folder / "ctx/code/score.py").rename(program.folder / "ctx/code/main.py")
    assert len({before, other, digest(client, program)}) == 3


@behaves("Check", "provider.go: hashPath")
def test_a_link_counts_as_where_it_leads(client: Client, program: Program) -> None:
    """A symbolic link counts as the path it leads to, not as what is there"""
    outside = program.write("elsewhere.txt", "one")
    (program.folder / "ctx/link").symlink_to("../elsewhere.txt")
    before = digest(client, program)
    outside.write_text("two", encoding="utf-8")
    assert digest(client, program) == before
    (program.folder / "ctx/link").unlink()
    (program.folder / "ctx/link").symlink_to("code/score.py")
    assert digest(client, program) != before


@behaves("Check", "provider.go: getIgnorePatterns")
@pytest.mark.parametrize("name", ["ctx/.dockerignore", "ctx/Dockerfile.dockerignore"])
def test_what_is_ignored_does_not_count(client: Client, program: Program, name: str) -> None:
    """Files that `DOCKERFILE.dockerignore`, or else the context's `.dockerignore`, excludes are no part of the
    digest; exceptions are
    """
    program.write(name, "# notes\n**/*.log\nnotes\n!notes/*/kept.txt\nmodels/**/tmp\n")
    before = digest(client, program)
    for ignored in ("a.log", "code/deep/b.log", "notes/one.txt", "models/x/y/tmp/z"):
        program.write(f"ctx/{ignored}")
        assert digest(client, program) == before, ignored
    program.write("ctx/notes/2026/kept.txt")
    assert digest(client, program) != before


@behaves("Check", "provider.go: Check")
def test_a_dockerfile_that_is_not_there(client: Client, program: Program) -> None:
    """A Dockerfile that is not there is an error, which names the path that would do where it is the context that was
    meant
    """
    told = 'could not open dockerfile at relative path "gone": stat gone: no such file or directory'
    with pytest.raises(Failure) as caught:
        check(client, program.inputs(build={"context": "ctx", "dockerfile": "gone"}))
    assert str(caught.value) == told
    with pytest.raises(Failure) as caught:
        check(client, program.inputs(build={"context": "ctx", "dockerfile": "Dockerfile"}))
    told = 'could not open dockerfile at relative path "Dockerfile". Try setting `dockerfile` to "ctx/Dockerfile"'
    assert str(caught.value) == told
    with pytest.raises(Failure, match=r'^expected a relative Dockerfile path; got "/gone/D" instead: stat /gone/D'):
        check(client, program.inputs(build={"context": "ctx", "dockerfile": "/gone/D"}))


@behaves("Check", "provider.go: hashContext")
def test_a_context_that_is_not_there(client: Client, program: Program) -> None:
    """A context that is not there cannot be hashed: `unable to hash build context`"""
    with pytest.raises(Failure, match=r"^unable to hash build context: .*gone.*no such file or directory"):
        check(client, program.inputs(build={"context": "gone", "dockerfile": "ctx/Dockerfile"}))


@behaves("Check", "image.go: getRegistryAddrFromImage")
def test_a_pushed_image_has_a_full_name(client: Client, program: Program) -> None:
    """Without `registry.server` a name that is pushed has to say its host; one that is not pushed need not"""
    given = program.inputs(imageName="diabetes:1", registry={})
    with pytest.raises(Failure) as caught:
        check(client, given)
    lines = str(caught.value).splitlines()
    assert lines[:2] == [
        '"diabetes:1": repository name must be canonical.',
        "This resource requires all image names to be fully qualified.",
    ]
    assert lines[-1] == "`docker.io/repository/image:tag`"
    check(client, {**given, "skipPush": True})
    check(client, {**given, "registry": {"server": "h.io"}})
    check(client, {**given, "imageName": UNKNOWN})
    cached = {"context": "ctx", "cacheFrom": {"images": ["h.io/a"]}}
    with pytest.raises(Failure, match="repository name must be canonical"):
        check(client, {**given, "skipPush": True, "build": cached})


@behaves("Check", "image.go: marshalBuilder")
def test_the_builder_is_one_of_two(client: Client, program: Program) -> None:
    """`builderVersion` is `BuilderV1` or `BuilderBuildKit`: `invalid Docker Builder version`"""
    check(client, program.inputs(build={"context": "ctx", "builderVersion": "BuilderBuildKit"}))
    with pytest.raises(Failure, match=r"^invalid Docker Builder version$"):
        check(client, program.inputs(build={"context": "ctx", "builderVersion": "BuilderV3"}))


@behaves("Check", "image.go: marshalCachedImages")
def test_a_cache_is_a_list_of_images(client: Client, program: Program) -> None:
    """`cacheFrom` needs `images`, a list; unknown ones are passed over"""
    for cache, told in (
        ({}, "cacheFrom requires an `images` field"),
        ({"images": "one"}, "the `images` field must be a list of strings"),
    ):
        with pytest.raises(Failure) as caught:
            check(client, program.inputs(build={"context": "ctx", "cacheFrom": cache}))
        assert str(caught.value) == told
    check(client, program.inputs(build={"context": "ctx", "cacheFrom": {"images": [UNKNOWN]}}))


@behaves("Check", "provider.go: Check")
def test_unknown_paths_are_not_looked_at(client: Client, program: Program) -> None:
    """With an unknown path nothing is looked for and there is no digest yet; unknown keys are not refused"""
    checked = check(client, program.inputs(build={"context": "ctx", "dockerfile": UNKNOWN, "nonsense": 1}))
    assert checked["build"] == {"context": "ctx", "dockerfile": UNKNOWN, "platform": "linux/amd64", "nonsense": 1}
    assert check(client, program.inputs(build=UNKNOWN))["build"] is UNKNOWN
