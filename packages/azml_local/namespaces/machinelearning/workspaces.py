"""Workspaces: what they need to exist, what comes with them, and their soft deletion."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from azml.facts import names
from azml_local.arm.call import Call
from azml_local.arm.errors import ArmError, not_found
from azml_local.arm.ids import ResourceId, parse_id
from azml_local.arm.store import Resource
from azml_local.arm.types import Reply, ResourceType, Write, action
from azml_local.namespaces.machinelearning.datastores import make_system_datastores

_DAY = 24 * 3600
_NEEDED = {
    "storageAccount": "Microsoft.Storage/storageAccounts",
    "keyVault": "Microsoft.KeyVault/vaults",
    "applicationInsights": "Microsoft.Insights/components",
}
_POSSIBLE = {"containerRegistry": "Microsoft.ContainerRegistry/registries"}


class Workspaces(ResourceType):
    """An Azure Machine Learning workspace."""

    type = "Microsoft.MachineLearningServices/workspaces"
    evidence = (
        "ARM's types 2025-12-01; soft delete: concept-soft-delete 2025-10-31; codes of azure-mgmt-"
        "machinelearningservices 2.0.0b2"
    )
    not_enforced = "managed network, public network access, encryption"
    rule = names.WORKSPACE
    puts = Reply(created=202, updated=202, follow="Location")
    patches = Reply(updated=202, follow="Location")
    deletes = Reply(updated=202, follow="Location")
    patchable = ("tags", "sku", "identity", "properties")
    defaults: ClassVar = {
        "kind": "Default",
        "sku": {"name": "Basic", "tier": "Basic"},
        "properties": {
            "publicNetworkAccess": "Enabled",
            "hbiWorkspace": False,
            "v1LegacyMode": False,
            "systemDatastoresAuthMode": "AccessKey",
        },
    }
    create_only = ("storageAccount", "keyVault", "hbiWorkspace")

    def check(self, write: Write) -> None:
        """A deleted workspace keeps its name and is recovered as it was; dependencies must be there."""
        buried = None if write.existing is not None else self._buried(write.id)
        if buried is not None:
            if not self._asks_recovery(write):
                raise ArmError(
                    400,
                    "BadRequest",
                    "Soft-deleted workspace exists. Please purge or recover it. https://aka.ms/wsoftdelete",
                )
            write.body |= buried.body
        self._stand_on_hub(write)
        _refuse_disabling_network(write)
        missing = [name for name in _NEEDED if not write.properties.get(name)]
        if missing:
            raise ArmError(
                400, "ValidationError", f"Missing dependent resources in workspace json: {', '.join(missing)}."
            )
        problems = [
            problem
            for name, type_ in {**_NEEDED, **_POSSIBLE}.items()
            if (problem := self._problem(name, write.properties.get(name), type_)) is not None
        ]
        if problems:
            raise ArmError(400, "ValidationError", " ".join(problem.message for problem in problems), problems)

    def fill(self, write: Write) -> None:
        """The workspace's own id; a recovered one keeps the identity that its role assignments name."""
        buried = None if write.existing is not None else self._buried(write.id)
        if buried is not None and "identity" in buried.body:
            write.body["identity"] = buried.body["identity"]
        made = write.properties
        made.setdefault("workspaceId", str(uuid.uuid4()))
        made.setdefault("friendlyName", write.id.name)
        made |= {"tenantId": self.azure.identity.tenant_id, "storageHnsEnabled": False}
        self._keep_addresses(write)

    def present(self, resource: Resource) -> dict[str, Any]:
        """Addresses depend on the port of today."""
        shown = super().present(resource)
        shown["properties"] = {**resource.properties, "discoveryUrl": f"{self.azure.url}/discovery"}
        return shown

    def present_in(self, resource: Resource, api_version: str) -> dict[str, Any]:
        """Older versions show which addresses are let in."""
        shown = self.present(resource)
        if api_version.lower() != self.facts.version.lower() and "networkAcls" in resource.hidden:
            shown["properties"]["networkAcls"] = resource.hidden["networkAcls"]
        return shown

    async def apply(self, resource: Resource, report: Callable[[str], None]) -> None:
        """Bring back what was deleted with it; make the system datastores and their containers."""
        self.azure.store.recover_below(resource.id)
        self.azure.store.exhume(resource.id)
        make_system_datastores(self.azure, resource)
        report("datastores are there")

    def soft_delete(self, _resource: Resource, options: Mapping[str, Any]) -> float:
        """Days from the settings, unless the client purges at once."""
        query = options.get("query", {})
        if str(query.get("forcetopurge", "")).lower() == "true":
            return 0
        return self.azure.settings.workspace_soft_delete_days * _DAY

    def delete_absent(self, id_: ResourceId, call: Call) -> None:
        """Purge a soft-deleted workspace, when the request says so."""
        buried = self._buried(id_)
        if buried is not None and call.flag("forceToPurge"):
            self.azure.store.exhume(buried.id)

    @action("listKeys")
    def list_keys(self, resource: Resource, _call: Call) -> dict[str, Any]:
        """Show the keys of what the workspace depends on."""
        account = self.azure.store.get(resource.properties["storageAccount"])
        insights = self.azure.store.get(resource.properties["applicationInsights"])
        if account is None or insights is None:
            raise not_found(resource.id)
        return {
            "userStorageKey": account.hidden["keys"][0],
            "userStorageArmId": str(account.id),
            "appInsightsInstrumentationKey": insights.properties["InstrumentationKey"],
        }

    @action("listStorageAccountKeys")
    def list_storage_keys(self, resource: Resource, _call: Call) -> dict[str, Any]:
        """Show the key of the workspace's storage account."""
        account = self.azure.store.get(resource.properties["storageAccount"])
        if account is None:
            raise not_found(resource.id)
        return {"userStorageKey": account.hidden["keys"][0]}

    def _asks_recovery(self, write: Write) -> bool:
        asked = (write.asked.get("properties") or {}).get("allowRecoverSoftDeletedWorkspace")
        return self.azure.settings.workspace_recovery == "property" and str(asked).lower() == "true"

    def _keep_addresses(self, write: Write) -> None:
        """Keep who is let in: a property of other API versions. What a PUT of ours does to it is not documented."""
        asked = (write.asked.get("properties") or {}).get("networkAcls")
        if asked is not None:
            write.hidden["networkAcls"] = {"defaultAction": "Allow", "ipRules": [], **asked}
        elif not write.patch and self.azure.settings.workspace_put_without_network_acls == "clears":
            write.hidden.pop("networkAcls", None)

    def _stand_on_hub(self, write: Write) -> None:
        """Give a project what its hub stands on."""
        hub = write.properties.get("hubResourceId")
        if hub is None:
            return
        found = self.azure.store.get(hub)
        if found is None or str(found.body.get("kind")).lower() != "hub":
            raise ArmError(400, "ValidationError", f"properties.hubResourceId: '{hub}' is no workspace of kind Hub.")
        parts = {name: found.properties[name] for name in (*_NEEDED, *_POSSIBLE) if name in found.properties}
        write.properties.update(parts)

    def _buried(self, id_: ResourceId) -> Resource | None:
        buried = self.azure.store.buried(self.type)
        return next((found.resource for found in buried if found.resource.id.key == id_.key), None)

    def _problem(self, name: str, given: str | None, type_: str) -> ArmError | None:
        if not given:
            return None
        id_ = parse_id(given)
        if id_ is None or id_.type.lower() != type_.lower():
            return ArmError(400, "InvalidResourceId", f"properties.{name}: '{given}' is no id of a {type_}.")
        if self.azure.store.get(id_) is None:
            return ArmError(400, "ResourceNotFound", f"properties.{name}: the resource '{given}' was not found.")
        return None


def _refuse_disabling_network(write: Write) -> None:
    """Once a managed network is on it stays on (how-to-managed-network, limitations)."""
    modes = [
        (resource.get("managedNetwork") or {}).get("isolationMode", "Disabled")
        for resource in (write.existing.properties if write.existing else {}, write.properties)
    ]
    if modes[0] != "Disabled" and modes[1] == "Disabled":
        raise ArmError(
            400, "ValidationError", f"The managed network's isolation mode is {modes[0]} and cannot be disabled."
        )


DECLARED = (Workspaces,)
