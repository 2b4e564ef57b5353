"""A disk without room: what is refused is said and changes nothing, what runs waits, and with room all goes on.

The kernel's limit on file sizes stands in for the disk: it can be set and lifted on a running server, everywhere on
Linux and without root. A write beyond it fails as one on a full disk does, but for the number of the error (EFBIG).
"""

import os
import resource
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest
from azure.storage.blob import BlobServiceClient

import azml_local
from azml_local import disk
from azml_local.home import Home
from tests.unit.local.support import Arm, FakePlane, running, until
from tests.unit.local.test_process import clients, start

HUGE = 8 << 20
"""Bytes of a blob that has no room."""


@pytest.fixture
def arm(home: Path) -> Iterator[Arm]:
    start(home)
    with clients(home) as made:
        yield made
    azml_local.stop(home)


@contextmanager
def full(pid: int, room: int = 0) -> Iterator[None]:
    """Let no file of a process grow beyond `room` bytes."""
    process = psutil.Process(pid)
    process.rlimit(psutil.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_what_is_refused_changes_nothing(arm: Arm, home: Path) -> None:
    kept = arm.group("kept")
    with full(azml_local.status(home).pid or 0):
        answer = arm.send("PUT", f"{arm.sub}/resourceGroups/none", {"location": "eastus"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "DiskFull")
        assert "Make room" in answer.json()["error"]["message"]
        assert arm.send("DELETE", kept).status_code == 409
        assert arm.ok("GET", kept)["name"] == "kept"
    assert arm.send("GET", f"{arm.sub}/resourceGroups/none").status_code == 404
    assert arm.ok("GET", kept)["properties"]["provisioningState"] == "Succeeded", "the refused deletion did not begin"
    arm.group("none")


def test_no_half_blob(arm: Arm, home: Path) -> None:
    account = arm.storage(arm.group())
    arm.ok("PUT", f"{account}/blobServices/default/containers/one", {})
    blobs = BlobServiceClient(
        arm.ok("GET", account)["properties"]["primaryEndpoints"]["blob"],
        credential={
            "account_name": account.rpartition("/")[2],
            "account_key": arm.ok("POST", f"{account}/listKeys")["keys"][0]["value"],
        },
        connection_verify=str(Home(home).ca),
    )
    with blobs, blobs.get_blob_client("one", "model") as blob:
        blob.upload_blob(b"before")
        with full(azml_local.status(home).pid or 0, HUGE // 2), pytest.raises(HttpResponseError) as caught:
            blob.upload_blob(b"x" * HUGE, overwrite=True)
        assert caught.value.status_code == 409
        assert caught.value.error_code == "DiskFull"
        assert blob.download_blob().readall() == b"before"
        assert list((home / "blobs" / ".new").iterdir()) == []
        blob.upload_blob(b"x" * HUGE, overwrite=True)
        assert blob.get_blob_properties().size == HUGE


def test_an_operation_ends_once_there_is_room(home: Path) -> None:
    plane = FakePlane()
    with running(home, plane) as here, Arm(here) as arm:
        workspace = arm.workspace(arm.group())
        properties, blue = arm.assets(workspace), f"{arm.endpoint(workspace)}/deployments/blue"
        plane.gate.clear()
        begun = arm.send("PUT", blue, arm.deployment_body(properties))
        poll = HttpRequest("GET", begun.headers["Azure-AsyncOperation"])
        with full(os.getpid()):
            plane.gate.set()
            until(lambda: blue in plane.deployments)
            time.sleep(0.2)
            assert arm.client.send_request(poll).json()["status"] == "InProgress"
        until(lambda: arm.client.send_request(poll).json()["status"] == "Succeeded")
        assert arm.ok("GET", blue)["properties"]["provisioningState"] == "Succeeded"


def test_a_whole_tree_that_has_no_room(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "model").write_bytes(b"x" * 100)
    with full(os.getpid(), 10), pytest.raises(shutil.Error) as caught:
        shutil.copytree(tmp_path / "from", tmp_path / "to")
    assert disk.is_full(caught.value)
    assert not disk.is_full(shutil.Error([("a", "b", "[Errno 13] Permission denied")]))
