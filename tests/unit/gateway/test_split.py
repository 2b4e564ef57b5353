"""Ten thousand requests over HTTP: their split, and what the header that names a deployment does to it."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from tests.support.running_gateway import KEYS, gateway

REQUESTS, AT_ONCE = 10_000, 50
HEAD = f"POST /score HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEYS[0]}\r\n"


class Model(asyncio.Protocol):
    """Answers its name, as fast as can be: what is tested is in front of it."""

    def __init__(self, name: bytes) -> None:
        self._name = name

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, _data: bytes) -> None:
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(self._name), self._name))
        self._transport.close()


@contextmanager
def fast_models(*names: str) -> Iterator[list[str]]:
    """Models on a loop of their own; their addresses."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start(name: str) -> asyncio.Server:
        return await loop.create_server(lambda: Model(name.encode()), "127.0.0.1", 0)

    async def stop() -> None:
        for server in servers:
            server.close()

    servers = [asyncio.run_coroutine_threadsafe(start(name), loop).result(5) for name in names]
    try:
        yield [f"127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in servers]
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def ask(port: int, requests: list[str]) -> list[str]:
    """Send requests in batches over one connection; the model that answered each, by its own word."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered = []
    for start in range(0, len(requests), AT_ONCE):
        batch = requests[start : start + AT_ONCE]
        writer.write("".join(batch).encode())
        for _ in batch:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            assert head.startswith("http/1.1 200"), head
            length = int(head.partition("content-length: ")[2].split()[0])
            answered.append((await reader.readexactly(length)).decode())
    writer.close()
    return answered


def test_ten_thousand_requests_at_ninety_to_ten(tmp_path: Path) -> None:
    """Within 0.1 percentage point: 10 requests. Every fifth request more names the small one, and takes no turn."""
    plain = f"{HEAD}content-length: 0\r\n\r\n"
    named = f"{HEAD}azureml-model-deployment: green\r\ncontent-length: 0\r\n\r\n"
    requests = [request for n in range(REQUESTS) for request in ([plain, named] if n % 5 == 0 else [plain])]
    with fast_models("blue", "green") as [blue, green]:
        deployments = {"blue": {"instances": [blue]}, "green": {"instances": [green]}}
        with gateway(tmp_path, traffic={"blue": 90, "green": 10}, deployments=deployments) as endpoint:
            answered = uvloop.run(ask(endpoint.port, requests))
            counted = endpoint.metrics()["deployments"]
    by_split = Counter(name for request, name in zip(requests, answered, strict=True) if request is plain)
    by_name = Counter(name for request, name in zip(requests, answered, strict=True) if request is named)
    assert by_split.total() == REQUESTS
    assert abs(by_split["green"] - REQUESTS / 10) <= REQUESTS / 1000
    assert by_name == {"green": REQUESTS // 5}
    assert {name: count["status"]["200"] for name, count in counted.items()} == by_split + by_name
