"""What the two containers of a deployment wrote: the one that fetches model and code, and the one that scores.

Owns reading them. Deliberately draws no conclusions (`diagnosis`).
"""

import re

from azml.resources.arm_id import ArmId
from azml.resources.handler import ML
from azml.resources.work import Work

CONTAINERS = ("StorageInitializer", "InferenceServer")
"""ARM's names, in the order in which they run."""
LINES = {"StorageInitializer": 10, "InferenceServer": 30}
"""Last lines that a failure shows: the first container's are many and alike."""
_LOOK = 5
"""Lines asked for to find one that is not blank."""
_WIDTH = 100
"""Characters of a line on a status line, which terminals cut."""
_STAMP = re.compile(r"\d{4}-\d\d-\d\d \S+ [A-Z] \[\d+\] [\w.]+ - ")
"""What Microsoft's server writes before a message: time, level, process, logger (how-to-inference-server-http)."""


def last_lines(work: Work, id_: ArmId) -> dict[str, str]:
    """The last lines of each container that wrote any. Who may not read logs sees none."""
    found = {name: read(work, id_, name, lines) for name, lines in LINES.items()}
    return {name: text for name, text in found.items() if text}


def last_line(work: Work, id_: ArmId, container: str) -> str:
    """A container's newest line, short enough for a status line; empty where it wrote none."""
    lines = read(work, id_, container, _LOOK).splitlines()
    text = _STAMP.sub("", "".join(each if each.isprintable() else " " for each in lines[-1])) if lines else ""
    text = " ".join(text.split())
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def read(work: Work, id_: ArmId, container: str, lines: int) -> str:
    """A container's last lines without blank ends."""
    answer = work.arm.glance("POST", f"{id_.text}/getLogs", ML, {"containerType": container, "tail": lines})
    return "\n".join(str(answer.get("content") or "").strip().splitlines()[-lines:])


def quoted(logs: dict[str, str], text: str) -> str:
    """The logs under their containers' names, without what `text` has already."""
    new = {name: _unsaid(log.splitlines(), text) for name, log in logs.items()}
    return "".join(f"\n\nLast lines of {name}:\n{log}" for name, log in new.items() if log)


def _unsaid(lines: list[str], text: str) -> str:
    """All of a log, or what follows where the text quotes most of it: a line that is only mentioned needs the rest."""
    said = [index for index, line in enumerate(lines) if line.strip() and line.strip() in text]
    is_quoted = 2 * len(said) >= sum(1 for line in lines if line.strip())
    return "\n".join(lines[said[-1] + 1 :] if said and is_quoted else lines)
