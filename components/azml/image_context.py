"""The build context of a serving image on disk: `.azml/images/NAME/TAG` in the project, the same path in every clone.

Owns making the folder what a manifest says. It is named by content and appears whole, so another stack, or a preview
with other files, never changes what an update builds from. Large files are hard links where their mode fits, else
copies. Deliberately knows nothing of Docker.
"""

import contextlib
import errno
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from azml.image_manifest import EXECUTABLE, File
from azml.resources.content import file_digest

FOLDER = Path(".azml", "images")
LINKED_BYTES = 2**20
"""From this size on a file is linked: a copy of a small one cannot change when somebody edits the original in place."""
KEPT_S = 24 * 3600
"""A context that no preview and no update has wanted for so long goes."""


def folder_of(project: Path, image: str, tag: str) -> Path:
    """Where the context of an image lies; no name of a repository holds a plus sign."""
    return project / FOLDER / image.replace("/", "+") / tag


def stage(files: Mapping[str, File], folder: Path) -> None:
    """Make a folder (`folder_of`) hold these files and nothing else, and clean up among the contexts of all images.

    Several at once do no harm: each makes a whole one.
    """
    there = _holds(folder, files)
    while not there:
        with _scratch(folder.parent) as scratch:
            made = Path(scratch, "made")
            _make(files, made, [each for each in folder.parent.iterdir() if each.name != Path(scratch).name])
            there = _holds(folder, files) or _appears(made, folder, Path(scratch, "before"))
    with contextlib.suppress(FileNotFoundError):  # somebody is replacing it by the same
        os.utime(folder)
    _forget(folder.parent.parent)


def _scratch(image: Path) -> "tempfile.TemporaryDirectory[str]":
    """A folder among an image's contexts; somebody who cleans up may take away the empty one that it is to be in."""
    while True:
        image.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            return tempfile.TemporaryDirectory(prefix=".", dir=image)


def _appears(made: Path, folder: Path, before: Path) -> bool:
    """Give a whole folder its name; whether nobody else did so at the same moment."""
    with contextlib.suppress(FileNotFoundError):
        folder.rename(before)
    try:
        made.rename(folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    return True


def _holds(folder: Path, files: Mapping[str, File]) -> bool:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    folders = {path for path in found if found[path].is_dir()}
    if found.keys() - folders != files.keys() or folders != _folders(files):
        return False
    try:
        modes = {stat.S_IMODE(each.stat().st_mode) for each in [folder, *(found[path] for path in folders)]}
    except OSError:  # taken away meanwhile
        return False
    return modes == {EXECUTABLE} and all(_is_there(found[path], file) for path, file in files.items())


def _folders(files: Mapping[str, File]) -> set[str]:
    return {str(above) for path in files for above in PurePosixPath(path).parents} - {"."}


def _make(files: Mapping[str, File], folder: Path, others: Sequence[Path]) -> None:
    for path in ["", *sorted(_folders(files))]:
        (folder / path).mkdir()
        (folder / path).chmod(EXECUTABLE)  # who runs in the image is nobody's owner
    for path, file in files.items():
        _put(folder / path, file, [other / path for other in others])


def _put(path: Path, file: File, elsewhere: Sequence[Path]) -> None:
    if _linked(path, file, elsewhere):
        return
    if isinstance(file.source, bytes):
        path.write_bytes(file.source)
    else:
        shutil.copyfile(file.source, path)
    path.chmod(file.mode)


def _linked(path: Path, file: File, elsewhere: Sequence[Path]) -> bool:
    """Link to the file itself, or to a copy that another content of the image has."""
    if isinstance(file.source, bytes) or file.size < LINKED_BYTES:
        return False
    for source in [file.source.resolve(), *elsewhere]:
        if _is_there(source, file):
            with contextlib.suppress(OSError):  # another file system, or one without links
                os.link(source, path)
                return True
    return False


def _is_there(path: Path, file: File) -> bool:
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) != file.mode or found.st_size != file.size:
            return False
        linked = isinstance(file.source, Path) and os.path.samestat(found, file.source.stat())
        return linked or file_digest(path) == file.digest
    except OSError:
        return False


def _forget(images: Path) -> None:
    """Take away what nobody wants any more: old contents, images that left the program, what was killed half-way."""
    for image in images.iterdir():
        with contextlib.suppress(OSError):  # somebody else does so, too
            for content in image.iterdir():
                if content.stat().st_mtime < time.time() - KEPT_S:
                    shutil.rmtree(content, ignore_errors=True)
            image.rmdir()  # where nothing is left in it
