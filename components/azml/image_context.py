"""The build context of a serving image on disk: `.azml/images/NAME` in the project, the same path in every clone.

Owns making the folder what a manifest says: files that differ are put in place whole, what is too much goes, modes are
the manifest's. Large files are hard links where their mode fits, else copies. Deliberately knows nothing of Docker.
"""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from azml.image_manifest import EXECUTABLE, File
from azml.resources.content import file_digest

FOLDER = Path(".azml", "images")
LINKED_BYTES = 2**20
"""From this size on a file is linked: a copy of a small one cannot change when somebody edits the original in place."""


def folder_of(project: Path, image: str) -> Path:
    """Where the context of an image lies; no name of a repository holds a plus sign."""
    return project / FOLDER / image.replace("/", "+")


def stage(files: Mapping[str, File], folder: Path) -> None:
    """Make the folder hold these files and nothing else. Several at once do no harm: they do the same."""
    folder.mkdir(parents=True, exist_ok=True)
    _clear(folder, files)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
        for path, file in files.items():
            if not _is_there(folder / path, file):
                _put(folder / path, file, Path(scratch, "file"))
    for each in [folder, *folder.rglob("*")]:
        if each.is_dir():
            each.chmod(EXECUTABLE)  # who runs in the image is nobody's owner


def _clear(folder: Path, files: Mapping[str, File]) -> None:
    """Take away what is no file of the context, and folders that are left empty."""
    for parent, folders, names in os.walk(folder, topdown=False):
        for name in [*names, *folders]:
            path = Path(parent, name)
            if path.is_dir() and not path.is_symlink():
                with contextlib.suppress(OSError):  # not empty
                    path.rmdir()
            elif path.relative_to(folder).as_posix() not in files:
                path.unlink(missing_ok=True)


def _is_there(path: Path, file: File) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    if not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) != file.mode or found.st_size != file.size:
        return False
    linked = isinstance(file.source, Path) and os.path.samestat(found, file.source.stat())
    return linked or file_digest(path) == file.digest


def _put(path: Path, file: File, scratch: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not _linked(file, scratch):
        if isinstance(file.source, bytes):
            scratch.write_bytes(file.source)
        else:
            shutil.copyfile(file.source, scratch)
        scratch.chmod(file.mode)
    scratch.replace(path)


def _linked(file: File, scratch: Path) -> bool:
    if isinstance(file.source, bytes) or file.size < LINKED_BYTES:
        return False
    source = file.source.resolve()
    if stat.S_IMODE(source.stat().st_mode) != file.mode:
        return False
    with contextlib.suppress(OSError):  # another file system, or one without links
        os.link(source, scratch)
        return True
    return False
