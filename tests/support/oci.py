"""Images written by hand and a registry that gives them away: what the container runtime is tried with.

The registry speaks as much of the OCI distribution specification as a pull needs, with the bearer flow; faults are put
in by whoever writes into `blobs` or `manifests`. The image is like one of azml's own: a Python environment without its
interpreter's base, an entry that listens where AZML_LISTEN says.
"""

import base64
import hashlib
import io
import json
import ssl
import sys
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

USER, PASSWORD = "puller", "the-password"
ENTRY = """
import json, os, pathlib, subprocess, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
print("starting", os.environ.get("GREETING", ""), flush=True)
eaten = []
class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        what, _, value = self.path[1:].partition("/")
        if what == "exit":
            os._exit(int(value))
        if what == "eat":
            eaten.append(b"x" * (int(value) << 20))
        if what == "feed":  # a process in a session of its own, which ends with this one
            program = "import ctypes, time; ctypes.CDLL(None).prctl(1, 9); eaten = b'x' * (%s << 20); time.sleep(60)"
            subprocess.Popen([sys.executable, "-c", program % value], start_new_session=True)
        if what == "unwell":
            pathlib.Path(os.environ["HOME"], "unwell").touch()
        well = not pathlib.Path(os.environ["HOME"], "unwell").exists()
        told = {"environ": dict(os.environ), "cpus": len(os.sched_getaffinity(0)), "prefix": sys.prefix}
        told["pid"] = os.getpid()
        if what == "read":
            told["content"] = pathlib.Path(os.environ[value]).read_text()
        body = json.dumps(told).encode()
        self.send_response(200 if well else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a):
        print("asked", self.path, flush=True)
host, port = os.environ["AZML_LISTEN"].split(":")
HTTPServer((host, int(port)), Answers).serve_forever()
"""
HOLDING = """
import asyncio, os, pathlib, uvloop
from azml_gateway.held_port import Held, HeldPort
unwell = pathlib.Path(os.environ["HOME"], "unwell")
unwell.touch()
class Answers(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, data):
        status = 503 if unwell.exists() else 200
        self.transport.write(b"HTTP/1.1 %d -\\r\\ncontent-length: 0\\r\\nconnection: close\\r\\n\\r\\n" % status)
        self.transport.close()
async def main():
    address = lambda name: (os.environ[name].split(":")[0], int(os.environ[name].split(":")[1]))
    held = Held(*address("AZML_PROBE_LISTEN"), pathlib.Path(os.environ["AZML_READY_PIPE"]))
    close = await HeldPort(*address("AZML_LISTEN"), held).listen(Answers, None, None)
    await asyncio.Event().wait()
    close()
asyncio.Runner(loop_factory=uvloop.new_event_loop).run(main())
"""
"""An entry that holds its port as azml's images do, with their own part of the gateway; not well at first."""
PYTHON = "/opt/azml/env/bin/python"
LABELS = {"azml.manifest": "sha256:0", "azml.local.base-absent": "mcr.microsoft.com/azureml/inference-base"}


def layer(files: Mapping[str, str | bytes], links: Mapping[str, str] | None = None) -> bytes:
    """A tar archive of files and symbolic links."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, text in files.items():
            data = text.encode() if isinstance(text, str) else text
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            tar.addfile(info, io.BytesIO(data))
        for name, goal in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, goal
            tar.addfile(info)
    return content.getvalue()


def environment() -> bytes:
    """The layer of a Python environment as the docker stand-in makes it: no interpreter, no path to one."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    config = f"implementation = CPython\nversion_info = {version}.0\ninclude-system-site-packages = false\n"
    root = "opt/azml/env"
    return layer(
        {f"{root}/pyvenv.cfg": config, f"{root}/lib/python{version}/site-packages/known.py": "WHO = 'environment'\n"},
        {f"{root}/bin/python3": "python"},
    )


@dataclass
class Registry:
    """What a registry has, and what it was asked for."""

    authority: str = ""
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def push(self, name: str, layers: list[bytes], **config: Any) -> str:
        """Put an image there; its reference by tag."""
        repository, _, tag = name.partition(":")
        inner = {"Labels": LABELS, "Entrypoint": [PYTHON, "/var/azureml-app/main.py"], **config}
        parts = [self.blob(content) for content in layers]
        made = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": self.blob(json.dumps({"architecture": "amd64", "os": "linux", "config": inner}).encode()),
            "layers": parts,
        }
        content = json.dumps(made).encode()
        self.manifests[f"{repository}:{tag}"] = content
        self.manifests[f"{repository}:sha256:{hashlib.sha256(content).hexdigest()}"] = content
        return f"{self.authority}/{repository}:{tag}"

    def serving(self, name: str = "diabetes:1", entry: str = ENTRY, **config: Any) -> str:
        """Put an image there that answers."""
        return self.push(name, [environment(), layer({"var/azureml-app/main.py": entry})], **config)

    def blob(self, content: bytes) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.blobs[digest] = content
        return {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": len(content)}


@contextmanager
def registry(certificate: Path) -> Iterator[Registry]:
    """Serve an empty one over HTTPS until the block ends."""
    made = Registry()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            at = urlsplit(self.path)
            given = self.headers.get("Authorization", "")
            if at.path == "/oauth2/token":
                basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
                scope = parse_qs(at.query)["scope"][0]
                good = given == f"Basic {basic}"
                self.tell(200 if good else 401, json.dumps({"access_token": f"for {scope}"} if good else {}).encode())
                return
            repository, _, version = at.path.removeprefix("/v2/").rpartition("/")
            repository, _, kind = repository.rpartition("/")
            scope = f"repository:{repository}:pull"
            if given != f"Bearer for {scope}":
                realm = f'Bearer realm="https://{made.authority}/oauth2/token",service="here",scope="{scope}"'
                self.tell(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}', ("WWW-Authenticate", realm))
                return
            found = made.manifests.get(f"{repository}:{version}") if kind == "manifests" else made.blobs.get(version)
            self.tell(200 if found else 404, found or b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')

        def tell(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
            self.send_response(status)
            for name, value in (*headers, ("Content-Length", str(len(body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    made.authority = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
