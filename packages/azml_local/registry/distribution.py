"""OCI's distribution API (1.1) for one registry: which operation a request is, and its answer.

Owns paths, headers and status codes of blobs, uploads, manifests, tags, the catalog and referrers. Who may do what is
`access`'s, what there is `content`'s.
"""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from azml_local.registry import manifests
from azml_local.registry.access import Need
from azml_local.registry.asked import Answer, Request
from azml_local.registry.content import Content, Stored
from azml_local.registry.errors import RegistryError
from azml_local.registry.parts import asked_range, page
from azml_local.registry.uploads import Upload

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
NAME = rf"(?P<name>{_PART}(?:/{_PART})*)"
TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
NAME_MAX = 255
_CHUNK = re.compile(r"(?:bytes )?(\d+)-(\d+)(?:/.*)?")


class Distribution:
    """The operations on one registry."""

    def __init__(self, content: Content) -> None:
        self._content = content

    # Blobs

    def blob(self, request: Request, name: str, digest: str) -> Answer:
        """Give a blob, or the one range of it that was asked for."""
        found = self._content.blob(name, _digest(digest))
        if found is None:
            raise RegistryError("BLOB_UNKNOWN", "blob unknown to registry", {"digest": digest})
        path, size = found
        headers = {
            "Content-Type": "application/octet-stream",
            "Docker-Content-Digest": digest,
            "Accept-Ranges": "bytes",
        }
        start, end = asked_range(request.headers.get("range"), size)
        status = 200
        if (start, end) != (0, size - 1):
            status = 206
            headers["Content-Range"] = f"bytes {start}-{end}/{size}"
        return Answer(status, headers, file=path.open("rb", buffering=0), start=start, length=end - start + 1)

    def delete_blob(self, _request: Request, name: str, digest: str) -> Answer:
        """Take a blob out of a repository."""
        if not self._content.delete_blob(name, _digest(digest)):
            raise RegistryError("BLOB_UNKNOWN", "blob unknown to registry", {"digest": digest})
        return Answer(202)

    # Uploads

    def begin(self, request: Request, name: str) -> Answer:
        """Open an upload; with `mount` take a blob of another repository, with `digest` the whole of it at once."""
        mount, source, digest = request.asked("mount"), request.asked("from"), request.asked("digest")
        readable = source is not None and request.may(Need("repository", source, "pull"))
        if mount is not None and readable and self._content.mount(str(source), name, _digest(mount)):
            return _made(f"/v2/{name}/blobs/{mount}", mount)
        if digest is not None:
            _digest(digest)
        upload = self._content.uploads.begin(name)
        if digest is None:
            return _accepted(upload)
        try:
            return self._end(request, upload, digest)
        finally:
            self._content.uploads.end(upload)  # of a client that went away: it never learned the address

    def upload_status(self, request: Request, name: str, id_: str) -> Answer:
        """Tell how much has arrived."""
        with self._upload(request, name, id_) as upload:
            answer = _accepted(upload)
            answer.status = 204
            return answer

    def add(self, request: Request, name: str, id_: str) -> Answer:
        """Take one chunk, or all there is in a stream."""
        with self._upload(request, name, id_) as upload:
            _refuse_gap(request, upload)
            upload.take(request.body.pieces())
            return _accepted(upload)

    def finish(self, request: Request, name: str, id_: str) -> Answer:
        """End an upload, with or without a last piece."""
        digest = _digest(request.asked("digest") or "")
        with self._upload(request, name, id_) as upload:
            _refuse_gap(request, upload)
            return self._end(request, upload, digest)

    def cancel(self, request: Request, name: str, id_: str) -> Answer:
        """Forget an upload."""
        with self._upload(request, name, id_) as upload:
            self._content.uploads.end(upload)
            return Answer(204)

    def _upload(self, request: Request, name: str, id_: str) -> AbstractContextManager[Upload]:
        return self._content.uploads.use(name, id_, request.asked("_state") or "")

    def _end(self, request: Request, upload: Upload, digest: str) -> Answer:
        upload.take(request.body.pieces())
        try:
            if upload.digest != digest:
                raise RegistryError(
                    "DIGEST_INVALID",
                    f"provided digest did not match uploaded content: {digest} was named, {upload.digest} came",
                )
            self._content.keep(upload, digest)
        finally:
            self._content.uploads.end(upload)
        return _made(f"/v2/{upload.repository}/blobs/{digest}", digest)

    # Manifests

    def manifest(self, request: Request, name: str, reference: str) -> Answer:
        """Give a manifest, if the client can read its kind."""
        found = self._content.manifest(name, _reference(reference))
        if found is None:
            raise _unknown(name, reference)
        accepted = request.headers.get("accept", "*/*")
        if "*/*" not in accepted and found.media_type not in accepted:
            raise RegistryError(
                "MANIFEST_UNKNOWN", f"{found.media_type} found, but accept header does not support it", {"name": name}
            )
        headers = {"Content-Type": found.media_type, "Docker-Content-Digest": found.digest}
        return Answer(200, {**headers, "ETag": f'"{found.digest}"'}, found.content)

    def put_manifest(self, request: Request, name: str, reference: str) -> Answer:
        """Take a manifest whose blobs are all here."""
        content = request.body.read(manifests.MAX_BYTES)
        manifest = manifests.read(content, request.headers.get("content-type", ""))
        by_digest = ":" in _reference(reference)
        if by_digest and reference != manifest.digest:
            raise RegistryError("DIGEST_INVALID", f"the manifest's digest is {manifest.digest}, not {reference}")
        if missing := self._content.missing(name, manifest):
            text = f"blob unknown to registry: {', '.join(missing)}"
            raise RegistryError("MANIFEST_BLOB_UNKNOWN", text, [{"digest": digest} for digest in missing])
        self._content.put_manifest(name, manifest, None if by_digest else reference)
        answer = _made(f"/v2/{name}/manifests/{manifest.digest}", manifest.digest)
        if manifest.subject is not None:
            answer.headers = {**answer.headers, "OCI-Subject": manifest.subject}
        return answer

    def delete_manifest(self, _request: Request, name: str, reference: str) -> Answer:
        """Delete a manifest by digest. Tags are deleted by ACR's own API: azure-containerregistry does it so."""
        if ":" not in _reference(reference):
            text = "a tag is deleted by DELETE /acr/v1/NAME/_tags/TAG, a manifest by its digest"
            raise RegistryError("UNSUPPORTED", f"The operation is unsupported: {text}.")
        if not self._content.delete_manifest(name, reference):
            raise _unknown(name, reference)
        return Answer(202)

    # Lists

    def tags(self, request: Request, name: str) -> Answer:
        """List tags."""
        if not self._content.exists(name):
            raise RegistryError("NAME_UNKNOWN", "repository name not known to registry", {"name": name})
        names = [tag.name for tag in self._content.tags(name)]
        return page(request, f"/v2/{name}/tags/list", {"name": name}, "tags", names, str.lower)

    def catalog(self, request: Request) -> Answer:
        """List repositories."""
        return page(request, "/v2/_catalog", {}, "repositories", self._content.repositories(), str)

    def referrers(self, request: Request, name: str, digest: str) -> Answer:
        """List what refers to a manifest, as an index; nothing where it is not known."""
        kind = request.asked("artifactType")
        found = self._content.referrers(name, _digest(digest))
        listed = [_descriptor(one) for one in found if kind is None or one.artifact_type == kind]
        document = {"schemaVersion": 2, "mediaType": manifests.OCI_INDEX, "manifests": listed}
        headers = {"Content-Type": manifests.OCI_INDEX}
        if kind is not None:
            headers["OCI-Filters-Applied"] = "artifactType"
        return Answer(200, headers, json.dumps(document).encode())


Operations = list[tuple[re.Pattern[str], dict[str, tuple[str, Callable[..., Answer]]]]]
_UPLOAD = rf"/v2/{NAME}/blobs/uploads/(?P<id_>[^/]+)"
_MANIFEST = rf"/v2/{NAME}/manifests/(?P<reference>[^/]+)"
_BLOB = rf"/v2/{NAME}/blobs/(?P<digest>[^/]+)"
OPERATIONS: Operations = [
    (
        re.compile(rf"/v2/{NAME}/blobs/uploads/?"),
        {"POST": ("pull,push", Distribution.begin)},
    ),
    (
        re.compile(_UPLOAD),
        {
            "GET": ("pull,push", Distribution.upload_status),
            "PATCH": ("pull,push", Distribution.add),
            "PUT": ("pull,push", Distribution.finish),
            "DELETE": ("pull,push", Distribution.cancel),
        },
    ),
    (
        re.compile(_BLOB),
        {
            "GET": ("pull", Distribution.blob),
            "HEAD": ("pull", Distribution.blob),
            "DELETE": ("delete", Distribution.delete_blob),
        },
    ),
    (
        re.compile(_MANIFEST),
        {
            "GET": ("pull", Distribution.manifest),
            "HEAD": ("pull", Distribution.manifest),
            "PUT": ("pull,push", Distribution.put_manifest),
            "DELETE": ("delete", Distribution.delete_manifest),
        },
    ),
    (re.compile(rf"/v2/{NAME}/tags/list"), {"GET": ("metadata_read", Distribution.tags)}),
    (re.compile(rf"/v2/{NAME}/referrers/(?P<digest>[^/]+)"), {"GET": ("pull", Distribution.referrers)}),
    (re.compile(r"/v2/_catalog"), {"GET": ("*", Distribution.catalog)}),
]
"""Path to method to the actions that it needs, and what it does."""


def _digest(text: str) -> str:
    if not manifests.DIGEST.fullmatch(text):
        raise RegistryError("DIGEST_INVALID", f"provided digest is not sha256:HEX: {text!r}")
    return text


def _reference(text: str) -> str:
    if ":" in text:
        return _digest(text)
    if not TAG.fullmatch(text):
        raise RegistryError("TAG_INVALID", f"a tag has letters, digits, _ . - and at most 128 of them: {text!r}")
    return text


def _unknown(name: str, reference: str) -> RegistryError:
    text = f'manifest tagged by "{reference}" is not found' if ":" not in reference else "manifest unknown"
    return RegistryError("MANIFEST_UNKNOWN", text, {"Name": name, "Reference": reference})


def _made(location: str, digest: str) -> Answer:
    return Answer(201, {"Location": location, "Docker-Content-Digest": digest})


def _accepted(upload: Upload) -> Answer:
    """Point to an upload. The address is relative and has a query, as ACR's: clients must cope with both."""
    return Answer(
        202,
        {
            "Location": f"/v2/{upload.repository}/blobs/uploads/{upload.id}?_state={upload.state}",
            "Range": f"0-{max(upload.size - 1, 0)}",
            "Docker-Upload-UUID": upload.id,
        },
    )


def _refuse_gap(request: Request, upload: Upload) -> None:
    """Raise 416 for a chunk that does not begin where the last one ended (section "Pushing a blob in chunks")."""
    given = request.headers.get("content-range")
    if given is None:
        return
    chunk = _CHUNK.fullmatch(given)
    length = request.body.length
    fits = chunk is not None and (length is None or int(chunk[2]) - int(chunk[1]) + 1 == length)
    if chunk is None or int(chunk[1]) != upload.size or not fits:
        text = f"the upload has {upload.size} bytes, and Content-Range says {given} of {length} bytes"
        headers = _accepted(upload).headers
        raise RegistryError("BLOB_UPLOAD_INVALID", text, status=416, headers=headers)


def _descriptor(found: Stored) -> dict[str, Any]:
    document = json.loads(found.content)
    shown = {"mediaType": found.media_type, "digest": found.digest, "size": len(found.content)}
    if found.artifact_type:
        shown["artifactType"] = found.artifact_type
    if document.get("annotations"):
        shown["annotations"] = document["annotations"]
    return shown
