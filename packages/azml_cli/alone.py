"""One command at a time on a project's local stack: the next one waits, and says for whom.

The lock is the system's own and ends with its process, however that ends, so it is never stale.
"""

import fcntl
import os
import time
from typing import IO

from azml_cli import render
from azml_cli.project import Project

_STEP_S = 0.1


def take_turn(project: Project) -> IO[str]:
    """Hold the lock for as long as the answer is open: until this process ends. Children do not inherit it."""
    project.state.mkdir(mode=0o700, exist_ok=True)
    lock = open(os.open(project.state / "turn.lock", os.O_CREAT | os.O_RDWR, 0o600), "r+", encoding="utf-8")  # noqa: PTH123, SIM115
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        render.note(
            f"Another azml is at work on the local stack ({lock.read() or 'it has just begun'}): waiting for it."
        )
        _wait(lock)
    lock.seek(0)
    lock.truncate()
    lock.write(f"process {os.getpid()}, since {time.strftime('%H:%M:%S')}")
    lock.flush()
    return lock


def _wait(lock: IO[str]) -> None:
    """Poll, so that Ctrl-C ends it."""
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_STEP_S)
        else:
            return
