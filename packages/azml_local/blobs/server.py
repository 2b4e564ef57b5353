"""The HTTP side of the data plane: which operation a request is, and its answer.

Owns the operations that the official blob client uses. Another one is refused by name.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from azml_local.azure import Azure
from azml_local.blobs import listing, sas
from azml_local.blobs.access import Place, refuse_stranger
from azml_local.blobs.errors import BlobError
from azml_local.blobs.files import Blob, read
from azml_local.namespaces import storage

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_PAGE = 5000


async def answer(azure: Azure, request: Request, account: str, container: str, blob: str) -> Response:
    """Answer a request about an account, a container or a blob (empty where there is none)."""
    try:
        return await _answer(azure, request, account, container, blob)
    except BlobError as error:
        headers = {"x-ms-error-code": error.code}
        if error.status == 401:
            authority = f"{azure.url}/{azure.identity.tenant_id}/oauth2/authorize"
            headers["www-authenticate"] = f"Bearer authorization_uri={authority} resource_id=https://storage.azure.com"
        content = b"" if request.method == "HEAD" else error.document()
        return Response(content, error.status, headers, media_type="application/xml")


async def _answer(azure: Azure, request: Request, account: str, container: str, blob: str) -> Response:
    found = azure.store.named(storage.Accounts.type, account)
    if not found:
        raise BlobError(404, "ResourceNotFound", f"There is no storage account '{account}' in the local Azure.")
    service = _Service(azure, Place(found[0], container, blob))
    copied = {"copy"} if "x-ms-copy-source" in request.headers else set()
    comp = "-".join(filter(None, [request.query_params.get("comp", ""), *copied]))
    operation = OPERATIONS.get((service.place.level, request.method, comp))
    if operation is None:
        what = " ".join(filter(None, [request.method, request.query_params.get("comp")]))
        raise BlobError(501, "NotImplemented", f"The local Azure does not emulate the blob operation '{what}'.")
    needed, method = operation
    refuse_stranger(request, service.place, needed, azure)
    response = await method(service, request)
    response.headers["x-ms-version"] = request.headers.get("x-ms-version", "2022-11-02")
    return response


class _Service:
    """The operations on one place."""

    def __init__(self, azure: Azure, place: Place) -> None:
        self._azure, self._files, self.place = azure, azure.blobs, place
        self._account = place.account.id.name
        self._endpoint = f"{azure.url}/{self._account}/"

    async def list_containers(self, request: Request) -> Response:
        names = sorted(found.id.name for found in storage.containers(self._azure, self.place.account.id))
        text = listing.containers(self._endpoint, names, request.query_params.get("prefix", ""))
        return Response(text, media_type="application/xml")

    async def delegation_key(self, request: Request) -> Response:
        """Give a key that a user's SAS can be signed with; only a bearer token gets one."""
        if not request.headers.get("authorization", "").lower().startswith("bearer "):
            raise BlobError(403, "AuthenticationFailed", "Only authentication scheme Bearer is supported.")
        asked = _xml(await request.body())
        who, version = self._azure.identity, request.headers.get("x-ms-version", sas.VERSION)
        named = {"skoid": who.object_id, "sktid": who.tenant_id, "skt": asked.findtext("Start") or ""}
        named |= {"ske": asked.findtext("Expiry") or "", "sks": "b", "skv": version}
        value = sas.delegation_key(self._azure.tokens, named)
        return Response(listing.delegation_key(named, value), media_type="application/xml")

    async def create_container(self, _request: Request) -> Response:
        if not storage.CONTAINER_NAME.fullmatch(self.place.container):
            raise BlobError(400, "InvalidResourceName", "The specified resource name contains invalid characters.")
        if self._exists():
            raise BlobError(409, "ContainerAlreadyExists", "The specified container already exists.")
        storage.make_container(self._azure, self.place.account.id, self.place.container)
        return Response(status_code=201)

    async def container(self, _request: Request) -> Response:
        self._refuse_missing()
        return Response(headers={"x-ms-lease-status": "unlocked", "x-ms-lease-state": "available"})

    async def delete_container(self, _request: Request) -> Response:
        self._refuse_missing()
        self._azure.store.remove(storage.container_id(self.place.account.id, self.place.container))
        await self._files.remove(self._account, self.place.container)
        return Response(status_code=202)

    async def list_blobs(self, request: Request) -> Response:
        self._refuse_missing()
        query = request.query_params
        prefix, limit = query.get("prefix", ""), min(int(query.get("maxresults", _PAGE)), _PAGE)
        found = self._files.list(self._account, self.place.container, prefix)
        text = listing.blobs(
            self._endpoint,
            self.place.container,
            found,
            prefix,
            query.get("delimiter", ""),
            query.get("marker", ""),
            limit,
        )
        return Response(text, media_type="application/xml")

    async def put(self, request: Request) -> Response:
        self._refuse_missing()
        kind = request.headers.get("x-ms-blob-type", "BlockBlob")
        if kind != "BlockBlob":
            raise BlobError(501, "NotImplemented", f"The local Azure does not emulate blobs of type {kind}.")
        new_only = self._refuse_condition(request)
        blob = await self._files.write(
            self._path(),
            request.stream(),
            _content_type(request),
            _metadata(request),
            expected_md5=request.headers.get("content-md5"),
            new_only=new_only,
        )
        return Response(status_code=201, headers=_headers(blob, described=False))

    async def copy(self, request: Request) -> Response:
        """Copy a blob of the same account; it is there when the answer is (docs: copy-blob)."""
        self._refuse_missing()
        source = self._source(request.headers["x-ms-copy-source"])
        blob = await self._files.copy(source, self._path(), _metadata(request) or source.metadata)
        headers = {"x-ms-copy-id": str(uuid4()), "x-ms-copy-status": "success"}
        return Response(status_code=202, headers={**_headers(blob, described=False), **headers})

    def _source(self, address: str) -> Blob:
        parts = urlsplit(address)
        path = unquote(parts.path).lstrip("/")
        if not parts.netloc.startswith(f"{self._account}.blob."):
            account, _, path = path.partition("/")
            if account != self._account:
                raise BlobError(501, "NotImplemented", "The local Azure copies blobs of the same account only.")
        blob = self._files.find(self._account, *path.split("/", 1)) if "/" in path else None
        if blob is None:
            raise BlobError(404, "BlobNotFound", "The specified blob does not exist.")
        return blob

    async def put_block(self, request: Request) -> Response:
        self._refuse_missing()
        await self._files.stage(self._path(), request.query_params.get("blockid", ""), request.stream())
        return Response(status_code=201)

    async def put_block_list(self, request: Request) -> Response:
        self._refuse_missing()
        new_only = self._refuse_condition(request)
        blocks = [block.text or "" for block in _xml(await request.body())]
        blob = await self._files.commit(
            self._path(), blocks, _content_type(request), _metadata(request), new_only=new_only
        )
        return Response(status_code=201, headers=_headers(blob, described=False))

    async def set_metadata(self, request: Request) -> Response:
        blob = self._files.set_metadata(self._blob(), _metadata(request))
        return Response(headers=_headers(blob, described=False))

    async def head(self, _request: Request) -> Response:
        blob = self._blob()
        response = Response(headers=_headers(blob))
        response.headers["content-length"] = str(blob.size)
        return response

    async def get(self, request: Request) -> Response:
        blob = self._blob()
        if (wanted := request.headers.get("if-match")) not in (None, "*", blob.etag):
            raise BlobError(412, "ConditionNotMet", f"The blob has changed: its ETag is not {wanted}.")
        asked = request.headers.get("x-ms-range") or request.headers.get("range")
        headers, status, start, length = _headers(blob), 200, 0, blob.size
        if asked is not None and (match := _RANGE.fullmatch(asked)):
            start = int(match[1])
            if start >= blob.size:
                raise BlobError(
                    416, "InvalidRange", "The range specified is invalid for the current size of the resource."
                )
            end = min(int(match[2] or blob.size - 1), blob.size - 1)
            status, length = 206, end - start + 1
            headers["content-range"] = f"bytes {start}-{end}/{blob.size}"
            if (md5 := headers.pop("content-md5", None)) is not None:  # it is of the whole, not of the part
                headers["x-ms-blob-content-md5"] = md5
        headers["content-length"] = str(length)
        return StreamingResponse(read(blob.path, start, length), status, headers)

    async def delete(self, _request: Request) -> Response:
        self._files.delete(self._blob(), self._files.container(self._account, self.place.container))
        return Response(status_code=202)

    def _path(self) -> Path:
        return self._files.path(self._account, self.place.container, self.place.blob)

    def _exists(self) -> bool:
        return self._azure.store.get(storage.container_id(self.place.account.id, self.place.container)) is not None

    def _refuse_missing(self) -> None:
        if not self._exists():
            raise BlobError(404, "ContainerNotFound", "The specified container does not exist.")

    def _blob(self) -> Blob:
        self._refuse_missing()
        blob = self._files.find(self._account, self.place.container, self.place.blob)
        if blob is None:
            raise BlobError(404, "BlobNotFound", "The specified blob does not exist.")
        return blob

    def _refuse_condition(self, request: Request) -> bool:
        """Check If-Match; tell whether the blob must be new."""
        wanted = request.headers.get("if-match")
        if wanted is not None:
            blob = self._files.find(self._account, self.place.container, self.place.blob)
            if blob is None or wanted not in ("*", blob.etag):
                raise BlobError(
                    412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met."
                )
        return request.headers.get("if-none-match") == "*"


def _xml(content: bytes) -> ET.Element:
    try:
        return ET.fromstring(content)  # noqa: S314 - see the import
    except ET.ParseError as error:
        raise BlobError(400, "InvalidXmlDocument", "XML specified is not syntactically valid.") from error


def _content_type(request: Request) -> str:
    return (
        request.headers.get("x-ms-blob-content-type")
        or request.headers.get("content-type")
        or "application/octet-stream"
    )


def _metadata(request: Request) -> dict[str, str]:
    prefix = "x-ms-meta-"
    return {name[len(prefix) :]: value for name, value in request.headers.items() if name.startswith(prefix)}


def _headers(blob: Blob, *, described: bool = True) -> dict[str, str]:
    headers = {"etag": blob.etag, "last-modified": formatdate(blob.modified, usegmt=True)}
    if described:
        # That of the content: when the first blob of this name was written is not kept.
        headers["x-ms-creation-time"] = headers["last-modified"]
        headers |= {"content-type": blob.content_type, "x-ms-blob-type": "BlockBlob", "accept-ranges": "bytes"}
        headers |= {f"x-ms-meta-{name}": value for name, value in blob.metadata.items()}
        if blob.md5 is not None:
            headers["content-md5"] = blob.md5
    return headers


# (level, method, comp) → SAS permissions of which one is needed, operation
_Operation = Callable[[_Service, Request], Awaitable[Response]]
OPERATIONS: Mapping[tuple[str, str, str], tuple[str, _Operation]] = {
    ("s", "GET", "list"): ("l", _Service.list_containers),
    ("s", "POST", "userdelegationkey"): ("", _Service.delegation_key),
    ("c", "PUT", ""): ("cw", _Service.create_container),
    ("c", "GET", ""): ("r", _Service.container),
    ("c", "HEAD", ""): ("r", _Service.container),
    ("c", "DELETE", ""): ("d", _Service.delete_container),
    ("c", "GET", "list"): ("l", _Service.list_blobs),
    ("o", "PUT", ""): ("cw", _Service.put),
    ("o", "PUT", "copy"): ("cw", _Service.copy),
    ("o", "PUT", "block"): ("cw", _Service.put_block),
    ("o", "PUT", "blocklist"): ("cw", _Service.put_block_list),
    ("o", "PUT", "metadata"): ("w", _Service.set_metadata),
    ("o", "HEAD", ""): ("r", _Service.head),
    ("o", "GET", ""): ("r", _Service.get),
    ("o", "DELETE", ""): ("d", _Service.delete),
}
