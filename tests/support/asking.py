"""A steady client at work, and what it wrote down from one moment to another.

Owns starting it, ending it, and reading its record so that no request is left out. Judges nothing.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.support import steady_client
from tests.support.steady_client import Answer, Order

_SCRIPT = Path(steady_client.__file__)
_LATE_S = 120.0


@dataclass(frozen=True)
class Answers:
    """What the client saw from one moment to another: every request that was due, none left out."""

    all: list[Answer]

    @property
    def failed(self) -> list[Answer]:
        return [each for each in self.all if each.failed]

    @property
    def deployments(self) -> set[str]:
        """Who answered right."""
        return {each.deployment for each in self.all if not each.failed}

    def failed_before(self, moment: float) -> int:
        """How many of those that were asked before a moment (epoch seconds) failed."""
        return sum(each.sent < moment for each in self.failed)

    def between(self, deployment: str) -> list[Answer]:
        """From the first answer of a deployment to the last of another one."""
        ours = [number for number, each in enumerate(self.all) if each.deployment == deployment]
        others = [number for number, each in enumerate(self.all) if each.deployment != deployment]
        return self.all[ours[0] : others[-1] + 1] if ours and others else []

    def __str__(self) -> str:
        """Figures for people."""
        kinds = Counter(
            (each.status, each.deployment, "wrong numbers" if each.status == 200 else each.said) for each in self.failed
        )
        latencies = sorted(each.latency_s for each in self.all) or [0.0]
        at = [f"{latencies[int(part * (len(latencies) - 1))] * 1000:.0f}" for part in (0.5, 0.99, 1)]
        late = max((each.late_s for each in self.all), default=0)
        told = "".join(f"\n  {count} × {kind}" for kind, count in kinds.most_common(10))
        return (
            f"{len(self.all)} requests, {len(self.failed)} failed; ms at the median, 99 % and most: "
            f"{', '.join(at)}; the client {late * 1000:.0f} ms late at most{told}"
        )


class Asking:
    """A steady client at work."""

    def __init__(self, folder: Path, order: Order) -> None:
        file = folder / "order.json"
        file.write_text(json.dumps(asdict(order)))
        self._record = Path(order.record)
        self.rate = order.rate
        self._process = subprocess.Popen([sys.executable, _SCRIPT, file])
        self._answers: dict[int, Answer] = {}
        self._read = 0
        self._started: float | None = None

    def since(self, moment: float) -> Answers:
        """All that was asked since a moment (epoch seconds), once each request that was due until now has its line."""
        until, deadline = time.time(), time.monotonic() + _LATE_S
        while not self._has_all(until):
            assert self._process.poll() is None, "the client ended"
            assert time.monotonic() < deadline, "requests without an end"
            time.sleep(0.05)
        assert self._started is not None
        first = max(0, int((moment - self._started) * self.rate) + 1)
        numbers = range(first, int((until - self._started) * self.rate))
        return Answers([self._answers[number] for number in numbers])

    def stop(self) -> None:
        self._process.terminate()
        assert self._process.wait(_LATE_S) == 0

    def _has_all(self, until: float) -> bool:
        if not self._record.exists():
            return False
        with self._record.open() as file:
            file.seek(self._read)
            for line in iter(file.readline, ""):
                if not line.endswith("\n"):
                    break
                self._note(json.loads(line))
                self._read += len(line)
        return self._started is not None and all(
            number in self._answers for number in range(int((until - self._started) * self.rate))
        )

    def _note(self, line: dict[str, Any]) -> None:
        if "started" in line:
            self._started = line["started"]
            return
        answer = Answer(**line)
        self._answers[answer.number] = answer
