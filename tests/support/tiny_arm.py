"""A small ARM over real HTTP: it keeps what is put, remembers what was asked, and fails as told."""

import json
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
TENANT = "22222222-2222-2222-2222-222222222222"
CLIENT = "33333333-3333-3333-3333-333333333333"
OBJECT = "44444444-4444-4444-4444-444444444444"
TOKEN = "e30.eyJvaWQiOiAiNDQ0NDQ0NDQtNDQ0NC00NDQ0LTQ0NDQtNDQ0NDQ0NDQ0NDQ0In0.x"


class TinyArm:
    """Resources by lower-case id, and a script: what `answers` holds for (method, id) is answered first."""

    def __init__(self) -> None:
        self.resources: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.answers: dict[tuple[str, str], list[tuple[int, dict[str, str], Any]]] = {}
        self.url = ""
        self.tokens = 0
        self.manager: str | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {
            "ARM_CLOUD_METADATA_URL": f"{self.url}/metadata/endpoints?api-version=2019-05-01",
            "AZURE_AUTHORITY_HOST": self.url,
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": CLIENT,
            "AZURE_CLIENT_SECRET": "s3cret",
            "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        }

    def put(self, id_: str, **body: Any) -> dict[str, Any]:
        self.resources[id_.lower()] = {"id": id_, "name": id_.rpartition("/")[2], **body}
        return self.resources[id_.lower()]

    def asked(self, method: str) -> list[tuple[str, Any]]:
        """Paths and bodies of the requests with this method, tokens and metadata left out."""
        return [(path, body) for verb, path, _, body in self.requests if verb == method]

    def script(self, method: str, id_: str, *answers: tuple[int, dict[str, str], Any]) -> None:
        """Answer the next requests with these: (status, headers, body); `URL` in a header is our address."""
        self.answers.setdefault((method, id_.lower()), []).extend(answers)

    def answer(self, method: str, path: str, body: Any) -> tuple[int, dict[str, str], Any]:
        if path == "/metadata/endpoints":
            manager = self.manager or self.url
            return (
                200,
                {},
                [{"name": "Tiny", "resourceManager": manager, "authentication": {"loginEndpoint": self.url}}],
            )
        if path == f"/{TENANT}/oauth2/v2.0/token":
            self.tokens += 1
            good = body["client_secret"] == ["s3cret"] and body["grant_type"] == ["client_credentials"]
            return (
                (200, {}, {"access_token": TOKEN, "expires_in": 3600})
                if good
                else (401, {}, {"error_description": "no"})
            )
        if scripted := self.answers.get((method, path.lower())):
            status, headers, told = scripted.pop(0)
            return status, {key: value.replace("URL", self.url) for key, value in headers.items()}, told
        return self._stored(method, path, body)

    def _stored(self, method: str, path: str, body: Any) -> tuple[int, dict[str, str], Any]:
        there = self.resources.get(path.lower())
        missing = {"error": {"code": "ResourceNotFound", "message": f"no {path}"}}
        if method == "GET":
            return (404, {}, missing) if there is None else (200, {}, there)
        if method == "DELETE":
            return (204, {}, None) if self.resources.pop(path.lower(), None) is None else (200, {}, None)
        made = self.put(path, **body) if method == "PUT" else {**(there or {}), **body}
        return 200 if there else 201, {}, made


@contextmanager
def tiny_arm() -> Iterator[TinyArm]:
    arm = TinyArm()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def _any(self) -> None:
            parts = urllib.parse.urlsplit(self.path)
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            form = "form" in (self.headers.get("Content-Type") or "")
            body = urllib.parse.parse_qs(text) if form else json.loads(text) if text else None
            path = urllib.parse.unquote(parts.path)
            if path.startswith("/subscriptions"):
                arm.requests.append((self.command, self.path, dict(self.headers), body))
            status, headers, told = arm.answer(self.command, path, body)
            data = b"" if told is None else json.dumps(told).encode()
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_PATCH = do_POST = do_DELETE = _any  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    arm.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield arm
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
