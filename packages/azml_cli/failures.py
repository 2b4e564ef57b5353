"""Why a run of the engine failed, from the journal that it wrote.

Owns taking the reasons out of the engine's own words about them. What happened to the state is `recovery`'s.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

_MARKUP = re.compile(r"<\{%.*?%\}>")
"""The engine's own notation of colours."""
_LISTED = "1 error occurred:\n\t* "
"""What the engine puts before the reason of a resource that it keeps all the same."""
_NO_PLUGIN = re.compile(r"error reading from server: |transport is closing|connection refused\"?$")
"""How a reason reads where the plugin's process ended before it answered: gRPC's words, seen with engine 3.259."""


@dataclass(frozen=True)
class Failure:
    """One resource that failed, and why."""

    type: str
    """Type token."""
    name: str
    """Its name in the program."""
    reason: str
    """All that is known, for people; many lines."""

    @property
    def headline(self) -> str:
        """The reason's first line."""
        return self.reason.partition("\n")[0]


def of_run(journal: Path) -> list[Failure]:
    """Every failure in the journal of a run, in order; none where there is no journal."""
    if not journal.exists():
        return []
    lines = journal.read_text(encoding="utf-8", errors="replace").splitlines()
    said = [one for line in lines if '"diagnosticEvent"' in line and (one := _diagnostic(line)) is not None]
    failures = [
        _failure(str(one["urn"]), str(one["message"]))
        for one in said
        if one.get("severity") == "error" and one.get("urn")
    ]
    return list(dict.fromkeys(failures))


def _diagnostic(line: str) -> dict[str, object] | None:
    try:
        return dict(json.loads(line)["diagnosticEvent"])
    except (ValueError, KeyError, TypeError):  # the line that a killed engine was writing
        return None


def _failure(urn: str, message: str) -> Failure:
    *_, types, name = urn.split("::")
    type_, reason = types.rpartition("$")[2], _MARKUP.sub("", message).removeprefix(_LISTED).strip()
    if _NO_PLUGIN.search(reason):
        reason = (
            f"The plugin of {type_.partition(':')[0]} ended before it was done: it was killed, or the machine ran out "
            f"of memory. Run it again: it goes on from what is there.\nThe engine's words: {reason}"
        )
    return Failure(type_, name, reason)
