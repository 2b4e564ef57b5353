"""Child processes of the data plane: started, ended as whole groups, and never left behind.

A child dies with this process (see `launcher`). For what survives all the same (another platform, grandchildren of user
code) every group is written down, and ended when the next local Azure starts. Numbers of processes repeat, after a boot
or in a new container with an old record, so a number proves nothing: every child carries a random mark in its
environment, and what does not show it is left alone. What runs is somebody else's business.
"""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from azml_gateway import launcher

LAUNCHER = Path(launcher.__file__)
MARK = "AZML_LOCAL_PROCESS"
"""The variable that says whose child a process is; what a child starts inherits it."""

Process = asyncio.subprocess.Process


class Processes:
    """The children, recorded in a file: their mark, and process group → epoch seconds before which it did not exist."""

    def __init__(self, record: Path) -> None:
        self._record = record
        self._mark = secrets.token_hex(16)
        self._groups: dict[int, float] = {}

    def end_leftovers(self) -> None:
        """Kill what an earlier local Azure left running: of its groups, since this boot, with its mark."""
        mark, groups = self._recorded()
        booted = psutil.boot_time()
        groups = {group: since for group, since in groups.items() if since >= booted}
        for process in psutil.process_iter() if groups else ():
            with contextlib.suppress(psutil.Error, OSError):  # gone, or another user's: not ours
                since = groups.get(os.getpgid(process.pid))
                if since is not None and process.create_time() >= since and process.environ().get(MARK) == mark:
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
            env={**variables, MARK: self._mark},
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

    def _recorded(self) -> tuple[str, dict[int, float]]:
        """Read mark and groups; no groups where the record is missing, damaged or of a version without marks."""
        try:
            record = json.loads(self._record.read_text())
            return str(record["mark"]), {int(group): float(since) for group, since in record["groups"].items()}
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return "", {}

    def _save(self) -> None:
        temporary = self._record.with_suffix(".new")
        temporary.write_text(json.dumps({"mark": self._mark, "groups": self._groups}))
        temporary.replace(self._record)
