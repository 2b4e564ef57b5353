"""What a file or folder holds, as one hash: same bytes and names, same version, on every machine.

Owns which files belong to an asset and their digest. Time stamps, file modes, the order of a directory, the operating
system's separators and the name of the folder itself do not count; relative names and bytes do. What is left out
follows `az ml`: `.amlignore`, or else `.gitignore`, in the folder itself, with Git's pattern language; `__pycache__`
always. Deliberately uploads nothing and reads one block at a time, so size does not matter.
"""

import hashlib
import json
import os
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from azml.resources.errors import Refused

IGNORE_FILES = (".amlignore", ".gitignore")
ALWAYS_IGNORED = ("__pycache__/", ".git/")
"""Made by running the code, or by Git; neither is part of what the code is."""

VERSION_LENGTH = 12
"""Characters of a digest that name a version: 48 bits, and a clash would have to be with the same asset's versions."""


def files(path: Path) -> dict[str, Path]:
    """The asset's files by name, relative and with slashes; a single file has its own. `Refused` if none is left."""
    if not path.exists():
        raise Refused(f"There is no file or folder {path}.")
    if path.is_file():
        return {_name(path.name): path}
    found = {_name(file.relative_to(path).as_posix()): file for file in _walk(path)}
    if not found:
        raise Refused(f"{path} holds no files, or its {' or '.join(IGNORE_FILES)} leaves out all of them.")
    return dict(sorted(found.items()))


def digest(path: Path) -> str:
    """SHA-256 of names, sizes and bytes, in hexadecimal."""
    total = hashlib.sha256()
    for name, file in files(path).items():
        entry = [name, file.stat().st_size, file_digest(file)]
        total.update(json.dumps(entry, ensure_ascii=True).encode())
    return total.hexdigest()


def file_digest(file: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal; read once for each state of it."""
    state = file.stat()
    return _file_digest(file, state.st_size, state.st_mtime_ns)


def digest_of(value: Any) -> str:
    """SHA-256 of a value that JSON can say; the order of keys does not count."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


@lru_cache(maxsize=4096)
def _file_digest(file: Path, size: int, changed_ns: int) -> str:  # noqa: ARG001 - they make an old answer a miss
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _walk(root: Path) -> Iterator[Path]:
    """Regular files below a folder that are not ignored. Links are followed, as `az ml` does, but never in a circle."""
    import pathspec

    ignored = pathspec.GitIgnoreSpec.from_lines([*_ignore_lines(root), *ALWAYS_IGNORED])
    seen: set[Path] = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        here = Path(folder)
        if here.resolve() in seen:
            folders.clear()
            continue
        seen.add(here.resolve())
        at = here.relative_to(root)
        folders[:] = sorted(name for name in folders if not ignored.match_file(f"{(at / name).as_posix()}/"))
        for name in sorted(names):
            if (here / name).is_file() and not ignored.match_file((at / name).as_posix()):
                yield here / name


def _ignore_lines(root: Path) -> list[str]:
    for name in IGNORE_FILES:
        if (root / name).is_file():
            return (root / name).read_text(encoding="utf-8").splitlines()
    return []


def _name(text: str) -> str:
    """One spelling of accents: macOS stores names decomposed."""
    return unicodedata.normalize("NFC", text)
