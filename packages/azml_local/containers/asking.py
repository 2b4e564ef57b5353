"""What a container's probes ask: a request to a port of it, or a command beside it. How often is `scoring.probes`'."""

import asyncio
import contextlib
import os
import signal
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path

from azml_local.containers.contract import HttpGet
from azml_local.scoring.processes import LAUNCHER

_GOOD = range(200, 400)


async def request(asked: HttpGet, port: int, limit_s: float) -> bool:
    """Whether a request is answered 200 to 399 in time. A certificate is not checked, as in Kubernetes."""
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(limit_s):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=_tls(asked.scheme))
            headers = "".join(f"{name}: {value}\r\n" for name, value in asked.headers)
            head = f"GET {asked.path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}Connection: close\r\n\r\n"
            writer.write(head.encode())
            words = (await reader.readline()).split(b" ")
            return len(words) > 1 and words[1].isdigit() and int(words[1]) in _GOOD
    except (TimeoutError, OSError):
        return False
    finally:
        if writer is not None:
            writer.transport.abort()


async def run(command: list[str], variables: Mapping[str, str], folder: Path, limit_s: float) -> bool:
    """Whether a command ends with 0 in time."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(LAUNCHER),
        str(os.getpid()),
        "-",
        *command,
        cwd=folder,
        env=dict(variables),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(limit_s):
            return await process.wait() == 0
    except TimeoutError:
        return False
    finally:
        with contextlib.suppress(ProcessLookupError):  # what it started, too
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _tls(scheme: str) -> ssl.SSLContext | None:
    if scheme.lower() != "https":
        return None
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
