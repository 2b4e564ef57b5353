"""Files of a backend in a folder that the engine could not finish writing.

Killed, the engine leaves the old state file or the new one. On a full disk it puts a cut one in place (3.259: the write
fails, and what was written is renamed all the same). It keeps the one before beside it (`.bak`), and one of each update
(`backups/`). The attributes that it keeps beside every file (`.attrs`: content type, checksum) are written in place, so
a kill can cut them, and then the file itself cannot be read (gocloud.dev/blob/fileblob, attrs.go: `EOF`; without them
it can). Owns finding what is cut, and the newest that is whole.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path


def file_of(backend: Path, project: str, stack: str) -> Path:
    """Where the state is."""
    return backend / ".pulumi" / "stacks" / project / f"{stack}.json"


def is_whole(file: Path) -> bool:
    """Whether a state file can be read."""
    try:
        return "checkpoint" in json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError, TypeError):
        return False


def drop_cut_attributes(backend: Path) -> bool:
    """Take away attributes that cannot be read; whether there were any."""
    cut = [file for file in (backend / ".pulumi").rglob("*.attrs") if not _is_json(file)]
    for file in cut:
        file.unlink(missing_ok=True)
    return bool(cut)


def restore(backend: Path, project: str, stack: str) -> str | None:
    """Put the newest whole state in the place of a cut one; what was done, None where nothing is wrong.

    Where there is no whole one, the file is taken away: the stack is to be made again.
    """
    file = file_of(backend, project, stack)
    if not file.exists() or is_whole(file):
        return None
    for older in _older(backend, project, stack):
        if is_whole(older):
            new = file.with_suffix(".new")
            shutil.copyfile(older, new)
            new.replace(file)
            return f"the one before is back ({older.name})"
    file.unlink()
    return "begun anew, as there is no older one"


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        return False
    return True


def _older(backend: Path, project: str, stack: str) -> Iterator[Path]:
    file = file_of(backend, project, stack)
    yield file.with_name(f"{file.name}.bak")
    backups = backend / ".pulumi" / "backups" / project / stack
    yield from sorted(backups.glob(f"{stack}.*.json"), reverse=True)
