"""Microsoft.KeyVault: vaults (control plane) and their soft deletion. Their data plane is `azml_local.vaults`."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from azml.facts import names
from azml_local.arm.call import Call
from azml_local.arm.errors import ArmError
from azml_local.arm.ids import ResourceId
from azml_local.arm.store import Deleted, Resource
from azml_local.arm.types import Reply, ResourceType, Write, action
from azml_local.namespaces.resources import Locations

_DAY = 24 * 3600


class Vaults(ResourceType):
    """A key vault."""

    type = "Microsoft.KeyVault/vaults"
    evidence = (
        "ARM's types 2024-11-01; codes of azure-mgmt-keyvault 14.1.0; soft delete: key-vault soft-delete-overview"
    )
    not_enforced = "access policies, RBAC, network rules; secrets and certificates do not exist"
    rule = names.KEY_VAULT
    name_taken = ("VaultAlreadyExists", "The vault name '{name}' is already in use.")
    puts = Reply(created=200)
    patches = Reply()
    patchable = ("tags", "properties")
    defaults: ClassVar = {
        "properties": {
            "accessPolicies": [],
            "enableSoftDelete": True,
            "softDeleteRetentionInDays": 90,
            "enableRbacAuthorization": False,
            "enabledForDeployment": False,
            "publicNetworkAccess": "Enabled",
        }
    }
    create_only = ("softDeleteRetentionInDays",)

    def check(self, write: Write) -> None:
        """Deleted vaults keep their names; soft delete cannot be turned off."""
        name = write.id.name
        buried = _buried(self, name)
        recover = write.sent["properties"].get("createMode") == "recover"
        if buried is not None and write.existing is None and not recover:
            raise ArmError(
                409,
                "ConflictError",
                "A vault with the same name already exists in deleted state. You need to either recover or purge "
                "existing key vault.",
            )
        if recover and (buried is None or buried.resource.id.key != write.id.key):
            raise ArmError(404, "VaultNotFound", f"There is no deleted vault '{name}' to recover.")
        days = write.properties.get("softDeleteRetentionInDays", 90)
        if write.properties.get("enableSoftDelete") is False or not 7 <= days <= 90:
            raise ArmError(
                400,
                "BadRequest",
                "Soft delete of a vault cannot be turned off, and softDeleteRetentionInDays is a value from 7 to 90.",
            )

    def fill(self, write: Write) -> None:
        """The vault's address; a recovered vault is as it was."""
        buried = _buried(self, write.id.name)
        if buried is not None:
            write.body |= buried.resource.body
            write.hidden |= buried.resource.hidden
        write.properties["vaultUri"] = f"https://{write.id.name}.vault.azure.net/"

    async def apply(self, resource: Resource, _report: Callable[[str], None]) -> None:
        """What is there is not deleted any more."""
        self.azure.store.exhume(resource.id)

    def soft_delete(self, resource: Resource, _options: Mapping[str, Any]) -> float:
        """Always, for as long as the vault says."""
        return float(resource.properties["softDeleteRetentionInDays"]) * _DAY


class VaultLocations(Locations):
    """Where deleted vaults are asked for."""

    type = "Microsoft.KeyVault/locations"
    evidence = "Only part of a path"
    operations = ()


class DeletedVaults(ResourceType):
    """Soft-deleted vaults of a region."""

    type = "Microsoft.KeyVault/locations/deletedVaults"
    evidence = "azure-mgmt-keyvault 14.1.0 (deletedVaults, purge)"
    operations = ("GET",)

    def find(self, id_: ResourceId) -> Resource | None:
        """Show a deleted vault."""
        found = _buried(self, id_.name)
        if found is None or id_.parent is None or found.resource.body["location"] != id_.parent.name:
            return None
        return _deleted(found, id_.parent)

    @action("purge")
    def purge(self, resource: Resource, _call: Call) -> None:
        """Free the name; refused for a vault with purge protection."""
        found = _buried(self, resource.id.name)
        if found is not None:
            if found.resource.properties.get("enablePurgeProtection"):
                raise ArmError(
                    405,
                    "MethodNotAllowed",
                    'Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault '
                    "service will automatically purge it after the retention period has passed.",
                )
            self.azure.store.exhume(found.resource.id)


class AllDeletedVaults(ResourceType):
    """Soft-deleted vaults of the subscription."""

    type = "Microsoft.KeyVault/deletedVaults"
    evidence = "azure-mgmt-keyvault 14.1.0 (deletedVaults)"
    operations = ("LIST",)

    def members(self, scope: ResourceId | None, _call: Call) -> list[Resource]:
        """List them all."""
        buried = self.azure.store.buried(Vaults.type)
        return [
            _deleted(found, ResourceId(VaultLocations.type, found.resource.body["location"], scope)) for found in buried
        ]


def _buried(type_: ResourceType, name: str) -> Deleted | None:
    buried = type_.azure.store.buried(Vaults.type)
    return next((found for found in buried if found.resource.id.name.lower() == name.lower()), None)


def _deleted(found: Deleted, at: ResourceId) -> Resource:
    properties = {
        "vaultId": str(found.resource.id),
        "location": found.resource.body["location"],
        "tags": found.resource.body.get("tags", {}),
        "deletionDate": _time(found.deleted),
        "scheduledPurgeDate": _time(found.purge),
        "purgeProtectionEnabled": found.resource.properties.get("enablePurgeProtection", False),
    }
    return Resource(ResourceId(DeletedVaults.type, found.resource.id.name, at), {"properties": properties})


def _time(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


DECLARED = (Vaults, VaultLocations, DeletedVaults, AllDeletedVaults)
