"""What a region has and gives: how many cores are used and allowed, and the VM sizes.

Owns how both are shown. Deliberately counts nothing itself (`quota`). Both are read only: nobody can raise a quota here
but the settings.
"""

from typing import Any

from azml.facts import online_endpoints, vm_sizes
from azml.facts.vm_sizes import VmSize
from azml_local.arm.call import Call
from azml_local.arm.ids import ResourceId
from azml_local.arm.store import Resource
from azml_local.arm.types import ResourceType
from azml_local.namespaces.machinelearning import quota
from azml_local.namespaces.machinelearning.endpoints import DEPLOYMENTS
from azml_local.namespaces.resources import Locations

_NAMESPACE = "Microsoft.MachineLearningServices"
_NO_LIMIT = -1
_TOTAL = ("TotalDedicatedCores", "Total Cluster Dedicated Regional vCPUs", f"{_NAMESPACE}/dedicatedCores/usages")
"""Name, what people are shown, type of the sum over all families."""


class MachineLearningLocations(Locations):
    """Where usages and sizes are asked for."""

    type = f"{_NAMESPACE}/locations"
    evidence = "Only part of a path"
    operations = ()


class Usages(ResourceType):
    """Dedicated cores of a region: the total, and those of each VM family."""

    type = f"{_NAMESPACE}/locations/usages"
    evidence = (
        "Shape: azure-mgmt-machinelearningservices 2.0.0b2, Usages - List (rest-azureml-2025-06-01); names, and -1 for "
        "no limit, as subscriptions were seen to answer; cores of online deployments alone are counted"
    )
    operations = ("LIST",)

    def members(self, scope: ResourceId | None, _call: Call) -> list[Resource]:
        """List what deployments in the region take, and what they may take."""
        place = "" if scope is None else scope.name.lower()
        below = [each for each in self.azure.store.below(None, DEPLOYMENTS) if each.body["location"] == place]
        return [
            Resource(ResourceId(self.type, each.family, scope), self._body(each))
            for each in quota.quotas(self.azure.settings.quota_cores, below)
        ]

    def _body(self, found: quota.Quota) -> dict[str, Any]:
        name, shown, type_ = _TOTAL
        if found.family != quota.ALL_SIZES:
            series = found.family.removeprefix("standard").removesuffix("Family")
            name, shown = found.family, f"Standard {series} Family Cluster Dedicated vCPUs"
            type_ = f"{_NAMESPACE}/vmFamily/dedicatedCores/usages"
        return {
            "id": f"/subscriptions/{self.azure.identity.subscription_id}/usages/{name}",
            "type": type_,
            "currentValue": found.used,
            "limit": _NO_LIMIT if found.limit is None else found.limit,
            "name": {"value": name, "localizedValue": shown},
            "unit": "Count",
        }

    def present(self, resource: Resource) -> dict[str, Any]:
        """Show it as it is: its name is no text."""
        return resource.body


class VmSizes(ResourceType):
    """The VM sizes of a region, with the family whose quota each takes."""

    type = f"{_NAMESPACE}/locations/vmSizes"
    evidence = (
        "Shape: azure-mgmt-machinelearningservices 2.0.0b2, and ARM's own example (VirtualMachineSize/list, "
        "2023-04-01); sizes: those that managed online endpoints list; family names by the rule of most"
    )
    not_enforced = "disks, prices"
    operations = ("LIST",)

    def members(self, scope: ResourceId | None, _call: Call) -> list[Resource]:
        """List what online deployments may run on: MIR is what ARM calls their compute."""
        found = [vm_sizes.find(name) for name in online_endpoints.INSTANCE_TYPES]
        return [Resource(ResourceId(self.type, size.name, scope), _size(size)) for size in found if size is not None]

    def present(self, resource: Resource) -> dict[str, Any]:
        """Show it as it is: it has no id."""
        return resource.body


def _size(size: VmSize) -> dict[str, Any]:
    return {
        "name": size.name,
        "family": quota.family(size.name),
        "vCPUs": size.cores,
        "gpus": int(size.accelerators),
        "memoryGB": size.memory_gib,
        "supportedComputeTypes": ["MIR"],
    }


DECLARED = (MachineLearningLocations, Usages, VmSizes)
