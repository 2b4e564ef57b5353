"""A plain client of a container registry: the standard library's HTTP, every header in the test's hands."""

import base64
import hashlib
import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True)
class Answer:
    """What came back; names in `headers` as the standard library has them, in any case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def codes(self) -> list[str]:
        """The codes of the specification's error envelope."""
        return [error["code"] for error in self.json["errors"]]


class Client:
    """Speaks to one registry, with the same headers every time."""

    def __init__(self, host: str, ca: str, **headers: str) -> None:
        self.host = host
        self._context = ssl.create_default_context(cafile=ca)
        self._headers = headers
        self._connection = http.client.HTTPSConnection(host, context=self._context, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def send(self, method: str, path: str, content: Any = None, **headers: str) -> Answer:
        given = {name.replace("_", "-"): value for name, value in {**self._headers, **headers}.items()}
        self._connection.request(method, path, content, given)
        response = self._connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def ok(self, method: str, path: str, content: Any = None, **headers: str) -> Answer:
        answer = self.send(method, path, content, **headers)
        assert answer.status < 300, (answer.status, answer.content)
        return answer

    def push_blob(self, repository: str, content: bytes) -> str:
        """Push a blob in one piece; its digest."""
        location = self.ok("POST", f"/v2/{repository}/blobs/uploads/").headers["Location"]
        self.ok("PUT", f"{location}&digest={digest_of(content)}", content)
        return digest_of(content)

    def push_image(
        self, repository: str, reference: str, *layers: bytes, labels: Mapping[str, str] | None = None, **more: Any
    ) -> str:
        """Push an image of these layers; the digest of its manifest."""
        config = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
        if labels is not None:
            config = json.dumps({**json.loads(config), "config": {"Labels": dict(labels)}}).encode()
        for blob in (config, *layers):
            self.push_blob(repository, blob)
        content = json.dumps(image(config, *layers, **more)).encode()
        reference = digest_of(content) if reference == "" else reference
        self.ok("PUT", f"/v2/{repository}/manifests/{reference}", content, content_type=OCI_MANIFEST)
        return digest_of(content)


def image(config: bytes, *layers: bytes, **more: Any) -> dict[str, Any]:
    """Write an OCI image manifest."""
    return {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", config),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", layer) for layer in layers],
        **more,
    }


def descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    """Describe content."""
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def digest_of(content: bytes) -> str:
    """Name content by its SHA-256."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def basic(user: str, password: str) -> str:
    """Write an Authorization header."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
