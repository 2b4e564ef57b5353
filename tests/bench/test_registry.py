"""Throughput of a local registry: a layer pushed and pulled over HTTPS, beside a plain copy with SHA-256."""

import hashlib
import http.client
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import azml_local
from azml_local.home import Home
from tests.bench.report import show
from tests.support.registry_client import basic
from tests.unit.local.support import Arm, FakePlane, Running

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1200)]
MIB, ROUNDS = 256, 10
CLIENT = """
import http.client, os, ssl, sys, time
what, host, ca, authorization, digest, file = sys.argv[1:]
connection = http.client.HTTPSConnection(host, context=ssl.create_default_context(cafile=ca), blocksize=1 << 20)
headers = {"Authorization": authorization}
started = time.perf_counter()
if what == "push":
    connection.request("POST", "/v2/bench/blobs/uploads/", headers=headers)
    answer = connection.getresponse()
    answer.read()
    with open(file, "rb") as content:
        length = {"Content-Length": str(os.path.getsize(file))}
        connection.request("PUT", f"{answer.headers['Location']}&digest={digest}", content, headers | length)
        assert connection.getresponse().status == 201
else:
    connection.request("GET", f"/v2/bench/blobs/{digest}", headers=headers)
    answer, buffer = connection.getresponse(), memoryview(bytearray(1 << 20))
    with open(file, "wb", buffering=0) as content:
        while count := answer.readinto(buffer):
            content.write(buffer[:count])
print(time.perf_counter() - started)
"""
"""A client in a process of its own, which says how many seconds its requests took, handshake included."""


def copy(source: Path, target: Path) -> float:
    """Copy a file and hash what is copied, a megabyte at a time; the seconds it took."""
    started = time.perf_counter()
    digest, buffer = hashlib.sha256(), memoryview(bytearray(1 << 20))
    with source.open("rb", buffering=0) as read, target.open("wb", buffering=0) as write:
        while count := read.readinto(buffer):  # type: ignore[attr-defined]
            digest.update(buffer[:count])
            write.write(buffer[:count])
    return time.perf_counter() - started


def test_push_and_pull(tmp_path: Path) -> None:
    home = Home(tmp_path / "azure")
    azml_local.start(home.root, lambda _: None)
    try:
        figures = measure(home, tmp_path)
    finally:
        azml_local.stop(home.root)
    for what, found in figures.items():
        show(f"registry, {what} of {MIB} MiB", found, 0.5, "× a copy with SHA-256", at_least=True)


def measure(home: Home, folder: Path) -> dict[str, list[float]]:
    """Throughput of each direction and of both, over that of a copy in the same round.

    All write to files that were not there: memory that a virtual machine touches for the first time takes longer to
    write than the copy itself, and a file that is written over has its memory already. Who comes first changes.
    """
    who: Any = SimpleNamespace(identity=home.identity())
    url = json.loads(home.server.read_text())["url"]
    with Arm(Running(who, FakePlane(), home, url)) as arm:
        path = f"{arm.group()}/providers/Microsoft.ContainerRegistry/registries/crbench00"
        body = {"location": "eastus", "sku": {"name": "Premium"}, "properties": {"adminUserEnabled": True}}
        arm.ok("PUT", path, body)
        password = arm.ok("POST", f"{path}/listCredentials")["passwords"][0]["value"]
        host = arm.ok("GET", path)["properties"]["loginServer"]
    known = host, str(home.ca), basic("crbench00", password)
    figures: dict[str, list[float]] = {"push": [], "pull": [], "both": []}
    for turn in range(ROUNDS):
        layer, copied, pulled = (folder / f"{name}{turn}" for name in ("layer", "copied", "pulled"))
        content = os.urandom(MIB << 20)
        layer.write_bytes(content)
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        ways: dict[str, Callable[[], float]] = {
            "copy": partial(copy, layer, copied),
            "push": partial(_client, "push", *known, digest, layer),
            "pull": partial(_client, "pull", *known, digest, pulled),
        }
        order = ("copy", "push", "pull") if turn % 2 else ("push", "pull", "copy")
        took = {way: ways[way]() for way in order}
        assert copied.read_bytes() == pulled.read_bytes() == content
        figures["push"].append(took["copy"] / took["push"])
        figures["pull"].append(took["copy"] / took["pull"])
        figures["both"].append(2 * took["copy"] / (took["push"] + took["pull"]))
        for file in (layer, copied, pulled):
            file.unlink()
        forget(*known, digest)
    return figures


def _client(what: str, *arguments: object) -> float:
    """How many seconds the client's requests took."""
    return float(subprocess.check_output([sys.executable, "-c", CLIENT, what, *map(str, arguments)]))


def forget(host: str, ca: str, authorization: str, digest: str) -> None:
    """Make room, and let the next push be a push."""
    connection = http.client.HTTPSConnection(host, context=ssl.create_default_context(cafile=ca))
    connection.request("DELETE", f"/v2/bench/blobs/{digest}", headers={"Authorization": authorization})
    assert connection.getresponse().status == 202
    connection.close()
