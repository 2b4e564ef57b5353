"""Counts by the second, on disk: what a killed gateway leaves behind.

One file an hour in a folder, one JSON line a second in which something happened. A gateway that is killed loses the
second it was in; what is older is there, and the next gateway goes on in the same files. What they mean to whom is not
decided here.

```json
{"t": 1795262400, "connections": [3, 1], "live": [["blue", 200, 200, 541, 7]], "mirror": [["shadow", 200, 200, 530, 2]]}
```

`t`: the second (Unix time) it begins at. `connections`: open at its end, opened in it. `live` and `mirror`: deployment
(empty where none was chosen), status, the model's status (0: it gave none), step of the latency, requests.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

KEPT_HOURS = 24
"""Files older than this are deleted when a new one begins."""
STEPS_AN_OCTAVE = 35
"""Latencies are counted in steps of 2 % (2^(1/35)); the middle of a step is at most 1 % from any value in it."""
_HOUR = 3600

Key = tuple[str, int, int, int]
"""Deployment, status, model's status, step of the latency."""


@dataclass(frozen=True)
class Second:
    """What ended in one second."""

    at: int
    active: int = 0
    connected: int = 0
    live: Mapping[Key, int] = field(default_factory=dict)
    mirror: Mapping[Key, int] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing happened."""
        return not (self.active or self.connected or self.live or self.mirror)


def step(seconds: float) -> int:
    """Say which step a latency falls into; the first ends at 1 µs."""
    return int(math.log2(seconds * 1e6 + 1) * STEPS_AN_OCTAVE)


def milliseconds(step: int) -> float:
    """Say what latency a step stands for: its middle."""
    return float(2 ** ((step + 0.5) / STEPS_AN_OCTAVE) - 1) / 1000


def append(folder: Path, second: Second) -> None:
    """Write a second down. Raises `OSError`."""
    file = folder / f"{second.at // _HOUR}.jsonl"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for old in _files(folder):
            if int(old.stem) < second.at // _HOUR - KEPT_HOURS:
                old.unlink()
    line: dict[str, object] = {"t": second.at, "connections": [second.active, second.connected]}
    line |= {"live": [[*key, count] for key, count in second.live.items()]} if second.live else {}
    line |= {"mirror": [[*key, count] for key, count in second.mirror.items()]} if second.mirror else {}
    with file.open("ab", buffering=0) as out:
        out.write(b"\n" + json.dumps(line).encode())  # the break comes first: a line that a kill cut spoils no other


def read(folder: Path, since: float, until: float) -> Iterator[Second]:
    """Read the seconds that begin from `since` on and before `until`, in their order; none where there is no folder."""
    for file in _files(folder):
        if since // _HOUR <= int(file.stem) <= until // _HOUR:
            yield from (found for found in _seconds(file.read_bytes().splitlines()) if since <= found.at < until)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jsonl"), key=lambda file: int(file.stem))


def _seconds(lines: Iterable[bytes]) -> Iterator[Second]:
    for line in lines:
        try:
            found = json.loads(line)
        except ValueError:  # empty, cut by a kill, or being written
            continue
        active, connected = found["connections"]
        yield Second(found["t"], active, connected, _counts(found.get("live", ())), _counts(found.get("mirror", ())))


def _counts(rows: Iterable[list[object]]) -> dict[Key, int]:
    return {tuple(row[:4]): row[4] for row in rows}  # type: ignore[misc]
