"""What the control plane says about a registry: who may do what in it. Values, handed over whole at every change."""

import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

EVERYTHING = frozenset({"*"})
READING = frozenset({"pull", "metadata_read"})
"""What anonymous pull opens."""


@dataclass(frozen=True)
class Password:
    """A generated password. `digest` is its SHA-256, `expiry` epoch seconds (None: never)."""

    digest: str
    expiry: float | None = None

    def fits(self, given: str) -> bool:
        """Compare in constant time, and with the clock."""
        same = hmac.compare_digest(hash_of(given), self.digest)
        return same and (self.expiry is None or time.time() < self.expiry)


@dataclass(frozen=True)
class Grant:
    """Actions (pull, push, delete, metadata_read, metadata_write) on the repositories of a name, which may have `*`."""

    repository: str
    actions: frozenset[str]

    def covers(self, repository: str) -> bool:
        """Tell whether it is about a repository."""
        pattern = ".*".join(map(re.escape, self.repository.split("*")))
        return re.fullmatch(pattern, repository) is not None


@dataclass(frozen=True)
class User:
    """A token of the registry (in ACR's sense): a name, passwords, and what its scope map grants."""

    enabled: bool
    passwords: tuple[Password, ...]
    grants: tuple[Grant, ...]


@dataclass(frozen=True)
class Rules:
    """All that decides about access to one registry."""

    name: str
    reachable: bool = True
    """Whether this machine is within the networks that the registry lets in."""
    anonymous_pull: bool = False
    admin: tuple[Password, ...] = ()
    """Passwords of the admin user; none while it is off."""
    users: Mapping[str, User] = field(default_factory=dict)
    identities: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """What managed identities may do, by their principal in lower case. One that is not there may do nothing."""
    audiences: tuple[str, ...] = ()
    """What Microsoft Entra tokens may be for."""


def hash_of(password: str) -> str:
    """Hash a password. They are random and long, so a plain hash gives nothing away."""
    return hashlib.sha256(password.encode()).hexdigest()
