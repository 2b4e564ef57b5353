"""Microsoft.Resources: resource groups, and what can be read of tenant, subscription, providers and regions."""

from collections.abc import Sequence
from typing import Any, ClassVar

from azml.facts import names
from azml_local.arm.call import Call
from azml_local.arm.errors import ArmError, not_emulated, not_found
from azml_local.arm.ids import GROUP, SUBSCRIPTION, ResourceId
from azml_local.arm.locations import REGIONS
from azml_local.arm.store import Resource
from azml_local.arm.types import Reply, ResourceType, action


class ResourceGroups(ResourceType):
    """What everything else is in; deleting one deletes all of it."""

    type = GROUP
    operations = ("PUT", "PATCH", "GET", "HEAD", "LIST", "DELETE")
    evidence = (
        "Codes as azure-mgmt-resource 26.0.0 takes them; errors: common-deployment-errors (azure-resource-manager)"
    )
    rule = names.RESOURCE_GROUP
    deletes = Reply(updated=202, follow="Location")

    def delete_absent(self, id_: ResourceId, _call: Call) -> None:
        """A group, unlike other resources, must be there."""
        raise not_found(id_)


class Subscriptions(ResourceType):
    """The one subscription."""

    type = SUBSCRIPTION
    evidence = "Shape: ARM 2022-12-01 as clients read it"
    operations = ("GET", "LIST")

    def find(self, id_: ResourceId) -> Resource | None:
        """Show the subscription."""
        who = self.azure.identity
        if id_.name.lower() != who.subscription_id:
            raise ArmError(404, "SubscriptionNotFound", f"The subscription '{id_.name}' could not be found.")
        body = {
            "subscriptionId": who.subscription_id,
            "tenantId": who.tenant_id,
            "displayName": "Local Azure",
            "state": "Enabled",
        }
        return Resource(ResourceId(SUBSCRIPTION, who.subscription_id), body)

    def members(self, _scope: ResourceId | None, _call: Call) -> list[Resource]:
        """List the one."""
        found = self.find(ResourceId(SUBSCRIPTION, self.azure.identity.subscription_id))
        return [found] if found else []


class Tenants(ResourceType):
    """The one tenant."""

    type = "Microsoft.Resources/tenants"
    evidence = "Shape: ARM 2022-12-01 as clients read it"
    operations = ("LIST",)

    def find(self, id_: ResourceId) -> Resource | None:
        """A tenant is only listed."""
        return next((tenant for tenant in self.members(None, Call("GET", "")) if tenant.id.key == id_.key), None)

    def members(self, _scope: ResourceId | None, _call: Call) -> list[Resource]:
        """List the one."""
        tenant = self.azure.identity.tenant_id
        body = {"tenantId": tenant, "displayName": "Local Azure", "tenantCategory": "Home"}
        return [Resource(ResourceId(self.type, tenant), body)]


class Locations(ResourceType):
    """The regions."""

    type = "Microsoft.Resources/locations"
    evidence = "Regions: `az account list-locations`"
    operations: ClassVar[Sequence[str]] = ("LIST",)

    def find(self, id_: ResourceId) -> Resource | None:
        """Show a region by its name."""
        title = REGIONS.get(id_.name.lower())
        if title is None:
            return None
        body = {"displayName": title, "regionalDisplayName": title, "metadata": {"regionType": "Physical"}}
        return Resource(ResourceId(id_.type, id_.name.lower(), id_.parent), body)

    def members(self, scope: ResourceId | None, _call: Call) -> list[Resource]:
        """List all regions."""
        return [found for name in REGIONS if (found := self.find(ResourceId(self.type, name, scope)))]


class Providers(ResourceType):
    """Resource providers; all are registered."""

    type = "Microsoft.Resources/providers"
    evidence = (
        "Shape: azure-mgmt-resource 26.0.0; every provider is registered; checkNameAvailability as azure-mgmt-"
        "storage 25.3.0, -keyvault 14.1.0 and -containerregistry 15.0.0 read it"
    )
    operations = ("GET", "LIST")

    def find(self, id_: ResourceId) -> Resource | None:
        """Show a provider with the types that are emulated."""
        prefix = f"{id_.name.lower()}/"
        types = [name for name in self.azure.types.names if name.lower().startswith(prefix)]
        if not types:
            raise ArmError(
                404,
                "InvalidResourceNamespace",
                f"The resource namespace '{id_.name}' is not emulated by the local Azure.",
            )
        namespace = types[0].partition("/")[0]
        shown = [
            {
                "resourceType": name.partition("/")[2],
                "locations": list(REGIONS.values()),
                "apiVersions": _versions(name),
            }
            for name in types
        ]
        body = {"namespace": namespace, "registrationState": "Registered", "resourceTypes": shown}
        return Resource(ResourceId(self.type, namespace, id_.parent), body)

    def members(self, scope: ResourceId | None, _call: Call) -> list[Resource]:
        """List every provider."""
        names = sorted({name.partition("/")[0] for name in self.azure.types.names})
        return [found for name in names if (found := self.find(ResourceId(self.type, name, scope)))]

    def present(self, resource: Resource) -> dict[str, Any]:
        """Show it without name and type, as ARM does."""
        above = "" if resource.id.parent is None else str(resource.id.parent)
        return {"id": f"{above}/providers/{resource.id.name}", **resource.body}

    @action("register")
    def register(self, resource: Resource, _call: Call) -> dict[str, Any]:
        """Register: nothing to do."""
        return self.present(resource)

    @action("checkNameAvailability")
    def check_name_availability(self, _resource: Resource, call: Call) -> dict[str, Any]:
        """Tell whether a global name can still be had."""
        asked = call.asked
        name, type_ = str(asked.get("name", "")), self.azure.types.get(str(asked.get("type", "")))
        if type_ is None or type_.name_taken is None:
            raise not_emulated(f"checkNameAvailability of '{asked.get('type')}'")
        if type_.rule is not None and not type_.rule.fits(name):
            text = f"'{name}' is not the name of {type_.rule.what}: {type_.rule.allowed}."
            return {"nameAvailable": False, "reason": type_.name_bad, "message": text}
        if not type_.is_taken(name):
            return {"nameAvailable": True}
        return {"nameAvailable": False, "reason": "AlreadyExists", "message": type_.name_taken[1].format(name=name)}


class Resources(ResourceType):
    """The list of all top-level resources in a subscription or group."""

    type = "Microsoft.Resources/resources"
    evidence = "Shape: azure-mgmt-resource 26.0.0"
    operations = ("LIST",)

    def members(self, scope: ResourceId | None, call: Call) -> list[Resource]:
        """List them; `$filter` may be `resourceType eq '…'`."""
        wanted = _filtered_type(call.query.get("$filter"))
        return [
            found
            for found in self.azure.store.below(scope)
            if found.id.parent is not None
            and found.id.parent.type == GROUP
            and not found.id.type.lower().startswith("microsoft.authorization/")
            and (wanted is None or found.id.type.lower() == wanted)
        ]

    def present(self, resource: Resource) -> dict[str, Any]:
        """Show the general part."""
        shown = self.azure.types.of(resource).present(resource)
        names = ("id", "name", "type", "location", "kind", "sku", "tags", "identity")
        return {name: shown[name] for name in names if name in shown}


def _versions(type_: str) -> list[str]:
    from azml.facts import arm_types

    try:
        return [arm_types.resource(type_).version]
    except arm_types.UnknownType:
        return []


def _filtered_type(text: str | None) -> str | None:
    if text is None:
        return None
    name, _, value = text.partition(" eq ")
    if name.strip() != "resourceType":
        raise ArmError(
            400, "InvalidFilterInQueryString", f"The filter '{text}' is not emulated: only resourceType eq '…'."
        )
    return value.strip().strip("'").lower()


DECLARED = (ResourceGroups, Subscriptions, Tenants, Locations, Providers, Resources)
