"""The XML that the storage service writes: lists of containers and blobs, user delegation keys."""

from collections.abc import Iterable, Mapping, Sequence
from email.utils import formatdate
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from azml_local.blobs.errors import NOT_XML
from azml_local.blobs.files import Blob

_HEAD = '<?xml version="1.0" encoding="utf-8"?>'


def containers(endpoint: str, names: Iterable[str], prefix: str) -> str:
    """Write a list of containers."""
    found = "".join(
        f"<Container><Name>{name}</Name><Properties><LeaseStatus>unlocked</LeaseStatus></Properties></Container>"
        for name in names
        if name.startswith(prefix)
    )
    head = f"{_HEAD}<EnumerationResults ServiceEndpoint={quoteattr(endpoint)}><Prefix>{escape(prefix)}</Prefix>"
    return f"{head}<Containers>{found}</Containers><NextMarker/></EnumerationResults>"


def blobs(
    endpoint: str, container: str, found: Sequence[Blob], prefix: str, delimiter: str, marker: str, limit: int
) -> str:
    """Write a page of blobs: those whose names come from `marker` on, folders cut at the delimiter."""
    entries: dict[str, str] = {}
    for blob in found:
        rest = blob.name[len(prefix) :]
        if delimiter and delimiter in rest:
            folder = prefix + rest[: rest.index(delimiter) + len(delimiter)]
            entries.setdefault(folder, f"<BlobPrefix>{_name(folder)}</BlobPrefix>")
        else:
            entries[blob.name] = _blob(blob)
    names = [name for name in sorted(entries) if name >= marker]
    shown, following = names[:limit], names[limit : limit + 1]
    head = (
        f"{_HEAD}<EnumerationResults ServiceEndpoint={quoteattr(endpoint)} ContainerName={quoteattr(container)}>"
        f"<Prefix>{escape(prefix)}</Prefix><Marker>{escape(marker)}</Marker><MaxResults>{limit}</MaxResults>"
        f"<Delimiter>{escape(delimiter)}</Delimiter>"
    )
    body = "".join(entries[name] for name in shown)
    after = "".join(escape(name) for name in following)
    return f"{head}<Blobs>{body}</Blobs><NextMarker>{after}</NextMarker></EnumerationResults>"


def delegation_key(named: Mapping[str, str], value: str) -> str:
    """Write a user delegation key."""
    tags = {"SignedOid": "skoid", "SignedTid": "sktid", "SignedStart": "skt", "SignedExpiry": "ske"}
    tags |= {"SignedService": "sks", "SignedVersion": "skv"}
    inside = "".join(f"<{tag}>{escape(named[name])}</{tag}>" for tag, name in tags.items())
    return f"{_HEAD}<UserDelegationKey>{inside}<Value>{value}</Value></UserDelegationKey>"


def _name(name: str) -> str:
    """Write a name; percent-encoded where XML cannot hold it, as the service does since version 2021-02-12."""
    if NOT_XML.search(name):
        return f'<Name Encoded="true">{quote(name)}</Name>'
    return f"<Name>{escape(name)}</Name>"


def _blob(blob: Blob) -> str:
    md5 = "" if blob.md5 is None else f"<Content-MD5>{blob.md5}</Content-MD5>"
    metadata = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in blob.metadata.items())
    return (
        f"<Blob>{_name(blob.name)}<Properties>"
        f"<Last-Modified>{formatdate(blob.modified, usegmt=True)}</Last-Modified><Etag>{escape(blob.etag)}</Etag>"
        f"<Content-Length>{blob.size}</Content-Length><Content-Type>{escape(blob.content_type)}</Content-Type>{md5}"
        f"<BlobType>BlockBlob</BlobType><LeaseStatus>unlocked</LeaseStatus></Properties>"
        f"<Metadata>{metadata}</Metadata></Blob>"
    )
