"""Pushing blobs: OCI distribution specification 1.1, "Pushing blobs" and "Mounting a blob"."""

import hashlib
import os
import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.registry_client import Client, digest_of
from tests.unit.local.registry.conftest import Served
from tests.unit.local.support import until

DATA = b"0123456789" * 1000


@pytest.fixture
def repository() -> str:
    return f"push/{uuid4().hex[:8]}"


def begin(client: Client, repository: str) -> str:
    """Open an upload; its address."""
    answer = client.ok("POST", f"/v2/{repository}/blobs/uploads/")
    assert answer.status == 202
    return answer.headers["Location"]


def stored(client: Client, repository: str, digest: str) -> bytes | None:
    answer = client.send("GET", f"/v2/{repository}/blobs/{digest}")
    return answer.content if answer.status == 200 else None


def under_way(registry: Served) -> set[str]:
    """The files of uploads that are open."""
    return {path.name for path in (registry.root / "team" / "uploads").iterdir()}


class TestInOnePiece:
    """ "Pushing a blob monolithically"."""

    def test_post_then_put(self, client: Client, repository: str) -> None:
        location = begin(client, repository)
        answer = client.send("PUT", f"{location}&digest={digest_of(DATA)}", DATA)
        assert answer.status == 201
        assert answer.headers["Location"] == f"/v2/{repository}/blobs/{digest_of(DATA)}"
        assert stored(client, repository, digest_of(DATA)) == DATA

    def test_single_post(self, client: Client, repository: str) -> None:
        answer = client.send("POST", f"/v2/{repository}/blobs/uploads/?digest={digest_of(DATA)}", DATA)
        assert (answer.status, answer.headers["Location"]) == (201, f"/v2/{repository}/blobs/{digest_of(DATA)}")
        assert stored(client, repository, digest_of(DATA)) == DATA

    def test_nothing_is_content_too(self, client: Client, repository: str) -> None:
        assert client.push_blob(repository, b"") == "sha256:" + hashlib.sha256().hexdigest()
        assert stored(client, repository, digest_of(b"")) == b""

    @pytest.mark.parametrize("method", ["POST", "PUT"])
    def test_another_digest_leaves_nothing(
        self, registry: Served, client: Client, repository: str, method: str
    ) -> None:
        before = under_way(registry)
        path = f"/v2/{repository}/blobs/uploads/?" if method == "POST" else f"{begin(client, repository)}&"
        wrong = digest_of(b"something else")
        answer = client.send(method, f"{path}digest={wrong}", DATA)
        assert (answer.status, answer.codes) == (400, ["DIGEST_INVALID"])
        assert stored(client, repository, wrong) is None
        assert stored(client, repository, digest_of(DATA)) is None
        assert under_way(registry) == before

    @pytest.mark.parametrize("digest", ["", "sha256:12", "md5:" + "0" * 32, "sha256:" + "A" * 64, "sha256:../../etc"])
    def test_a_digest_is_a_digest(self, client: Client, repository: str, digest: str) -> None:
        answer = client.send("PUT", f"{begin(client, repository)}&digest={digest}", DATA)
        assert (answer.status, answer.codes) == (400, ["DIGEST_INVALID"])


class TestInChunks:
    """ "Pushing a blob in chunks"."""

    def test_with_ranges(self, client: Client, repository: str) -> None:
        location = begin(client, repository)
        answer = client.send("PATCH", location, DATA[:4000], content_range="0-3999")
        assert (answer.status, answer.headers["Range"]) == (202, "0-3999")
        answer = client.send("PATCH", answer.headers["Location"], DATA[4000:7000], content_range="4000-6999")
        assert (answer.status, answer.headers["Range"]) == (202, "0-6999")
        last = f"{answer.headers['Location']}&digest={digest_of(DATA)}"
        assert client.send("PUT", last, DATA[7000:], content_range="7000-9999").status == 201
        assert stored(client, repository, digest_of(DATA)) == DATA

    @pytest.mark.parametrize("given", ["0-3999", "4001-8000", "3999-7998", "8000-4000", "x-y"])
    def test_out_of_order_is_416(self, client: Client, repository: str, given: str) -> None:
        location = begin(client, repository)
        client.ok("PATCH", location, DATA[:4000], content_range="0-3999")
        answer = client.send("PATCH", location, DATA[4000:8000], content_range=given)
        assert (answer.status, answer.headers["Range"]) == (416, "0-3999")
        client.ok("PATCH", location, DATA[4000:8000], content_range="4000-7999")

    def test_the_range_is_as_long_as_the_content(self, client: Client, repository: str) -> None:
        answer = client.send("PATCH", begin(client, repository), DATA, content_range="0-10")
        assert answer.status == 416

    def test_status_tells_where_to_go_on(self, client: Client, repository: str) -> None:
        location = begin(client, repository)
        client.ok("PATCH", location, DATA[:1234])
        answer = client.send("GET", location)
        assert (answer.status, answer.headers["Range"], answer.content) == (204, "0-1233", b"")
        client.ok("PUT", f"{answer.headers['Location']}&digest={digest_of(DATA)}", DATA[1234:])
        assert stored(client, repository, digest_of(DATA)) == DATA

    def test_a_stream_of_unknown_length(self, client: Client, repository: str) -> None:
        def pieces() -> Iterator[bytes]:
            for start in range(0, len(DATA), 999):
                yield DATA[start : start + 999]

        location = begin(client, repository)
        client.ok("PATCH", location, pieces())
        client.ok("PUT", f"{location}&digest={digest_of(DATA)}")
        assert stored(client, repository, digest_of(DATA)) == DATA

    def test_cancel(self, registry: Served, client: Client, repository: str) -> None:
        before = under_way(registry)
        location = begin(client, repository)
        client.ok("PATCH", location, DATA)
        assert client.send("DELETE", location).status == 204
        answer = client.send("GET", location)
        assert (answer.status, answer.codes) == (404, ["BLOB_UPLOAD_UNKNOWN"])
        assert under_way(registry) == before

    def test_another_repository_does_not_know_the_upload(self, client: Client, repository: str) -> None:
        location = begin(client, repository).replace(repository, "elsewhere")
        assert client.send("PATCH", location, DATA).codes == ["BLOB_UPLOAD_UNKNOWN"]

    def test_the_address_has_a_query_that_must_be_kept(self, client: Client, repository: str) -> None:
        bare = begin(client, repository).partition("?")[0]
        answer = client.send("PATCH", bare, DATA)
        assert (answer.status, answer.codes) == (400, ["BLOB_UPLOAD_INVALID"])


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_any_cut_gives_the_same_blob(module_registry: Served, data: st.DataObject) -> None:
    """However a blob is cut, streamed or announced, what is stored is what was sent."""
    content = data.draw(st.binary(max_size=3000)) * data.draw(st.sampled_from([1, 700]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=4)))
    pieces = [content[start:end] for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    client, at = module_registry.opened[0] if module_registry.opened else module_registry.client(), 0
    location = begin(client, "any/cut")
    for piece in pieces[:-1]:
        ranged = data.draw(st.booleans()) and piece
        headers = {"content_range": f"{at}-{at + len(piece) - 1}"} if ranged else {}
        streamed = data.draw(st.booleans())
        location = client.ok("PATCH", location, iter([piece]) if streamed and piece else piece, **headers).headers[
            "Location"
        ]
        at += len(piece)
    client.ok("PUT", f"{location}&digest={digest_of(content)}", pieces[-1])
    assert stored(client, "any/cut", digest_of(content)) == content


class TestMount:
    """ "Mounting a blob from another repository"."""

    def test_mount(self, client: Client, repository: str) -> None:
        digest = client.push_blob(f"{repository}/source", DATA)
        path = f"/v2/{repository}/blobs/uploads/?mount={digest}&from={repository}/source"
        answer = client.send("POST", path)
        assert (answer.status, answer.headers["Location"]) == (201, f"/v2/{repository}/blobs/{digest}")
        assert stored(client, repository, digest) == DATA

    @pytest.mark.parametrize("source", ["&from=nowhere", ""])
    def test_what_cannot_be_mounted_is_uploaded(self, client: Client, repository: str, source: str) -> None:
        answer = client.send("POST", f"/v2/{repository}/blobs/uploads/?mount={digest_of(DATA)}{source}")
        assert answer.status == 202
        client.ok("PUT", f"{answer.headers['Location']}&digest={digest_of(DATA)}", DATA)


def test_a_blob_belongs_to_its_repository(client: Client, repository: str) -> None:
    digest = client.push_blob(repository, DATA)
    answer = client.send("HEAD", f"/v2/{repository}/else/blobs/{digest}")
    assert answer.status == 404


def test_two_pushes_of_one_layer_at_once(registry: Served, repository: str) -> None:
    content = os.urandom(6 << 20)
    begun, statuses = threading.Barrier(2), []

    def push(half: int) -> None:
        with Client(registry.host, registry.ca, authorization=registry.client()._headers["authorization"]) as client:
            location = begin(client, repository)
            client.ok("PATCH", location, content[:half])
            begun.wait()
            statuses.append(client.send("PUT", f"{location}&digest={digest_of(content)}", content[half:]).status)

    threads = [threading.Thread(target=push, args=[half]) for half in (1 << 20, 5 << 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201, 201]
    assert stored(registry.client(), repository, digest_of(content)) == content


def test_two_requests_do_not_write_to_one_upload(registry: Served, client: Client, repository: str) -> None:
    before = under_way(registry)
    location = begin(client, repository)
    (name,) = under_way(registry) - before
    arriving, go_on = registry.root / "team" / "uploads" / name, threading.Event()

    def slowly() -> Iterator[bytes]:
        yield DATA[:5000]
        go_on.wait(20)
        yield DATA[5000:]

    other = registry.client()
    first = threading.Thread(target=other.ok, args=["PATCH", location, slowly()])
    first.start()
    until(lambda: arriving.stat().st_size == 5000, 20)
    answer = client.send("PATCH", location, b"in between")
    go_on.set()
    first.join()
    assert (answer.status, answer.codes) == (400, ["BLOB_UPLOAD_INVALID"])
    client.ok("PUT", f"{location}&digest={digest_of(DATA)}")


def test_a_blob_of_several_megabytes_is_whole(client: Client, repository: str) -> None:
    content = os.urandom((9 << 20) + 12345)
    client.push_blob(repository, content)
    assert stored(client, repository, digest_of(content)) == content
