"""What one registry holds, in one folder: blobs as files named by their digest, everything else in a SQLite file.

Owns which blob belongs to which repository, manifests, tags, and what becomes of blobs that nothing needs any more.
What was acknowledged is in the system's hands, so killing the process loses nothing of it; only a power cut could, and
a file that it cut short counts as absent until somebody pushes it again. Safe for use from several threads.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azml_local.registry.manifests import Manifest
from azml_local.registry.uploads import Upload, Uploads

_SCHEMA = """
CREATE TABLE IF NOT EXISTS blobs (
  repository TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, PRIMARY KEY (repository, digest));
CREATE TABLE IF NOT EXISTS manifests (
  repository TEXT NOT NULL, digest TEXT NOT NULL, media_type TEXT NOT NULL, content BLOB NOT NULL,
  subject TEXT, artifact_type TEXT, created REAL NOT NULL, PRIMARY KEY (repository, digest));
CREATE TABLE IF NOT EXISTS needs (
  repository TEXT NOT NULL, manifest TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (repository, manifest, digest));
CREATE TABLE IF NOT EXISTS tags (
  repository TEXT NOT NULL, tag TEXT NOT NULL, digest TEXT NOT NULL, created REAL NOT NULL, updated REAL NOT NULL,
  PRIMARY KEY (repository, tag));
"""
_NEEDED = "SELECT 1 FROM needs WHERE needs.repository = blobs.repository AND needs.digest = blobs.digest"
_IN_USE_S = 600
"""A blob that a client has just asked about or pushed may be named by a manifest that is on its way."""


@dataclass(frozen=True)
class Stored:
    """A manifest as it was pushed."""

    digest: str
    media_type: str
    content: bytes
    artifact_type: str | None
    created: float


@dataclass(frozen=True)
class Tag:
    """A tag; times are epoch seconds."""

    name: str
    digest: str
    created: float
    updated: float


class Content:
    """The content of one registry, below `root`."""

    def __init__(self, root: Path) -> None:
        self._blobs = root / "blobs"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self.uploads = Uploads(root / "uploads")
        self._lock = threading.RLock()
        self._seen: dict[str, float] = {}
        self._database = sqlite3.connect(root / "content.db", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.executescript(_SCHEMA)
        self._collect()

    def close(self) -> None:
        """Close the file; uploads that are under way end."""
        self.uploads.close()
        with self._lock:
            self._database.close()

    # Blobs

    def blob(self, repository: str, digest: str) -> tuple[Path, int] | None:
        """Find a blob of a repository: its file and its size."""
        with self._lock:
            row = self._row("SELECT size FROM blobs WHERE repository = ? AND digest = ?", repository, digest)
            path = self._path(digest)
            if row is None or not path.is_file() or path.stat().st_size != row[0]:
                return None
            self._seen[digest] = time.monotonic()
            return path, row[0]

    def keep(self, upload: Upload, digest: str) -> None:
        """Make a whole upload a blob of its repository."""
        with self._lock, self._transaction():
            self._seen[digest] = time.monotonic()
            upload.path.replace(self._path(digest))
            self._link(upload.repository, digest, upload.size)

    def mount(self, source: str, repository: str, digest: str) -> bool:
        """Make a blob of one repository one of another too; whether the source has it."""
        with self._lock:
            found = self.blob(source, digest)
            if found is not None:
                self._link(repository, digest, found[1])
            return found is not None

    def delete_blob(self, repository: str, digest: str) -> bool:
        """Take a blob out of a repository; whether it was there."""
        with self._lock:
            gone = self._database.execute(
                "DELETE FROM blobs WHERE repository = ? AND digest = ?", (repository, digest)
            ).rowcount
            self._forget([digest])
            return gone > 0

    # Manifests

    def put_manifest(self, repository: str, manifest: Manifest, tag: str | None) -> None:
        """Store a manifest and set its tag, both or neither."""
        now = time.time()
        with self._lock, self._transaction():
            self._database.execute(
                "INSERT OR IGNORE INTO manifests VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    repository,
                    manifest.digest,
                    manifest.media_type,
                    manifest.content,
                    manifest.subject,
                    manifest.artifact_type,
                    now,
                ),
            )
            self._database.executemany(
                "INSERT OR IGNORE INTO needs VALUES (?, ?, ?)",
                [(repository, manifest.digest, digest) for digest in (*manifest.blobs, *manifest.manifests)],
            )
            if tag is not None:
                self._database.execute(
                    "INSERT INTO tags VALUES (?, ?, ?, ?, ?) ON CONFLICT (repository, tag) DO UPDATE SET "
                    "digest = excluded.digest, updated = excluded.updated",
                    (repository, tag, manifest.digest, now, now),
                )

    def missing(self, repository: str, manifest: Manifest) -> list[str]:
        """Name what a manifest needs and its repository does not have."""
        absent = [digest for digest in manifest.blobs if self.blob(repository, digest) is None]
        return absent + [digest for digest in manifest.manifests if self.manifest(repository, digest) is None]

    def manifest(self, repository: str, reference: str) -> Stored | None:
        """Find a manifest by digest or tag."""
        with self._lock:
            digest = reference
            if ":" not in reference:
                row = self._row("SELECT digest FROM tags WHERE repository = ? AND tag = ?", repository, reference)
                digest = row[0] if row else ""
            found = self._manifests("digest = ?", repository, digest)
            return found[0] if found else None

    def manifests(self, repository: str) -> list[Stored]:
        """Give every manifest of a repository in the order of their digests."""
        return self._manifests("1 ORDER BY digest", repository)

    def referrers(self, repository: str, subject: str) -> list[Stored]:
        """Give the manifests whose subject is this one."""
        return self._manifests("subject = ? ORDER BY created", repository, subject)

    def delete_manifest(self, repository: str, digest: str) -> bool:
        """Delete a manifest with its tags and what refers to it, and what nothing else needs; whether it was there."""
        with self._lock:
            if self.manifest(repository, digest) is None:
                return False
            gone = [digest]
            for subject in gone:  # grows while it is walked
                gone += [found.digest for found in self.referrers(repository, subject)]
            self._delete(repository, gone)
            return True

    def _delete(self, repository: str, digests: Sequence[str]) -> None:
        with self._transaction():
            for digest in digests:
                for table, column in (("manifests", "digest"), ("needs", "manifest"), ("tags", "digest")):
                    self._database.execute(
                        f"DELETE FROM {table} WHERE repository = ? AND {column} = ?",  # noqa: S608 - fixed texts
                        (repository, digest),
                    )
        self._sweep(time.monotonic() - _IN_USE_S)

    # Repositories and tags

    def repositories(self) -> list[str]:
        """Name every repository that has a manifest."""
        with self._lock:
            rows = self._database.execute("SELECT DISTINCT repository FROM manifests ORDER BY repository")
            return [name for (name,) in rows]

    def exists(self, repository: str) -> bool:
        """Tell whether a repository has a manifest."""
        with self._lock:
            return self._row("SELECT 1 FROM manifests WHERE repository = ?", repository) is not None

    def delete_repository(self, repository: str) -> tuple[list[str], list[str]]:
        """Delete all that a repository has: the digests of its manifests, and its tags."""
        with self._lock:
            manifests = [found.digest for found in self.manifests(repository)]
            tags = [found.name for found in self.tags(repository)]
            self._delete(repository, manifests)
            return manifests, tags

    def tags(self, repository: str) -> list[Tag]:
        """Give the tags of a repository in lexical order, which for the specification is without regard to case."""
        with self._lock:
            rows = self._database.execute(
                "SELECT tag, digest, created, updated FROM tags WHERE repository = ? ORDER BY lower(tag), tag",
                (repository,),
            )
            return [Tag(*row) for row in rows]

    def delete_tag(self, repository: str, tag: str) -> bool:
        """Take a tag away; its manifest stays. Whether it was there."""
        with self._lock:
            done = self._database.execute("DELETE FROM tags WHERE repository = ? AND tag = ?", (repository, tag))
            return done.rowcount > 0

    def size(self) -> int:
        """Sum the bytes of all blobs."""
        with self._lock:
            row = self._row("SELECT coalesce(sum(size), 0) FROM (SELECT DISTINCT digest, size FROM blobs)")
            return int(row[0]) if row else 0

    # Within

    def _collect(self) -> None:
        """Clean up after a process that was killed: nobody pushes yet, so what no manifest needs, nothing needs."""
        self._sweep(time.monotonic())
        known = {digest for (digest,) in self._database.execute("SELECT DISTINCT digest FROM blobs")}
        for path in self._blobs.iterdir():
            if f"sha256:{path.name}" not in known:
                path.unlink()

    def _sweep(self, unseen_since: float) -> None:
        """Drop the blobs that no manifest of their repository needs and that nobody asked about lately."""
        with self._lock:
            rows = self._database.execute(f"SELECT repository, digest FROM blobs WHERE NOT EXISTS ({_NEEDED})")  # noqa: S608
            idle = [row for row in rows.fetchall() if self._seen.get(row[1], float("-inf")) <= unseen_since]
            with self._transaction():
                self._database.executemany("DELETE FROM blobs WHERE repository = ? AND digest = ?", idle)
            self._forget({digest for _, digest in idle})

    def _forget(self, digests: Iterator[str] | Sequence[str] | set[str]) -> None:
        """Delete the files of blobs that are in no repository any more."""
        for digest in digests:
            if self._row("SELECT 1 FROM blobs WHERE digest = ?", digest) is None:
                self._path(digest).unlink(missing_ok=True)
                self._seen.pop(digest, None)

    def _manifests(self, where: str, repository: str, *values: str) -> list[Stored]:
        with self._lock:
            rows = self._database.execute(
                "SELECT digest, media_type, content, artifact_type, created FROM manifests "  # noqa: S608 - fixed texts
                f"WHERE repository = ? AND {where}",
                (repository, *values),
            )
            return [Stored(*row) for row in rows]

    def _link(self, repository: str, digest: str, size: int) -> None:
        self._database.execute("INSERT OR REPLACE INTO blobs VALUES (?, ?, ?)", (repository, digest, size))

    def _path(self, digest: str) -> Path:
        return self._blobs / digest.removeprefix("sha256:")

    def _row(self, statement: str, *values: str) -> Any:
        return self._database.execute(statement, values).fetchone()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise
