"""One container as a supervised process: started, watched, started again as its group's restart policy says.

Owns its life between `start` and `stop`: what it is started with, the cores and the memory it may take, its probes, its
exit codes. Its root and image are made by `plane`.
"""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from azml_local.containers import asking, rootfs
from azml_local.containers.contract import Container, Probe, RestartPolicy
from azml_local.containers.cores import Cores, pin
from azml_local.containers.gate import Gate
from azml_local.containers.images import Image
from azml_local.containers.output import Output
from azml_local.containers.views import View
from azml_local.scoring import memory, probes
from azml_local.scoring.processes import Process, Processes

PASSED_ON = ("LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
"""What a container sees of this process's environment: never an identity, a secret, or a setting of Python's."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LISTEN = "AZML_LISTEN"
"""The variable by which azml's images are told where to listen."""
TELEMETRY = "AML_APP_INSIGHTS_ENABLED"
"""With it Microsoft's scoring server sends requests and answers to the real Application Insights, whatever the key: its
connection string has no other place (azureml-inference-server-http 1.5.1). Nothing of a local Azure leaves it."""
STOP_GRACE_S = 10.0
STEADY_S = 600.0
"""A container that ran this long is started again at once (Kubernetes: the back-off is reset after ten minutes)."""
OOM_KILLED, NOT_FOUND = 128 + signal.SIGKILL, 127


@dataclass(frozen=True)
class Place:
    """Where a container runs: its root, its own folder, and the loopback port of each port that it declares."""

    root: Path
    folder: Path
    ports: Mapping[int, int]


@dataclass(frozen=True)
class Inside:
    """What a container's probes need to know of one start of it."""

    variables: Mapping[str, str]
    folder: Path
    gate: Gate | None


class ContainerProcess:
    """A container of a group, kept running from `start` to `stop`."""

    def __init__(
        self,
        container: Container,
        image: Image,
        place: Place,
        view: View,
        processes: Processes,
        cores: Cores,
        waits: Sequence[float],
    ) -> None:
        self.container, self._image, self._place, self._view = container, image, place, view
        self._processes, self._cores, self._waits = processes, cores, waits
        self._output = Output(place.folder / "log")
        self._process: Process | None = None
        self._life: asyncio.Task[None] | None = None
        self._launched = asyncio.Event()

    async def start(self, policy: RestartPolicy) -> None:
        """Start it, and supervise it from then on; back once its process runs."""
        self._life = asyncio.create_task(self._live(policy))
        launched = asyncio.create_task(self._launched.wait())
        await asyncio.wait({self._life, launched}, return_when=asyncio.FIRST_COMPLETED)
        launched.cancel()

    async def end(self) -> int:
        """Wait until it is over for good; its exit code."""
        if self._life is not None:
            await asyncio.wait({self._life})
        return self._view.exit_code or 0

    async def stop(self, *, tell: bool = True) -> None:
        """End it for good. `tell`: whether that is something to see, as it is not when the local Azure ends."""
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait({self._life})
        process = self._process
        if process is not None and process.returncode is None:
            if tell:
                self._view.event("Killing", "Killing container")
            await self._processes.end(process, STOP_GRACE_S)
            if tell:
                self._view.terminated(_code(process), "")
        self._output.close()

    async def _live(self, policy: RestartPolicy) -> None:
        tries, loop = 0, asyncio.get_running_loop()
        while True:
            started = loop.time()
            code, detail = await self._run()
            self._view.terminated(code, detail)
            if policy == "Never" or (policy == "OnFailure" and code == 0):
                return
            tries = 0 if loop.time() - started > STEADY_S else tries + 1
            wait = self._waits[min(tries, len(self._waits)) - 1] if tries else 0.0
            self._view.waiting(f"CrashLoopBackOff: Back-off {wait:g}s restarting failed container")
            self._view.event("BackOff", "Back-off restarting failed container")
            await asyncio.sleep(wait)
            self._view.restarted()

    async def _run(self) -> tuple[int, str]:
        """Run its process once; exit code and detail."""
        gate = self._gate()
        command, variables, folder = self._command(), self._variables(gate), self._folder()
        program = _program(command[0], variables["PATH"])
        self._view.event("Created", "Created container")
        if program is None:
            text = f"exec: '{self._command(shown=True)[0]}': executable file not found"
            self._view.event("Failed", f"Error: failed to start container: {text}")
            return NOT_FOUND, f"ContainerCannotRun: {text}"
        cores = self._cores.take(self.container.cpu)
        try:
            process = self._process = await self._start([program, *command[1:]], variables, folder, cores)
            self._view.event("Started", "Started container")
            self._view.running()
            self._launched.set()
            return await self._watch(process, Inside(variables, folder, gate))
        finally:
            self._cores.leave(cores)

    async def _start(self, command: list[str], variables: Mapping[str, str], folder: Path, cores: list[int]) -> Process:
        pipe = self._output.pipe()
        try:
            process = await self._processes.start(sys.executable, command, cwd=folder, variables=variables, log=pipe)
        finally:
            os.close(pipe)
        if process.returncode is None:
            pin(process.pid, cores)
        return process

    async def _watch(self, process: Process, inside: Inside) -> tuple[int, str]:
        """Wait until it ends, or must be ended."""
        watched = {asyncio.create_task(each) for each in (process.wait(), self._too_much(process), self._dead(inside))}
        ready = asyncio.create_task(self._readiness(inside))
        try:
            done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            faults = [str(each.result()) for each in done if not isinstance(each.result(), int)]
        finally:
            for each in (*watched, ready):
                each.cancel()
            await asyncio.wait((*watched, ready))  # a probe's command takes a moment to end
        if process.returncode is None:
            killed = faults == ["OOMKilled"]
            self._view.event("Killing", "Killing container" if killed else "Killing container: it is unhealthy")
            await self._processes.end(process, 0 if killed else STOP_GRACE_S)
            return (OOM_KILLED, "OOMKilled") if killed else (_code(process), "Error")
        self._processes.ended(process)
        code = _code(process)
        return code, "Error" if code else "Completed"

    async def _too_much(self, process: Process) -> str:
        if self.container.memory_bytes is None:
            await asyncio.get_running_loop().create_future()
        await memory.exceeded(process.pid, self.container.memory_bytes or 0)
        return "OOMKilled"

    async def _dead(self, inside: Inside) -> str:
        probe = self.container.liveness
        if probe is None:
            await asyncio.get_running_loop().create_future()
            raise AssertionError
        await probes.failed(self._seen(self._ask(probe, inside), "Liveness"), probe.timing)
        return "unhealthy"

    async def _readiness(self, inside: Inside) -> None:
        """Ask for ever, and let callers in as the answers say; what fails is seen as an event."""
        probe = self.container.readiness
        if probe is None:
            return
        ask = self._ask(probe, inside)
        async for ready in probes.readiness(ask, self._seen(ask, "Readiness"), probe.timing, soon=bool(probe.http)):
            if inside.gate is not None:
                inside.gate.tell(ready=ready)

    def _ask(self, probe: Probe, inside: Inside) -> probes.Ask:
        def ask(limit_s: float) -> Awaitable[bool]:
            if probe.http is not None:
                port = self._place.ports.get(probe.http.port, probe.http.port)
                port = port if inside.gate is None else inside.gate.for_probes(port)
                return asking.request(probe.http, port, limit_s)
            words = [rootfs.mapped(word, self._place.root) for word in probe.command]
            words[0] = _program(words[0], inside.variables["PATH"]) or words[0]
            return asking.run(words, inside.variables, inside.folder, limit_s)

        return ask

    def _seen(self, ask: probes.Ask, what: str) -> probes.Ask:
        async def seen(limit_s: float) -> bool:
            good = await ask(limit_s)
            if not good:
                self._view.event("Unhealthy", f"{what} probe failed")
            return good

        return seen

    def _gate(self) -> Gate | None:
        """Make the gate of its first port, where a readiness probe says when callers are let in."""
        if self.container.readiness is None or not self.container.ports:
            return None
        return Gate(self._place.folder / "ready", self._place.ports[self.container.ports[0]])

    def _command(self, *, shown: bool = False) -> list[str]:
        words = list(self.container.command) or self._image.command
        return words if shown else [rootfs.mapped(word, self._place.root) for word in words]

    def _variables(self, gate: Gate | None) -> dict[str, str]:
        """Make its variables: the image's, then its own, with paths of the image below its root."""
        ours = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        home, temporary = self._place.folder / "home", self._place.folder / "tmp"
        for folder in (home, temporary):
            folder.mkdir(exist_ok=True)
        given = {"PATH": PATH, **self._image.environment, **self.container.environment}
        mapped = {name: rootfs.mapped(value, self._place.root) for name, value in given.items()}
        listen = {LISTEN: f"127.0.0.1:{self._place.ports[self.container.ports[0]]}"} if self.container.ports else {}
        listen |= {} if gate is None else gate.variables
        telemetry = {TELEMETRY: "false"} if TELEMETRY in mapped else {}
        return {**ours, "TMPDIR": str(temporary), **mapped, "HOME": str(home), **listen, **telemetry}

    def _folder(self) -> Path:
        wanted = self._image.config.get("WorkingDir") or "/"
        place = rootfs.find(self._place.root, wanted)
        return place if place.is_dir() else self._place.root


def _program(word: str, path: str) -> str | None:
    return str(Path(found).absolute()) if (found := shutil.which(word, path=path)) else None


def _code(process: Process) -> int:
    code = process.returncode or 0
    return code if code >= 0 else 128 - code
