"""Our client of a registry where it differs from the local one: Azure's keeps blobs in Azure Storage.

There a blob is answered by a redirect to another host, with a signed address; Azure Storage refuses a request that has
an Authorization header besides (container-registry-firewall-access-rules: "image layers … are served from … blob
storage").
"""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from azml.resources.registry_api import Repository

MANIFEST = {"schemaVersion": 2, "config": {"digest": "sha256:c"}, "layers": []}
LINUX, ARM = ({"digest": "sha256:m", "platform": {"os": "linux", "architecture": name}} for name in ("amd64", "arm64"))
ATTESTED = {
    "digest": "sha256:a",
    "platform": {"os": "unknown", "architecture": "unknown"},
    "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
}
DOCUMENTS = {
    "m": MANIFEST,
    "attested": {"schemaVersion": 2, "manifests": [LINUX, ATTESTED]},
    "platforms": {"schemaVersion": 2, "manifests": [LINUX, ARM]},
}
"""What BuildKit pushes with and without attestations (its docs/attestations/attestation-storage.md)."""
CONFIG = {"config": {"Labels": {"azml.models": "churn:1"}}}


class Registry(BaseHTTPRequestHandler):
    """Manifests here, blobs elsewhere."""

    storage: str

    def do_GET(self) -> None:
        assert (self.headers["Authorization"] or "").startswith("Basic ")
        if "/blobs/" in self.path:
            self.send_response(307)
            self.send_header("Location", f"{self.storage}/config?sig=x")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            send(self, DOCUMENTS[self.path.rpartition(":")[2]])

    def log_message(self, *_: object) -> None: ...


class Storage(BaseHTTPRequestHandler):
    """What refuses any authorization besides the signature."""

    def do_GET(self) -> None:
        if self.headers["Authorization"] is not None:
            self.send_error(400, "Authentication information is not given in the correct format")
        else:
            send(self, CONFIG)

    def log_message(self, *_: object) -> None: ...


def send(handler: BaseHTTPRequestHandler, document: object) -> None:
    content = json.dumps(document).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


@contextmanager
def served(handler: type[BaseHTTPRequestHandler], authority: trustme.CA) -> Iterator[str]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_labels_are_read_from_where_blobs_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with served(Storage, authority) as storage:
        handler = type("Handler", (Registry,), {"storage": f"https://{storage}"})
        with served(handler, authority) as host, Repository(host, "churn", "token", "password") as repository:
            assert repository.labels("sha256:m") == {"azml.models": "churn:1"}
            assert repository.labels("sha256:attested") == {"azml.models": "churn:1"}
            assert repository.labels("sha256:platforms") == {}, "of several images nobody knows which is meant"
