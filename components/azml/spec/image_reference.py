"""References to images, as docker and the OCI distribution specification write them: [HOST/]NAME[:TAG][@DIGEST].

Owns their grammar and the names of repositories. Deliberately asks no registry.

Source: distribution/reference (grammar of `reference.go`) and OCI distribution-spec 1.1, "Pulling manifests".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from azml.facts.names import CONTAINER_REGISTRY, NameRule

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = rf"{_PART}(?:/{_PART})*"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_DIGEST = r"sha256:[a-f0-9]{64}"
_REFERENCE = re.compile(
    rf"(?:(?P<host>{_HOST})/)?(?P<path>{_PATH})(?::(?P<tag>\w[\w.-]{{0,127}}))?(?:@(?P<digest>{_DIGEST}))?", re.ASCII
)

LONGEST_NAME = 255
"""Characters of host, slash and path together that every client takes (distribution-spec 1.1)."""
ALLOWED = "[HOST/]NAME, NAME:TAG or NAME@sha256:DIGEST, the name in lower case"

REPOSITORY = NameRule(
    "a repository",
    1,
    LONGEST_NAME - CONTAINER_REGISTRY.longest - len(".azurecr.io/"),
    _PATH,
    "lower case letters and digits, separated by a full stop, dashes, one or two underscores, or a slash",
    "the container registry",
)
"""What is left of `LONGEST_NAME` in the registry with the longest name."""


@dataclass(frozen=True)
class ImageReference:
    """An image by name."""

    host: str | None
    """Registry, with its port; None where docker's own is meant."""
    path: str
    tag: str | None
    digest: str | None


def parse(text: str) -> ImageReference | None:
    """Take a reference apart; None where the text is none."""
    found = _REFERENCE.fullmatch(text)
    if found is None:
        return None
    host, path = found["host"], found["path"]
    if host is not None and not (set(host) & set(".:") or host == "localhost" or host != host.lower()):
        host, path = None, f"{host}/{path}"
    if len(f"{host}/{path}" if host else path) > LONGEST_NAME:
        return None
    return ImageReference(host, path, found["tag"], found["digest"])
