"""The local Azure killed in the middle of a push: nothing half is there, nothing is left, and the push can be done."""

import contextlib
import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

import azml_local
from azml_local.home import Home
from tests.support.registry_client import Client, basic, digest_of
from tests.unit.local.support import Arm, FakePlane, Running, until

LAYER = bytes(300_000)


@pytest.fixture
def killable(tmp_path: Path) -> Iterator[Home]:
    found = Home(tmp_path / "azure")
    azml_local.start(found.root, lambda _: None)
    yield found
    azml_local.stop(found.root)


def arm(home: Home) -> Arm:
    who: Any = SimpleNamespace(identity=home.identity())
    return Arm(Running(who, FakePlane(), home, json.loads(home.server.read_text())["url"]))


def push(client: Client, location: str, arrived: threading.Event) -> None:
    """Send without end, until the other side is gone."""

    def pieces() -> Iterator[bytes]:
        while True:
            yield LAYER
            arrived.set()

    with contextlib.suppress(OSError):
        client.send("PATCH", location, pieces())
        raise AssertionError("an endless push was answered")


def test_killed_in_the_middle_of_a_push(killable: Home) -> None:
    with arm(killable) as clients:
        path = f"{clients.group()}/providers/Microsoft.ContainerRegistry/registries/crkilled0"
        body = {"location": "eastus", "sku": {"name": "Basic"}, "properties": {"adminUserEnabled": True}}
        clients.ok("PUT", path, body)
        password = clients.ok("POST", f"{path}/listCredentials")["passwords"][0]["value"]
        host = clients.ok("GET", path)["properties"]["loginServer"]
    headers = {"authorization": basic("crkilled0", password)}
    content, arrived = killable.registries / "crkilled0", threading.Event()
    with Client(host, str(killable.ca), **headers) as client, Client(host, str(killable.ca), **headers) as other:
        digest = client.push_image("a", "before", b"kept")
        client.push_blob("a", LAYER)
        location = client.ok("POST", "/v2/a/blobs/uploads/").headers["Location"]
        sender = threading.Thread(target=push, args=[other, location, arrived])
        sender.start()
        until(arrived.is_set)
        pid = azml_local.status(killable.root).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        sender.join(10)
        until(lambda: not psutil.pid_exists(pid))
    assert list((content / "uploads").iterdir())
    azml_local.start(killable.root, lambda _: None)
    with Client(host, str(killable.ca), **headers) as client:
        assert client.ok("GET", "/v2/a/tags/list").json["tags"] == ["before"]
        assert client.ok("HEAD", "/v2/a/manifests/before").headers["Docker-Content-Digest"] == digest
        assert list((content / "uploads").iterdir()) == []
        assert digest_of(LAYER).removeprefix("sha256:") not in {found.name for found in (content / "blobs").iterdir()}
        client.push_image("a", "after", LAYER)
        assert client.ok("GET", f"/v2/a/blobs/{digest_of(LAYER)}").content == LAYER
