"""The lines of a container's log that explain a failure.

Owns finding them: the last traceback, without the frames of libraries and of the server, and what says that a process
was killed. Deliberately shows nothing that may belong to something else: a log full of answered requests explains
nothing.
"""

import re
from collections.abc import Iterator

from azml.resources.diagnosis import without_telemetry

TRACEBACK = "Traceback (most recent call last):"
CAUSED = "The above exception was the direct cause of the following exception:"
LIBRARIES = re.compile(r'File "(?:<frozen|.*(?:site-packages|dist-packages|/lib/python3))')
KILLED = re.compile(
    r"sent SIGKILL|OOMKilled|[Oo]ut of memory|MemoryError|WORKER TIMEOUT|terminated due to signal|Segmentation fault"
    r"|[Ll]iveness probe failed|Worker \(pid:\d+\) exited with code|was sent SIG(?:SEGV|ABRT|BUS|ILL|FPE)"
)
OTHER_VERSIONS = re.compile(r"InconsistentVersionWarning")
LONGEST = 12
"""Lines that are shown at most, the last ones."""
LONGEST_LINE = 300
KILLS = 3
"""Lines about killed processes that are shown: they say the same of one process after the other."""


def explaining(log: str) -> list[str]:
    """Why requests were not answered; none where the log says nothing of it."""
    lines = without_telemetry(log).splitlines()
    last = _last_traceback(lines)
    killed = [line for line in dict.fromkeys(lines) if KILLED.search(line) and line not in last]
    return _shown([*killed[-KILLS:], *last])


def suspicious(log: str) -> list[str]:
    """Why numbers may be others, without any failure: the model was saved with other versions of its libraries."""
    return _shown(list(dict.fromkeys(line for line in log.splitlines() if OTHER_VERSIONS.search(line))))


def _shown(lines: list[str]) -> list[str]:
    return [line[:LONGEST_LINE] for line in lines[-LONGEST:]]


def _last_traceback(lines: list[str]) -> list[str]:
    """The traceback that the last one was caused by: the server wraps what run() raised in an exception of its own."""
    starts = [number for number, line in enumerate(lines) if line.endswith(TRACEBACK)]
    if not starts:
        return []
    first = len(starts) - 1
    while first and CAUSED in lines[starts[first - 1] : starts[first]]:
        first -= 1
    end = starts[first] + 1
    while end < len(lines) and lines[end].startswith((" ", "\t")):
        end += 1
    frames = list(_frames(lines[starts[first] + 1 : end]))
    own = [line for frame in frames if not LIBRARIES.search(frame[0]) for line in frame]
    return [*(own or (frames[-1] if frames else [])), *_message(lines[end:])]


def _frames(lines: list[str]) -> Iterator[list[str]]:
    """Each frame: its File line and its source, without the line of carets."""
    frame: list[str] = []
    for line in lines:
        if line.lstrip().startswith('File "'):
            if frame:
                yield frame
            frame = []
        if set(line.strip()) - set("^~"):
            frame.append(line)
    if frame:
        yield frame


def _message(lines: list[str]) -> Iterator[str]:
    """The exception, which may go over several lines."""
    for number, line in enumerate(lines):
        if number and (not line.strip() or re.match(r"\d{4}-\d\d-\d\d[ T]", line)):
            return
        yield line
