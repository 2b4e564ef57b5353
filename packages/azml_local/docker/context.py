"""The build context: which files it has, and the digest that decides about a build.

Owns `.dockerignore` (patterns as moby's patternmatcher reads them) and the digest as pulumi-docker's `hashContext` does
it: names, modes and contents of files; neither folders nor times nor owners.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from posixpath import normpath

from azml_local.stand_in.errors import Refused

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """A file or a symbolic link of the context; `name` is relative, with slashes."""

    name: str
    path: Path

    @property
    def mode(self) -> int:
        """Its mode, of the link where it is one."""
        return self.path.lstat().st_mode


def digest(folder: str, dockerfile: str) -> str:
    """Hash a context: what changes it makes the image be built again. Raises `Refused`."""
    hashed = hashlib.sha256()
    try:
        _add(hashed, "Dockerfile", "----------", _content(Path(dockerfile)))
    except OSError as error:
        raise Refused(f'error hashing dockerfile "{dockerfile}": could not open file {_said(error)}') from error
    for entry in entries(folder, dockerfile):
        try:
            _add(hashed, entry.name, go_mode(entry.mode), _hash(entry))
        except OSError as error:
            raise Refused(
                f'unable to hash build context: error while hashing "{entry.name}": could not open file {_said(error)}'
            ) from error
    return hashed.hexdigest()


def entries(folder: str, dockerfile: str) -> Iterator[Entry]:
    """List the files that are not ignored, in the order of their paths' parts. Raises `Refused`."""
    ignored = _Ignored(_patterns(folder, dockerfile))
    root = Path(folder)
    if not root.is_dir():
        why = "not a directory" if root.exists() else "no such file or directory"
        raise Refused(f"unable to hash build context: failed to resolve {folder}: lstat {folder}: {why}")
    yield from _walk(root, "", ignored)


def go_mode(mode: int) -> str:
    """Write a mode as Go does: `-rw-r--r--`, `Lrwxrwxrwx`."""
    kind = "L" if stat.S_ISLNK(mode) else "-"
    return kind + "".join(
        letter if mode & bit else "-"
        for letter, bit in zip("rwxrwxrwx", (1 << n for n in range(8, -1, -1)), strict=True)
    )


def _walk(root: Path, below: str, ignored: "_Ignored") -> Iterator[Entry]:
    with os.scandir(root / below) as found:
        names = sorted((each.name, each.is_dir(follow_symlinks=False)) for each in found)
    for name, is_folder in names:
        path = f"{below}/{name}" if below else name
        if is_folder:
            if not ignored.without_exceptions(path):
                yield from _walk(root, path, ignored)
        elif not ignored(path):
            yield Entry(path, root / path)


def _hash(entry: Entry) -> bytes:
    if stat.S_ISLNK(entry.mode):
        return hashlib.sha256(os.path.relpath(entry.path.resolve(strict=True)).encode()).digest()
    return _content(entry.path)


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _add(hashed: "hashlib._Hash", name: str, mode: str, content: bytes) -> None:
    hashed.update(name.encode() + mode.encode() + content + b"\0")


def _said(error: OSError) -> str:
    return f"{error.filename}: {(error.strerror or str(error)).lower()}"


def _patterns(folder: str, dockerfile: str) -> list[str]:
    for path in (Path(f"{dockerfile}.dockerignore"), Path(folder, ".dockerignore")):
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (FileNotFoundError, NotADirectoryError):
            continue
        lines = (line.strip() for line in text.splitlines() if not line.startswith("#"))
        return [pattern for line in lines if (pattern := _clean(line))]
    return []


def _clean(line: str) -> str:
    keep, text = ("!", line[1:].strip()) if line.startswith("!") else ("", line)
    text = normpath(text).lstrip("/") if text else ""
    return keep + text if text and text != "." else ""


class _Ignored:
    """Says of a path whether the last pattern that is about it, or about a folder above it, ignores it."""

    def __init__(self, patterns: list[str]) -> None:
        self._rules = [(not pattern.startswith("!"), _expression(pattern.removeprefix("!"))) for pattern in patterns]
        self._has_exceptions = any(not ignores for ignores, _ in self._rules)

    def __call__(self, path: str) -> bool:
        parts = path.split("/")
        above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        result = False
        for ignores, expression in self._rules:
            if ignores != result and any(expression.fullmatch(each) for each in above):
                result = ignores
        return result

    def without_exceptions(self, folder: str) -> bool:
        """Whether nothing below a folder can be of interest."""
        return not self._has_exceptions and self(folder)


def _expression(pattern: str) -> re.Pattern[str]:
    """Translate a pattern: `*` and `?` stay within a part, `**` is any number of parts."""
    made, at = "", 0
    while at < len(pattern):
        two = pattern[at : at + 2]
        if two == "**":
            at += 2
            if pattern[at : at + 1] == "/":
                at += 1
            made += ".*" if at >= len(pattern) else "(?:.*/)?"
        elif pattern[at] == "*":
            made, at = made + "[^/]*", at + 1
        elif pattern[at] == "?":
            made, at = made + "[^/]", at + 1
        elif pattern[at] == "[" and "]" in pattern[at + 1 :]:
            end = pattern.index("]", at + 1)
            made, at = made + pattern[at : end + 1], end + 1
        else:
            literal = pattern[at + 1] if pattern[at] == "\\" and at + 1 < len(pattern) else pattern[at]
            made, at = made + re.escape(literal), at + (2 if pattern[at] == "\\" else 1)
    return re.compile(made)
