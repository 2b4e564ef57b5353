"""A small OCI registry over HTTPS, for the docker stand-in: what the distribution specification asks of a push.

Bearer tokens for one user, uploads in one PUT, blobs and manifests by digest. Counts requests and can fail on purpose.
Expects nothing of the client beyond the specification.
"""

import base64
import hashlib
import json
import re
import ssl
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import trustme

USER, PASSWORD = "push", "s3cret"
_ACR_HELP = "authentication required, visit https://aka.ms/acr/authorization for more information."


@dataclass
class TinyRegistry:
    """What it holds, what was asked of it, and what it shall answer instead."""

    host: str = ""
    bundle: Path = Path()
    blobs: dict[str, bytes] = field(default_factory=dict)
    linked: set[tuple[str, str]] = field(default_factory=set)
    """Which repository has which blob."""
    uploads: set[str] = field(default_factory=set)
    tags: dict[str, bytes] = field(default_factory=dict)
    """`repository:tag` → manifest."""
    asked: Counter[str] = field(default_factory=Counter)
    """`METHOD kind` → times."""
    realm: str = ""
    """Where tokens are to be had, if elsewhere."""
    failing: dict[str, tuple[int, dict[str, Any] | None]] = field(default_factory=dict)
    """`METHOD kind` → answer; status 0 breaks the connection."""
    held: set[str] = field(default_factory=set)
    """`METHOD kind` that is taken and never answered."""
    holding: threading.Event = field(default_factory=threading.Event)
    """Set while one is held."""

    def image(self, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Manifest and configuration of `repository:tag`."""
        manifest = json.loads(self.tags[name])
        return manifest, json.loads(self.blobs[manifest["config"]["digest"]])

    def digest(self, name: str) -> str:
        return f"sha256:{hashlib.sha256(self.tags[name]).hexdigest()}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    registry: ClassVar[TinyRegistry]

    def log_message(self, *_: object) -> None:
        pass

    def _do(self) -> None:
        path = urlsplit(self.path).path
        if path == "/oauth2/token":
            self._token()
            return
        match = re.fullmatch(r"/v2/(?P<repository>.+)/(?P<kind>blobs/uploads|blobs|manifests)/(?P<rest>[^/]*)", path)
        assert match is not None, path
        kind = match["kind"].rpartition("/")[2]
        what = f"{self.command} {kind}"
        if f"repository:{match['repository']}:pull,push" not in (self.headers["Authorization"] or "").split():
            where = self.registry.realm or f"https://{self.registry.host}/oauth2/token"
            realm = f'realm="{where}",service="{self.registry.host}"'
            self._say(401, _error("UNAUTHORIZED", _ACR_HELP), **{"WWW-Authenticate": f"Bearer {realm}"})
            return
        self.registry.asked[what] += 1
        if what in self.registry.held:
            self.rfile.read(1)
            self.registry.holding.set()
            while self.rfile.read(1 << 16):
                pass  # until the client is gone
            self.close_connection = True
            return
        if what in self.registry.failing:
            status, body = self.registry.failing[what]
            if status == 0:
                self.rfile.read(1000)
                self.close_connection = True
                self.connection.close()
                return
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._say(status, body)
            return
        getattr(self, f"_{kind}")(match["repository"], match["rest"])

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _do  # noqa: N815 - the library's names

    def _token(self) -> None:
        self.registry.asked["token"] += 1
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers["Authorization"] != f"Basic {pair}":
            self._say(401, _error("UNAUTHORIZED", _ACR_HELP))
            return
        query = parse_qs(urlsplit(self.path).query)
        assert query["service"] == [self.registry.host]
        self._say(200, {"access_token": " ".join(query["scope"])})

    def _blobs(self, repository: str, digest: str) -> None:
        self._say(200 if (repository, digest) in self.registry.linked else 404, None)

    def _uploads(self, repository: str, upload: str) -> None:
        query = parse_qs(urlsplit(self.path).query)
        if self.command == "POST" and "mount" in query:
            (digest,), (source,) = query["mount"], query["from"]
            allowed = f"repository:{source}:pull" in (self.headers["Authorization"] or "").split()
            if allowed and (source, digest) in self.registry.linked:
                self.registry.linked.add((repository, digest))
                self._say(201, None)
                return
        if self.command == "POST":
            made = uuid.uuid4().hex
            self.registry.uploads.add(made)
            self._say(202, None, Location=f"/v2/{repository}/blobs/uploads/{made}?state=x")
            return
        if upload not in self.registry.uploads:
            self._say(404, _error("BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry"))
            return
        if self.command == "DELETE":
            self.registry.uploads.discard(upload)
            self._say(204, None)
            return
        content = self.rfile.read(int(self.headers["Content-Length"]))
        assert query["state"] == ["x"], "the location is taken as it is"
        if query["digest"] != [f"sha256:{hashlib.sha256(content).hexdigest()}"]:
            self._say(400, _error("DIGEST_INVALID", "provided digest did not match uploaded content"))
            return
        self.registry.uploads.discard(upload)
        self.registry.blobs[query["digest"][0]] = content
        self.registry.linked.add((repository, query["digest"][0]))
        self._say(201, None)

    def _manifests(self, repository: str, tag: str) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        manifest = json.loads(content)
        for part in (manifest["config"], *manifest["layers"]):
            assert (repository, part["digest"]) in self.registry.linked
            assert len(self.registry.blobs[part["digest"]]) == part["size"]
        assert self.headers["Content-Type"] == manifest["mediaType"]
        self.registry.tags[f"{repository}:{tag}"] = content
        self._say(201, None)

    def _say(self, status: int, body: Any, **headers: str) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _error(code: str, message: str) -> dict[str, Any]:
    return {"errors": [{"code": code, "message": message}]}


@contextmanager
def tiny_registry(folder: Path) -> Iterator[TinyRegistry]:
    """Serve on the loopback; `folder` takes the certificates."""
    registry = TinyRegistry()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"registry": registry}))
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    registry.host, registry.bundle = f"127.0.0.1:{server.server_port}", folder / "bundle.pem"
    authority.cert_pem.write_to_path(str(registry.bundle))
    server.daemon_threads = True
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
