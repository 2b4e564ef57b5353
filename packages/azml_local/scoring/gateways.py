"""An endpoint's gateway process: its config file, its port, its life.

Writes the file, has it read again, restarts a gateway that died on the same port, and answers its questions about
tokens on a unix socket. What a request meets inside the gateway is `azml_gateway`'s.
"""

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from azml_gateway import upstream
from azml_local.scoring.contract import Deployment, DeploymentFailed, Endpoint, TokenVerifier
from azml_local.scoring.logs import Log, tail
from azml_local.scoring.processes import Process, Processes

START_LIMIT_S = 20.0
RESTART_S = 0.5
COUNTS = "counts"
"""Folder of an endpoint's counts (`azml_gateway.counts`), beside the gateway's config."""


class GatewayProcess:
    """The gateway of one endpoint. `folder` keeps config and log; `sockets` is a short path for unix sockets."""

    def __init__(
        self, endpoint: Endpoint, folder: Path, sockets: Path, port: int, processes: Processes, verify: TokenVerifier
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.endpoint = endpoint
        self.port = port
        self._file = folder / "gateway.json"
        self._log = Log(folder / "gateway.log")
        self._log_path = folder / "gateway.log"
        self._admin = sockets / f"{folder.name}.sock"
        self._tokens = sockets / f"{folder.name}.tokens"
        self._processes = processes
        self._verify = verify
        self._process: Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._verifier: asyncio.Server | None = None
        self._order = asyncio.Lock()

    @property
    def scoring_uri(self) -> str:
        """What callers use."""
        return f"http://127.0.0.1:{self.port}/score"

    async def apply(self, serving: Iterable[tuple[Deployment, list[str]]]) -> None:
        """Make the gateway serve these deployments at these addresses, starting it if need be.

        Raises `DeploymentFailed` (InternalServerError) where it does not start, or refuses its config.
        """
        async with self._order:
            self._write(serving)
            if self._process is None:
                await self._launch()
                self._supervisor = asyncio.create_task(self._supervise())
                return
            # Where nobody listens it has just died, and the next one reads the file.
            with contextlib.suppress(upstream.ConnectError, upstream.BrokenAnswerError):
                answer = await _ask(self._admin, b"POST", b"/reload")
                if "error" in answer:
                    raise DeploymentFailed("InternalServerError", f"The gateway refuses its config: {answer['error']}")
            self._log.trim()

    async def drain(self, addresses: Iterable[str], limit_s: float) -> None:
        """Wait until no request is in progress at these addresses any more, `limit_s` at most."""
        wanted = set(addresses)
        with contextlib.suppress(TimeoutError, upstream.ConnectError, upstream.BrokenAnswerError):
            async with asyncio.timeout(limit_s):
                while True:
                    active = (await _ask(self._admin, b"GET", b"/metrics"))["active"]
                    if not any(active.get(address) for address in wanted):
                        return
                    await asyncio.sleep(0.02)

    async def stop(self, grace_s: float) -> None:
        """End it; running requests have `grace_s` to finish."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait({self._supervisor})
        if self._process is not None:
            await self._processes.end(self._process, grace_s)
        if self._verifier is not None:
            self._verifier.close()
        self._log.close()

    def _write(self, serving: Iterable[tuple[Deployment, list[str]]]) -> None:
        endpoint = self.endpoint
        config: Mapping[str, Any] = {
            "endpoint": endpoint.name,
            "listen": {"host": "127.0.0.1", "port": self.port},
            "admin_socket": str(self._admin),
            "counts": str(self._file.parent / COUNTS),
            "auth": {"mode": "key", "keys": list(endpoint.keys)}
            if endpoint.auth_mode == "Key"
            else {"mode": "token", "verify": f"unix:{self._tokens}"},
            "traffic": dict(endpoint.traffic),
            "mirror": dict(endpoint.mirror),
            "deployments": {
                deployment.name: {
                    "instances": addresses,
                    "scoring_route": deployment.scoring_route,
                    "request_timeout_s": deployment.request_timeout_s,
                    "max_concurrent": deployment.max_concurrent,
                    "max_queue_wait_s": deployment.max_queue_wait_s,
                }
                for deployment, addresses in serving
            },
        }
        temporary = self._file.with_suffix(".new")
        with open(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
            json.dump(config, file, indent=1)
        temporary.replace(self._file)

    async def _launch(self) -> None:
        if self._verifier is None:
            self._verifier = await asyncio.start_unix_server(self._judge, self._tokens)
        kept = ("PATH", "HOME", "LANG", "PYTHONPATH")
        process = self._process = await self._processes.start(  # known at once: a start that is cancelled ends, too
            sys.executable,
            ["azml_gateway", "--config", str(self._file)],
            cwd=self._file.parent,
            variables={name: os.environ[name] for name in kept if name in os.environ},
            log=self._log.descriptor,
        )
        try:
            async with asyncio.timeout(START_LIMIT_S):
                while not await self._listens():
                    if process.returncode is not None:
                        break
                    await asyncio.sleep(0.02)
        except TimeoutError:
            await self._processes.end(process, 0)
        if process.returncode is not None:
            self._processes.ended(process)
            raise DeploymentFailed(
                "InternalServerError",
                f"The gateway of endpoint '{self.endpoint.name}' did not start on port {self.port}. "
                f"Last lines of its log:\n{tail(self._log_path, 10)}",
            )

    async def _listens(self) -> bool:
        """Whether its port answers; the admin socket is there before."""
        try:
            exchange = await upstream.send(f"127.0.0.1:{self.port}", b"GET", b"/", [(b"host", b"localhost")], b"")
            await exchange.head()
        except (upstream.ConnectError, upstream.BrokenAnswerError):
            return False
        exchange.abort()
        return exchange.status == 200

    async def _supervise(self) -> None:
        while True:
            assert self._process is not None  # noqa: S101 - tells the type checker that `apply` came first
            await self._process.wait()
            self._log.note(f"the gateway (pid {self._process.pid}) ended with code {self._process.returncode}")
            self._processes.ended(self._process)
            await asyncio.sleep(RESTART_S)
            async with self._order:  # a config written meanwhile must not fall between its start and its first reload
                with contextlib.suppress(DeploymentFailed):
                    await self._launch()

    async def _judge(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the gateway whether the bearer of a token may call the endpoint."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = (line.partition(b":") for line in head.split(b"\r\n"))
            given = next(
                (value.strip().decode("latin-1") for name, _, value in lines if name.lower() == b"authorization"), ""
            )
            accepted = self._verify(self.endpoint, given.partition(" ")[2].strip())
            writer.write(b"HTTP/1.1 %d -\r\ncontent-length: 0\r\n\r\n" % (200 if accepted else 401))
            await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            writer.close()


async def _ask(admin: Path, method: bytes, path: bytes) -> dict[str, Any]:
    exchange = await upstream.send(f"unix:{admin}", method, path, [(b"host", b"localhost")], b"")
    await exchange.head()
    answer: dict[str, Any] = json.loads(b"".join([piece async for piece in exchange.body()]))
    return answer


def choose_port(wanted: int | None) -> int:
    """Return the wanted port if it is free, else a free one."""
    if wanted is not None:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", wanted))
            return wanted
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free: int = probe.getsockname()[1]
        return free
