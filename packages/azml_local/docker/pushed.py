"""Which repository of a registry has a layer, as far as this process pushed it.

Images of one stack share their environment: the first one sends it, the others have the registry take it from there, as
Docker does. They are built at the same time, so the same layer goes one push after the other.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Pushed:
    """Remembers, for pushes from any number of threads."""

    def __init__(self) -> None:
        self._where: dict[tuple[str, str], str] = {}
        self._locks: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()

    @contextmanager
    def alone(self, host: str, digest: str, repository: str) -> Iterator[str | None]:
        """Give a repository that has the layer, None where it is not known; left without an error, ours has it."""
        key = host, digest
        with self._lock:
            lock = self._locks[key]
        with lock:
            yield self._where.get(key)
            self._where[key] = repository
