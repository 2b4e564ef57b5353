"""The steady client is a witness, so it is tested itself: against servers that do what it must notice.

The right numbers are those of a model that needs no computing: no coefficients, the same answer for everybody.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.asking import Answers, Asking
from tests.support.steady_client import FEATURES, ROWS, Order, patients

RATE = 200
INTERCEPT = 152.0
RIGHT = json.dumps([INTERCEPT] * ROWS).encode()
Reply = Callable[["Scorer", int, list[list[float]]], None]


class Scorer(BaseHTTPRequestHandler):
    """Does with the n-th request what the server is told to."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_POST(self) -> None:
        rows = json.loads(self.rfile.read(int(self.headers["content-length"])))["data"]
        assert self.headers["authorization"] == "Bearer key"
        with self.server.lock:
            number = self.server.count
            self.server.count += 1
        self.server.reply(self, number, rows)

    def answer(self, body: bytes, status: int = 200, *, announced: int | None = None) -> None:
        self.send_response(status)
        self.send_header("azureml-model-deployment", "blue")
        self.send_header("content-length", str(len(body) if announced is None else announced))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, reply: Reply) -> None:
        super().__init__(("127.0.0.1", 0), Scorer)
        self.reply, self.count, self.lock = reply, 0, threading.Lock()

    def handle_error(self, *_: object) -> None:
        """A connection that was cut is what some tests are about."""


@contextmanager
def asked(
    folder: Path, reply: Reply, *, coefficient: float = 0.0, timeout_s: float = 30
) -> Iterator[tuple[Asking, Server]]:
    with Server(reply) as server:
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
        thread.start()
        uri = f"http://127.0.0.1:{server.server_address[1]}/score"
        record = str(folder / "answers.jsonl")
        asking = Asking(folder, Order(uri, "key", RATE, [coefficient] * FEATURES, INTERCEPT, record, timeout_s))
        try:
            yield asking, server
        finally:
            asking.stop()
            server.shutdown()
            thread.join()


def seen(folder: Path, reply: Reply, *, count: int = 60, coefficient: float = 0.0) -> Answers:
    """What the client writes down of at least so many requests."""
    with asked(folder, reply, coefficient=coefficient) as (asking, server):
        while server.count < count:
            time.sleep(0.02)
        return asking.since(0)


def drop(scorer: Scorer) -> None:
    scorer.connection.close()
    scorer.close_connection = True


def test_right_answers_over_both_kinds_of_connections_are_no_failures(tmp_path: Path) -> None:
    answers = seen(tmp_path, lambda scorer, *_: scorer.answer(RIGHT))
    assert len(answers.all) >= 50
    assert answers.failed == []
    assert answers.deployments == {"blue"}
    assert [each.number for each in answers.all] == list(range(len(answers.all))), "none left out"
    assert not any(each.kept for each in answers.all if each.number % 2 == 0), "of its own"
    assert sum(each.kept for each in answers.all) > len(answers.all) / 4, "kept"


FAULTS: list[tuple[Callable[[Scorer], object], int]] = [
    (drop, 0),
    (lambda scorer: (scorer.answer(b"[1", announced=40), drop(scorer)), 0),
    (lambda scorer: scorer.answer(b"no", 424), 424),
    (lambda scorer: scorer.answer(json.dumps([INTERCEPT, INTERCEPT + 1e-6]).encode()), 200),
    (lambda scorer: scorer.answer(json.dumps([INTERCEPT]).encode()), 200),
    (lambda scorer: scorer.answer(b'{"error": 1}'), 200),
]
"""Dropped, half answered, refused; wrong numbers, too few of them, none. And the status that stands for it."""


def test_one_in_ten_is_noticed(tmp_path: Path) -> None:
    def reply(scorer: Scorer, number: int, rows: list[list[float]]) -> None:
        tens, rest = divmod(number, 10)
        FAULTS[tens % len(FAULTS)][0](scorer) if rest == 3 else scorer.answer(RIGHT)

    answers = seen(tmp_path, reply, count=124)
    assert Counter(each.status for each in answers.failed[:12]) == Counter(status for _, status in FAULTS * 2)
    assert len(answers.all) / 10 - 2 <= len(answers.failed) <= len(answers.all) / 10 + 2
    assert all(each.said for each in answers.failed)


def test_an_answer_to_somebody_else_is_wrong(tmp_path: Path) -> None:
    """Every request asks about patients of its own, and who is told the neighbour's numbers notices."""

    def right(rows: list[list[float]]) -> bytes:
        return json.dumps([INTERCEPT + 3 * sum(row) for row in rows]).encode()

    def reply(scorer: Scorer, number: int, rows: list[list[float]]) -> None:
        scorer.answer(right(patients(0) if number % 10 == 3 else rows))

    answers = seen(tmp_path, reply, coefficient=3.0)
    assert len(answers.all) / 10 - 2 <= len(answers.failed) <= len(answers.all) / 10 + 2


def test_who_hangs_is_asked_all_the_same(tmp_path: Path) -> None:
    """The loop is open: nobody is answered before forty wait."""
    forty = threading.Event()

    def reply(scorer: Scorer, number: int, rows: list[list[float]]) -> None:
        if number == 40:
            forty.set()
        assert forty.wait(20)
        scorer.answer(RIGHT)

    assert len(seen(tmp_path, reply).all) >= 40


def test_no_answer_in_time_is_a_failure(tmp_path: Path) -> None:
    over = threading.Event()

    def reply(scorer: Scorer, number: int, rows: list[list[float]]) -> None:
        if number == 5:
            over.wait(20)
        scorer.answer(RIGHT)

    with asked(tmp_path, reply, timeout_s=1) as (asking, server):
        while server.count < 10:
            time.sleep(0.02)
        (failed,) = asking.since(0).failed
        over.set()
    assert (failed.status, failed.said) == (0, "TimeoutError: ")
