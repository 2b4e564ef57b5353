import asyncio

import pytest

from azml_gateway.upstream import BrokenAnswerError, ConnectError, Exchange, send
from tests.support.running_gateway import free_port

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
