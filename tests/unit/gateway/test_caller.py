"""HTTP/1.1 as callers speak it: what RFC 9110 and 9112 ask of a server, byte by byte over real sockets."""

import asyncio
import contextlib
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path

import psutil
import pytest
import uvloop

from azml_gateway import server
from azml_gateway.call import Call
from azml_gateway.caller import Caller
from tests.support.running_gateway import KEYS, Model, RunningGateway, gateway, models

AUTH = f"authorization: Bearer {KEYS[0]}\r\n"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Model, RunningGateway]]:
    with models("m") as [model]:
        deployments = {"m": {"instances": [model.address], "max_concurrent": 4}}
        folder = tmp_path_factory.mktemp("gateway")
        with gateway(folder, traffic={"m": 100}, deployments=deployments, max_request_bytes=1_000_000) as endpoint:
            yield model, endpoint


@pytest.fixture
def endpoint(both: tuple[Model, RunningGateway]) -> RunningGateway:
    return both[1]


@contextmanager
def connected(endpoint: RunningGateway) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=10) as caller:
        yield caller


def post(body: str = "{}", *headers: str, version: str = "1.1", auth: str = AUTH) -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"POST /score HTTP/{version}\r\nhost: x\r\n{auth}{lines}content-length: {len(body)}\r\n\r\n{body}".encode()


def answers(caller: socket.socket, count: int) -> list[tuple[int, dict[str, str], bytes]]:
    """Read so many answers with a length."""
    found, data = [], b""
    while len(found) < count:
        head, end, rest = data.partition(b"\r\n\r\n")
        if end:
            first, *lines = head.decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            length = int(headers.get("content-length", 0))
            if len(rest) >= length:
                found.append((int(first.split()[1]), headers, rest[:length]))
                data = rest[length:]
                continue
        received = caller.recv(65536)
        assert received, f"closed after {found} and {data!r}"
        data += received
    assert not data
    return found


def closed(caller: socket.socket) -> bool:
    try:
        return caller.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_connection_serves_many_requests(endpoint: RunningGateway) -> None:
    with connected(endpoint) as caller:
        for _ in range(5):
            caller.sendall(post())
            [(status, headers, body)] = answers(caller, 1)
            assert (status, body) == (200, b'{"model": "m"}')
            assert "connection" not in headers
            assert parsedate_to_datetime(headers["date"])


def test_requests_sent_at_once_are_answered_in_their_order(tmp_path: Path) -> None:
    slow, quick = post('{"sleep": 0.5}', "x-ms-client-request-id: slow"), post("{}", "x-ms-client-request-id: quick")
    with models("m") as [model]:
        deployments = {"m": {"instances": [model.address], "max_concurrent": 4}}
        with gateway(tmp_path, traffic={"m": 100}, deployments=deployments) as endpoint, connected(endpoint) as caller:
            caller.sendall(slow + quick + slow + quick)
            while not model.requests:
                time.sleep(0.01)
            time.sleep(0.1)
            assert len(model.requests) == 1, "the next one waits for the answer before it"
            ids = [headers["x-ms-client-request-id"] for _, headers, _ in answers(caller, 4)]
    assert ids == ["slow", "quick", "slow", "quick"]


def test_the_head_may_come_letter_by_letter(endpoint: RunningGateway) -> None:
    with connected(endpoint) as caller:
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for letter in post('{"a": 1}'):
            caller.sendall(bytes([letter]))
        assert answers(caller, 1)[0][0] == 200


@pytest.mark.parametrize(
    ("version", "header", "stays"),
    [
        ("1.1", "", True),
        ("1.1", "connection: close", False),
        ("1.0", "", False),
        ("1.0", "connection: keep-alive", True),
    ],
)
def test_who_closes(endpoint: RunningGateway, version: str, header: str, stays: bool) -> None:
    with connected(endpoint) as caller:
        caller.sendall(post("{}", *filter(None, [header]), version=version))
        [(status, headers, _)] = answers(caller, 1)
        assert status == 200
        if stays:
            assert headers.get("connection") == ("keep-alive" if version == "1.0" else None)
            caller.sendall(post())
            assert answers(caller, 1)[0][0] == 200
        else:
            assert headers["connection"] == "close"
            assert closed(caller)


def test_an_old_caller_gets_a_stream_without_chunks(endpoint: RunningGateway) -> None:
    with connected(endpoint) as caller:
        caller.sendall(post('{"stream": 2}', version="1.0"))
        received = b""
        while piece := caller.recv(4096):
            received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert body == b"piece 0\npiece 1\n"


def test_a_body_is_asked_for_only_where_it_is_wanted(endpoint: RunningGateway) -> None:
    """RFC 9110 §10.1.1; curl sends large bodies so."""
    head = f"POST /score HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n{AUTH}\r\n"
    with connected(endpoint) as caller:
        caller.sendall(head.encode())
        assert caller.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        caller.sendall(b"{}")
        assert answers(caller, 1)[0][0] == 200
    for refused, status in ((head.replace(AUTH, ""), 401), (head.replace("length: 2", "length: 1000001"), 413)):
        with connected(endpoint) as caller:
            caller.sendall(refused.encode())
            assert answers(caller, 1)[0][0] == status
            assert closed(caller)


def test_a_refusal_before_the_body_leaves_the_connection_usable(both: tuple[Model, RunningGateway]) -> None:
    model, endpoint = both
    before = len(model.requests)
    with connected(endpoint) as caller:
        request = post("x" * 500_000, auth="")
        caller.sendall(request[:1000])
        assert answers(caller, 1)[0][0] == 401
        caller.sendall(request[1000:] + post())
        assert answers(caller, 1)[0][0] == 200
    assert len(model.requests) == before + 1


def test_the_answer_to_head_has_no_body(endpoint: RunningGateway) -> None:
    for head in (f"HEAD /score HTTP/1.1\r\nhost: x\r\n{AUTH}\r\n", "HEAD / HTTP/1.1\r\nhost: x\r\n\r\n"):
        with connected(endpoint) as caller:
            caller.sendall(head.encode() + b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            received = b""
            while piece := caller.recv(4096):
                received += piece
            assert received.count(b"HTTP/1.1 ") == 2
            assert received.endswith(b"\r\n\r\nHealthy")
            assert received.count(b"content-length: 0") == 0, "the length is that of the body that GET has"


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a TLS hello
        b"GET\r\n\r\n",
        b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\nhost: x\n\n",  # no carriage returns
        b"GET / HTTP/1.1\r\nhost: x\r\na: b\r\n c: d\r\n\r\n",  # a folded line (RFC 9112 §5.2)
        b"GET / HTTP/1.1\r\nhost : x\r\n\r\n",  # §5.1
        b"GET / HTTP/1.1\r\n\r\n",  # no host, two of them: §3.2
        b"GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
        b"POST /score HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",  # §6.1
    ],
)
def test_nonsense_is_400_and_the_end(both: tuple[Model, RunningGateway], nonsense: bytes) -> None:
    model, endpoint = both
    before = len(model.requests)
    with connected(endpoint) as caller:
        caller.sendall(nonsense)
        assert answers(caller, 1)[0][0] == 400
        assert closed(caller)
    assert len(model.requests) == before


@pytest.mark.parametrize("coding", ["gzip, chunked", "xchunked", "identity"])
def test_a_body_in_a_coding_that_is_not_understood_is_501(both: tuple[Model, RunningGateway], coding: str) -> None:
    """RFC 9112 §6.1. Passed on without its header, the model would take it for what it is not."""
    model, endpoint = both
    before = len(model.requests)
    with connected(endpoint) as caller:
        head = f"POST /score HTTP/1.1\r\nhost: x\r\n{AUTH}transfer-encoding: {coding}\r\n\r\n"
        caller.sendall(head.encode() + b"2\r\n{}\r\n0\r\n\r\n")
        assert answers(caller, 1)[0][0] == 501
        assert closed(caller)
    assert len(model.requests) == before


@pytest.mark.parametrize("line", [b"GET /", b"GET / HTTP/2.0"])
def test_another_version_of_http_is_505(endpoint: RunningGateway, line: bytes) -> None:
    with connected(endpoint) as caller:
        caller.sendall(line + b"\r\nhost: x\r\n\r\n")
        assert answers(caller, 1)[0][0] == 505
        assert closed(caller)


def test_nonsense_after_a_request_ends_the_connection_after_its_answer(endpoint: RunningGateway) -> None:
    with connected(endpoint) as caller:
        caller.sendall(post('{"sleep": 0.1}') + b"\x00nonsense\r\n\r\n")
        assert answers(caller, 1)[0][0] == 200
        assert closed(caller)


H2C = "connection: Upgrade, HTTP2-Settings\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\nupgrade: h2c\r\n"
"""What java.net.http.HttpClient sends with its first request, unless it is told to speak HTTP/1.1."""


@pytest.mark.parametrize(
    "body",
    [
        'content-length: 15\r\n\r\n{"status": 404}',
        'transfer-encoding: chunked\r\n\r\nf\r\n{"status": 404}\r\n0\r\n\r\n',
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_an_offer_to_upgrade_is_passed_over(both: tuple[Model, RunningGateway], body: str, *, at_once: bool) -> None:
    """RFC 9110 §7.8: a server may ignore it. The body is read (it asks the model for 404), and the next requests."""
    model, endpoint = both
    before = len(model.requests)
    offer = f"POST /score HTTP/1.1\r\nhost: x\r\n{AUTH}{H2C}{body}".encode()
    with connected(endpoint) as caller:
        for part in [offer + post() + offer] if at_once else [*(bytes([byte]) for byte in offer), post(), offer]:
            caller.sendall(part)
        assert [status for status, _, _ in answers(caller, 3)] == [424, 200, 424]
        caller.sendall(post())
        assert answers(caller, 1)[0][0] == 200
    for _, _, headers in model.requests[before:]:
        assert not {"upgrade", "http2-settings"} & {name.lower() for name in headers}


def test_an_offer_without_a_body_is_passed_over(endpoint: RunningGateway) -> None:
    offer = f"GET / HTTP/1.1\r\nhost: x\r\n{H2C}\r\n".encode()
    with connected(endpoint) as caller:
        caller.sendall(offer * 300)
        assert {status for status, _, _ in answers(caller, 300)} == {200}
        caller.sendall(b"CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n" + post())
        assert answers(caller, 1)[0][0] == 401
        assert closed(caller)


def test_headers_without_end_are_431(endpoint: RunningGateway) -> None:
    with connected(endpoint) as caller:
        caller.sendall(b"GET / HTTP/1.1\r\n")
        sent = 0
        while not select.select([caller], [], [], 0.02)[0]:
            sent += caller.send(b"x-filler: " + b"x" * 10_000 + b"\r\n")
            assert sent < 1_000_000
        assert answers(caller, 1)[0][0] == 431
    assert sent > 60_000


def test_trailers_are_not_headers(both: tuple[Model, RunningGateway]) -> None:
    """RFC 9110 §6.5.1; and they end, too."""
    model, endpoint = both
    chunked = f"POST /score HTTP/1.1\r\nhost: x\r\n{AUTH}transfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n".encode()
    with connected(endpoint) as caller:
        caller.sendall(chunked + b"x-late: 1\r\n\r\n" + post())
        assert [status for status, _, _ in answers(caller, 2)] == [200, 200]
        assert not any("x-late" in headers for _, _, headers in model.requests[-2:])
    before = len(model.requests)
    with connected(endpoint) as caller, pytest.raises(ConnectionError):
        caller.sendall(chunked + 1000 * (b"x-filler: " + b"x" * 10_000 + b"\r\n"))
    assert len(model.requests) == before


def test_a_body_that_nobody_wants_is_not_kept(tmp_path: Path) -> None:
    with gateway(tmp_path, traffic={}, deployments={}) as endpoint, connected(endpoint) as caller:
        process = psutil.Process(endpoint.process.pid)
        before = process.memory_info().rss
        caller.sendall(f"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: {64 << 20}\r\n\r\n".encode())
        assert answers(caller, 1)[0][0] == 401
        caller.sendall(bytes(48 << 20))
        assert process.memory_info().rss - before < 16 << 20


def test_a_request_whose_body_came_after_the_answer_before_it(endpoint: RunningGateway) -> None:
    """Its head came with the request before it, and nothing was read while that was being answered."""
    later = post("x" * 500_000)
    with connected(endpoint) as caller:
        caller.sendall(post('{"sleep": 0.1}') + later[:300])
        caller.sendall(later[300:] + post())
        assert [status for status, _, _ in answers(caller, 3)] == [200, 200, 200]


class _Echo:
    max_body_bytes = 1_000_000

    async def __call__(self, _call: Call, caller: Caller) -> None:
        body = await caller.body()
        await asyncio.sleep(0.6)  # more than anybody may owe, less than an answer may take
        caller.answer(200, [], body or b"x" * 10_000_000)


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (b"", 0),
        (b"GET / HTT", 0),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{", 0),
        (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", 9_000_000),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}", 2),
    ],
    ids=["a request", "the rest of a head", "the rest of a body", "taking the answer", "the next request"],
)
def test_who_owes_something_for_long_is_sent_away(monkeypatch: pytest.MonkeyPatch, sent: bytes, received: int) -> None:
    monkeypatch.setattr(server, "KEEP_ALIVE_S", 0.3)
    monkeypatch.setattr(server, "SWEEP_S", 0.05)

    async def serve() -> bytes:
        callers: set[Caller] = set()
        listening = await asyncio.get_running_loop().create_server(lambda: Caller(_Echo(), callers), "127.0.0.1", 0)
        sweeping = asyncio.create_task(server._sweep(callers))
        reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname(), limit=1024)
        writer.write(sent)
        while not callers:  # noqa: ASYNC110 - who comes puts itself in
            await asyncio.sleep(0.01)
        while callers:  # noqa: ASYNC110 - who leaves takes itself out
            await asyncio.sleep(0.01)
        sweeping.cancel()
        listening.close()
        got = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := await reader.read(65536):
                got += piece
        writer.close()
        return got

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        body = runner.run(asyncio.wait_for(serve(), 20)).partition(b"\r\n\r\n")[2]
    assert len(body) <= received
    assert bool(body) == bool(received)


def test_each_connection_header_names_headers_of_this_hop(both: tuple[Model, RunningGateway]) -> None:
    model, endpoint = both
    with connected(endpoint) as caller:
        caller.sendall(post("{}", "connection: x-a", "connection: X-B, x-c", "x-a: 1", "x-b: 2", "x-c: 3", "x-d: 4"))
        assert answers(caller, 1)[0][0] == 200
    assert {name for name in model.requests[-1][2] if name.startswith("x-")} == {"x-d", "x-request-id"}


def test_a_large_body_in_one_piece_is_no_large_head(endpoint: RunningGateway) -> None:
    with connected(endpoint) as caller:
        for _ in range(3):
            caller.sendall(post("x" * 900_000) + post())
            assert [status for status, _, _ in answers(caller, 2)] == [200, 200]


def test_what_is_asked_of_a_proxy_is_asked_of_the_endpoint(both: tuple[Model, RunningGateway]) -> None:
    """RFC 9112 §3.2.2: a server must accept the absolute form."""
    model, endpoint = both
    with connected(endpoint) as caller:
        caller.sendall(post().replace(b"POST /score", b"POST http://churn.example/score?a=b"))
        assert answers(caller, 1)[0][0] == 200
    assert model.requests[-1][1] == "/score?a=b"
