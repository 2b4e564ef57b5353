"""What a region gives to container groups: how much is used of it, and how large a group can be."""

from collections.abc import Iterator
from typing import Any

from azml.facts import container_instances as aci
from azml_local.arm.call import Call
from azml_local.arm.ids import ResourceId
from azml_local.arm.store import Resource
from azml_local.arm.types import ResourceType
from azml_local.namespaces.containerinstance import rules
from azml_local.namespaces.containerinstance.groups import GROUPS
from azml_local.namespaces.resources import Locations

_NAMESPACE = "Microsoft.ContainerInstance"
_SHAPE = "Shape: azure-mgmt-containerinstance 10.1.0"


class ContainerLocations(Locations):
    """Where usages and capabilities are asked for."""

    type = f"{_NAMESPACE}/locations"
    evidence = "Only part of a path"
    operations = ()


class Usages(ResourceType):
    """Groups and cores of a region: how many are used, and how many there may be."""

    type = f"{_NAMESPACE}/locations/usages"
    evidence = f"{_SHAPE}, Location - List Usage; quota: container-instances-resource-and-quota-limits 2025-11-17"
    operations = ("LIST",)

    def members(self, scope: ResourceId | None, _call: Call) -> list[Resource]:
        """List what groups in the region take."""
        place = "" if scope is None else scope.name.lower()
        found = [each for each in self.azure.store.below(None, GROUPS) if each.body["location"] == place]
        cores = sum(rules.requests(each.properties)[0] for each in found)
        settings = self.azure.settings
        rows = (
            ("ContainerGroups", "Container Groups", len(found), settings.container_groups),
            ("StandardCores", "Standard Cores", round(cores), settings.container_cores),
        )
        return [
            Resource(ResourceId(self.type, name, scope), self._body(place, name, shown, used, limit))
            for name, shown, used, limit in rows
        ]

    def _body(self, place: str, name: str, shown: str, used: int, limit: int) -> dict[str, Any]:
        at = f"/subscriptions/{self.azure.identity.subscription_id}/providers/{_NAMESPACE}/locations/{place}"
        return {
            "id": f"{at}/usages/{name}",
            "unit": "Count",
            "currentValue": used,
            "limit": limit,
            "name": {"value": name, "localizedValue": shown},
        }

    def present(self, resource: Resource) -> dict[str, Any]:
        """Show it as it is: its name is no text."""
        return resource.body


class Capabilities(ResourceType):
    """How large a group can be in a region."""

    type = f"{_NAMESPACE}/locations/capabilities"
    evidence = (
        f"{_SHAPE}, Location - List Capabilities; sizes: container-instances-resource-and-quota-limits 2025-11-17"
    )
    operations = ("LIST",)

    def members(self, scope: ResourceId | None, _call: Call) -> list[Resource]:
        """List what is offered: Linux without GPUs, public or in a subnet."""
        place = "" if scope is None else scope.name.lower()
        return [Resource(ResourceId(self.type, str(number), scope), body) for number, body in enumerate(_offers(place))]

    def present(self, resource: Resource) -> dict[str, Any]:
        """Show it as it is: it has no id."""
        return resource.body


def _offers(place: str) -> Iterator[dict[str, Any]]:
    for address in ("Public", "Private"):
        yield {
            "resourceType": "containerGroups",
            "osType": "Linux",
            "location": place,
            "ipAddressType": address,
            "gpu": "None",
            "capabilities": {"maxMemoryInGB": aci.MAX_MEMORY_GB, "maxCpu": aci.MAX_CPU, "maxGpuCount": 0.0},
        }


DECLARED = (ContainerLocations, Usages, Capabilities)
