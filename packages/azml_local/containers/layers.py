"""Layers on disk: an archive extracted once, with nothing in it that leads out of its folder.

Owns what may be in an archive and how it lands. Files are read-only (a process in a container of azml's own images runs
as a user that owns none of them); folders are not, so that Python keeps what it compiled, once for all containers.
Symbolic links that are absolute in the image become relative to its root, as they are for a process inside.
"""

import os
import posixpath
import shutil
import stat
import tarfile
from pathlib import Path, PurePosixPath

_KINDS = ("file", "dir", "symlink", "hard link")


class BadLayer(Exception):  # noqa: N818 - says what is bad
    """An archive holds what no image may."""


def extract(archive: Path, target: Path) -> None:
    """Extract a tar archive (plain or compressed as Python can read) into a new folder. Raises `BadLayer`."""
    target.mkdir(parents=True)
    try:
        with tarfile.open(archive, "r:*") as tar:
            for member in tar:
                _place(tar, member, target)
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, OSError) and not isinstance(error, tarfile.TarError) and error.errno is not None:
            raise
        raise BadLayer(f"the layer is no archive that can be read: {error}") from error


def _place(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    name = _inside(member.name)
    if name is None:
        return
    place = target / name
    _make_folders(target, name.parent)
    if member.isdir():
        _refuse_link(place, name)
        place.mkdir(exist_ok=True)
        return
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    if member.isreg():
        _write(tar, member, place)
    elif member.issym():
        place.symlink_to(_link(name, member.linkname))
    elif member.islnk():
        source = _inside(member.linkname)
        if source is None or not (target / source).is_file() or (target / source).is_symlink():
            raise BadLayer(f"'{member.name}' is a hard link to '{member.linkname}', which is no file of the layer")
        _make_folders(target, source.parent)
        os.link(target / source, place)
    else:
        raise BadLayer(f"'{member.name}' is none of {', '.join(_KINDS)}")


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
    content = tar.extractfile(member)
    assert content is not None  # noqa: S101 - tells the type checker that it is a regular file
    with place.open("xb") as file:
        shutil.copyfileobj(content, file, 1 << 20)
        os.fchmod(file.fileno(), 0o555 if member.mode & stat.S_IXUSR else 0o444)
    os.utime(place, (member.mtime, member.mtime))


def _inside(name: str) -> PurePosixPath | None:
    """Read a member's name; None for the root itself. Raises `BadLayer` for one that leads out."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise BadLayer(f"'{name}' leads out of the image")
    return path if path.parts else None


def _link(name: PurePosixPath, goal: str) -> str:
    """Write a link's goal as relative. Raises `BadLayer` for one that leads out of the image."""
    absolute = posixpath.join("/", *name.parent.parts, goal)
    depth = 0
    for part in absolute.split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            raise BadLayer(f"the link '{name}' to '{goal}' leads out of the image")
    if not goal.startswith("/"):
        return goal
    return posixpath.relpath(posixpath.normpath(goal), posixpath.join("/", *name.parent.parts))


def _make_folders(target: Path, name: PurePosixPath) -> None:
    """Make the folders of a name, none of which may be a link: what is below would land elsewhere."""
    place = target
    for part in name.parts:
        place /= part
        _refuse_link(place, name)
        place.mkdir(exist_ok=True)


def _refuse_link(place: Path, name: PurePosixPath) -> None:
    if place.is_symlink():
        raise BadLayer(f"'{name}' would be written through the link '{place.name}'")
