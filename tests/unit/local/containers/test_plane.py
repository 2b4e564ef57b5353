"""The container runtime on real processes: what is pulled, what runs, what is seen of it, and what ends."""

import asyncio
import json
import os
import signal
import site
import socket
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from azml_local import certificates
from azml_local.containers import (
    Container,
    ContainerPlane,
    Credential,
    Group,
    GroupFailed,
    HttpGet,
    Mount,
    Probe,
    Volume,
)
from azml_local.containers.views import group_state
from azml_local.home import Home
from azml_local.scoring.contract import Probe as Timing
from tests.support import oci
from tests.support.clone import ROOT
from tests.support.scoring_plane import until

ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerInstance/containerGroups/web"
PATIENT = Timing(initial_delay_s=0, period_s=0.2, timeout_s=5, failure_threshold=20)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("home"))
    made.make()
    certificates.ensure(made)
    return made


@pytest.fixture(scope="module")
def registry(home: Home) -> Iterator[oci.Registry]:
    with oci.registry(home.certificates / "server.pem") as found:
        yield found


class Rig:
    def __init__(self, plane: ContainerPlane, registry: oci.Registry) -> None:
        self.plane, self.registry = plane, registry
        self.said: list[str] = []

    def group(self, container: Container | None = None, **changes: Any) -> Group:
        made = container or Container("web", self.registry.serving(), ports=(80,))
        credential = Credential(self.registry.authority, oci.USER, oci.PASSWORD)
        return replace(Group(ID, "web", (made,), credentials=(credential,)), **changes)

    async def put(self, group: Group) -> None:
        await self.plane.put(group, self.said.append)

    async def ask(self, path: str = "", port: int = 80) -> Any:
        url = f"http://127.0.0.1:{self.plane.ports(ID)[port]}/{path}"

        def get() -> Any:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return json.load(answer)

        for _ in range(100):
            try:
                return await asyncio.to_thread(get)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
            except urllib.error.HTTPError as error:
                error.close()
                return error.code
            except urllib.error.URLError:
                await asyncio.sleep(0.05)
            except OSError:
                return None
        raise AssertionError("nobody listens")

    async def call(self) -> socket.socket:
        """A connection on which a request was sent."""

        def connect() -> socket.socket:
            made = socket.create_connection(("127.0.0.1", self.plane.ports(ID)[80]), timeout=5)
            made.sendall(b"GET / HTTP/1.1\r\nhost: web\r\n\r\n")
            return made

        for _ in range(1200):
            try:
                return await asyncio.to_thread(connect)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
        raise AssertionError("nobody listens")

    def seen(self, name: str = "web") -> dict[str, Any]:
        found: dict[str, Any] = self.plane.view(ID)["containers"][name]
        return found

    def events(self, name: str = "web") -> list[str]:
        return [event["name"] for event in self.seen(name)["events"]]

    def state(self, policy: str = "Always") -> str:
        return group_state(self.plane.view(ID), policy)


async def answered(connection: socket.socket, limit_s: float) -> bool:
    """Whether a request is answered with 200 in time; one that is answered otherwise does not count."""
    connection.settimeout(limit_s)
    try:
        answer = await asyncio.to_thread(connection.recv, 100)
    except TimeoutError:
        return False
    connection.close()
    assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 503"))
    return True


def waits(what: str) -> list[float]:
    return [0.05] if what == "pull" else [0.1]


@asynccontextmanager
async def rig(home: Home, registry: oci.Registry, root: Path) -> AsyncIterator[Rig]:
    plane = ContainerPlane(root / "containers", home.bundle, root / "shared", waits)
    made = Rig(plane, registry)
    try:
        yield made
    finally:
        await plane.close()


@pytest.fixture
def run(home: Home, registry: oci.Registry, tmp_path: Path) -> Any:
    """Run a test's coroutine with a runtime of its own."""

    def start(body: Any) -> None:
        async def whole() -> None:
            async with rig(home, registry, tmp_path) as made:
                await body(made)

        asyncio.run(whole())

    return start


def test_an_image_runs(run: Any) -> None:
    async def body(rig: Rig) -> None:
        image = rig.registry.serving(
            "team/diabetes:7",
            Env=["AZUREML_MODEL_DIR=/var/azureml-app", "PATH=/opt/azml/env/bin:/usr/bin", "GREETING=hello"],
            WorkingDir="/var/azureml-app",
        )
        given = {"KEY": "of-the-group", "A": "1", "AML_APP_INSIGHTS_ENABLED": "true"}
        await rig.put(rig.group(Container("web", image, environment=given, ports=(80,))))
        told = await rig.ask()
        variables = told["environ"]
        assert (variables["KEY"], variables["A"], variables["GREETING"]) == ("of-the-group", "1", "hello")
        assert await asyncio.to_thread(Path(variables["AZUREML_MODEL_DIR"], "main.py").is_file)
        root = variables["AZUREML_MODEL_DIR"].removesuffix("/var/azureml-app")
        assert Path(root).is_relative_to(rig.plane._home / "groups")
        assert variables["AML_APP_INSIGHTS_ENABLED"] == "false", "the real Application Insights get nothing"
        assert variables["PATH"] == f"{root}/opt/azml/env/bin:/usr/bin"
        assert told["prefix"] == f"{root}/opt/azml/env"
        assert not [name for name in variables if name.startswith(("AZURE_", "ARM_", "PYTEST"))]
        assert rig.state() == "Running"
        assert rig.events() == ["Pulling", "Pulled", "Created", "Started"]
        await until(lambda: "asked /" in rig.plane.logs(ID, "web", None, timestamps=False))
        assert rig.plane.logs(ID, "web", None, timestamps=False).splitlines()[0] == "starting hello"
        first = rig.plane.logs(ID, "web", 1, timestamps=True)
        assert first.count("\n") == 1
        assert first[:2] == "20"

    run(body)


def test_cores_are_those_asked_for(run: Any) -> None:
    async def body(rig: Rig) -> None:
        await rig.put(rig.group(Container("web", rig.registry.serving(), ports=(80,), cpu=0.5)))
        assert (await rig.ask())["cpus"] == 1

    run(body)


def test_what_is_the_same_is_pulled_once(run: Any) -> None:
    async def body(rig: Rig) -> None:
        await rig.put(rig.group())
        del rig.registry.asked[:]
        await rig.put(rig.group())
        assert not [path for path in rig.registry.asked if "/blobs/" in path]
        changed = rig.registry.serving("diabetes:2", oci.ENTRY + "# changed\n")
        await rig.put(rig.group(Container("web", changed, ports=(80,))))
        assert len([path for path in rig.registry.asked if "/blobs/" in path]) == 2, "its config, and the changed layer"
        assert len(list((rig.plane._home / "layers").iterdir())) == 1, "what nobody runs any more is gone"

    run(body)


@pytest.mark.parametrize(
    ("policy", "code", "state", "restarts"),
    [("Never", 3, "Failed", False), ("Never", 0, "Succeeded", False), ("OnFailure", 0, "Succeeded", False),
     ("OnFailure", 3, "Running", True), ("Always", 0, "Running", True)],
)  # fmt: skip
def test_restart_policies(run: Any, policy: Any, code: int, state: str, restarts: bool) -> None:
    async def body(rig: Rig) -> None:
        await rig.put(rig.group(restart=policy))
        pid = (await rig.ask())["pid"]
        await rig.ask(f"exit/{code}")
        if restarts:
            await until(lambda: rig.seen()["restartCount"] == 1 and rig.seen()["currentState"]["state"] == "Running")
            assert (await rig.ask())["pid"] != pid
            ended = rig.seen()["previousState"]
            assert "BackOff" in rig.events()
        else:
            await until(lambda: rig.seen()["currentState"]["state"] == "Terminated")
            ended = rig.seen()["currentState"]
        assert (ended["exitCode"], ended["detailStatus"]) == (code, "Error" if code else "Completed")
        assert rig.state(policy) == state

    run(body)


@pytest.mark.parametrize("who", ["eat", "feed"], ids=["its process", "one that it started in another session"])
def test_too_much_memory(run: Any, who: str) -> None:
    async def body(rig: Rig) -> None:
        container = Container("web", rig.registry.serving(), ports=(80,), memory_bytes=100 << 20)
        await rig.put(rig.group(container, restart="Never"))
        await rig.ask(f"{who}/150")
        await until(lambda: rig.seen()["currentState"]["state"] == "Terminated")
        ended = rig.seen()["currentState"]
        assert (ended["exitCode"], ended["detailStatus"]) == (137, "OOMKilled")
        assert "Killing" in rig.events()

    run(body)


@pytest.mark.parametrize("kind", ["http", "exec"])
def test_liveness(run: Any, kind: str) -> None:
    check = "import os, sys; sys.exit(os.path.exists(os.path.join(os.environ['HOME'], 'unwell')))"
    probe = (
        Probe(PATIENT, http=HttpGet("/", 80)) if kind == "http" else Probe(PATIENT, command=(oci.PYTHON, "-c", check))
    )

    async def body(rig: Rig) -> None:
        await rig.put(rig.group(Container("web", rig.registry.serving(), ports=(80,), liveness=probe)))
        pid = (await rig.ask())["pid"]
        await asyncio.sleep(0.5)
        assert rig.seen()["restartCount"] == 0
        await rig.ask("unwell")
        await until(lambda: rig.seen()["restartCount"] == 1)
        assert {"Unhealthy", "Killing"} <= set(rig.events())
        assert not psutil.pid_exists(pid)

    run(body)


@pytest.mark.parametrize("kind", ["http", "exec"])
def test_who_is_not_ready_is_called_in_vain(run: Any, kind: str) -> None:
    """As container-instances-readiness-probe shows it: connected, and awaiting the response until it is ready."""
    check = "import os, sys; sys.exit(os.path.exists(os.path.join(os.environ['HOME'], 'unwell')))"
    timing = Timing(initial_delay_s=0, period_s=0.2, timeout_s=5, failure_threshold=2)
    probe = Probe(timing, http=HttpGet("/", 80)) if kind == "http" else Probe(timing, command=(oci.PYTHON, "-c", check))
    code = {"PYTHONPATH": os.pathsep.join((str(ROOT / "packages"), *site.getsitepackages()))}

    async def body(rig: Rig) -> None:
        image = rig.registry.serving("holding:1", oci.HOLDING)
        await rig.put(rig.group(Container("web", image, environment=code, ports=(80,), readiness=probe)))
        (home,) = rig.plane._home.glob("groups/*/containers/web/home")
        waiting = await rig.call()
        assert not await answered(waiting, 0.5)
        assert "Unhealthy" in rig.events()
        (home / "unwell").unlink()
        assert await answered(waiting, 60), "who waited is answered"
        (home / "unwell").touch()
        before = await rig.call()
        while await answered(before, 0.5):
            before = await rig.call()
        (home / "unwell").unlink()
        assert await answered(before, 60)
        assert rig.seen()["restartCount"] == 0

    run(body)


def test_a_program_that_does_not_hold_its_port_is_reached(run: Any) -> None:
    probe = Probe(replace(PATIENT, failure_threshold=1), http=HttpGet("/", 80))

    async def body(rig: Rig) -> None:
        await rig.put(rig.group(Container("web", rig.registry.serving(), ports=(80,), readiness=probe)))
        await rig.ask("unwell")
        await until(lambda: "Unhealthy" in rig.events())
        assert await rig.ask() == 503

    run(body)


def test_volumes(run: Any) -> None:
    async def body(rig: Rig) -> None:
        image, shared = rig.registry.serving(), Mount("scratch", "/mnt/scratch")
        write = "import os, pathlib; pathlib.Path(os.environ['AT'], 'made').write_text('by the first')"
        first = Container("first", image, (oci.PYTHON, "-c", write), {"AT": "/mnt/scratch"}, mounts=(shared,))
        places = {"SECRET": "/mnt/secrets/key", "MADE": "/mnt/scratch/made"}
        main = Container(
            "web", image, environment=places, ports=(80,), mounts=(shared, Mount("secrets", "/mnt/secrets"))
        )
        volumes = (Volume("scratch"), Volume("secrets", {"key": b"s3cret"}))
        await rig.put(rig.group(main, first=(first,), volumes=volumes))
        assert (await rig.ask("read/SECRET"))["content"] == "s3cret"
        assert (await rig.ask("read/MADE"))["content"] == "by the first"
        assert rig.seen("first")["currentState"]["exitCode"] == 0

    run(body)


def test_two_containers(run: Any) -> None:
    async def body(rig: Rig) -> None:
        image = rig.registry.serving()
        both = (Container("web", image, ports=(80,)), Container("side", image, ports=(8080,)))
        await rig.put(rig.group(containers=both))
        assert (await rig.ask(port=80))["pid"] != (await rig.ask(port=8080))["pid"]

    run(body)


def test_a_stopped_group_keeps_what_is_seen(run: Any) -> None:
    async def body(rig: Rig) -> None:
        await rig.put(rig.group())
        port = rig.plane.ports(ID)[80]
        pid = (await rig.ask())["pid"]
        await rig.plane.stop(ID)
        assert rig.state() == "Stopped"
        assert not psutil.pid_exists(pid)
        assert "starting" in rig.plane.logs(ID, "web", None, timestamps=False)
        await rig.put(rig.group())
        assert rig.plane.ports(ID)[80] == port
        await rig.ask()
        await rig.plane.delete(ID)
        assert rig.plane.ports(ID) == {}
        assert not list((rig.plane._home / "layers").iterdir())
        assert not list((rig.plane._home / "groups").iterdir())
        await rig.put(rig.group())
        assert rig.plane.ports(ID)[80] == port, "made again under its name, it has its address"

    run(body)


def test_after_a_kill_what_ran_runs_again(home: Home, registry: oci.Registry, tmp_path: Path) -> None:
    async def first() -> tuple[int, int]:
        async with rig(home, registry, tmp_path) as made:
            await made.put(made.group())
            return (await made.ask())["pid"], made.plane.ports(ID)[80]

    async def second() -> tuple[int, int]:
        async with rig(home, registry, tmp_path) as made:
            registry.manifests.clear()  # nothing is asked of the registry
            await made.plane.restore(made.group(), made.said.append)
            assert "starting" in made.plane.logs(ID, "web", None, timestamps=False)
            return (await made.ask())["pid"], made.plane.ports(ID)[80]

    pid, port = asyncio.run(first())
    again = asyncio.run(second())
    assert again[0] != pid
    assert again[1] == port


def test_what_was_over_stays_over(home: Home, registry: oci.Registry, tmp_path: Path) -> None:
    async def first() -> None:
        async with rig(home, registry, tmp_path) as made:
            await made.put(made.group(restart="Never"))
            os.kill((await made.ask())["pid"], signal.SIGTERM)
            await until(lambda: made.state("Never") == "Failed")
            assert made.seen()["currentState"]["exitCode"] == 128 + signal.SIGTERM

    async def second() -> None:
        async with rig(home, registry, tmp_path) as made:
            await made.plane.restore(made.group(restart="Never"), made.said.append)
            assert made.state("Never") == "Failed"
            assert made.seen()["currentState"]["exitCode"] == 128 + signal.SIGTERM

    asyncio.run(first())
    asyncio.run(second())


class TestPulls:
    def refused(self, run: Any, image: Any, code: str, text: str, password: str = oci.PASSWORD) -> None:
        async def body(rig: Rig) -> None:
            credential = Credential(rig.registry.authority, oci.USER, password)
            named = image(rig.registry) if callable(image) else image
            with pytest.raises(GroupFailed) as error:
                await rig.put(rig.group(Container("web", named, ports=(80,)), credentials=(credential,)))
            assert error.value.code == code
            assert text in error.value.message
            assert rig.events()[:2] == ["Pulling", "Failed"]
            assert ("BackOff" in rig.events()) == (code == "InaccessibleImage")
            assert rig.state() == "Failed"
            assert not list((rig.plane._home / "images").iterdir()), "nothing half"

        run(body)

    def test_an_image_that_is_not_there(self, run: Any) -> None:
        self.refused(run, lambda at: f"{at.authority}/nobody/has:1", "InaccessibleImage", "Please check the image")

    def test_a_wrong_password(self, run: Any) -> None:
        self.refused(run, lambda at: at.serving("w:1"), "InaccessibleImage", "unauthorized", password="wrong")

    def test_another_registry_is_never_asked(self, run: Any) -> None:
        self.refused(run, "mcr.microsoft.com/azuredocs/aci-helloworld", "NotImplemented", "mcr.microsoft.com")

    def test_an_image_that_azml_did_not_make(self, run: Any) -> None:
        self.refused(run, lambda at: at.serving("foreign:1", Labels={}), "NotImplemented", "azml.manifest")

    def test_an_image_with_its_base(self, run: Any) -> None:
        labels = {"azml.manifest": "x"}
        self.refused(run, lambda at: at.serving("base:1", Labels=labels), "NotImplemented", "azml.local.base-absent")

    def test_a_layer_with_other_content(self, run: Any) -> None:
        def image(at: oci.Registry) -> str:
            named = at.serving("tampered:1", "print('of the tampered')")
            digest = json.loads(at.manifests["tampered:1"])["layers"][1]["digest"]
            at.blobs[digest] = at.blobs[digest][:-1] + b"!"
            return named

        self.refused(run, image, "InaccessibleImage", "other content than its digest")

    def test_a_layer_that_leads_out(self, run: Any) -> None:
        evil = oci.layer({"../../evil": "x"})
        self.refused(run, lambda at: at.push("evil:1", [evil]), "InaccessibleImage", "leads out of the image")
