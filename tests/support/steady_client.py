"""A client that asks at a steady rate, whatever the answers do, and writes down what became of every request.

A process of its own, standard library only, and nothing of azml: an independent witness. The loop is open: request n
leaves at its time, n / rate after the first, so an endpoint that hangs is not spared. Every other request comes over a
connection of its own, the rest over connections that are kept. Each asks about patients of its own, and the answer is
compared with the ridge regression computed here: an answer that belongs to another request is a wrong one.

    python steady_client.py ORDER.json      until SIGTERM; a line of JSON (`Answer`) for each request to `record`

What counts as a failure of a scenario is its test's to say, and so is what the endpoint does meanwhile.
"""

import asyncio
import contextlib
import http.client
import io
import json
import math
import operator
import random
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

ROWS = 2
FEATURES = 10
SPREAD = 0.1
"""Features are drawn from -SPREAD to SPREAD, which is where scikit-learn's diabetes data lies."""
_PRECISION = 1e-9


@dataclass(frozen=True)
class Order:
    """What the client is to do."""

    uri: str
    key: str
    rate: float
    """Requests a second."""
    coefficients: list[float]
    intercept: float
    record: str
    """File for the answers."""
    timeout_s: float = 90.0


@dataclass(frozen=True)
class Answer:
    """What became of a request."""

    number: int
    sent: float
    """When it left, by the clock (epoch seconds)."""
    late_s: float
    """How long after its time: more than a little, and the client itself was too slow."""
    latency_s: float
    status: int
    """0: there was no answer, or half of one."""
    deployment: str
    right: bool
    """The numbers are the model's."""
    kept: bool
    """Asked over a connection that had been used before."""
    said: str
    """What was answered, or what happened instead; empty where it is right."""

    @property
    def failed(self) -> bool:
        """A user of the endpoint did not get what was asked for."""
        return self.status != 200 or not self.right


def patients(number: int) -> list[list[float]]:
    """Features of the patients that request `number` asks about."""
    chance = random.Random(number)
    return [[chance.uniform(-SPREAD, SPREAD) for _ in range(FEATURES)] for _ in range(ROWS)]


def predicted(coefficients: list[float], intercept: float, rows: list[list[float]]) -> list[float]:
    """What a linear model says, by plain arithmetic."""
    return [intercept + sum(map(operator.mul, coefficients, row)) for row in rows]


class _Connections:
    """Connections to one server that are kept while it keeps them."""

    def __init__(self, host: str, port: int) -> None:
        self._where = host, port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def take(self, *, fresh: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bool]:
        """One to ask over, and whether it was used before. What the server has closed meanwhile is left out."""
        while self._idle and not fresh:
            reader, writer = self._idle.pop()
            if not (reader.at_eof() or writer.is_closing()):
                return reader, writer, True
            writer.close()
        return *await asyncio.open_connection(*self._where), False

    def keep(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._idle.append((reader, writer))

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()


class Client:
    """Sends, compares and writes down."""

    def __init__(self, order: Order, record: TextIO) -> None:
        url = urlsplit(order.uri)
        self._order, self._record = order, record
        self._connections = _Connections(url.hostname or "", url.port or 80)
        self._head = (
            f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {order.key}\r\n"
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until told to stop, and wait for the last answers."""
        loop, asked = asyncio.get_running_loop(), set[asyncio.Task[None]]()
        started, number = loop.time(), 0
        self._write({"started": time.time(), "rate": self._order.rate})
        while not stop.is_set():
            due = started + number / self._order.rate
            if (early := due - loop.time()) > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), early)
                continue
            task = loop.create_task(self._request(number, loop.time() - due))
            asked.add(task)
            task.add_done_callback(asked.discard)
            number += 1
            await asyncio.sleep(0)
        if asked:
            await asyncio.wait(asked)
        self._connections.close()

    async def _request(self, number: int, late_s: float) -> None:
        rows = patients(number)
        sent, since = time.time(), time.perf_counter()
        status, headers, body, kept = 0, http.client.HTTPMessage(), b"", False
        try:
            async with asyncio.timeout(self._order.timeout_s):
                reader, writer, kept = await self._connections.take(fresh=number % 2 == 0)
                try:
                    status, headers, body = await self._exchange(number, rows, reader, writer)
                except BaseException:
                    writer.close()
                    raise
        except (OSError, EOFError, TimeoutError, http.client.HTTPException, ValueError) as error:
            status, body = 0, f"{type(error).__name__}: {error}".encode()
        right = status == 200 and self._is_right(rows, body)
        deployment = headers.get("azureml-model-deployment", "")
        said = "" if right else body.decode(errors="replace")[:300]
        latency_s = time.perf_counter() - since
        self._write(asdict(Answer(number, sent, late_s, latency_s, status, deployment, right, kept, said)))

    async def _exchange(
        self, number: int, rows: list[list[float]], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        fresh = number % 2 == 0
        content = json.dumps({"data": rows}).encode()
        close = "Connection: close\r\n" if fresh else ""
        writer.write(f"{self._head}{close}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        head = io.BytesIO(await reader.readuntil(b"\r\n\r\n"))
        status = int(head.readline().split()[1])
        headers = http.client.parse_headers(head)
        body = await reader.readexactly(int(headers["Content-Length"] or 0))
        if fresh or headers.get("Connection", "").lower() == "close":
            writer.close()
        else:
            self._connections.keep(reader, writer)
        return status, headers, body

    def _is_right(self, rows: list[list[float]], body: bytes) -> bool:
        expected = predicted(self._order.coefficients, self._order.intercept, rows)
        try:
            numbers = json.loads(body)
            return len(numbers) == ROWS and all(
                math.isclose(number, each, rel_tol=_PRECISION, abs_tol=_PRECISION)
                for number, each in zip(numbers, expected, strict=True)
            )
        except (ValueError, TypeError):
            return False

    def _write(self, line: dict[str, Any]) -> None:
        self._record.write(json.dumps(line) + "\n")


async def _until_told(order: Order) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with Path(order.record).open("w", buffering=1) as record:  # noqa: ASYNC230 - a line at a time, to a local file
        await Client(order, record).run(stop)


if __name__ == "__main__":
    asyncio.run(_until_told(Order(**json.loads(Path(sys.argv[1]).read_text()))))
