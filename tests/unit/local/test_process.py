"""The local Azure as a process: started once, found again, ended with everything, and what a crash leaves.

The server is the real one; only where a deployment must hang is the data plane replaced (`fake_server`).
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from azure.core.exceptions import AzureError

import azml_local
from azml_local.arm.store import Store
from azml_local.blobs.files import BlobFiles
from azml_local.home import Home
from tests.unit.local.support import Arm, FakePlane, Running, until

ROOT = Path(__file__).parents[3]
MEMORY_MB = 120
"""What the whole local Azure may take with no deployment running."""


@pytest.fixture(autouse=True)
def _ended(home: Path) -> Iterator[None]:
    yield
    azml_local.stop(home)


def clients(home: Path) -> Arm:
    """Clients of a server in another process."""
    at = Home(home)
    who: Any = SimpleNamespace(identity=at.identity())
    return Arm(Running(who, FakePlane(), at, json.loads(at.server.read_text())["url"]))


def start(home: Path) -> list[str]:
    said: list[str] = []
    azml_local.start(home, said.append)
    return said


class TestLife:
    def test_start_status_stop(self, home: Path) -> None:
        assert not azml_local.status(home).running
        start(home)
        first = azml_local.status(home)
        assert first.running
        assert first.memory_mb < MEMORY_MB
        start(home)
        assert azml_local.status(home).pid == first.pid
        assert azml_local.stop(home)
        assert not azml_local.stop(home)
        until(lambda: not psutil.pid_exists(first.pid or 0))
        assert not Home(home).server.exists()
        start(home)
        assert azml_local.status(home).url == first.url

    def test_two_starts_at_once_make_one_server(self, home: Path) -> None:
        threads = [threading.Thread(target=start, args=[home]) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        log = (home / "logs" / "server.log").read_text()
        assert log.count("ready at") == 1

    def test_a_stale_file_fools_nobody(self, home: Path) -> None:
        start(home)
        azml_local.stop(home)
        Home(home).server.write_text(json.dumps({"pid": os.getpid(), "url": "https://127.0.0.1:1"}))
        Home(home).lock.write_text(str(os.getpid()))
        assert not azml_local.status(home).running
        assert not azml_local.stop(home)
        start(home)
        assert azml_local.status(home).pid != os.getpid()

    def test_a_port_that_is_taken(self, home: Path) -> None:
        start(home)
        old = azml_local.status(home).url or ""
        azml_local.stop(home)
        with socket.create_server(("127.0.0.1", int(old.rpartition(":")[2]))):
            said = start(home)
        assert azml_local.status(home).url != old
        assert any("is taken by another program" in line for line in said)

    def test_what_cannot_start_says_why(self, home: Path) -> None:
        home.mkdir()
        (home / "settings.yaml").write_text("auth_mode_change: maybe\nlifecycel: fast\n")
        with pytest.raises(azml_local.NotRunning) as caught:
            start(home)
        assert "lifecycel: no such setting" in str(caught.value)
        assert "auth_mode_change: must be one of refused, allowed" in str(caught.value)
        assert "Traceback" not in str(caught.value)

    def test_what_an_earlier_start_said_is_not_said_again(self, home: Path) -> None:
        home.mkdir()
        for wrong in ("lifecycel", "quota_core"):
            (home / "settings.yaml").write_text(f"{wrong}: x\n")
            with pytest.raises(azml_local.NotRunning) as caught:
                start(home)
            assert f"{wrong}: no such setting" in str(caught.value)
        assert "lifecycel" not in str(caught.value)

    def test_how_long_operations_take_can_be_ones_own(self, home: Path) -> None:
        own = home / "lifecycle" / "slow" / "registries.yaml"
        own.parent.mkdir(parents=True)
        (home / "settings.yaml").write_text("lifecycle: slow\n")
        own.write_text("Microsoft.ContainerRegistry/registries:\n  create: [{state: Creating, seconds: soon}]\n")
        with pytest.raises(azml_local.NotRunning, match=r"registries\.yaml must hold.*'soon'"):
            start(home)
        own.write_text("Microsoft.ContainerRegistry/registries:\n  create: [{state: Creating, seconds: 0.5}]\n")
        start(home)
        with clients(home) as arm:
            group = arm.group()
            registry = f"{group}/providers/Microsoft.ContainerRegistry/registries/slowregistry"
            body = {"location": "westeurope", "sku": {"name": "Basic"}}
            began = time.monotonic()
            created = arm.ok("PUT", registry, body)
            assert time.monotonic() - began >= 0.5
        assert created["properties"]["provisioningState"] == "Succeeded"

    def test_reset_leaves_the_address_and_nothing_else(self, home: Path) -> None:
        start(home)
        url = azml_local.status(home).url
        with clients(home) as arm:
            group = arm.group("kept")
        azml_local.reset(home)
        assert not azml_local.status(home).running
        assert not (home / "blobs").exists()
        start(home)
        with clients(home) as arm:
            assert arm.send("HEAD", group).status_code == 404
        assert azml_local.status(home).url == url

    def test_nothing_is_for_others_to_read(self, home: Path) -> None:
        start(home)
        with clients(home) as arm:
            account = arm.storage(arm.group())
            arm.ok("PUT", f"{account}/blobServices/default/containers/one", {})
        modes = {path: path.stat().st_mode & 0o077 for path in [home, *home.rglob("*")]}
        assert [path for path, mode in modes.items() if mode] == []

    def test_it_listens_on_loopback_only(self, home: Path) -> None:
        start(home)
        process = psutil.Process(azml_local.status(home).pid)
        heard = [one.laddr.ip for one in process.net_connections() if one.status == psutil.CONN_LISTEN]
        assert set(heard) == {"127.0.0.1"}


class TestEnvironment:
    def test_official_clients_find_it_by_their_variables(self, home: Path) -> None:
        start(home)
        code = (
            "from azure.identity import EnvironmentCredential\n"
            "print(EnvironmentCredential(disable_instance_discovery=True)"
            ".get_token('https://management.azure.com/.default').token.count('.'))"
        )
        environment = {**os.environ, **azml_local.environment(home)}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )
        assert (done.stdout, done.stderr) == ("2\n", "")

    def test_what_is_direct_already_stays(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        start(home)
        monkeypatch.setenv("NO_PROXY", "example.org,localhost")
        assert azml_local.environment(home)["NO_PROXY"] == "example.org,localhost,127.0.0.1"

    def test_without_a_server_it_says_what_to_do(self, home: Path) -> None:
        with pytest.raises(azml_local.NotRunning, match="azml local start"):
            azml_local.environment(home)


class TestSecrets:
    def test_none_is_in_a_log(self, home: Path) -> None:
        start(home)
        with clients(home) as arm:
            account = arm.storage(arm.group())
            key = arm.ok("POST", f"{account}/listKeys")["keys"][0]["value"]
            arm.ok("GET", f"{arm.sub}/resourceGroups", sig="to-be-hidden")
            token = arm.credential.get_token("https://management.azure.com/.default").token
        secrets = [key, token, "to-be-hidden", Home(home).identity().client_secret]
        logs = "".join(path.read_text() for path in (home / "logs").iterdir())
        assert "/listKeys?api-version=2024-01-01 200" in logs
        assert [secret for secret in secrets if secret in logs] == []


class TestCrash:
    """SIGKILL, the one signal that nobody can prepare for."""

    def test_nothing_acknowledged_is_lost(self, home: Path) -> None:
        start(home)
        made: list[str] = []
        with clients(home) as arm:
            group = arm.group()
            at = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
            process = psutil.Process(azml_local.status(home).pid)
            killer = threading.Timer(0.4, process.kill)
            killer.start()
            for number in range(100_000):
                try:
                    arm.send("PUT", f"{at}/id-{number}", {"location": "eastus"}).raise_for_status()
                except AzureError:
                    break
                made.append(f"id-{number}")
            killer.join()
            process.wait()
        assert len(made) > 10
        start(home)
        with clients(home) as arm:
            listed = [item["name"] for item in arm.ok("GET", at, **{"$top": "100"})["value"]]
            # One more may be there: made, and its answer lost with the process.
            assert listed[: len(made)] == made[:100]
            assert len(listed) <= len(made) + 1
            assert arm.ok("GET", f"{at}/{made[-1]}")["properties"]["principalId"]

    def test_an_operation_goes_on_after_it(self, home: Path) -> None:
        server = fake_server(home, "hang")
        with clients(home) as arm:
            workspace = arm.workspace(arm.group())
            endpoint = arm.endpoint(workspace)
            properties = assets(arm, workspace, home)
            body = arm.deployment_body(properties)
            response = arm.send("PUT", f"{endpoint}/deployments/blue", body)
            assert response.status_code == 201
        server.kill()
        server.wait()
        server = fake_server(home, "serve")
        with clients(home) as arm:
            until(
                lambda: arm.ok("GET", f"{endpoint}/deployments/blue")["properties"]["provisioningState"] == "Succeeded"
            )
            url = response.headers["Azure-AsyncOperation"]
            assert arm.client.send_request(_get(url)).json()["status"] == "Succeeded"
        server.terminate()
        server.wait()

    def test_a_half_written_blob_is_not_there(self, home: Path) -> None:
        store = Store(home / "azure.db") if home.mkdir() is None else None
        assert store is not None
        root = home / "blobs"
        BlobFiles(root, store.database)
        (root / ".new" / "half").write_text("x")
        files = BlobFiles(root, store.database)
        store.close()
        assert list((root / ".new").iterdir()) == []
        assert files.list("a", "c") == []


def fake_server(home: Path, mode: str) -> "subprocess.Popen[bytes]":
    """Serve a home with a data plane whose deployments hang or come up at once."""
    code = f"""
import sys
from pathlib import Path
from azml_local import serve
from tests.unit.local.support import FakePlane
def plane(*_):
    made = FakePlane()
    if {mode!r} == "hang":
        made.gate.clear()
    return made
serve.DataPlane = plane
sys.exit(serve.main(Path({str(home)!r})))
"""
    Home(home).server.unlink(missing_ok=True)
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL)
    until(lambda: process.poll() is not None or Home(home).server.exists(), 10)
    assert process.poll() is None
    return process


def assets(arm: Arm, workspace: str, home: Path) -> dict[str, Any]:
    """As `Arm.assets`, the files written where the other process will find them."""
    arm.running.azure.blobs = SimpleNamespace(path=lambda *parts: (home / "blobs").joinpath(*parts))  # type: ignore[assignment]
    return arm.assets(workspace)


def _get(url: str) -> Any:
    from azure.core.rest import HttpRequest

    return HttpRequest("GET", url)
