"""Blobs on their way in: a file that grows, hashed as it grows, so that no byte is read twice.

Owns sessions, their order (one request at a time writes to one) and their end. They live as long as the process: the
next one finds files of uploads that nobody can go on with, and deletes them.
"""

import hashlib
import secrets
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from azml_local.registry.errors import RegistryError

_IDLE_S = 24 * 3600
"""An upload that nobody has gone on with for so long has been given up."""
_AT_ONCE = 256 << 10
"""Bytes that are quicker written and hashed than handed to another thread."""
_helpers = ThreadPoolExecutor(thread_name_prefix="registry hash")
_WAIT_S = 1.0
"""For a request whose client has gone, and which the server is about to notice."""


@dataclass
class Upload:
    """One session. What it holds is in `path`, `size` bytes, whatever becomes of the connection."""

    repository: str
    path: Path
    file: IO[bytes]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    """In the address of the session: a client that forgets the address's query cannot go on, as in ACR."""
    size: int = 0
    seen: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)
    hash: Any = field(default_factory=hashlib.sha256)

    @property
    def digest(self) -> str:
        """Of what has arrived."""
        return f"sha256:{self.hash.hexdigest()}"

    def take(self, pieces: Iterator[memoryview]) -> None:
        """Add to it. Where the client goes away in the middle, what came is kept.

        A piece is written and hashed while the next one comes in.
        """
        under_way: Future[None] | None = None
        try:
            for piece in pieces:
                if under_way is not None:
                    under_way.result()
                    under_way = None
                if len(piece) > _AT_ONCE:
                    under_way = _helpers.submit(self._add, piece)
                else:
                    self._add(piece)
        finally:
            if under_way is not None:
                under_way.result()
            self.seen = time.monotonic()

    def _add(self, piece: memoryview) -> None:
        left = piece
        while left:  # a disk that is nearly full takes a part, and says why with the next one
            left = left[self.file.write(left) :]
        self.hash.update(piece)
        self.size += len(piece)


class Uploads:
    """The sessions of one registry."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self._folder = folder
        self._open: dict[str, Upload] = {}
        self._lock = threading.Lock()

    def begin(self, repository: str) -> Upload:
        """Open a session, and end those that were given up."""
        with self._lock:
            idle = [one for one in self._open.values() if one.seen < time.monotonic() - _IDLE_S]
        for one in idle:
            self.end(one)
        path = self._folder / secrets.token_hex(16)
        upload = Upload(repository, path, path.open("wb", buffering=0))
        with self._lock:
            self._open[upload.id] = upload
        return upload

    @contextmanager
    def use(self, repository: str, id_: str, state: str) -> Iterator[Upload]:
        """Have a session for oneself. Raises 404 where there is none, 400 where another request has it."""
        upload = self._open.get(id_)
        if upload is None or upload.repository != repository:
            raise RegistryError("BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry", {"upload": id_})
        if not secrets.compare_digest(upload.state.encode(), state.encode()):
            text = "the address of an upload is the whole Location of the answer before, with its query"
            raise RegistryError("BLOB_UPLOAD_INVALID", text)
        if not upload.lock.acquire(timeout=_WAIT_S):
            raise RegistryError("BLOB_UPLOAD_INVALID", "another request writes to this upload")
        try:
            if id_ not in self._open:  # ended while we waited
                raise RegistryError("BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry", {"upload": id_})
            yield upload
        finally:
            upload.lock.release()

    def end(self, upload: Upload) -> None:
        """Close a session and delete what it still has."""
        with self._lock:
            self._open.pop(upload.id, None)
        upload.file.close()
        upload.path.unlink(missing_ok=True)

    def close(self) -> None:
        """End them all."""
        for upload in list(self._open.values()):
            self.end(upload)
