"""ACR's own API for repositories, manifests and tags (`/acr/v1`), as azure-containerregistry 1.2.0 and `az acr` use it.

Owns paths and shapes. Locks (`changeableAttributes`) are shown and cannot be changed here.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any

from azml_local.registry.asked import Answer, Request
from azml_local.registry.content import Content, Stored, Tag
from azml_local.registry.distribution import NAME, Operations
from azml_local.registry.errors import RegistryError
from azml_local.registry.parts import JSON, page_of

_PAGE = 100
_LOCKS = {"deleteEnabled": True, "writeEnabled": True, "readEnabled": True, "listEnabled": True}


class Acr:
    """The operations on one registry, which clients know by `host`."""

    def __init__(self, content: Content, host: str) -> None:
        self._content, self._host = content, host

    def catalog(self, request: Request) -> Answer:
        """List repositories."""
        names, link = page_of(request, self._content.repositories(), str, _PAGE)
        return _answer({"repositories": names}, "/acr/v1/_catalog", link)

    def repository(self, _request: Request, name: str) -> Answer:
        """Describe a repository."""
        found, tags = self._manifests(name), self._content.tags(name)
        times = [one.created for one in found]
        shown = {"createdTime": _time(min(times)), "lastUpdateTime": _time(max(times)), "manifestCount": len(found)}
        return _answer({**self._named(name), **shown, "tagCount": len(tags), "changeableAttributes": _LOCKS})

    def delete_repository(self, _request: Request, name: str) -> Answer:
        """Delete a repository with all its manifests."""
        self._manifests(name)
        gone, tags = self._content.delete_repository(name)
        return _answer({"manifestsDeleted": gone, "tagsDeleted": tags}, status=202)

    def tags(self, request: Request, name: str) -> Answer:
        """List tags, all or those of one `digest`; `orderby=timedesc` has the newest first."""
        self._manifests(name)
        wanted = request.asked("digest")
        found = {tag.name: tag for tag in self._content.tags(name) if wanted in (None, tag.digest)}
        names, link = _ordered(request, found, lambda tag: found[tag].updated)
        return _answer(
            {**self._named(name), "tags": [_tag(found[one]) for one in names]}, f"/acr/v1/{name}/_tags", link
        )

    def tag(self, _request: Request, name: str, tag: str) -> Answer:
        """Describe a tag."""
        found = next((one for one in self._content.tags(name) if one.name == tag), None)
        if found is None:
            raise _no_tag(name, tag)
        return _answer({**self._named(name), "tag": _tag(found)})

    def delete_tag(self, _request: Request, name: str, tag: str) -> Answer:
        """Take a tag away; its manifest stays."""
        if not self._content.delete_tag(name, tag):
            raise _no_tag(name, tag)
        return Answer(202)

    def manifests(self, request: Request, name: str) -> Answer:
        """List manifests with their tags; `orderby=timedesc` has the newest first."""
        found = {one.digest: one for one in self._manifests(name)}
        digests, link = _ordered(request, found, lambda digest: found[digest].created)
        shown = [self._manifest(name, found[one]) for one in digests]
        return _answer({**self._named(name), "manifests": shown}, f"/acr/v1/{name}/_manifests", link)

    def manifest(self, _request: Request, name: str, digest: str) -> Answer:
        """Describe a manifest."""
        found = self._content.manifest(name, digest)
        if found is None or ":" not in digest:
            raise RegistryError("MANIFEST_UNKNOWN", "manifest unknown", {"Name": name, "Reference": digest})
        return _answer({**self._named(name), "manifest": self._manifest(name, found)})

    def _manifests(self, name: str) -> list[Stored]:
        found = self._content.manifests(name)
        if not found:
            raise RegistryError("NAME_UNKNOWN", "repository name not known to registry", {"name": name})
        return found

    def _manifest(self, name: str, found: Stored) -> dict[str, Any]:
        document = json.loads(found.content)
        parts = [document["config"], *document["layers"]] if "layers" in document else []
        shown = {
            "digest": found.digest,
            "imageSize": len(found.content) + sum(part["size"] for part in parts),
            "createdTime": _time(found.created),
            "lastUpdateTime": _time(found.created),
            "mediaType": found.media_type,
            "tags": [tag.name for tag in self._content.tags(name) if tag.digest == found.digest],
            "changeableAttributes": _LOCKS,
        }
        return {**shown, "configMediaType": document["config"]["mediaType"]} if "config" in document else shown

    def _named(self, name: str) -> dict[str, str]:
        return {"registry": self._host, "imageName": name}


_TAG = r"(?P<tag>[^/]+)"
OPERATIONS: Operations = [
    (re.compile(r"/acr/v1/_catalog"), {"GET": ("*", Acr.catalog)}),
    (re.compile(rf"/acr/v1/{NAME}/_tags"), {"GET": ("metadata_read", Acr.tags)}),
    (
        re.compile(rf"/acr/v1/{NAME}/_tags/{_TAG}"),
        {"GET": ("metadata_read", Acr.tag), "DELETE": ("delete", Acr.delete_tag)},
    ),
    (re.compile(rf"/acr/v1/{NAME}/_manifests"), {"GET": ("metadata_read", Acr.manifests)}),
    (re.compile(rf"/acr/v1/{NAME}/_manifests/(?P<digest>[^/]+)"), {"GET": ("metadata_read", Acr.manifest)}),
    (
        re.compile(rf"/acr/v1/{NAME}"),
        {"GET": ("metadata_read", Acr.repository), "DELETE": ("delete", Acr.delete_repository)},
    ),
]
"""Path to method to the actions that it needs, and what it does."""


def _ordered(request: Request, found: dict[str, Any], age: Any) -> tuple[list[str], str | None]:
    """Cut a page out, by name or by time. A page by time begins after the `last` of the one before."""
    order = request.asked("orderby") or ""
    names = list(found)
    if order in ("timedesc", "timeasc"):
        names.sort(key=age, reverse=order == "timedesc")
        place = {name: f"{index:09}" for index, name in enumerate(names)}
        return page_of(request, names, lambda name: place.get(name, ""), _PAGE)
    return page_of(request, sorted(names, key=lambda name: (name.lower(), name)), str.lower, _PAGE)


def _tag(tag: Tag) -> dict[str, Any]:
    times = {"createdTime": _time(tag.created), "lastUpdateTime": _time(tag.updated)}
    return {"name": tag.name, "digest": tag.digest, **times, "signed": False, "changeableAttributes": _LOCKS}


def _answer(document: dict[str, Any], path: str = "", link: str | None = None, status: int = 200) -> Answer:
    headers = JSON if link is None else {**JSON, "Link": f'<{path}?{link}>; rel="next"'}
    return Answer(status, headers, json.dumps(document).encode())


def _time(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _no_tag(name: str, tag: str) -> RegistryError:
    return RegistryError("TAG_UNKNOWN", "the specified tag does not exist", {"name": name, "tag": tag})
