"""A full disk, as files and SQLite say it: one question, asked wherever a write may meet it, and one answer.

The answer is a 409, which no client repeats by itself: repeating helps only once somebody has made room. Azure has no
such answer.
"""

import errno
import shutil
import sqlite3

CODE = "DiskFull"
MESSAGE = (
    "The disk of the local Azure is full: nothing was changed. Make room (`azml local reset` empties the local Azure, "
    "`uv cache clean` uv's cache), then repeat."
)
_FILES = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_SQLITE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE})


def is_full(error: BaseException) -> bool:
    """Whether a write failed for want of room."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", None) in _SQLITE
    if isinstance(error, shutil.Error):  # of a whole tree: texts, one a file
        return any(f"[Errno {number}]" in str(error) for number in _FILES)
    return isinstance(error, OSError) and error.errno in _FILES
