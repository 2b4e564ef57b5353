"""What is seen of a group from outside: states, restarts and events, in the words of ARM's instance view.

Owns their keeping in a file, so that they outlive the local Azure. Decides nothing.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from azml_local.home import write_json

KEPT_EVENTS = 50
_WARNINGS = ("Failed", "Unhealthy", "BackOff")
Dict = dict[str, Any]


class View:
    """The instance view of one container."""

    def __init__(self, told: Dict, changed: "GroupView") -> None:
        self.told, self._changed = told, changed

    @property
    def state(self) -> str:
        """Waiting, Running or Terminated."""
        return str(self.told["currentState"]["state"])

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it has not."""
        code: int | None = self.told["currentState"].get("exitCode")
        return code

    def waiting(self, detail: str) -> None:
        """It is not started yet, or not again yet."""
        self._become({"state": "Waiting", "detailStatus": detail})

    def running(self) -> None:
        """Its process runs."""
        self._become({"state": "Running", "startTime": _now(), "detailStatus": ""})

    def terminated(self, code: int, detail: str) -> None:
        """Its process is over."""
        started = self.told["currentState"].get("startTime") or _now()
        ended = {"exitCode": code, "startTime": started, "finishTime": _now(), "detailStatus": detail}
        self._become({"state": "Terminated", **ended})

    def restarted(self) -> None:
        """It is started again by its restart policy."""
        self.told["restartCount"] += 1
        self._changed.save()

    def event(self, name: str, message: str) -> None:
        """Something happened; what happened before is counted."""
        add_event(self.told["events"], name, message)
        self._changed.save()

    def _become(self, state: Dict) -> None:
        if (before := self.told["currentState"])["state"] == "Terminated":
            self.told["previousState"] = before
        self.told["currentState"] = state
        self._changed.save()


class GroupView:
    """The instance view of a group with those of its containers; `images`: reference → digest that runs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        told = read(path)
        self.images: dict[str, str] = told["images"]
        self.stopped: bool = told["stopped"]
        self.failed: bool = told["failed"]
        self._containers: dict[str, Dict] = told["containers"]

    def container(self, name: str) -> View:
        """Give the view of one container, made on first use."""
        blank = {"restartCount": 0, "currentState": {"state": "Waiting", "detailStatus": ""}, "events": []}
        return View(self._containers.setdefault(name, blank), self)

    def begin(self, names: list[str]) -> None:
        """The containers are made anew: their events stay, their states and counts do not."""
        kept = {name: self._containers.get(name, {}).get("events", []) for name in names}
        self._containers.clear()
        for name in names:
            self.container(name).told["events"] = kept[name]
        self.images, self.stopped, self.failed = {}, False, False
        self.save()

    def save(self) -> None:
        """Write it down, as long as its group is there."""
        if self._path.parent.is_dir():
            told = {"images": self.images, "stopped": self.stopped, "failed": self.failed}
            write_json(self._path, {**told, "containers": self._containers})


def read(path: Path) -> Dict:
    """Read a group's view; of one that was never started, too."""
    try:
        told: Dict = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"images": {}, "stopped": False, "failed": False, "containers": {}}
    return told


def group_state(told: Dict, policy: str) -> str:
    """Tell a group's state from its containers': Pending, Running, Stopped, Succeeded or Failed."""
    states = [one["currentState"] for one in told["containers"].values()]
    if told["stopped"]:
        return "Stopped"
    if told["failed"]:
        return "Failed"
    if not states or all(one["state"] == "Waiting" and not one["detailStatus"] for one in states):
        return "Pending"
    if policy == "Always" or any(one["state"] != "Terminated" for one in states):
        return "Running"
    return "Failed" if any(one["exitCode"] for one in states) else "Succeeded"


def add_event(events: list[Dict], name: str, message: str) -> None:
    """Count an event that was there, or add it; old ones go."""
    now = _now()
    for event in events:
        if (event["name"], event["message"]) == (name, message):
            event.update(count=event["count"] + 1, lastTimestamp=now)
            return
    kind = "Warning" if name in _WARNINGS else "Normal"
    events.append(
        {"count": 1, "firstTimestamp": now, "lastTimestamp": now, "name": name, "message": message, "type": kind}
    )
    del events[:-KEPT_EVENTS]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
