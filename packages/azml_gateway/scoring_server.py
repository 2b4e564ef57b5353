"""Microsoft's scoring server as the child of a container's entry: started, waited for, ended.

It listens on a socket in a folder of its own, which the other containers of a group cannot see: they share the loopback
interface. It writes to the container's own stdout and stderr. Deliberately never starts it again: when it dies the
container ends, and who runs containers decides.
"""

import asyncio
import contextlib
import importlib.util
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from azml_gateway import launcher, upstream
from azml_gateway.container_settings import SECRETS, Settings

MODULE = "azureml_inference_server_http"
PAUSE_S = 0.1
"""Between two questions whether it answers; the first is answered as soon as it can."""
STOP_S = 5
"""Seconds that it gets to end by itself."""


class ScoringServer:
    """The child. `address` is where it listens."""

    def __init__(self, process: asyncio.subprocess.Process, place: "_Place") -> None:
        self._process, self._place = process, place
        self.address = f"unix:{place.path}"

    @classmethod
    async def start(cls, settings: Settings, variables: Mapping[str, str]) -> "ScoringServer":
        """Start it with the container's own variables, less the secrets."""
        place = _Place()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(place.path)
            listener.listen(socket.SOMAXCONN)
            command = [MODULE, "--entry_script", settings.script]
            if model := variables.get("AZUREML_MODEL_DIR"):
                command += ["--model_dir", model]
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                launcher.__file__,
                str(os.getpid()),
                str(listener.fileno()),
                *command,
                cwd=settings.code,
                env=_variables(variables, settings.code),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(listener.fileno(),),
            )
        return cls(process, place)

    async def ready(self) -> None:
        """Wait until it answers."""
        while not await self.healthy():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(PAUSE_S)

    async def healthy(self) -> bool:
        """Whether it answers its own probe, however long that takes: while all its workers are busy nobody does."""
        exchange: upstream.Exchange | None = None
        try:
            exchange = await upstream.send(self.address, b"GET", b"/", [(b"host", b"localhost")], b"")
            await exchange.head()
        except (upstream.ConnectError, upstream.BrokenAnswerError):
            return False
        else:
            return exchange.status == 200
        finally:
            if exchange is not None:
                exchange.abort()

    async def ended(self) -> int:
        """Wait for its end: its exit code, 128 and the signal's number where one ended it, as shells have it."""
        code = await self._process.wait()
        return code if code >= 0 else 128 - code

    async def stop(self) -> None:
        """End it: politely, and for certain. What code started besides ends with the container."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await self._process.wait()
            if self._process.returncode is None:
                self._process.kill()
        await self._process.wait()
        self._place.close()


class _Place:
    """A folder for a socket, and a path to it that fits into a socket's address, wherever temporary files are."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="azml-")
        self._opened = os.open(self._folder.name, os.O_PATH | os.O_DIRECTORY)
        self.path = f"/proc/self/fd/{self._opened}/scoring"

    def close(self) -> None:
        os.close(self._opened)
        self._folder.cleanup()


def _variables(variables: Mapping[str, str], code: Path) -> dict[str, str]:
    arguments = variables.get("GUNICORN_CMD_ARGS", "")
    if importlib.util.find_spec("gunicorn.ctl") is not None:
        arguments += " --no-control-socket"  # gunicorn >= 25 puts one into HOME, which a container may not write to
    base = {name: value for name, value in variables.items() if name in ("PATH", "LD_LIBRARY_PATH") and value}
    before = {"PATH": f"{sys.prefix}/bin", "LD_LIBRARY_PATH": f"{sys.prefix}/lib"}
    return {
        **{name: value for name, value in variables.items() if name not in SECRETS},
        # A base image has an environment of its own, whose libraries would come first.
        **{name: f"{before[name]}:{value}" for name, value in base.items()},
        "AML_APP_ROOT": str(code.resolve()),
        "GUNICORN_CMD_ARGS": arguments.strip(),
        "PYTHONUNBUFFERED": "1",
    }
