"""Manifests: what the OCI image specification (1.1) and Docker's schema 2 demand of them, and what they name.

Owns the checks of one document. Whether what it names is there, is `content`'s to say.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from azml_local.registry.errors import RegistryError

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
_IMAGES, _LISTS = (OCI_MANIFEST, DOCKER_MANIFEST), (OCI_INDEX, DOCKER_LIST)
MAX_BYTES = 4 << 20
"""container-registry-limits: 4 MiB."""
DIGEST = re.compile(r"sha256:[a-f0-9]{64}")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")


@dataclass(frozen=True)
class Manifest:
    """A manifest that may be stored: `blobs` and `manifests` are the digests that it needs."""

    content: bytes
    media_type: str
    digest: str
    blobs: tuple[str, ...]
    manifests: tuple[str, ...]
    subject: str | None
    artifact_type: str | None


def read(content: bytes, content_type: str) -> Manifest:
    """Read a pushed manifest. Raises `MANIFEST_INVALID` with every problem in its detail."""
    media_type = content_type.partition(";")[0].strip()
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _invalid([f"it is no JSON: {error}"]) from error
    if not isinstance(document, dict):
        raise _invalid(["it is no JSON object"])
    problems = [*_kind_problems(document, media_type), *_reference_problems(document, media_type)]
    if problems:
        raise _invalid(problems)
    subject = document.get("subject")
    return Manifest(
        content=content,
        media_type=media_type,
        digest=f"sha256:{hashlib.sha256(content).hexdigest()}",
        blobs=tuple(one["digest"] for one in _blobs(document, media_type)),
        manifests=tuple(one["digest"] for one in document.get("manifests", [])) if media_type in _LISTS else (),
        subject=subject["digest"] if subject else None,
        artifact_type=artifact_type(document),
    )


def artifact_type(document: dict[str, Any]) -> str | None:
    """Say what a manifest is of: its `artifactType`, else the media type of its config (image specification)."""
    given = document.get("artifactType")
    if not given and isinstance(document.get("config"), dict):
        given = document["config"].get("mediaType")
    return given or None


def _kind_problems(document: dict[str, Any], media_type: str) -> list[str]:
    problems = []
    if media_type not in (*_IMAGES, *_LISTS):
        known = ", ".join((*_IMAGES, *_LISTS))
        problems.append(f"Content-Type is {media_type!r}; this registry takes {known}")
    if document.get("schemaVersion") != 2:
        problems.append(f"schemaVersion must be 2, is {document.get('schemaVersion')!r}")
    said = document.get("mediaType", media_type)
    if said != media_type:
        problems.append(f"mediaType is {said!r}, and the request's Content-Type {media_type!r}")
    if media_type in (DOCKER_MANIFEST, DOCKER_LIST) and "mediaType" not in document:
        problems.append("mediaType is missing")
    if not isinstance(document.get("annotations", {}), dict):
        problems.append("annotations must be an object")
    return problems


def _reference_problems(document: dict[str, Any], media_type: str) -> list[str]:
    problems = []
    if media_type in _IMAGES:
        problems += _descriptor("config", document.get("config"))
        problems += _descriptors("layers", document.get("layers"))
    elif media_type in _LISTS:
        problems += _descriptors("manifests", document.get("manifests"))
    if document.get("subject") is not None:
        problems += _descriptor("subject", document["subject"])
    return problems


def _descriptors(path: str, given: Any) -> list[str]:
    if not isinstance(given, list):
        return [f"{path} must be a list"]
    return [problem for index, one in enumerate(given) for problem in _descriptor(f"{path}[{index}]", one)]


def _descriptor(path: str, given: Any) -> list[str]:
    if not isinstance(given, dict):
        return [f"{path} must be an object with mediaType, digest and size"]
    problems = []
    if not _MEDIA_TYPE.fullmatch(str(given.get("mediaType", ""))):
        problems.append(f"{path}.mediaType must be a media type, is {given.get('mediaType')!r}")
    if not DIGEST.fullmatch(str(given.get("digest", ""))):
        problems.append(f"{path}.digest must be sha256:HEX, is {given.get('digest')!r}")
    if type(given.get("size")) is not int or given["size"] < 0:
        problems.append(f"{path}.size must be a number of bytes, is {given.get('size')!r}")
    return problems


def _blobs(document: dict[str, Any], media_type: str) -> list[dict[str, Any]]:
    """Give the descriptors that must be in the repository: not layers that are to be had elsewhere."""
    if media_type not in _IMAGES:
        return []
    return [document["config"], *(layer for layer in document["layers"] if not layer.get("urls"))]


def _invalid(problems: list[str]) -> RegistryError:
    return RegistryError("MANIFEST_INVALID", f"manifest invalid: {'; '.join(problems)}", problems)
