"""Whether what the local Azure runs on is installed: the distribution's extra `local`."""

import re
from importlib.metadata import PackageNotFoundError, requires, version

_NAME = re.compile(r"[\w.-]+")
_MARK = re.compile(r"extra == ['\"]local['\"]")


def missing() -> list[str]:
    """Name the distributions of the extra that are not installed."""
    needed = [_NAME.match(line) for line in requires("azml") or [] if _MARK.search(line)]
    return [name[0] for name in needed if name and not _installed(name[0])]


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
