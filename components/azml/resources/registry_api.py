"""One repository of a container registry, over the OCI distribution API: what ARM has no word for.

Owns asking for tags and digests, tagging, attaching, deleting. Tags are listed and taken away by ACR's own API, as `az
acr` does: OCI's lists them without digests, and ACR deletes none by it. Images themselves are pushed by pulumi-docker
and pulled by whoever runs them. Deliberately knows no image and no number (`image_alias`). Imports Azure's libraries:
on use only.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Self

from azure.core import PipelineClient
from azure.core.exceptions import AzureError
from azure.core.pipeline.policies import (
    HeadersPolicy,
    RedirectPolicy,
    RetryPolicy,
    UserAgentPolicy,
)
from azure.core.rest import HttpRequest, HttpResponse

from azml.resources.errors import Refused

MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
EMPTY = b"{}"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
"""Config and layer of a manifest without content of its own (image-spec 1.1, "Guidelines for Artifact Usage")."""
CONNECT_RETRIES = 1
GONE, DENIED = 404, (401, 403)


class Repository:
    """A repository, as the holder of a scoped token sees it. Everything raises `Refused` with the registry's words."""

    def __init__(self, login_server: str, name: str, username: str, password: str) -> None:
        basic = base64.b64encode(f"{username}:{password}".encode()).decode()
        self.label = f"{login_server}/{name}"
        self._base, self._tags = f"/v2/{name}", f"/acr/v1/{name}/_tags"
        self._client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(
            f"https://{login_server}",
            policies=[
                HeadersPolicy({"Authorization": f"Basic {basic}"}),
                UserAgentPolicy("azml"),
                RedirectPolicy(),  # ACR keeps blobs in Azure Storage; ours is not shown there
                RetryPolicy(retry_connect=CONNECT_RETRIES),
            ],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def tags(self) -> dict[str, str]:
        """Every tag with the digest that it means; none where the repository is not there."""
        found: dict[str, str] = {}
        path: str | None = self._tags
        while path is not None:
            answer = self._send("GET", path)
            if answer.status_code == GONE:
                return found
            found |= {tag["name"]: tag["digest"] for tag in answer.json().get("tags") or []}
            path = _next(answer.headers.get("Link"))
        return found

    def digest(self, reference: str) -> str | None:
        """The digest of a tag or a digest that is there."""
        answer = self._send("HEAD", f"{self._base}/manifests/{reference}", headers=_accepting())
        return None if answer.status_code == GONE else answer.headers["Docker-Content-Digest"]

    def tag(self, digest: str, tag: str) -> None:
        """Let a tag mean a manifest that is there."""
        manifest = self._send("GET", f"{self._base}/manifests/{digest}", headers=_accepting())
        if manifest.status_code == GONE:
            raise Refused(f"{self.label}@{digest} is not in the registry.")
        self._put(tag, manifest.content, manifest.headers["Content-Type"])

    def attach(self, digest: str, kind: str, annotations: Mapping[str, str]) -> None:
        """Attach words to a manifest: an artifact without content that refers to it (distribution-spec 1.1)."""
        answer = self._send("GET", f"{self._base}/manifests/{digest}", headers=_accepting())
        empty = {"mediaType": EMPTY_TYPE, "digest": _sha256(EMPTY), "size": len(EMPTY)}
        subject = {"mediaType": answer.headers["Content-Type"], "digest": digest, "size": len(answer.content)}
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFESTS[0],
            "artifactType": kind,
            "config": empty,
            "layers": [empty],
            "subject": subject,
            "annotations": dict(annotations),
        }
        self._upload(EMPTY)
        body = json.dumps(manifest, sort_keys=True).encode()
        self._put(_sha256(body), body, MANIFESTS[0])

    def labels(self, digest: str) -> dict[str, str]:
        """What an image says of itself; nothing where it is gone, or is several images for several platforms."""
        answer = self._send("GET", f"{self._base}/manifests/{digest}", headers=_accepting())
        manifest = {} if answer.status_code == GONE else answer.json()
        images = [each for each in manifest.get("manifests") or [] if not _is_attestation(each)]
        if len(images) == 1:
            return self.labels(images[0]["digest"])
        if "config" not in manifest:
            return {}
        blob = self._send("GET", f"{self._base}/blobs/{manifest['config']['digest']}")
        config = {} if blob.status_code == GONE else json.loads(blob.content).get("config") or {}
        return dict(config.get("Labels") or {})

    def untag(self, tag: str) -> None:
        """Take a tag away, and leave what it meant; what is gone is no error."""
        self._send("DELETE", f"{self._tags}/{tag}")

    def delete(self, digest: str) -> None:
        """Delete a manifest with all its tags; what is gone is no error."""
        self._send("DELETE", f"{self._base}/manifests/{digest}")

    def _put(self, reference: str, body: bytes, media_type: str) -> None:
        headers = {"Content-Type": media_type}
        self._send("PUT", f"{self._base}/manifests/{reference}", headers=headers, content=body, gone=False)

    def _upload(self, blob: bytes) -> None:
        digest = _sha256(blob)
        if self._send("HEAD", f"{self._base}/blobs/{digest}").status_code != GONE:
            return
        where = self._send("POST", f"{self._base}/blobs/uploads/", gone=False).headers["Location"]
        ending = f"{'&' if '?' in where else '?'}digest={digest}"
        headers = {"Content-Type": "application/octet-stream"}
        self._send("PUT", f"{where}{ending}", headers=headers, content=blob, gone=False)

    def _send(self, method: str, path: str, *, gone: bool = True, **request: Any) -> HttpResponse:
        """One answer: a success, or 404 where that may be."""
        try:
            answer = self._client.send_request(HttpRequest(method, self._client.format_url(path), **request))
            answer.read()
        except AzureError as error:
            raise Refused(f"The registry {self.label} gave no answer: {error}") from None
        if answer.status_code < 400 or (gone and answer.status_code == GONE):
            return answer
        raise Refused(f"The registry refused {method} {self.label}: {_words(answer)}")


def _is_attestation(described: Mapping[str, Any]) -> bool:
    """Whether an index lists no image, but what BuildKit says of one (docs/attestations/attestation-storage.md)."""
    return (described.get("platform") or {}).get("os") == "unknown"


def _accepting() -> dict[str, str]:
    return {"Accept": ", ".join(MANIFESTS)}


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _next(link: str | None) -> str | None:
    """The next page of a list (RFC 8288), where there is one."""
    if link is None or 'rel="next"' not in link:
        return None
    return link.partition("<")[2].partition(">")[0]


def _words(answer: HttpResponse) -> str:
    """The registry's own reasons (distribution-spec, "Error Codes")."""
    try:
        errors = answer.json()["errors"]
        said = "; ".join(f"{error['code']}: {error.get('message', '')}" for error in errors)
    except (ValueError, LookupError, TypeError):
        said = answer.text()[:200]
    more = ". The token may not do this here, or its password was made anew" if answer.status_code in DENIED else ""
    return f"HTTP {answer.status_code} {said}{more}"
