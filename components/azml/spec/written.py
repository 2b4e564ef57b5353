"""Text that remembers its file: what a path in it starts at is decided where it is written."""

from __future__ import annotations

from pathlib import Path


class Written(str):
    """Text as it stands in a file; `folder` is where paths in it start. Equal to, and as good as, plain text."""

    __slots__ = ("folder",)
    folder: Path

    @classmethod
    def of(cls, text: str, folder: Path) -> Written:
        """`text` written in a file of `folder`."""
        written = cls(text)
        written.folder = folder
        return written
