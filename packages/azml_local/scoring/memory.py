"""Memory of a group of processes (an instance, a container) and all that they started: what they may take together.

Sampled, not enforced by the kernel: what is allocated between two samples may exceed the limit. Pages that processes of
a group share count for each of them. Ending what takes too much is the caller's.
"""

import asyncio
import contextlib
import os

import psutil

SAMPLE_S = 1.0
_MIB = 1 << 20


async def exceeded(group: int, limit: float) -> str:
    """Return once the processes of a group take more than `limit` bytes: how much, and of how much."""
    while True:
        taken = used(group)
        if taken > limit:
            return f"{taken // _MIB} MiB of the {limit / _MIB:.0f} MiB"
        await asyncio.sleep(SAMPLE_S)


def used(group: int) -> int:
    """Bytes that are resident of all processes of a group, and of what its leader started in groups of their own."""
    found = {process.pid: process for process in psutil.process_iter() if _group_of(process.pid) == group}
    with contextlib.suppress(psutil.Error):
        found |= {process.pid: process for process in psutil.Process(group).children(recursive=True)}
    return sum(_resident(process) for process in found.values())


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except OSError:  # ended meanwhile
        return None


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
