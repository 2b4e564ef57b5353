"""Who holds a stack of a file backend.

The engine writes one file a holder (`.pulumi/locks/organization/<project>/<stack>/<id>.json`) and removes it when it
ends; killed, it cannot. Owns reading these files and telling whether the process is gone. Other backends keep their
locks where only the engine reaches them.
"""

import json
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Lock:
    """One lock file. A file that says nothing (its writer was killed on the way) has no process: `pid` 0."""

    path: Path
    pid: int = 0
    host: str = ""
    since: float = 0.0
    """Epoch seconds."""

    def __str__(self) -> str:
        if not self.pid:
            return "a lock that nobody finished writing"
        return f"the lock of process {self.pid} on {self.host}, since {datetime.fromtimestamp(self.since).astimezone()}"

    @property
    def is_elsewhere(self) -> bool:
        """Whether it was taken on another machine, where nobody here can look."""
        return self.pid != 0 and self.host != socket.gethostname()

    @property
    def is_stale(self) -> bool:
        """Whether its process is gone. A process that is younger than the lock only has the same number."""
        if not self.pid:
            return True
        try:
            process = psutil.Process(self.pid)
            return process.status() == psutil.STATUS_ZOMBIE or process.create_time() > self.since + 1
        except psutil.NoSuchProcess:
            return True

    def release(self) -> None:
        """Take it away."""
        self.path.unlink(missing_ok=True)
        self.path.with_name(f"{self.path.name}.attrs").unlink(missing_ok=True)


def of_stack(backend: Path, project: str, stack: str) -> list[Lock]:
    """Every lock of a stack in the backend whose folder this is."""
    folder = backend / ".pulumi" / "locks" / "organization" / project / stack
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return [_read(file) for file in files if file.suffix != ".attrs"]


def _read(file: Path) -> Lock:
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        since = datetime.fromisoformat(said["timestamp"]).timestamp()
        return Lock(file, int(said["pid"]), str(said["hostname"]), since)
    except (ValueError, KeyError, TypeError, OSError):
        return Lock(file)
