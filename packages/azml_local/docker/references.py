"""Names of images, as Docker reads them, and the host that credentials are for."""

import re
from dataclasses import dataclass

from azml_local.stand_in.errors import Refused

_DOCKER_IO = ("index.docker.io", "docker.io", "registry-1.docker.io")
_INDEX_SERVER = "https://index.docker.io/v1/"
"""What Docker keeps the credentials of its own registry under."""
_HOST = r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(
    rf"(?:(?P<host>{_HOST})/)?(?P<path>{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_HELP = (
    "\nThis resource requires all image names to be fully qualified.\nFor example, if you are attempting to push to "
    "Dockerhub, prefix your image name with `docker.io`:\n\n`docker.io/repository/image:tag`"
)


@dataclass(frozen=True)
class Reference:
    """A fully qualified image name: `host/repository:tag`."""

    host: str
    repository: str
    tag: str

    @property
    def name(self) -> str:
        """The repository with its host, which digests are added to."""
        return f"{self.host}/{self.repository}"


def parse(name: str) -> Reference:
    """Read a fully qualified name; without a tag it is `latest`. Raises `Refused` with what Docker's reader says."""
    match = _NAME.fullmatch(name)
    if match is None:
        lower = _NAME.fullmatch(name.lower())
        why = "repository name must be lowercase" if lower is not None else "invalid reference format"
        raise Refused(f'"{name}": {why}.{_HELP}')
    host, path = match["host"] or "", match["path"]
    if not re.search(r"[.:]", host) and host != "localhost":  # Docker takes it for a part of the path
        raise Refused(f'"{name}": repository name must be canonical.{_HELP}')
    return Reference(host, path, match["tag"] or "latest")


def host_for_credentials(server: str, image: str) -> str:
    """Give the host whose credentials a push takes: the server's as it is given, or else the image's."""
    host = parse(image).host if not server else re.sub(r"^https?://", "", server).partition("/")[0]
    return _INDEX_SERVER if host in _DOCKER_IO else host
