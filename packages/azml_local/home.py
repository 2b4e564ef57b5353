"""Where the local Azure keeps what it has, and who it is: ids, secret and port that stay the same for good.

Owns the names of files and folders below the home, their modes (nobody else may read them) and the identity file.
Imports the standard library only: the command line reads it.
"""

import json
import os
import secrets
import tempfile
import uuid
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Identity:
    """Made once for a home. `signing_key` signs tokens; `port` is 0 until one was chosen."""

    subscription_id: str
    tenant_id: str
    client_id: str
    object_id: str
    client_secret: str
    signing_key: str
    port: int = 0


@dataclass(frozen=True)
class Home:
    """The folder of one local Azure."""

    root: Path

    @property
    def server(self) -> Path:
        """What clients need to know; there while the server is ready."""
        return self.root / "server.json"

    @property
    def lock(self) -> Path:
        """Locked by the running server, holds its process id."""
        return self.root / "server.lock"

    @property
    def starting(self) -> Path:
        """Locked by whoever starts or stops the server."""
        return self.root / "start.lock"

    @property
    def database(self) -> Path:
        """The store."""
        return self.root / "azure.db"

    @property
    def blobs(self) -> Path:
        """Blob contents: `<account>/<container>/<path>`."""
        return self.root / "blobs"

    @property
    def registries(self) -> Path:
        """What container registries hold: a folder each."""
        return self.root / "registries"

    @property
    def online(self) -> Path:
        """State of the online endpoints."""
        return self.root / "online"

    @property
    def containers(self) -> Path:
        """Images, and state of the container groups."""
        return self.root / "containers"

    @property
    def logs(self) -> Path:
        """Log files."""
        return self.root / "logs"

    @property
    def settings(self) -> Path:
        """What a user may set; optional."""
        return self.root / "settings.yaml"

    @property
    def ca(self) -> Path:
        """Certificate of the local authority."""
        return self.root / "ca.pem"

    @property
    def bundle(self) -> Path:
        """The public roots and the local authority."""
        return self.root / "bundle.pem"

    @property
    def certificates(self) -> Path:
        """Private keys, and until when they are good."""
        return self.root / "certificates"

    def make(self) -> None:
        """Make the folders, for this user only."""
        for folder in (self.root, self.blobs, self.online, self.containers, self.logs, self.certificates):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)

    def identity(self) -> Identity:
        """Read who this local Azure is; made on first use."""
        path = self.root / "identity.json"
        if path.exists():
            return Identity(**json.loads(path.read_text(encoding="utf-8")))
        made = Identity(
            subscription_id=str(uuid.uuid4()),
            tenant_id=str(uuid.uuid4()),
            client_id=str(uuid.uuid4()),
            object_id=str(uuid.uuid4()),
            client_secret=secrets.token_urlsafe(32),
            signing_key=secrets.token_hex(32),
        )
        write_json(path, asdict(made))
        return made

    def remember_port(self, identity: Identity, port: int) -> Identity:
        """Keep the port for the next starts."""
        changed = replace(identity, port=port)
        write_json(self.root / "identity.json", asdict(changed))
        return changed


def write_json(path: Path, value: Any) -> None:
    """Write a file for this user only, all or nothing."""
    write_private(path, json.dumps(value, indent=2).encode())


def write_private(path: Path, content: bytes) -> None:
    """Write a file for this user only, all or nothing, on disk before the return."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
