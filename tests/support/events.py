"""What the engine says while it works, resource by resource: its event log, as the Automation API asks for it."""

import json
import subprocess
from dataclasses import dataclass, field
from typing import Any

from azml_cli.project import Project
from azml_local import environment
from tests.support.clone import Clone

Verdicts = dict[tuple[str, str], str]
"""Operation and properties, `update sku.name tags`, by type and name of a resource. What stays the same is left out."""


@dataclass
class Told:
    """What one command said: operations, planned or done, and remarks by type and name of a resource."""

    verdicts: Verdicts = field(default_factory=dict)
    remarks: dict[tuple[str, str], str] = field(default_factory=dict)


def pulumi(clone: Clone, *arguments: str) -> Told:
    """Run a pulumi command on the local stack, and read its event log. An error ends the test with what it printed."""
    log = clone.root / ".azml" / "events.json"
    variables = clone.environment | Project(clone.root).pulumi_environment(clone.engine)
    variables |= environment(clone.root / ".azml/local") | {"PULUMI_DEBUG_COMMANDS": "true"}  # it shows --event-log
    done = subprocess.run(
        [clone.engine / "pulumi", *arguments, "--stack", "local", "--non-interactive", "--event-log", log],
        cwd=clone.root, env=variables, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    events = [json.loads(line) for line in log.read_text().splitlines()]
    log.unlink()
    return _told(events)


def _told(events: list[dict[str, Any]]) -> Told:
    """A plan is what is announced; what a refresh finds is announced as `refresh` and told with the outputs.

    Where a preview refreshes first, the engine does not say what that found: only what is planned then.
    """
    told, refreshed = Told(), set()
    for event in events:
        if (said := event.get("diagnosticEvent")) is not None and "urn" in said:
            told.remarks[_key(said["urn"])] = said["message"]
        elif (step := event.get("resourcePreEvent", {}).get("metadata")) is not None:
            refreshed |= {step["urn"]} if step["op"] == "refresh" else set()
            _note(told.verdicts, step)
        elif (step := event.get("resOutputsEvent", {}).get("metadata")) is not None and step["urn"] in refreshed:
            refreshed.remove(step["urn"])
            _note(told.verdicts, step)
    return told


def _note(verdicts: Verdicts, step: dict[str, Any]) -> None:
    operation = step["op"]
    if operation not in ("same", "refresh", "create-replacement", "delete-replaced"):
        paths = sorted(step.get("detailedDiff") or ()) if operation in ("update", "replace") else []
        verdicts[_key(step["urn"])] = " ".join([operation, *paths])


def _key(urn: str) -> tuple[str, str]:
    _, _, type_, name = urn.rsplit("::", 3)
    return type_.rpartition("$")[2], name
