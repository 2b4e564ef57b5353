"""Registries: their address, their admin user, and the rules that their data plane is told."""

import asyncio
import base64
import logging
import secrets
import sqlite3
from collections.abc import Callable
from typing import Any, ClassVar

from azml.facts import names
from azml_local.arm.call import Call
from azml_local.arm.errors import ArmError
from azml_local.arm.store import Resource
from azml_local.arm.types import Reply, ResourceType, Write, action
from azml_local.azure import Azure
from azml_local.namespaces.containerregistry import rules, tokens
from azml_local.namespaces.containerregistry.rules import REGISTRY

_log = logging.getLogger(__name__)
_PASSWORDS = ("password", "password2")
_TAKEN = (
    "The registry DNS name {name}.azurecr.io is already in use. You can check if the name is already claimed using "
    "following API: https://docs.microsoft.com/en-us/rest/api/containerregistry/registries/checknameavailability"
)


class Registries(ResourceType):
    """A container registry."""

    type = REGISTRY
    evidence = (
        "ARM's types 2023-01-01-preview; codes of azure-mgmt-containerregistry 15.0.0; admin account: container-"
        "registry-authentication"
    )
    not_enforced = (
        "IP rules (`defaultAction: Deny` and `publicNetworkAccess: Disabled` refuse this machine, unless the setting "
        "`registry_network` says that it is inside); policies but azureADAuthenticationAsArmPolicy; storage limits; "
        "zone redundancy; data endpoints: blobs come from the login server itself"
    )
    rule = names.CONTAINER_REGISTRY
    name_taken = ("AlreadyInUse", _TAKEN)
    name_bad = "Invalid"
    puts = Reply(follow="Azure-AsyncOperation")
    patches = Reply()
    deletes = Reply(updated=202, follow="Location")
    patchable = ("tags", "sku", "identity", "properties")
    defaults: ClassVar = {
        "properties": {
            "adminUserEnabled": False,
            "anonymousPullEnabled": False,
            "dataEndpointEnabled": False,
            "networkRuleBypassOptions": "AzureServices",
            "publicNetworkAccess": "Enabled",
            "zoneRedundancy": "Disabled",
        }
    }

    def fill(self, write: Write) -> None:
        """The admin's passwords exist but are shown only while the admin is on."""
        write.properties.setdefault("creationDate", rules.now())
        write.body["sku"]["tier"] = write.body["sku"]["name"]
        write.hidden.setdefault("passwords", [_password(), _password()])

    async def apply(self, resource: Resource, _report: Callable[[str], None]) -> None:
        """Let the data plane listen, or hear of the change. The port stays the registry's own."""
        port = self.azure.registries.put(rules.rules_of(self.azure, resource), resource.hidden.get("port", 0))
        resource.hidden["port"] = port

    async def removed(self, resource: Resource) -> None:
        """Images go with their registry."""
        await asyncio.to_thread(self.azure.registries.remove, resource.id.name)

    def present(self, resource: Resource) -> dict[str, Any]:
        """The address is the one listened on."""
        shown = super().present(resource)
        address = self.azure.registries.address(resource.id.name)
        if address is not None:
            shown["properties"] = {**resource.properties, "loginServer": address}
        return shown

    @action("listCredentials")
    def list_credentials(self, resource: Resource, _call: Call) -> dict[str, Any]:
        """Show the admin's user and passwords; refused while the admin is off."""
        _refuse_without_admin(resource)
        passwords = zip(_PASSWORDS, resource.hidden["passwords"], strict=True)
        return {
            "username": resource.id.name,
            "passwords": [{"name": name, "value": value} for name, value in passwords],
        }

    @action("regenerateCredential")
    def regenerate_credential(self, resource: Resource, call: Call) -> dict[str, Any]:
        """Make one of the passwords anew; refused while the admin is off."""
        _refuse_without_admin(resource)
        name = call.asked.get("name")
        if name not in _PASSWORDS:
            raise ArmError(400, "InvalidRequestContent", f"name must be {' or '.join(_PASSWORDS)}, is {name!r}.")
        resource.hidden["passwords"][_PASSWORDS.index(name)] = _password()
        self.azure.store.put(resource)
        rules.refresh(self.azure, resource.id)
        return self.list_credentials(resource, call)

    @action("generateCredentials")
    def generate_credentials(self, resource: Resource, call: Call) -> dict[str, Any]:
        """Make passwords of a token; they are shown this once."""
        return tokens.generate(self.azure, resource, call.asked)


def restore(azure: Azure) -> None:
    """Open every registry again after a restart, each where it was if it can be."""
    for found in azure.store.below(None, REGISTRY):
        if "port" not in found.hidden:  # one that was being made is opened by its operation
            continue
        try:
            found.hidden["port"] = azure.registries.put(rules.rules_of(azure, found), found.hidden["port"])
        except (OSError, sqlite3.Error) as error:
            _log.error("the images of %s cannot be reached: %s", found.id.name, error)
        azure.store.put(found)


def _refuse_without_admin(resource: Resource) -> None:
    if not resource.properties["adminUserEnabled"]:
        raise ArmError(
            400,
            "UnAuthorizedForCredentialOperations",
            f"Cannot perform credential operations for {resource.id} as admin user is disabled. Kindly enable "
            "admin user as per docs: https://docs.microsoft.com/en-us/azure/container-registry/"
            "container-registry-authentication#admin-account",
        )


def _password() -> str:
    return base64.b64encode(secrets.token_bytes(39)).decode()


DECLARED = (Registries,)
