"""A local Azure that is killed with container groups: nothing of them is left, and the next one has them again."""

import json
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil

import azml_local
from azml_local import certificates
from azml_local.home import Home
from tests.support import oci
from tests.unit.local.support import Arm, FakePlane, Running, until


def client(home: Home) -> Arm:
    """A client of the server that runs."""
    server = json.loads(home.server.read_text())
    azure: Any = SimpleNamespace(identity=home.identity())
    return Arm(Running(azure, FakePlane(), home, server["url"]))


def kill(home: Home) -> None:
    server = psutil.Process(json.loads(home.server.read_text())["pid"])
    server.send_signal(signal.SIGKILL)
    until(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE)


def answer(shown: Any) -> Any:
    """What a group says, once it listens."""
    address = shown["properties"]["ipAddress"]
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://{address['ip']}:{address['ports'][0]['port']}/", timeout=5) as found:
                return json.load(found)
        except urllib.error.URLError:
            time.sleep(0.05)
    raise AssertionError("nobody listens")


def test_a_killed_local_azure(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.make()
    leaf = certificates.ensure(home)
    home.settings.write_text("lifecycle: realistic\n")
    with oci.registry(leaf) as registry:
        try:
            azml_local.start(home.root, print)
            with client(home) as arm:
                path = f"{arm.group()}/providers/Microsoft.ContainerInstance/containerGroups/web"
                assert arm.send("PUT", path, body(registry)).status_code == 201
                assert arm.ok("GET", path)["properties"]["provisioningState"] == "Pending"
            kill(home)
            home.settings.unlink()
            azml_local.start(home.root, print)
            with client(home) as arm:
                until(lambda: arm.ok("GET", path)["properties"]["provisioningState"] == "Succeeded", 20)
                shown = arm.ok("GET", path)
                told = answer(shown)
                assert told["environ"]["KEY"] == "s3cret"
            kill(home)
            until(lambda: not psutil.pid_exists(told["pid"]))
            registry.manifests.clear()  # it is not asked again
            azml_local.start(home.root, print)
            with client(home) as arm:
                again = arm.ok("GET", path)
                assert again["properties"]["ipAddress"] == shown["properties"]["ipAddress"]
                assert answer(again)["environ"]["KEY"] == "s3cret"
                until(lambda: arm.ok("GET", path)["properties"]["instanceView"]["state"] == "Running")
                arm.ok("DELETE", path)
        finally:
            azml_local.stop(home.root)


def body(registry: oci.Registry) -> dict[str, Any]:
    container = {
        "image": registry.serving(),
        "ports": [{"port": 80}],
        "resources": {"requests": {"cpu": 1, "memoryInGB": 1}},
        "environmentVariables": [{"name": "KEY", "secureValue": "s3cret"}],
    }
    credential = {"server": registry.authority, "username": oci.USER, "password": oci.PASSWORD}
    properties = {
        "osType": "Linux",
        "containers": [{"name": "web", "properties": container}],
        "imageRegistryCredentials": [credential],
        "ipAddress": {"type": "Public", "ports": [{"port": 80}]},
    }
    return {"location": "eastus", "properties": properties}
