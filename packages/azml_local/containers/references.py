"""Names of images: registry, repository, tag or digest, as the OCI distribution specification writes them."""

import re
from dataclasses import dataclass

_REFERENCE = re.compile(
    r"(?:(?P<registry>(?=[^/]*[.:]|localhost/)[A-Za-z0-9.-]+(?::\d+)?)/)?"
    r"(?P<repository>[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)
"""A first part is a registry where it has a dot or a colon in it, or is `localhost`."""


@dataclass(frozen=True)
class Reference:
    """Where an image is. `version` is what a manifest is asked for by: the digest, else the tag."""

    registry: str
    repository: str
    version: str


def parse(text: str) -> Reference | None:
    """Read `127.0.0.1:5000/team/model:3` or `…@sha256:…`; None for anything else. No registry: Docker Hub's."""
    found = _REFERENCE.fullmatch(text)
    if found is None:
        return None
    return Reference(found["registry"] or "docker.io", found["repository"], found["digest"] or found["tag"] or "latest")
