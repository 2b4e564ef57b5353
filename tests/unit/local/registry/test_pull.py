"""Pulling blobs and manifests: OCI distribution specification 1.1, "Pulling blobs" and "Pulling manifests"."""

import socket
import ssl

import pytest

from tests.support.registry_client import OCI_INDEX, OCI_MANIFEST, Client, digest_of
from tests.unit.local.registry.conftest import ADMIN, Served

LAYER = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def digest(module_registry: Served) -> str:
    return module_registry.client().push_blob("pull", LAYER)


@pytest.fixture(scope="module")
def image(module_registry: Served) -> str:
    return module_registry.client().push_image("pull", "v1", LAYER)


def test_head_tells_size_and_digest(client: Client, digest: str) -> None:
    answer = client.send("HEAD", f"/v2/pull/blobs/{digest}")
    told = answer.status, answer.headers["Content-Length"], answer.headers["Docker-Content-Digest"], answer.content
    assert told == (200, str(len(LAYER)), digest, b"")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-0", 0, 0), ("bytes=100-199", 100, 199), ("bytes=10000-", 10000, 10239), ("bytes=-5", 10235, 10239),
     ("bytes=10200-99999", 10200, 10239), ("bytes=-99999", 0, 10239)],
)  # fmt: skip
def test_ranges(client: Client, digest: str, asked: str, first: int, last: int) -> None:
    """RFC 9110, section 14: also how a pull that broke off goes on."""
    answer = client.send("GET", f"/v2/pull/blobs/{digest}", range=asked)
    assert answer.content == LAYER[first : last + 1]
    if len(answer.content) < len(LAYER):
        assert (answer.status, answer.headers["Content-Range"]) == (206, f"bytes {first}-{last}/{len(LAYER)}")


@pytest.mark.parametrize("asked", ["bytes=10240-", "bytes=20000-30000", "bytes=-0"])
def test_a_range_beyond_the_end_is_416(client: Client, digest: str, asked: str) -> None:
    answer = client.send("GET", f"/v2/pull/blobs/{digest}", range=asked)
    assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{len(LAYER)}")


@pytest.mark.parametrize("asked", ["bytes=5-1,7-9", "lines=1-2", "bytes=-"])
def test_what_is_no_single_range_gives_all(client: Client, digest: str, asked: str) -> None:
    answer = client.send("GET", f"/v2/pull/blobs/{digest}", range=asked)
    assert (answer.status, answer.content) == (200, LAYER)


@pytest.mark.parametrize(
    ("path", "code"),
    [(f"blobs/{digest_of(b'nobody has this')}", "BLOB_UNKNOWN"), ("blobs/sha256:12", "DIGEST_INVALID"),
     ("manifests/never", "MANIFEST_UNKNOWN"), (f"manifests/{digest_of(b'x')}", "MANIFEST_UNKNOWN"),
     ("manifests/.bad", "TAG_INVALID"), ("manifests/" + "x" * 129, "TAG_INVALID")],
)  # fmt: skip
def test_what_is_not_there(client: Client, image: str, path: str, code: str) -> None:
    answer = client.send("GET", f"/v2/pull/{path}")
    assert answer.codes == [code]
    assert answer.status == (400 if code.endswith("INVALID") else 404)


@pytest.mark.parametrize("reference", ["v1", "digest"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_manifests_by_tag_and_digest(client: Client, image: str, reference: str, method: str) -> None:
    answer = client.send(method, f"/v2/pull/manifests/{image if reference == 'digest' else reference}")
    assert (answer.status, answer.headers["Content-Type"]) == (200, OCI_MANIFEST)
    assert answer.headers["Docker-Content-Digest"] == image
    assert answer.content == b"" if method == "HEAD" else digest_of(answer.content) == image


@pytest.mark.parametrize(
    ("accept", "status"),
    [(OCI_MANIFEST, 200), ("*/*", 200), (f"{OCI_INDEX}, {OCI_MANIFEST};q=0.5", 200), (OCI_INDEX, 404)],
)
def test_only_what_the_client_can_read(client: Client, image: str, accept: str, status: int) -> None:
    assert client.send("GET", "/v2/pull/manifests/v1", accept=accept).status == status


def test_accept_in_several_lines(registry: Served, image: str) -> None:
    connection = registry.client()._connection
    connection.putrequest("GET", "/v2/pull/manifests/v1")
    for name, value in (("Authorization", ADMIN), ("Accept", OCI_MANIFEST), ("Accept", OCI_INDEX)):
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, len(answer.read()) > 0) == (200, True)


@pytest.mark.parametrize(
    "name", ["UPPER", "a//b", "-a", "a-", "a..b", "a___b", "../a", "a/%2e%2e/b", "x" * 256], ids=lambda name: name[:9]
)
def test_names_of_repositories(client: Client, name: str) -> None:
    answer = client.send("GET", f"/v2/{name}/tags/list")
    assert answer.codes == ["NAME_INVALID"]


@pytest.mark.parametrize("name", ["a", "a-b", "a--b", "a_b", "a__b", "a.b", "a/b/c9", "0"])
def test_good_names(client: Client, name: str) -> None:
    assert client.send("GET", f"/v2/{name}/tags/list").codes == ["NAME_UNKNOWN"]


def test_a_method_that_is_not_there(client: Client) -> None:
    answer = client.send("PUT", "/v2/pull/tags/list")
    assert (answer.status, answer.codes, answer.headers["Allow"]) == (405, ["UNSUPPORTED"], "GET")


def test_garbage_ends_the_connection_and_nothing_else(registry: Served, client: Client) -> None:
    host, port = registry.host.split(":")
    context = ssl.create_default_context(cafile=registry.ca)
    for garbage in (b"\x00\xff\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"PUT /v2/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n"):
        with (
            socket.create_connection((host, int(port))) as plain,
            context.wrap_socket(plain, server_hostname=host) as s,
        ):
            s.sendall(garbage)
            while s.recv(1 << 16):
                pass
    with socket.create_connection((host, int(port))) as plain:
        plain.sendall(b"GET /v2/ HTTP/1.1\r\n\r\n")  # no TLS
        while plain.recv(1 << 16):
            pass
    assert client.ok("GET", "/v2/").status == 200


def test_loopback_only(registry: Served) -> None:
    assert registry.host.startswith("127.0.0.1:")


def test_a_closed_registry_does_not_answer(fresh: Served) -> None:
    client = fresh.client()
    client.ok("GET", "/v2/")
    fresh.registries.close()
    with pytest.raises((ConnectionError, ssl.SSLError)):
        client.send("GET", "/v2/")
    with pytest.raises(ConnectionRefusedError):
        fresh.client().send("GET", "/v2/")
