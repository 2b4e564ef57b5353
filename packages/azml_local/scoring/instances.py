"""Instances: scoring servers as supervised processes.

Starts `azureml-inference-server-http` in the deployment's environment with the variables that Azure's containers set,
waits until it is ready, and starts it again when it dies, fails its liveness probe or takes more memory than there is.
Its readiness probe decides for all its life whether it takes requests; locally a start is not polled at the readiness
period: the first probe waits in the server's own backlog and is answered at once. Which of several instances gets a
request is the gateway's.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from azml_local.scoring import diagnosis, memory, probes
from azml_local.scoring.contract import Probe
from azml_local.scoring.files import Staged
from azml_local.scoring.logs import Log
from azml_local.scoring.processes import Process, Processes

PASSED_ON = ("HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""What user code sees of this process's environment: never an identity, a secret, or a setting of Python's."""

FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 30.0
STEADY_S = 60.0
"""A restart waits twice as long as the one before, up to the longest; an instance that ran this long starts over."""

STOP_GRACE_S = 5.0


class StartFailedError(Exception):
    """An instance did not become ready; the text is for the user, `why` in words that follow its number."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(text)
        self.why = why


@dataclass(frozen=True)
class Server:
    """What every instance of a deployment runs."""

    environment: Path
    staged: Staged
    variables: Mapping[str, str]
    liveness: Probe
    readiness: Probe
    startup: Probe | None = None
    memory_bytes: float | None = None

    def environ(self) -> dict[str, str]:
        """Make the environment variables of the process."""
        ours = {name: os.environ[name] for name in (*PASSED_ON, *map(str.lower, PASSED_ON)) if name in os.environ}
        arguments = self.variables.get("GUNICORN_CMD_ARGS", "")
        if any(self.environment.glob("lib/python*/site-packages/gunicorn/ctl")):
            arguments += " --no-control-socket"  # gunicorn >= 25: instances would fight over one path in HOME
        return {
            "LANG": "C.UTF-8",
            **ours,
            "PATH": f"{self.environment / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "PYTHONUNBUFFERED": "1",
            **self.variables,
            "GUNICORN_CMD_ARGS": arguments.strip(),
            "AML_APP_ROOT": str(self.staged.code),
            "AZUREML_ENTRY_SCRIPT": self.staged.script,
            "AZUREML_MODEL_DIR": str(self.staged.model_dir),
        }

    def module(self, port: int) -> list[str]:
        """Make the command: the server's module and its arguments. `WORKER_COUNT` is a variable of its own."""
        where = ["--model_dir", str(self.staged.model_dir), "--port", str(port)]
        return ["azureml_inference_server_http", "--entry_script", self.staged.script, *where]


class Instance:
    """One scoring server, kept running from `start` to `stop`. `address` is None while it must not get requests."""

    def __init__(
        self, number: int, server: Server, log: Log, processes: Processes, changed: Callable[[], Awaitable[None]]
    ) -> None:
        self.address: str | None = None
        self.up = False
        """Whether its process has been ready since it was last started; one that is busy stays up."""
        self._number = number
        self._server = server
        self._log = log
        self._processes = processes
        self._changed = changed
        self._process: Process | None = None
        self._supervisor: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start, wait until ready, and supervise from then on. Raises `StartFailedError`; `stop` it then too."""
        fault = await self._launch()
        self._supervisor = asyncio.create_task(self._supervise(fault))

    async def stop(self) -> None:
        """End it for good."""
        self.address, self.up = None, False
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait({self._supervisor})
        if self._process is not None:
            await self._processes.end(self._process, STOP_GRACE_S)

    async def _launch(self) -> "asyncio.Task[str]":
        """Start the process and wait until it is ready; the task that waits for its end."""
        mark = self._log.size()
        with _listener() as listener:
            port = listener.getsockname()[1]
            process = self._process = await self._processes.start(
                self._server.environment / "bin" / "python",
                self._server.module(port),
                cwd=self._server.staged.code,
                variables=self._server.environ(),
                log=self._log.descriptor,
                listen=listener,
            )
        address, started = f"127.0.0.1:{port}", asyncio.Event()
        fault = asyncio.create_task(self._fault(process, address, started))
        try:
            await self._ready(process, address, fault, mark)
        except BaseException:
            fault.cancel()
            raise
        started.set()
        self.address, self.up = address, True
        return fault

    async def _ready(self, process: Process, address: str, fault: "asyncio.Task[str]", mark: int) -> None:
        probe = self._server.startup or self._server.readiness
        limit_s = probe.initial_delay_s + probe.period_s * probe.failure_threshold
        answers = asyncio.create_task(probes.answers(probes.http(address), self._server.readiness, limit_s))
        try:
            await asyncio.wait({fault, answers}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            if not answers.done() or fault.done():
                why = fault.result() if fault.done() and process.returncode is None else None
                text = diagnosis.explain(self._log.since(mark), process.returncode, why)
                raise StartFailedError(text, why or "did not become ready")
        finally:
            answers.cancel()

    async def _supervise(self, fault: "asyncio.Task[str]") -> None:
        loop = asyncio.get_running_loop()
        backoff_s, ready = FIRST_BACKOFF_S, loop.time()
        why = ""
        while True:
            assert self._process is not None  # noqa: S101 - tells the type checker that `start` came first
            if self.address is not None:
                why = await self._serve(self.address, fault)
                self.address, self.up = None, False
                await self._changed()
            await self._processes.end(self._process, 0)
            backoff_s = FIRST_BACKOFF_S if loop.time() - ready > STEADY_S else backoff_s
            pid = self._process.pid
            self._log.note(f"instance {self._number} (pid {pid}) {why}; it is started again in {backoff_s:g} s")
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)
            ready = loop.time()
            try:
                fault = await self._launch()
            except StartFailedError as error:
                why = error.why
                continue
            ready = loop.time()
            self._log.note(f"instance {self._number} is ready again")
            await self._changed()

    async def _serve(self, address: str, fault: "asyncio.Task[str]") -> str:
        """Take requests while readiness says so, until something ends it; what that was."""
        readiness = asyncio.create_task(self._follow_readiness(address))
        try:
            return await fault
        finally:
            readiness.cancel()
            fault.cancel()

    async def _follow_readiness(self, address: str) -> None:
        """Go out of rotation and back as the probe says."""
        probe, contrary = self._server.readiness, 0
        async for good in probes.results(probes.http(address), probe, probe.period_s):
            self._log.trim()
            contrary = contrary + 1 if good != (self.address is not None) else 0
            if contrary >= (probe.success_threshold if good else probe.failure_threshold):
                contrary, self.address = 0, address if good else None
                done = "passed its readiness probe: it gets" if good else "failed its readiness probe: it gets no"
                self._log.note(f"instance {self._number} {done} requests")
                await self._changed()

    async def _fault(self, process: Process, address: str, started: asyncio.Event) -> str:
        """Wait until it ends, or must be ended; why, in words that follow its number."""
        watched = [
            asyncio.create_task(each(process, address, started))
            for each in (self._end, self._hang, self._out_of_memory)
        ]
        try:
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            return next(each.result() for each in watched if each.done())
        finally:
            for each in watched:
                each.cancel()

    async def _end(self, process: Process, _address: str, _started: asyncio.Event) -> str:
        return f"ended with code {await process.wait()}"

    async def _hang(self, _process: Process, address: str, started: asyncio.Event) -> str:
        if self._server.startup is not None:
            await started.wait()  # liveness is not asked before the startup probe has succeeded
        await probes.failed(probes.http(address), self._server.liveness)
        return f"failed its liveness probe {self._server.liveness.failure_threshold} times"

    async def _out_of_memory(self, process: Process, _address: str, _started: asyncio.Event) -> str:
        if self._server.memory_bytes is None:
            await asyncio.get_running_loop().create_future()
        taken = await memory.exceeded(process.pid, self._server.memory_bytes or 0)
        return f"was ended: OOMKilled, its processes used {taken} that its instance type has"


def _listener() -> socket.socket:
    """Listen on a free port of the loopback interface; the connections that come before the server is up wait."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    return listener
