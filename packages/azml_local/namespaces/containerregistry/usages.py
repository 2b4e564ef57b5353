"""How much of what its tier allows a registry uses."""

from azml_local.arm.call import Answer, Call
from azml_local.arm.ids import ResourceId
from azml_local.arm.types import ResourceType
from azml_local.namespaces.containerregistry import limits
from azml_local.namespaces.containerregistry.rules import REGISTRY, SCOPE_MAP, TOKEN


class Usages(ResourceType):
    """Storage, scope maps and tokens of a registry."""

    type = f"{REGISTRY}/listUsages"
    evidence = "Shape: azure-mgmt-containerregistry 15.0.0; limits: container-registry-limits"
    operations = ("LIST",)

    def listed(self, scope: ResourceId | None, _call: Call) -> Answer:
        """Count."""
        registry = None if scope is None else self.azure.store.get(scope)
        if registry is None:
            return Answer(200, {"value": []})
        tier, size = registry.body["sku"]["name"], self.azure.registries.size(registry.id.name)
        counts = [("Size", limits.STORAGE[tier], size, "Bytes"), ("Webhooks", limits.WEBHOOKS[tier], 0, "Count")]
        for name, type_ in (("ScopeMaps", SCOPE_MAP), ("Tokens", TOKEN)):
            counts.append((name, limits.SCOPED[tier], len(self.azure.store.below(registry.id, type_)), "Count"))
        names = ("name", "limit", "currentValue", "unit")
        return Answer(200, {"value": [dict(zip(names, one, strict=True)) for one in counts]})


DECLARED = (Usages,)
