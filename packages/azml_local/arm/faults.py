"""What goes wrong on the way to Azure Resource Manager, as data: `faults.yaml` in a lifecycle's folder.

    refused:   # instead of doing what was asked
      - {status: 429, code: TooManyRequests, share: 0.05, retry_after: 1}
    lost: 0.02 # what was asked is done, and the connection ends without the answer

Owns the drawing of chances. A seed gives the same faults again: each depends on the seed, on what is asked of which
resource, and on how often that was asked, not on what happens beside it. Operations that fail are `lifecycle`'s.
"""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import yaml

from azml_local.arm.errors import ArmError
from azml_local.settings import BadSettings

FILE = "faults.yaml"
_MADE_UP = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FORM = "must hold refused: [{status: NUMBER, code: TEXT, share: 0 to 1, retry_after: SECONDS}], and lost: 0 to 1"


class Chances:
    """Numbers from 0 to 1 by seed and name."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._times: Counter[str] = Counter()

    def draw(self, name: str) -> float:
        """Draw the next number of a name, in any case; ids that are made up, as of subscriptions, do not count."""
        name = _MADE_UP.sub("", name.lower())
        self._times[name] += 1
        digest = hashlib.sha256(f"{self._seed} {name} {self._times[name]}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64


@dataclass(frozen=True)
class Refusal:
    """An answer given to a share of the requests. `retry_after` in seconds; None: no such header."""

    status: int
    code: str
    share: float
    retry_after: int | None = None

    def error(self) -> ArmError:
        """Make the error that the client sees."""
        return ArmError(self.status, self.code, "The service cannot do this now (a fault of the chosen lifecycle).")


class Faults:
    """The faults of one set; none where its folder has no such file. Raises `BadSettings`."""

    def __init__(self, folder: Path, chances: Chances) -> None:
        self._chances = chances
        self._refusals: list[Refusal] = []
        self._lost = 0.0
        path = folder / FILE
        if not path.exists():
            return
        try:
            given = yaml.safe_load(path.read_text(encoding="utf-8"))
            self._refusals = [Refusal(**each) for each in given.get("refused", [])]
            self._lost = float(given.get("lost", 0))
        except (yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
            raise BadSettings(f"{path} {_FORM}: {error}") from error

    def refusal(self, method: str, path: str) -> Refusal | None:
        """Draw whether a request is refused, and how."""
        drawn = self._chances.draw(f"refused {method} {path}") if self._refusals else 1.0
        for each in self._refusals:
            if drawn < each.share:
                return each
            drawn -= each.share
        return None

    def loses(self, method: str, path: str) -> bool:
        """Draw whether the answer to a request gets lost."""
        return self._lost > 0 and self._chances.draw(f"lost {method} {path}") < self._lost
