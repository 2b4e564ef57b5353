"""What the control plane asks of the runtime: groups of containers, and the one way a group fails.

Owns the words both sides share. Holds no behaviour, and nothing of ARM's JSON.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from azml_local.scoring.contract import Probe as Timing

RestartPolicy = Literal["Always", "OnFailure", "Never"]


@dataclass(frozen=True)
class HttpGet:
    """A request that a probe makes to a port that the container declares."""

    path: str
    port: int
    scheme: str = "http"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Probe:
    """When a container is alive or ready: a command in it that ends with 0, or a request answered 200 to 399."""

    timing: Timing
    command: tuple[str, ...] = ()
    http: HttpGet | None = None


@dataclass(frozen=True)
class Volume:
    """What containers of a group share for as long as the group exists; `files` (name → content) are a secret's."""

    name: str
    files: Mapping[str, bytes] | None = None


@dataclass(frozen=True)
class Mount:
    """Where a container sees a volume."""

    volume: str
    path: str


@dataclass(frozen=True)
class Container:
    """One container. `command` takes the place of the image's; `cpu` in cores; the rest is the image's."""

    name: str
    image: str
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    cpu: float = 1.0
    memory_bytes: float | None = None
    liveness: Probe | None = None
    readiness: Probe | None = None
    mounts: tuple[Mount, ...] = ()


@dataclass(frozen=True)
class Credential:
    """Who pulls from a registry (`host` or `host:port`)."""

    server: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class PullIdentity:
    """A managed identity that pulls from a registry: `token` makes a Microsoft Entra token of it, from any thread."""

    server: str
    name: str
    token: Callable[[], str] = field(repr=False)


@dataclass(frozen=True)
class Group:
    """Containers that run together. `first` (init containers) run one by one before the others, each to its end."""

    id: str
    name: str
    containers: tuple[Container, ...]
    first: tuple[Container, ...] = ()
    restart: RestartPolicy = "Always"
    credentials: tuple[Credential | PullIdentity, ...] = ()
    volumes: tuple[Volume, ...] = ()

    @property
    def ports(self) -> list[int]:
        """Every port that a container declares."""
        return [port for container in self.containers for port in container.ports]


class GroupFailed(Exception):  # noqa: N818 - the word Azure uses for the outcome
    """A group did not come up. `code` is Azure's; `message` says what went wrong and what to change."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message
