"""A load client in a process of its own: callers in a closed loop, each with one connection that is kept if it may be.

Standard library only, and as little of it as will do, so that what is measured is the server. Knows nothing of azml.

    python load.py HOST:PORT BODY_FILE CONNECTIONS SECONDS [KEY]

Prints `{"requests", "seconds", "median_ms", "p99_ms", "cpu_ms"}` as JSON; the last is its own CPU time a request. Any
answer but 200 ends it.
"""

import json
import selectors
import socket
import statistics
import sys
import time
from pathlib import Path


class Caller:
    """One request after another; a connection that the server closes is replaced."""

    def __init__(self, address: tuple[str, int], request: bytes, selector: selectors.BaseSelector) -> None:
        self.latencies: list[float] = []
        self._address, self._request, self._selector = address, request, selector
        self._socket: socket.socket | None = None
        self._ask()

    def _ask(self) -> None:
        self._answer, self._due = b"", 0
        self._since = time.perf_counter()
        if self._socket is None:
            self._socket = socket.create_connection(self._address)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(self._socket, selectors.EVENT_READ, self)
        self._socket.sendall(self._request)

    def read(self) -> None:
        """Take what has arrived; after a whole answer, ask again."""
        assert self._socket is not None
        self._answer += self._socket.recv(65536)
        if not self._due:
            head, end, _ = self._answer.partition(b"\r\n\r\n")
            if not end:
                return
            assert head.startswith(b"HTTP/1.1 200"), self._answer.decode()
            self._head = head.lower()
            self._due = len(head) + 4 + int(self._head.partition(b"content-length:")[2].split()[0])
        if len(self._answer) < self._due:
            return
        self.latencies.append(time.perf_counter() - self._since)
        if b"connection: close" in self._head:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None
        self._ask()


def main(where: str, body: str, connections: str, seconds: str, key: str = "") -> None:
    host, _, port = where.partition(":")
    content = Path(body).read_bytes()
    head = f"POST /score HTTP/1.1\r\nhost: {where}\r\ncontent-type: application/json\r\n"
    head += f"content-length: {len(content)}\r\n" + (f"authorization: Bearer {key}\r\n" if key else "")
    selector = selectors.DefaultSelector()
    callers = [Caller((host, int(port)), f"{head}\r\n".encode() + content, selector) for _ in range(int(connections))]
    started, cpu = time.perf_counter(), time.process_time()
    while (elapsed := time.perf_counter() - started) < float(seconds):
        for ready, _ in selector.select(1):
            ready.data.read()
    latencies = [latency * 1000 for caller in callers for latency in caller.latencies]
    result = {
        "requests": len(latencies),
        "seconds": elapsed,
        "median_ms": statistics.median(latencies),
        "p99_ms": statistics.quantiles(latencies, n=100)[98],
        "cpu_ms": (time.process_time() - cpu) * 1000 / len(latencies),
    }
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
