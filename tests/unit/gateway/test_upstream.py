import asyncio
import gc
import socket
import threading
from contextlib import ExitStack

import pytest

from azml_gateway.upstream import BrokenAnswerError, ConnectError, Exchange, send
from tests.support.running_gateway import Model, free_port

HEAD = b"HTTP/1.1 200 OK\r\n"


def answer(*pieces: bytes, method: bytes = b"POST", lost: Exception | None = None) -> tuple[int, bytes]:
    """Status and body of an answer that arrives in these pieces, after which the connection ends."""

    async def receive() -> tuple[int, bytes]:
        exchange = Exchange(method)
        for piece in pieces:
            exchange.data_received(piece)
        exchange.connection_lost(lost)
        await exchange.head()
        return exchange.status, b"".join([piece async for piece in exchange.body()])

    return asyncio.run(receive())


@pytest.mark.parametrize("cut", range(1, 60, 7))
@pytest.mark.parametrize(
    "raw",
    [
        HEAD + b"content-length: 5\r\n\r\nhello",
        HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        HEAD + b"x: y\r\n\r\nhello",  # ends with the connection (RFC 9112 section 6.3)
    ],
)
def test_however_an_answer_is_framed_and_cut_it_comes_out_whole(raw: bytes, cut: int) -> None:
    assert answer(raw[:cut], raw[cut:]) == (200, b"hello")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        HEAD,
        b"SSH-2.0-OpenSSH\r\n",
        HEAD + b"content-length: 50\r\n\r\nhello",
        HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
)
def test_a_part_of_an_answer_never_passes_for_all_of_it(raw: bytes) -> None:
    with pytest.raises(BrokenAnswerError):
        answer(raw)


def test_a_reset_is_no_orderly_end() -> None:
    with pytest.raises(BrokenAnswerError, match="reset"):
        answer(HEAD + b"\r\nhello", lost=ConnectionResetError("reset"))


def test_the_answer_to_head_has_no_body_whatever_it_announces() -> None:
    assert answer(HEAD + b"content-length: 5\r\n\r\n", method=b"HEAD") == (200, b"")


def test_nobody_there_is_said_as_such() -> None:
    async def ask() -> None:
        with pytest.raises(ConnectError):
            await send(f"127.0.0.1:{free_port()}", b"GET", b"/", [], b"")
        with pytest.raises(ConnectError):
            await send("unix:/nowhere/at.all", b"GET", b"/", [], b"")

    asyncio.run(ask())


def test_a_connection_that_does_not_come_about_has_its_time() -> None:
    """A listener whose backlog is full answers no more (Linux): neither refused nor connected."""

    async def ask(port: int) -> None:
        with pytest.raises(TimeoutError):
            await send(f"127.0.0.1:{port}", b"GET", b"/", [], b"", 0.2)

    with socket.socket() as listener, ExitStack() as filling:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            caller = filling.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        asyncio.run(ask(listener.getsockname()[1]))


def test_a_body_that_is_taken_slowly_arrives_whole() -> None:
    """More than sockets hold, so that the rest goes out later; and the answer is here before its end is read."""
    body = bytes(range(256)) * 20_000
    received = bytearray()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            while len(received.partition(b"\r\n\r\n")[2]) < len(body):
                received.extend(connection.recv(1 << 20))
            connection.sendall(HEAD + b"content-length: 2\r\n\r\nok")

    async def ask(port: int) -> bytes | None:
        exchange = await send(f"127.0.0.1:{port}", b"POST", b"/", [], body, 10)
        await exchange.head()
        return exchange.whole()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=serve, args=(listener,))
        serving.start()
        assert asyncio.run(ask(listener.getsockname()[1])) == b"ok"
        serving.join()
    assert received.partition(b"\r\n\r\n")[2] == body


def test_an_exchange_leaves_nothing_to_the_collector_of_cycles() -> None:
    """At a thousand requests a second that would be work for it, and memory that waits for it."""

    async def ask(port: int, times: int) -> None:
        for _ in range(times):
            exchange = await send(f"127.0.0.1:{port}", b"GET", b"/", [], b"")
            await exchange.head()
            assert exchange.whole() is not None
            exchange.abort()

    async def measured(port: int) -> int:
        await ask(port, 2)
        gc.collect()
        await ask(port, 20)
        return gc.collect()

    with Model().serving() as model:
        gc.disable()
        try:
            assert asyncio.run(measured(model.port)) < 20
        finally:
            gc.enable()
