"""Microsoft.Storage: accounts, their blob service, containers."""

import base64
import re
import secrets
from datetime import UTC, datetime
from typing import Any, ClassVar

from azml.facts import names
from azml_local.arm.call import Call
from azml_local.arm.errors import ArmError
from azml_local.arm.ids import ResourceId
from azml_local.arm.store import Resource
from azml_local.arm.types import Reply, ResourceType, Write, action
from azml_local.azure import Azure

_ROUTES = frozenset({"subscriptions", "providers", "tenants", "metadata", "common", "organizations", "consumers"})
"""First path segments that the local Azure needs itself: no account can be called so."""


CONTAINER_NAME = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")


class Accounts(ResourceType):
    """A storage account; its blobs are files of the local Azure."""

    type = "Microsoft.Storage/storageAccounts"
    evidence = "ARM's types 2024-01-01; codes of azure-mgmt-storage 25.3.0; names: resource-name-rules"
    not_enforced = "network rules, public network access, encryption, redundancy"
    rule = names.STORAGE_ACCOUNT
    name_taken = ("StorageAccountAlreadyTaken", "The storage account named {name} is already taken.")
    puts = Reply(created=202, updated=200, follow="Location")
    patches = Reply()
    patchable = ("sku", "kind", "tags", "identity", "properties")
    defaults: ClassVar = {
        "properties": {
            "accessTier": "Hot",
            "allowBlobPublicAccess": False,
            "allowSharedKeyAccess": True,
            "minimumTlsVersion": "TLS1_0",
            "publicNetworkAccess": "Enabled",
            "supportsHttpsTrafficOnly": True,
            "networkAcls": {"bypass": "AzureServices", "defaultAction": "Allow"},
        }
    }
    create_only = ("isHnsEnabled",)

    def is_taken(self, name: str) -> bool:
        """Some names are paths of the local Azure."""
        return name in _ROUTES or super().is_taken(name)

    def fill(self, write: Write) -> None:
        """Keys and what is read-only."""
        now = _now()
        write.hidden.setdefault("keys", [_key(), _key()])
        write.hidden.setdefault("created", now)
        write.properties.setdefault("creationTime", now)
        write.properties.setdefault("keyCreationTime", {"key1": now, "key2": now})
        write.properties.update({"primaryLocation": write.body["location"], "statusOfPrimary": "available"})
        write.body["sku"]["tier"] = write.body["sku"]["name"].partition("_")[0]

    def present(self, resource: Resource) -> dict[str, Any]:
        """The address of the blobs depends on the port of today."""
        shown = super().present(resource)
        endpoints = {"blob": f"{self.azure.url}/{resource.id.name}/"}
        shown["properties"] = {**resource.properties, "primaryEndpoints": endpoints}
        return shown

    async def removed(self, resource: Resource) -> None:
        """Blobs go with their account."""
        await self.azure.blobs.remove(resource.id.name)

    @action("listKeys")
    def list_keys(self, resource: Resource, _call: Call) -> dict[str, Any]:
        """Show both keys."""
        created = resource.properties["keyCreationTime"]
        keys = zip(("key1", "key2"), resource.hidden["keys"], strict=True)
        return {
            "keys": [
                {"keyName": name, "value": key, "permissions": "Full", "creationTime": created[name]}
                for name, key in keys
            ]
        }

    @action("regenerateKey")
    def regenerate_key(self, resource: Resource, call: Call) -> dict[str, Any]:
        """Make one of the keys anew."""
        names = ("key1", "key2")
        name = call.asked.get("keyName")
        if name not in names:
            raise ArmError(400, "InvalidValuesForRequestParameters", f"keyName must be key1 or key2, is {name!r}.")
        resource.hidden["keys"][names.index(name)] = _key()
        resource.properties["keyCreationTime"][name] = _now()
        self.azure.store.put(resource)
        return self.list_keys(resource, call)


class BlobServices(ResourceType):
    """Settings of an account's blobs: one of them, `default`, always there."""

    type = "Microsoft.Storage/storageAccounts/blobServices"
    evidence = "ARM's types 2024-01-01"
    not_enforced = "retention of deleted blobs, CORS, versioning"
    operations = ("PUT", "GET", "LIST")
    puts = Reply(created=200)

    def find(self, id_: ResourceId) -> Resource | None:
        """Show `default` also where nobody wrote it."""
        if id_.name.lower() != "default" or id_.parent is None:
            return None
        account = self.azure.store.get(id_.parent)
        if account is None:
            return None
        default = ResourceId(self.type, "default", account.id)
        return self.azure.store.get(default) or Resource(default, {"properties": {}, "sku": account.body["sku"]})

    def members(self, scope: ResourceId | None, _call: Call) -> list[Resource]:
        """List the one."""
        found = self.find(ResourceId(self.type, "default", scope))
        return [found] if found else []


class Containers(ResourceType):
    """A container of blobs; the data plane makes them too."""

    type = "Microsoft.Storage/storageAccounts/blobServices/containers"
    evidence = "ARM's types 2024-01-01; names: resource-name-rules"
    not_enforced = "public access, immutability"
    patches = Reply()
    patchable = ("properties",)
    defaults: ClassVar = {"properties": {"publicAccess": "None"}}

    def check(self, write: Write) -> None:
        """Names are lower case letters, digits and single dashes."""
        if not CONTAINER_NAME.fullmatch(write.id.name):
            raise ArmError(
                400,
                "InvalidResourceName",
                f"'{write.id.name}' is no name of a container: 3 to 63 lower case "
                "letters, digits and single dashes, a letter or digit first and last.",
            )

    def fill(self, write: Write) -> None:
        """Lease and time, as a new container has them."""
        write.properties.update({"leaseStatus": "Unlocked", "leaseState": "Available", "lastModifiedTime": _now()})
        write.properties.update({"hasImmutabilityPolicy": False, "hasLegalHold": False})

    async def removed(self, resource: Resource) -> None:
        """Blobs go with their container."""
        account = resource.id.ancestor(Accounts.type)
        if account is not None:
            await self.azure.blobs.remove(account.name, resource.id.name)


def container_id(account: ResourceId, name: str) -> ResourceId:
    """Name a container of an account."""
    return ResourceId(Containers.type, name, ResourceId(BlobServices.type, "default", account))


def containers(azure: Azure, account: ResourceId) -> list[Resource]:
    """List the containers of an account."""
    return azure.store.below(account, Containers.type)


def make_container(azure: Azure, account: ResourceId, name: str) -> None:
    """Make a container unless it is there."""
    id_ = container_id(account, name)
    if azure.store.get(id_) is None:
        state = {"leaseStatus": "Unlocked", "leaseState": "Available", "lastModifiedTime": _now()}
        flags = {"publicAccess": "None", "hasImmutabilityPolicy": False, "hasLegalHold": False}
        azure.store.put(Resource(id_, {"properties": {**flags, **state}, "etag": f'"{secrets.token_hex(8)}"'}))


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(64)).decode()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


DECLARED = (Accounts, BlobServices, Containers)
