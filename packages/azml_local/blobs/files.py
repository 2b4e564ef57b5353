"""Blob contents as files, `<account>/<container>/<path>`: a model folder in the store is a folder on disk.

Owns safe paths, complete writes (a new file, synced, then renamed) and what a file alone does not say: ETag, content
type, metadata. Those rows count only for the very file they were written for, so a crash between file and row leaves a
blob without metadata, never with another one's. Two blobs `a` and `a/b` cannot both exist here, as in an account with a
hierarchical namespace.
"""

import asyncio
import base64
import errno
import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from azml_local.blobs.errors import BlobError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS blobs (
  path TEXT PRIMARY KEY, stamp TEXT NOT NULL, etag TEXT NOT NULL, content_type TEXT, md5 TEXT, metadata TEXT NOT NULL);
"""
_NEW, _STAGED = ".new", ".staged"  # no account is called so
_STAGED_S = 7 * 24 * 3600
"""How long blocks wait for their list (Put Block: a week)."""
_PART = 1 << 20
_NAME_MAX, _SEGMENT_MAX = 1024, 255


@dataclass(frozen=True)
class Blob:
    """A blob as it is. `modified` is epoch seconds, `md5` base64 where it is known."""

    name: str
    path: Path
    size: int
    modified: float
    etag: str
    content_type: str = "application/octet-stream"
    md5: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


class BlobFiles:
    """The files of every account of one local Azure."""

    def __init__(self, root: Path, database: sqlite3.Connection) -> None:
        self._root, self._database = root, database
        database.executescript(_SCHEMA)
        for folder in (_NEW, _STAGED):
            (root / folder).mkdir(parents=True, exist_ok=True)
        for left in (root / _NEW).iterdir():  # uploads that a crash interrupted
            left.unlink()
        for left in (root / _STAGED).iterdir():
            if left.stat().st_mtime < time.time() - _STAGED_S:
                shutil.rmtree(left)

    def container(self, account: str, container: str) -> Path:
        """Name the folder of a container."""
        return self._root / account / container

    def path(self, account: str, container: str, name: str) -> Path:
        """Name the file of a blob. Raises 400 `InvalidResourceName` for a name that is no safe path."""
        segments = name.split("/")
        bad = any(segment in ("", ".", "..") or len(os.fsencode(segment)) > _SEGMENT_MAX for segment in segments)
        if bad or len(name) > _NAME_MAX or "\0" in name:
            raise BlobError(
                400,
                "InvalidResourceName",
                f"The blob name '{name[:120]}' is not emulated: segments must not be empty, '.' or '..', nor longer "
                f"than {_SEGMENT_MAX} bytes, the whole not longer than {_NAME_MAX} characters.",
            )
        return self.container(account, container).joinpath(*segments)

    def find(self, account: str, container: str, name: str) -> Blob | None:
        """Look a blob up."""
        path = self.path(account, container, name)
        return self._blob(path, name) if path.is_file() else None

    def list(self, account: str, container: str, prefix: str = "") -> list[Blob]:
        """List blobs in the order of their names."""
        root = self.container(account, container)
        segments = prefix.split("/")[:-1]
        start = root.joinpath(*segments)
        # No blob has such a segment (see `path`), and an empty one in front would lead to the root of the machine.
        bad = any(segment in ("", ".", "..") for segment in segments)
        if bad or not os.path.isdir(start):  # noqa: PTH112 - unlike Path's, False for what is too long
            return []
        names = (
            (Path(folder) / file).relative_to(root).as_posix() for folder, _, files in os.walk(start) for file in files
        )
        return [self._blob(root / name, name) for name in sorted(names) if name.startswith(prefix)]

    async def write(
        self,
        path: Path,
        parts: AsyncIterator[bytes],
        content_type: str,
        metadata: Mapping[str, str],
        *,
        expected_md5: str | None = None,
        new_only: bool = False,
    ) -> Blob:
        """Write a blob from a stream; on disk before the return. Raises 409 `BlobAlreadyExists` with `new_only`."""
        new = self._new()
        try:
            md5 = await _receive(new, parts)
            if expected_md5 is not None and expected_md5 != md5:
                raise BlobError(400, "Md5Mismatch", "The MD5 value specified in the request did not match the content.")
            blob = self._place(new, path, content_type, md5, metadata, new_only=new_only)
        finally:
            new.unlink(missing_ok=True)
        await asyncio.to_thread(_sync_folder, path.parent)
        return blob

    async def copy(self, source: Blob, path: Path, metadata: Mapping[str, str]) -> Blob:
        """Write a blob that has the content of another."""
        return await self.write(path, _joined([source.path]), source.content_type, metadata)

    async def stage(self, path: Path, block: str, parts: AsyncIterator[bytes]) -> None:
        """Keep one block of an upload until the list of blocks comes."""
        new = self._new()
        try:
            await _receive(new, parts)
            _move(new, self._staged(path) / block.encode().hex())
        finally:
            new.unlink(missing_ok=True)

    async def commit(
        self,
        path: Path,
        blocks: Sequence[str],
        content_type: str,
        metadata: Mapping[str, str],
        *,
        new_only: bool = False,
    ) -> Blob:
        """Put the blocks together. Raises 400 `InvalidBlockList` for one that was not staged."""
        folder = self._staged(path)
        files = [folder / block.encode().hex() for block in blocks]
        if not all(map(os.path.isfile, files)):
            raise BlobError(400, "InvalidBlockList", "The specified block list is invalid: a block was not uploaded.")
        blob = await self.write(path, _joined(files), content_type, metadata, new_only=new_only)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        return blob

    def set_metadata(self, blob: Blob, metadata: Mapping[str, str]) -> Blob:
        """Replace the metadata; gives the blob a new ETag."""
        self._describe(blob.path, os.urandom(8).hex(), blob.content_type, blob.md5, metadata)
        return self._blob(blob.path, blob.name)

    def delete(self, blob: Blob, root: Path) -> None:
        """Delete a blob, and folders that it leaves empty up to its container's."""
        blob.path.unlink()
        self._database.execute("DELETE FROM blobs WHERE path = ?", (self._relative(blob.path),))
        for folder in blob.path.parents:
            if folder == root or any(folder.iterdir()):
                break
            folder.rmdir()

    async def remove(self, account: str, container: str | None = None) -> None:
        """Delete all that a container or an account holds."""
        folder = self._root / account if container is None else self.container(account, container)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        below = f"{folder.relative_to(self._root)}/"
        self._database.execute("DELETE FROM blobs WHERE substr(path, 1, ?) = ?", (len(below), below))

    def _new(self) -> Path:
        handle, name = tempfile.mkstemp(dir=self._root / _NEW)
        os.close(handle)
        return Path(name)

    def _place(
        self, new: Path, path: Path, content_type: str, md5: str, metadata: Mapping[str, str], *, new_only: bool
    ) -> Blob:
        if new_only and path.is_file():
            raise BlobError(409, "BlobAlreadyExists", "The specified blob already exists.")
        try:
            _move(new, path)
        except OSError as error:
            if error.errno not in (errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY):
                raise
            text = f"'{path.name}' cannot be a blob and a folder of blobs at once in the local Azure."
            raise BlobError(409, "PathConflict", text) from error
        self._describe(path, os.urandom(8).hex(), content_type, md5, metadata)
        return self._blob(path, path.name)

    def _describe(self, path: Path, etag: str, content_type: str, md5: str | None, metadata: Mapping[str, str]) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?, ?, ?)",
            (self._relative(path), _stamp(path.stat()), etag, content_type, md5, json.dumps(dict(metadata))),
        )

    def _blob(self, path: Path, name: str) -> Blob:
        status = path.stat()
        stamp = _stamp(status)
        row = self._database.execute(
            "SELECT etag, content_type, md5, metadata FROM blobs WHERE path = ? AND stamp = ?",
            (self._relative(path), stamp),
        ).fetchone()
        if row is None:
            return Blob(name, path, status.st_size, status.st_mtime, f'"0x{stamp}"')
        etag, content_type, md5, metadata = row
        return Blob(name, path, status.st_size, status.st_mtime, f'"0x{etag}"', content_type, md5, json.loads(metadata))

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()

    def _staged(self, path: Path) -> Path:
        return self._root / _STAGED / hashlib.sha256(self._relative(path).encode()).hexdigest()


async def _receive(new: Path, parts: AsyncIterator[bytes]) -> str:
    """Write a stream to a file and have it on disk; its MD5."""
    digest = hashlib.md5(usedforsecurity=False)
    with open(new, "wb", buffering=_PART) as file:  # noqa: ASYNC230, PTH123 - the system's cache takes it without waiting
        async for part in parts:
            digest.update(part)
            file.write(part)
        file.flush()
        await asyncio.to_thread(os.fsync, file.fileno())
    return base64.b64encode(digest.digest()).decode()


async def _joined(files: Sequence[Path]) -> AsyncIterator[bytes]:
    for file in files:
        for part in _parts(file):
            yield part
        await asyncio.sleep(0)  # others get their turn


def _move(new: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new.replace(path)


def read(path: Path, start: int, length: int) -> Iterator[bytes]:
    """Read a part of a file, a piece at a time."""
    return _parts(path, start, length)


def _parts(path: Path, start: int = 0, length: int | None = None) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        left = path.stat().st_size - start if length is None else length
        while left > 0 and (part := file.read(min(_PART, left))):
            left -= len(part)
            yield part


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_mtime_ns:x}{status.st_size:x}{status.st_ino:x}"


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
