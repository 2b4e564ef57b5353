"""Operations of which nobody knows how they ended.

A killed engine leaves them in the stack's state (`pending_operations`). When a provider is killed, or its answer is
lost, the engine ends by itself and forgets what it asked for; then its journal (`pulumi up --event-log`) knows.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from azml_protocol import marks

Doing = Literal["creating", "updating", "deleting"]

_DOING: Mapping[str, Doing] = {
    "create": "creating",
    "create-replacement": "creating",
    "update": "updating",
    "delete": "deleting",
    "delete-replaced": "deleting",
}
_KEPT_IN_STATE = 1
"""`resOpFailedEvent.status` of a failure with which the resource stays in state (resource.StatusPartialFailure)."""
_NOT_OURS = "already existing"
"""In azure-native's refusal to create what is there: what it found was somebody else's."""


@dataclass(frozen=True)
class Interrupted:
    """One operation; `resource` is what the engine knew of it, in the keys of a state."""

    doing: Doing
    resource: Mapping[str, Any]

    @property
    def urn(self) -> str:
        """The resource's urn."""
        return str(self.resource["urn"])

    @property
    def type(self) -> str:
        """The resource's type token."""
        return str(self.resource["type"])

    @property
    def label(self) -> str:
        """The resource as a person knows it."""
        return f"{self.type} {self.urn.rpartition('::')[2]}"


def pending(deployment: Mapping[str, Any]) -> list[Interrupted]:
    """What the state of a stack says. Reads and imports change nothing in Azure, and components are not there."""
    return [
        Interrupted(operation["type"], operation["resource"])
        for operation in deployment.get("pending_operations") or []
        if operation["type"] in _DOING.values() and is_in_azure(operation["resource"])
    ]


@dataclass(frozen=True)
class Journal:
    """The events of one run of the engine. `began` is epoch seconds."""

    began: float
    unknown: tuple[Interrupted, ...]
    made: tuple[Mapping[str, Any], ...]
    """What it made, components and providers included, in that order."""
    deleted: tuple[Mapping[str, Any], ...]

    @classmethod
    def read(cls, file: Path) -> "Journal | None":
        """Read what there is; None where no run left anything."""
        if not file.exists():
            return None
        events = list(_events(file.read_text(encoding="utf-8", errors="replace").splitlines()))
        began = min((float(event["timestamp"]) for event in events if event.get("timestamp")), default=0.0)
        ended = [event["resOutputsEvent"]["metadata"] for event in events if "resOutputsEvent" in event]
        begun = [event["resourcePreEvent"]["metadata"] for event in events if "resourcePreEvent" in event]
        made = [step["new"] for step in ended if _DOING.get(step["op"]) == "creating"]
        components = [step["new"] for step in begun if step["op"] == "create" and not step["new"].get("custom")]
        deleted = [step["old"] for step in ended if _DOING.get(step["op"]) == "deleting"]
        return cls(began, tuple(_without_an_end(events)), (*components, *made), tuple(deleted))


def _events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            yield json.loads(line, object_hook=_without_secrets)
        except ValueError:  # the line that was being written, or that a full disk cut before the next one
            continue


def _without_secrets(values: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the journal does not tell: it has a placeholder where a state has a ciphertext."""
    return {name: value for name, value in values.items() if not (isinstance(value, dict) and marks.SIGNATURE in value)}


def _without_an_end(events: Iterable[Mapping[str, Any]]) -> list[Interrupted]:
    begun: dict[tuple[str, str], Interrupted] = {}
    refused: set[str] = set()
    for event in events:
        if (said := event.get("diagnosticEvent")) is not None and _NOT_OURS in said["message"]:
            refused.add(str(said.get("urn")))
        if (step := event.get("resourcePreEvent")) is not None and step["metadata"]["op"] in _DOING:
            about = step["metadata"]
            doing = _DOING[about["op"]]
            resource = about["old"] if doing == "deleting" else about["new"]
            if resource is not None and is_in_azure(resource):
                begun[about["urn"], about["op"]] = Interrupted(doing, resource)
        if (step := event.get("resOutputsEvent")) is not None:
            begun.pop((step["metadata"]["urn"], step["metadata"]["op"]), None)
        if (step := event.get("resOpFailedEvent")) is not None and step["status"] == _KEPT_IN_STATE:
            begun.pop((step["metadata"]["urn"], step["metadata"]["op"]), None)
    return [one for one in begun.values() if one.urn not in refused]


def is_in_azure(resource: Mapping[str, Any]) -> bool:
    """Whether a resource is one of Azure: no component, no provider."""
    return bool(resource.get("custom")) and not str(resource["type"]).startswith("pulumi:")
