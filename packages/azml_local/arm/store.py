"""What exists: resources, running operations and soft-deleted resources, in one SQLite file.

Owns the file and its transactions. A commit is in the system's hands before the answer goes out, so killing the
process loses nothing acknowledged (WAL, synchronous NORMAL; only a power cut could). Calls are synchronous and short on
purpose: what happens between two awaits of a request cannot be interleaved with another one. Imports nothing heavy: the
command line reads the same file while the server runs.
"""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from azml_local.arm.ids import ResourceId, parse

_SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE, id TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL,
  body TEXT NOT NULL, hidden TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS resources_by_name ON resources (type, name);
CREATE TABLE IF NOT EXISTS operations (
  id TEXT PRIMARY KEY, resource TEXT NOT NULL, lock TEXT NOT NULL, verb TEXT NOT NULL, options TEXT NOT NULL,
  status TEXT NOT NULL, error TEXT, started REAL NOT NULL, ended REAL);
CREATE INDEX IF NOT EXISTS operations_by_status ON operations (status);
CREATE TABLE IF NOT EXISTS deleted (
  key TEXT PRIMARY KEY, id TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL,
  body TEXT NOT NULL, hidden TEXT NOT NULL, deleted REAL NOT NULL, purge REAL NOT NULL);
"""
_KEPT_OPERATIONS = 7 * 24 * 3600
"""Seconds that a finished operation can still be asked for."""


@dataclass
class Resource:
    """A resource as stored: `body` is what ARM shows (without id, name, type), `hidden` what it never shows."""

    id: ResourceId
    body: dict[str, Any]
    hidden: dict[str, Any] = field(default_factory=dict)

    @property
    def properties(self) -> dict[str, Any]:
        """The body's `properties`, made if absent."""
        found: dict[str, Any] = self.body.setdefault("properties", {})
        return found

    @property
    def state(self) -> str | None:
        """`provisioningState`; None where the type has none."""
        found: str | None = self.body.get("properties", {}).get("provisioningState")
        return found


@dataclass
class Operation:
    """A long-running operation: `verb` is what is done (create, update, scale, delete …) under the lock `lock`."""

    id: str
    resource: ResourceId
    lock: str
    verb: str
    options: dict[str, Any] = field(default_factory=dict)
    status: str = "InProgress"
    error: dict[str, Any] | None = None
    started: float = field(default_factory=time.time)
    ended: float | None = None
    progress: list[str] = field(default_factory=list)
    """Lines of what is going on; not kept over a restart."""


@dataclass(frozen=True)
class Deleted:
    """A soft-deleted resource; its name is taken until `purge` (epoch seconds)."""

    resource: Resource
    deleted: float
    purge: float


class Store:
    """The open file. Not for use from several threads."""

    def __init__(self, path: Path) -> None:
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute("PRAGMA synchronous=NORMAL")
        self.database.executescript(_SCHEMA)
        self._depth = 0

    def close(self) -> None:
        """Close the file; the log is merged into it."""
        self.database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; may be nested."""
        if self._depth == 0:
            self.database.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
            if self._depth == 1:
                self.database.execute("COMMIT")
        except BaseException:
            if self._depth == 1 and self.database.in_transaction:  # a full disk may have ended it already
                self.database.execute("ROLLBACK")
            raise
        finally:
            self._depth -= 1

    # Resources

    def get(self, resource: ResourceId | str) -> Resource | None:
        """One resource, by its id in any case."""
        key = resource.lower() if isinstance(resource, str) else resource.key
        rows = self._resources("key = ?", key)
        return rows[0] if rows else None

    def put(self, resource: Resource) -> None:
        """Write a resource, new or not."""
        self.database.execute(
            "INSERT INTO resources (key, id, type, name, body, hidden) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET body = excluded.body, hidden = excluded.hidden",
            (*_identity(resource.id), json.dumps(resource.body), json.dumps(resource.hidden)),
        )

    def remove(self, resource: ResourceId) -> None:
        """Forget a resource and everything below it."""
        self.database.execute(
            "DELETE FROM resources WHERE key = ? OR (key > ? AND key < ?)", (resource.key, *_below(resource.key))
        )

    def below(self, scope: ResourceId | None, type_: str | None = None) -> list[Resource]:
        """Everything below a scope (None: everywhere), of one type or all, in the order of creation."""
        clauses: list[str] = []
        values: list[str] = []
        if scope is not None:
            clauses.append("key > ? AND key < ?")
            values += _below(scope.key)
        if type_ is not None:
            clauses.append("type = ?")
            values.append(type_.lower())
        return self._resources(" AND ".join(clauses) or "1", *values)

    def named(self, type_: str, name: str) -> list[Resource]:
        """Every resource of a type with this name, wherever it is."""
        return self._resources("type = ? AND name = ?", type_.lower(), name.lower())

    def _resources(self, where: str, *values: str) -> list[Resource]:
        rows = self.database.execute(
            f"SELECT id, body, hidden FROM resources WHERE {where} ORDER BY sequence",  # noqa: S608 - fixed texts
            values,
        )
        return [Resource(_id(id_), json.loads(body), json.loads(hidden)) for id_, body, hidden in rows]

    # Operations

    def record(self, operation: Operation) -> None:
        """Write an operation, new or not."""
        error = None if operation.error is None else json.dumps(operation.error)
        self.database.execute(
            "INSERT INTO operations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "options = excluded.options, status = excluded.status, error = excluded.error, ended = excluded.ended",
            (
                operation.id,
                str(operation.resource),
                operation.lock,
                operation.verb,
                json.dumps(operation.options),
                operation.status,
                error,
                operation.started,
                operation.ended,
            ),
        )

    def operation(self, id_: str) -> Operation | None:
        """One operation, running or over."""
        found = self._operations("id = ?", id_)
        return found[0] if found else None

    def running(self) -> list[Operation]:
        """Every operation that is not over."""
        return self._operations("status = ?", "InProgress")

    def ended(self, verb: str) -> list[Operation]:
        """Every operation of a verb that is over, as long as it is kept."""
        return [done for done in self._operations("verb = ?", verb) if done.ended is not None]

    def forget_old_operations(self) -> None:
        """Drop what ended long ago."""
        self.database.execute("DELETE FROM operations WHERE ended < ?", (time.time() - _KEPT_OPERATIONS,))

    def _operations(self, where: str, value: str) -> list[Operation]:
        rows = self.database.execute(
            f"SELECT id, resource, lock, verb, options, status, error, started, ended FROM operations WHERE {where}",  # noqa: S608 - fixed texts
            (value,),
        )
        return [
            Operation(id_, _id(resource), lock, verb, json.loads(options), status, error and json.loads(error), *times)
            for id_, resource, lock, verb, options, status, error, *times in rows
        ]

    # Soft-deleted resources

    def bury(self, resource: Resource, seconds: float) -> None:
        """Keep a resource as soft-deleted."""
        now = time.time()
        self.database.execute(
            "INSERT OR REPLACE INTO deleted VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *_identity(resource.id),
                json.dumps(resource.body),
                json.dumps(resource.hidden),
                now,
                now + seconds,
            ),
        )

    def exhume(self, resource: ResourceId) -> None:
        """Forget a soft-deleted resource with all that was deleted with it: purged, or recovered by who calls."""
        self.database.execute(
            "DELETE FROM deleted WHERE key = ? OR (key > ? AND key < ?)", (resource.key, *_below(resource.key))
        )

    def recover_below(self, resource: ResourceId) -> None:
        """Bring back what was soft-deleted with a resource, in the order of its creation."""
        self.database.execute(
            "INSERT OR IGNORE INTO resources (key, id, type, name, body, hidden) "
            "SELECT key, id, type, name, body, hidden FROM deleted WHERE key > ? AND key < ? ORDER BY rowid",
            _below(resource.key),
        )

    def buried(self, type_: str) -> list[Deleted]:
        """The soft-deleted resources of a type; those whose time is over are purged first."""
        self.database.execute("DELETE FROM deleted WHERE purge <= ?", (time.time(),))
        rows = self.database.execute(
            "SELECT id, body, hidden, deleted, purge FROM deleted WHERE type = ? ORDER BY deleted", (type_.lower(),)
        )
        return [
            Deleted(Resource(_id(id_), json.loads(body), json.loads(hidden)), *times)
            for id_, body, hidden, *times in rows
        ]


def _identity(id_: ResourceId) -> tuple[str, str, str, str]:
    return id_.key, str(id_), id_.type.lower(), id_.name.lower()


def _below(key: str) -> tuple[str, str]:
    return f"{key}/", f"{key}0"  # "0" comes right after "/"


def _id(text: str) -> ResourceId:
    at = parse(text).at
    if at is None:
        raise ValueError(f"{text} is no resource id")
    return at
