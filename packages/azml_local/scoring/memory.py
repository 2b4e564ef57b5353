"""Memory of a group of processes (an instance, a container): what they may take together.

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
    """Bytes that are resident of all processes of a process group."""
    taken = 0
    for pid in psutil.pids():
        with contextlib.suppress(psutil.Error, OSError):  # ended meanwhile
            if os.getpgid(pid) == group:
                taken += psutil.Process(pid).memory_info().rss
    return taken
