"""What stays and what goes: restarts, killed pushes, deletions."""

import os
import resource
import signal
import subprocess
import sys

import pytest

from tests.support.registry_client import digest_of
from tests.unit.local.registry.conftest import ADMIN, Served
from tests.unit.local.support import until

SHARED, OLD, NEW = b"shared" * 1000, b"old" * 1000, b"new" * 1000
PUSHER = """
import ssl, sys, http.client
host, ca, authorization, location = sys.argv[1:]
connection = http.client.HTTPSConnection(host, context=ssl.create_default_context(cafile=ca))
def pieces():
    while True:
        yield bytes(1 << 16)
connection.request("PATCH", location, pieces(), {"Authorization": authorization})
"""


def files(registry: Served) -> list[str]:
    """Everything on disk that holds content."""
    root = registry.root / "team"
    return sorted(path.name for folder in ("blobs", "uploads") for path in (root / folder).iterdir())


def named(*contents: bytes) -> list[str]:
    return sorted(digest_of(content).removeprefix("sha256:") for content in contents)


def test_a_restart_keeps_what_was_pushed_and_the_address(fresh: Served) -> None:
    digest = fresh.client().push_image("a", "v1", SHARED)
    host = fresh.host
    fresh.restart()
    assert fresh.host == host
    assert fresh.client().ok("GET", "/v2/a/manifests/v1").headers["Docker-Content-Digest"] == digest
    assert fresh.client().ok("GET", f"/v2/a/blobs/{digest_of(SHARED)}").content == SHARED


def test_a_restart_collects_what_a_killed_push_left(fresh: Served) -> None:
    client = fresh.client()
    client.push_image("a", "v1", SHARED)
    kept = files(fresh)
    client.push_blob("a", OLD)  # its manifest never came
    location = client.ok("POST", "/v2/a/blobs/uploads/").headers["Location"]
    client.ok("PATCH", location, NEW)
    assert len(files(fresh)) == len(kept) + 2
    fresh.restart()
    assert files(fresh) == kept
    assert fresh.client().send("GET", location).codes == ["BLOB_UPLOAD_UNKNOWN"]
    assert fresh.client().send("HEAD", f"/v2/a/blobs/{digest_of(OLD)}").status == 404


def test_an_upload_whose_client_was_killed_goes_on(fresh: Served) -> None:
    client = fresh.client()
    location = client.ok("POST", "/v2/a/blobs/uploads/").headers["Location"]
    command = [sys.executable, "-c", PUSHER, fresh.host, fresh.ca, ADMIN, location]
    process = subprocess.Popen(command)
    upload = fresh.root / "team" / "uploads" / files(fresh)[0]
    until(lambda: upload.stat().st_size > 1 << 20, 20)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    answer = client.ok("GET", location)
    size = int(answer.headers["Range"].removeprefix("0-")) + 1
    assert size == upload.stat().st_size
    content = bytes(size) + b"the rest"
    client.ok("PUT", f"{answer.headers['Location']}&digest={digest_of(content)}", b"the rest")
    assert client.ok("GET", f"/v2/a/blobs/{digest_of(content)}").content == content


def test_layers_go_with_the_last_image_that_needs_them(fresh: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    client = fresh.client()
    old = client.push_image("a", "old", SHARED, OLD)
    client.push_image("a", "new", SHARED, NEW)
    client.ok("DELETE", f"/v2/a/manifests/{old}")
    # Whoever has just asked for a layer may be about to push an image of it.
    assert client.send("HEAD", f"/v2/a/blobs/{digest_of(OLD)}").status == 200
    monkeypatch.setattr("azml_local.registry.content._IN_USE_S", 0)
    old = client.push_image("a", "old", SHARED, OLD)
    client.ok("DELETE", f"/v2/a/manifests/{old}")
    assert client.send("HEAD", f"/v2/a/blobs/{digest_of(OLD)}").status == 404
    assert set(named(SHARED, NEW)) < set(files(fresh))
    assert named(OLD)[0] not in files(fresh)


def test_one_repositorys_layer_is_not_anothers(fresh: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("azml_local.registry.content._IN_USE_S", 0)
    client = fresh.client()
    digest = client.push_image("a", "v1", SHARED)
    client.push_image("b", "v1", SHARED)
    client.ok("DELETE", f"/v2/a/manifests/{digest}")
    assert client.send("HEAD", f"/v2/a/blobs/{digest_of(SHARED)}").status == 404
    assert client.ok("GET", f"/v2/b/blobs/{digest_of(SHARED)}").content == SHARED


def test_a_file_that_was_cut_short_counts_as_absent(fresh: Served) -> None:
    client = fresh.client()
    client.push_image("a", "v1", SHARED)
    path = fresh.root / "team" / "blobs" / named(SHARED)[0]
    os.truncate(path, 10)
    assert client.send("HEAD", f"/v2/a/blobs/{digest_of(SHARED)}").status == 404
    client.push_blob("a", SHARED)
    assert client.ok("GET", f"/v2/a/blobs/{digest_of(SHARED)}").content == SHARED


def test_a_removed_registry_leaves_nothing(fresh: Served) -> None:
    fresh.client().push_image("a", "v1", SHARED)
    fresh.registries.remove("Team")
    assert list(fresh.root.iterdir()) == []
    with pytest.raises(ConnectionRefusedError):
        fresh.client().send("GET", "/v2/")


def test_a_full_disk_is_said(fresh: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    client = fresh.client()
    location = client.ok("POST", "/v2/a/blobs/uploads/").headers["Location"]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("azml_local.registry.uploads.Upload._add", full)
    for content in (NEW, bytes(64 << 20)):  # more than the system's buffers hold
        answer = client.send("PATCH", location, content)
        assert answer.status == 507
        assert "disk of the local Azure is full" in answer.json["errors"][0]["message"]


def test_a_disk_that_takes_a_part_of_the_last_piece_is_full(fresh: Served) -> None:
    """What was not written is not acknowledged. Expected of write(2): fewer bytes first, the error with the next."""
    client = fresh.client()
    content = bytes(3 << 20)
    location = client.ok("POST", "/v2/a/blobs/uploads/").headers["Location"]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, limits[1]))
    try:
        answer = client.send("PUT", f"{location}&digest={digest_of(content)}", content)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert answer.status == 507, answer
    client.push_blob("a", content)
    assert client.ok("GET", f"/v2/a/blobs/{digest_of(content)}").content == content
