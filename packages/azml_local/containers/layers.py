"""Layers on disk: an archive extracted once, with nothing in it that leads out of its folder.

Owns what may be in an archive and how it lands. Files are read-only (a process in a container of azml's own images runs
as a user that owns none of them); folders are not, so that Python keeps what it compiled, once for all containers.
Symbolic links that are absolute in the image become relative to its root, as they are for a process inside.
"""

import lzma
import os
import posixpath
import stat
import tarfile
import zlib
from pathlib import Path

_PIECE = 1 << 20


class BadLayer(Exception):  # noqa: N818 - says what is bad
    """An archive holds what no image may."""


def extract(archive: Path, target: Path) -> None:
    """Extract a tar archive (plain or compressed as Python can read) into a new folder. Raises `BadLayer`."""
    target.mkdir(parents=True)
    try:
        with tarfile.open(archive, "r:*") as tar:
            layer = _Layer(tar, str(target))
            for member in tar:
                layer.place(member)
    except tarfile.TarError as error:
        raise BadLayer(f"the layer is no archive that can be read: {error}") from error
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        raise BadLayer(f"the layer is no archive that is whole: {error}") from error


class _Layer:
    """A layer on its way to the disk: what is there is known without asking, since all of it came from here."""

    def __init__(self, tar: tarfile.TarFile, target: str) -> None:
        self._tar, self._target = tar, target
        self._kinds: dict[str, bytes] = {"": tarfile.DIRTYPE}

    def place(self, member: tarfile.TarInfo) -> None:
        name = _inside(member.name)
        if not name:
            return
        if member.isdir():
            self._folder(name)
            return
        self._folder(posixpath.dirname(name))
        self._clear(name)
        place = self._at(name)
        if member.isreg():
            self._write(member, place)
        elif member.issym():
            os.symlink(_link(name, member.linkname), place)  # noqa: PTH211
        elif member.islnk():
            source = _inside(member.linkname)
            if self._kinds.get(source) != tarfile.REGTYPE:
                raise BadLayer(f"'{name}' is a hard link to '{member.linkname}', which is no file of the layer")
            os.link(self._at(source), place)
        else:
            raise BadLayer(f"'{name}' is no file, folder or link")
        self._kinds[name] = tarfile.SYMTYPE if member.issym() else tarfile.REGTYPE

    def _folder(self, name: str) -> None:
        """Make a folder with those above it, none of which may be a link: what is below would land elsewhere."""
        kind = self._kinds.get(name)
        if kind == tarfile.DIRTYPE:
            return
        if kind is not None:
            raise BadLayer(f"'{name}' is a folder and something else")
        self._folder(posixpath.dirname(name))
        os.mkdir(self._at(name))  # noqa: PTH102 - pathlib costs as much as the system here
        self._kinds[name] = tarfile.DIRTYPE

    def _clear(self, name: str) -> None:
        kind = self._kinds.get(name)
        if kind == tarfile.DIRTYPE:
            raise BadLayer(f"'{name}' is a folder and something else")
        if kind is not None:
            os.unlink(self._at(name))  # noqa: PTH108

    def _write(self, member: tarfile.TarInfo, place: str) -> None:
        content = self._tar.extractfile(member)
        assert content is not None  # noqa: S101 - tells the type checker that it is a regular file
        mode = 0o555 if member.mode & stat.S_IXUSR else 0o444
        file = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            while piece := content.read(_PIECE):
                os.write(file, piece)
            os.fchmod(file, mode)  # whatever the process's umask is
        finally:
            os.close(file)

    def _at(self, name: str) -> str:
        return f"{self._target}/{name}"


def _inside(name: str) -> str:
    """Read a member's name; empty for the root itself. Raises `BadLayer` for one that leads out."""
    if name.startswith("/") or ".." in name.split("/") or "\0" in name:
        raise BadLayer(f"'{name}' leads out of the image")
    normal = posixpath.normpath(name)
    return "" if normal == "." else normal


def _link(name: str, goal: str) -> str:
    """Write a link's goal as relative. Raises `BadLayer` for one that leads out of the image."""
    here = posixpath.join("/", posixpath.dirname(name))
    depth = 0
    for part in posixpath.join(here, goal).split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            raise BadLayer(f"the link '{name}' to '{goal}' leads out of the image")
    return posixpath.relpath(posixpath.normpath(goal), here) if goal.startswith("/") else goal
