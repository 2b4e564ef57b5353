"""The containers of a group: their logs. Commands in them and their consoles do not exist here."""

from typing import Any

from azml_local.arm.call import Answer, Call
from azml_local.arm.errors import ArmError, not_emulated
from azml_local.arm.ids import ResourceId
from azml_local.arm.store import Resource
from azml_local.arm.types import ResourceType, action
from azml_local.namespaces.containerinstance.groups import GROUPS

CONTAINERS = f"{GROUPS}/containers"
_WITHOUT = "Its containers are processes of this machine: use the logs, or look at them from here."


class Containers(ResourceType):
    """A container of a group: only part of a path."""

    type = CONTAINERS
    evidence = "Only part of a path"
    operations = ()

    def find(self, id_: ResourceId) -> Resource | None:
        """Find a container in its group."""
        group = None if id_.parent is None else self.azure.store.get(id_.parent)
        found = [] if group is None else group.properties["containers"]
        name = next((one["name"] for one in found if one["name"] == id_.name.lower()), None)
        return None if name is None or group is None else Resource(ResourceId(self.type, name, group.id), {})

    @action("exec")
    def exec(self, _resource: Resource, _call: Call) -> dict[str, Any]:
        """Not here."""
        raise not_emulated("commands in a running container", _WITHOUT)

    @action("attach")
    def attach(self, _resource: Resource, _call: Call) -> dict[str, Any]:
        """Not here."""
        raise not_emulated("the console of a container", _WITHOUT)


class Logs(ResourceType):
    """What a container wrote."""

    type = f"{CONTAINERS}/logs"
    evidence = (
        "Shape: azure-mgmt-containerinstance 10.1.0; 4 MB of a running container, 16 KB or 1,000 lines of a stopped "
        "one: container-instances-resource-and-quota-limits 2025-11-17"
    )
    operations = ("LIST",)

    def listed(self, scope: ResourceId | None, call: Call) -> Answer:
        """Give the end of it; `tail` lines at most."""
        if scope is None or scope.parent is None:
            return Answer(200, {"content": ""})
        tail = call.query.get("tail")
        if tail is not None and not tail.isdigit():
            text = f"tail must be a number of lines, is '{tail}'."
            raise ArmError(400, "InvalidQueryParameterValue", text)
        lines, stamps = None if tail is None else int(tail), call.flag("timestamps")
        found = self.azure.containers.logs(str(scope.parent), scope.name, lines, timestamps=stamps)
        return Answer(200, {"content": found})


DECLARED = (Containers, Logs)
