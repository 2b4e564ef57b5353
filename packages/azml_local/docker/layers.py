"""Layers as tar archives that are the same for the same content, made while they are read: nothing lies on a disk.

Owns what an archive says of a file: sorted names, modes 644 and 755, no owner, no time. Not compressed: the network is
the loopback, and an environment of 265 MB takes 0.6 CPU seconds to archive and hash, 3.6 at gzip's lowest level (which
makes 88 MB of it; measured 2026-11). An archive's digest is its diff id, too.
"""

import hashlib
import json
import os
import posixpath
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from azml_local.docker.recipe import Files
from azml_local.home import write_json
from azml_local.stand_in.errors import Refused

MEDIA_TYPE = "application/vnd.oci.image.layer.v1.tar"
_CHUNK = 1 << 20
_LAYOUT = 1
"""Part of what is remembered of environments: raised when their layers are made in another way."""


@dataclass(frozen=True)
class Member:
    """A file or a link of an archive: what it is made from, or text that stands for it."""

    path: Path
    text: bytes | None = None


@dataclass(frozen=True)
class Layer:
    """An archive that is made anew whenever it is read. Members by name, without a slash before it."""

    members: Mapping[str, Member]
    digest: str
    size: int
    """Bytes of the whole archive."""

    def pieces(self) -> Iterator[bytes]:
        """Read the archive."""
        return _archive(self.members)

    @property
    def short(self) -> str:
        """As Docker shows it."""
        return self.digest[7:19]


def of_files(files: Files) -> Layer:
    """Make a layer of files of the context. Raises `Refused` where one cannot be read."""
    return _layer({path.lstrip("/"): Member(entry.path) for path, entry in files.entries.items()})


def of_environment(folder: Path, prefix: str) -> Layer:
    """Make a layer of a Python environment, seen at `prefix`. What it hashes to is remembered beside the folder."""
    members = dict(_environment(folder, prefix.strip("/")))
    memory = folder.with_name(f"{folder.name}.layer.json")
    of = {"layout": _LAYOUT, "prefix": prefix, "inode": folder.stat().st_ino, "changed": folder.stat().st_ctime_ns}
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
        if known["of"] == of:
            return Layer(members, known["digest"], known["size"])
    except (OSError, ValueError, KeyError):
        pass  # not remembered, or by a version that wrote it otherwise
    made = _layer(members)
    write_json(memory, {"of": of, "digest": made.digest, "size": made.size})
    return made


def _layer(members: Mapping[str, Member]) -> Layer:
    hashed, size = hashlib.sha256(), 0
    for piece in _archive(members):
        hashed.update(piece)
        size += len(piece)
    return Layer(members, f"sha256:{hashed.hexdigest()}", size)


def _environment(folder: Path, prefix: str) -> Iterator[tuple[str, Member]]:
    """List what belongs to an environment, not to this machine: no compiled files, no interpreter, no path to one."""
    for at, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        links = [name for name in folders if Path(at, name).is_symlink()]
        for name in [*files, *links]:
            path = Path(at, name)
            if path.is_symlink() and path.readlink().is_absolute():
                continue
            member = Member(path)
            if path == folder / "pyvenv.cfg":
                lines = path.read_bytes().splitlines(keepends=True)
                member = Member(path, b"".join(line for line in lines if not line.startswith(b"home")))
            yield posixpath.join(prefix, path.relative_to(folder).as_posix()), member


def _archive(members: Mapping[str, Member]) -> Iterator[bytes]:
    for name in sorted({*members, *_folders(members)}):
        if name in members:
            yield from _member(name, members[name])
        else:
            yield _header(name + "/", tarfile.DIRTYPE, 0o755)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _folders(names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for name in names:
        above = posixpath.dirname(name)
        while above and above not in found:
            found.add(above)
            above = posixpath.dirname(above)
    return found


def _member(name: str, member: Member) -> Iterator[bytes]:
    try:
        if member.text is not None:
            yield _header(name, tarfile.REGTYPE, 0o644, size=len(member.text))
            yield _padded(member.text)
        elif member.path.is_symlink():
            yield _header(name, tarfile.SYMTYPE, 0o777, link=str(member.path.readlink()))
        else:
            yield from _file(name, member.path)
    except OSError as error:
        raise Refused(f"failed to solve: {member.path}: {(error.strerror or str(error)).lower()}") from error


def _file(name: str, path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        about = os.fstat(file.fileno())
        yield _header(name, tarfile.REGTYPE, 0o755 if about.st_mode & 0o100 else 0o644, size=about.st_size)
        left = about.st_size
        while left:
            piece = file.read(min(left, _CHUNK))
            if not piece:
                raise Refused(f"failed to solve: {path} became shorter while it was read")
            left -= len(piece)
            yield piece if left else _padded(piece)


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % tarfile.BLOCKSIZE)


def _header(name: str, kind: bytes, mode: int, size: int = 0, link: str = "") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size, info.linkname = kind, mode, size, link
    return info.tobuf(tarfile.PAX_FORMAT)
