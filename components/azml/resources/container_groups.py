"""Container groups as ARM has them: the body that makes one, how it is, what its container says, where it answers.

Owns the way from azure-native's inputs, whose members of `properties` stand beside their parent, to ARM's body, and the
reading of instance views. Deliberately changes nothing, and waits for nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azml.resources.arm_id import ArmId
from azml.resources.errors import ArmError
from azml.resources.handler import Values

if TYPE_CHECKING:
    from azml.resources.arm import Arm

ACI = "2024-05-01-preview"
"""API version of Microsoft.ContainerInstance: the one of azure-native 3.29."""
GROUPS = "Microsoft.ContainerInstance/containerGroups"
_BESIDE = frozenset({"location", "tags", "identity", "zones"})
"""Inputs that stand beside `properties`."""
_GAVE_UP = frozenset({"BackOff"})
"""Events after which Azure only tries again: the image cannot be pulled, or the container ends again and again."""


def group_id(resource_group_id: str, name: str) -> ArmId:
    """The id of a group in a resource group, whose own id is given."""
    return ArmId.parse(f"{resource_group_id}/providers/{GROUPS}/{name}")


def body(inputs: Values) -> Values:
    """ARM's body of a group, from the inputs of azure-native's `ContainerGroup`."""
    beside = {name: value for name, value in inputs.items() if name in _BESIDE}
    if "userAssignedIdentities" in beside.get("identity", {}):
        ids: Values = {id_: {} for id_ in beside["identity"]["userAssignedIdentities"]}
        beside["identity"] = {**beside["identity"], "userAssignedIdentities": ids}
    within = {name: value for name, value in inputs.items() if name not in _BESIDE}
    return {**beside, "properties": {**within, "containers": [_container(one) for one in within["containers"]]}}


def _container(inputs: Values) -> Values:
    return {"name": inputs["name"], "properties": {name: one for name, one in inputs.items() if name != "name"}}


@dataclass(frozen=True)
class State:
    """How a group with one container is."""

    group: str
    """Pending, Running, Stopped, Succeeded, Failed …; empty while Azure says nothing."""
    container: str
    """Waiting, Running or Terminated; empty while Azure says nothing."""
    detail: str
    """Azure's words for it: CrashLoopBackOff, OOMKilled, Error."""
    exit_code: int | None
    """Of the container's last end; None where it has not ended."""
    restarts: int
    events: tuple[Mapping[str, Any], ...]
    """The container's, then the group's, as ARM has them."""

    @classmethod
    def of(cls, found: Values) -> "State":
        """Read what ARM answers about a group."""
        properties = found["properties"]
        view = properties["containers"][0]["properties"].get("instanceView") or {}
        now, before = view.get("currentState") or {}, view.get("previousState") or {}
        whole = properties.get("instanceView") or {}
        code = now.get("exitCode", before.get("exitCode"))
        return cls(
            str(whole.get("state") or ""),
            str(now.get("state") or ""),
            str(now.get("detailStatus") or before.get("detailStatus") or ""),
            None if code is None else int(code),
            int(view.get("restartCount") or 0),
            (*(view.get("events") or ()), *(whole.get("events") or ())),
        )

    @property
    def runs(self) -> bool:
        """Whether the container runs, and has not ended before."""
        return self.container == "Running" and not self.restarts

    @property
    def ended(self) -> str:
        """Why it will not run, in words; empty while it may."""
        if self.container == "Terminated" or self.restarts:
            code = "" if self.exit_code is None else f" with exit code {self.exit_code}"
            return f"its container ended{code}{f' ({self.detail})' if self.detail else ''}"
        if self.group == "Failed":
            return f"it failed{f' ({self.detail})' if self.detail else ''}{self._said}"
        if any(event.get("name") in _GAVE_UP for event in self.events):
            return f"its container does not start{self._said}"
        return ""

    @property
    def _said(self) -> str:
        """Warnings of Azure, each once."""
        told = [str(event.get("message") or "") for event in self.events if event.get("type") == "Warning"]
        return "".join(f"\n  {text}" for text in dict.fromkeys(filter(None, told)))


@dataclass(frozen=True)
class Address:
    """Where a group answers."""

    host: str
    """An IP address, or the name that its DNS label makes."""
    ip: str
    port: int
    private: bool
    """Whether it is inside a virtual network."""

    @classmethod
    def of(cls, found: Values) -> "Address | None":
        """Read what ARM answers about a group; None where it has no address (yet)."""
        at = found["properties"].get("ipAddress") or {}
        if not at.get("ip") or not at.get("ports"):
            return None
        host = str(at.get("fqdn") or at["ip"])
        return cls(host, str(at["ip"]), int(at["ports"][0]["port"]), at.get("type") == "Private")


def log(arm: "Arm", id_: ArmId, found: Values, lines: int) -> str:
    """The container's last lines; empty where there are none to be had."""
    name = found["properties"]["containers"][0]["name"]
    try:
        answer = arm.get(f"{id_.text}/containers/{name}/logs", ACI, {"tail": str(lines)})
    except ArmError:
        return ""
    return str(answer.get("content") or "")
