"""Throughput of a local registry: a layer pushed and pulled over HTTPS, beside a plain copy with SHA-256."""

import hashlib
import http.client
import json
import os
import ssl
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import azml_local
from azml_local.home import Home
from tests.bench.report import seconds, show
from tests.support.registry_client import basic
from tests.unit.local.support import Arm, FakePlane, Running

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1200)]
MIB = 256
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


def copy(source: Path, target: Path) -> str:
    """Copy a file and hash what is copied, a megabyte at a time; its digest."""
    digest, buffer = hashlib.sha256(), memoryview(bytearray(1 << 20))
    with source.open("rb", buffering=0) as read, target.open("wb", buffering=0) as write:
        while count := read.readinto(buffer):  # type: ignore[attr-defined]
            digest.update(buffer[:count])
            write.write(buffer[:count])
    return f"sha256:{digest.hexdigest()}"


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
    """Throughput of each direction and of both, over that of the copy just before."""
    who: Any = SimpleNamespace(identity=home.identity())
    url = json.loads(home.server.read_text())["url"]
    with Arm(Running(who, FakePlane(), home, url)) as arm:
        path = f"{arm.group()}/providers/Microsoft.ContainerRegistry/registries/crbench00"
        body = {"location": "eastus", "sku": {"name": "Premium"}, "properties": {"adminUserEnabled": True}}
        arm.ok("PUT", path, body)
        password = arm.ok("POST", f"{path}/listCredentials")["passwords"][0]["value"]
        host = arm.ok("GET", path)["properties"]["loginServer"]
    layer, other = folder / "layer", folder / "other"
    figures: dict[str, list[float]] = {"push": [], "pull": [], "both": []}
    for _ in range(7):
        layer.write_bytes(os.urandom(MIB << 20))
        digest = copy(layer, other)
        command = [sys.executable, "-c", CLIENT]
        arguments = [host, str(home.ca), basic("crbench00", password), digest]
        copied = seconds(partial(copy, layer, other), 1)[0]
        pushed = float(subprocess.check_output([*command, "push", *arguments, layer]))
        pulled = float(subprocess.check_output([*command, "pull", *arguments, other]))
        assert copy(other, layer) == digest
        figures["push"].append(copied / pushed)
        figures["pull"].append(copied / pulled)
        figures["both"].append(2 * copied / (pushed + pulled))
        forget(host, str(home.ca), basic("crbench00", password), digest)
    return figures


def forget(host: str, ca: str, authorization: str, digest: str) -> None:
    """Make room, and let the next push be a push."""
    connection = http.client.HTTPSConnection(host, context=ssl.create_default_context(cafile=ca))
    connection.request("DELETE", f"/v2/bench/blobs/{digest}", headers={"Authorization": authorization})
    assert connection.getresponse().status == 202
    connection.close()
