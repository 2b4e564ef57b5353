"""Child processes of the data plane: started, ended as whole groups, and never left behind.

A child dies with this process (see `launcher`). For what survives all the same (another platform, grandchildren of user
code) every group is written down, and ended when the next local Azure starts. What runs is somebody else's business.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

LAUNCHER = Path(__file__).with_name("launcher.py")

Process = asyncio.subprocess.Process


class Processes:
    """The children, recorded in a file as process group → start time."""

    def __init__(self, record: Path) -> None:
        self._record = record
        self._groups: dict[int, float] = {}

    def end_leftovers(self) -> None:
        """Kill what an earlier local Azure left running. A group id that was given to somebody else since is spared."""
        try:
            recorded = {int(group): float(since) for group, since in json.loads(self._record.read_text()).items()}
        except (OSError, ValueError):
            return
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                since = recorded.get(os.getpgid(process.pid))
                if since is not None and process.create_time() >= since:
                    process.kill()
        self._record.unlink(missing_ok=True)

    async def start(
        self,
        python: Path | str,
        module: Sequence[str],
        *,
        cwd: Path,
        variables: Mapping[str, str],
        log: int,
        listen: socket.socket | None = None,
    ) -> Process:
        """Run a Python module with arguments in its own process group; its output goes to the descriptor `log`."""
        since = time.time() - 1  # the kernel's clock for processes ticks in hundredths
        fd = "-" if listen is None else str(listen.fileno())
        process = await asyncio.create_subprocess_exec(
            str(python),
            str(LAUNCHER),
            str(os.getpid()),
            fd,
            *module,
            cwd=cwd,
            env=dict(variables),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=() if listen is None else (listen.fileno(),),
            start_new_session=True,
        )
        self._groups[process.pid] = since
        self._save()
        return process

    async def end(self, process: Process, grace_s: float) -> None:
        """End a child and its group: politely, and after `grace_s` for certain."""
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await process.wait()
        self.ended(process)
        if process.returncode is None:
            await process.wait()

    def ended(self, process: Process) -> None:
        """Take note that a child is over; what it started goes with it. Once only: the number may get a new owner."""
        if self._groups.pop(process.pid, None) is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        self._save()

    def _save(self) -> None:
        temporary = self._record.with_suffix(".new")
        temporary.write_text(json.dumps(self._groups))
        temporary.replace(self._record)
