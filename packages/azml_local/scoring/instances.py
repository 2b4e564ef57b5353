"""Instances: scoring servers as supervised processes.

Starts `azureml-inference-server-http` in the deployment's environment with the variables that Azure's containers set,
waits until it is ready, and starts it again when it dies or no longer answers. Probes ask its path `/`; locally a start
is not polled at the readiness period: the first probe waits in the server's own backlog and is answered at once.
Which instances get requests is the gateway's.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from azml_gateway import upstream
from azml_local.scoring import diagnosis
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
    """An instance did not become ready; the text is for the user."""


@dataclass(frozen=True)
class Server:
    """What every instance of a deployment runs."""

    environment: Path
    staged: Staged
    variables: Mapping[str, str]
    liveness: Probe
    readiness: Probe

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
    """One scoring server, kept running from `start` to `stop`. `address` is None while it cannot take requests."""

    def __init__(
        self, number: int, server: Server, log: Log, processes: Processes, changed: Callable[[], Awaitable[None]]
    ) -> None:
        self.address: str | None = None
        self._number = number
        self._server = server
        self._log = log
        self._processes = processes
        self._changed = changed
        self._process: Process | None = None
        self._supervisor: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start, wait until ready, and supervise from then on. Raises `StartFailedError`; `stop` it then too."""
        await self._launch()
        self._supervisor = asyncio.create_task(self._supervise())

    async def stop(self) -> None:
        """End it for good."""
        self.address = None
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait({self._supervisor})
        if self._process is not None:
            await self._processes.end(self._process, STOP_GRACE_S)

    async def _launch(self) -> None:
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
        await self._ready(process, f"127.0.0.1:{port}", mark)
        self.address = f"127.0.0.1:{port}"

    async def _ready(self, process: Process, address: str, mark: int) -> None:
        probe = self._server.readiness
        limit_s = probe.initial_delay_s + probe.period_s * probe.failure_threshold
        ended, answers = asyncio.create_task(process.wait()), asyncio.create_task(_answers(address, probe, limit_s))
        try:
            await asyncio.wait({ended, answers}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            if not answers.done() or ended.done():
                raise StartFailedError(diagnosis.explain(self._log.since(mark), process.returncode))
        finally:
            ended.cancel()
            answers.cancel()

    async def _supervise(self) -> None:
        loop = asyncio.get_running_loop()
        backoff_s, ready = FIRST_BACKOFF_S, loop.time()
        while True:
            assert self._process is not None  # noqa: S101 - tells the type checker that `start` came first
            why = f"(pid {self._process.pid}) did not become ready"
            if self.address is not None:
                why = await self._fault(self._process, self.address)
                self.address = None
                await self._changed()
            await self._processes.end(self._process, 0)
            backoff_s = FIRST_BACKOFF_S if loop.time() - ready > STEADY_S else backoff_s
            self._log.note(f"instance {self._number} {why}; it is started again in {backoff_s:g} s")
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)
            ready = loop.time()
            with contextlib.suppress(StartFailedError):
                await self._launch()
                ready = loop.time()
                self._log.note(f"instance {self._number} is ready again")
                await self._changed()

    async def _fault(self, process: Process, address: str) -> str:
        """Wait until it ends or fails its liveness probe too often; what happened."""
        probe, failures = self._server.liveness, 0
        ended = asyncio.create_task(process.wait())
        try:
            await asyncio.wait({ended}, timeout=probe.initial_delay_s)
            while failures < probe.failure_threshold:
                await asyncio.wait({ended}, timeout=probe.period_s)
                if ended.done():
                    return f"(pid {process.pid}) ended with code {process.returncode}"
                self._log.trim()
                failures = 0 if await _healthy(address, probe.timeout_s) else failures + 1
        finally:
            ended.cancel()
        return f"(pid {process.pid}) failed its liveness probe {failures} times"


def _listener() -> socket.socket:
    """Listen on a free port of the loopback interface; the connections that come before the server is up wait."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    return listener


async def _answers(address: str, probe: Probe, limit_s: float) -> None:
    """Return once the server has answered often enough in a row."""
    successes = 0
    while successes < probe.success_threshold:
        if await _healthy(address, limit_s):
            successes += 1
        else:
            successes = 0
            await asyncio.sleep(0.1)


async def _healthy(address: str, timeout_s: float) -> bool:
    exchange: upstream.Exchange | None = None
    try:
        async with asyncio.timeout(timeout_s):
            exchange = await upstream.send(address, b"GET", b"/", [(b"host", b"localhost")], b"")
            await exchange.head()
    except (TimeoutError, upstream.ConnectError, upstream.BrokenAnswerError):
        return False
    else:
        return exchange.status == 200
    finally:
        if exchange is not None:
            exchange.abort()
