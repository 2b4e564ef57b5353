"""Microsoft.ContainerRegistry: registries (control plane)."""

import base64
import secrets
from datetime import UTC, datetime
from typing import Any, ClassVar

from azml.facts import names
from azml_local.arm.call import Call
from azml_local.arm.errors import ArmError
from azml_local.arm.store import Resource
from azml_local.arm.types import Reply, ResourceType, Write, action

_PASSWORDS = ("password", "password2")
_TAKEN = (
    "The registry DNS name {name}.azurecr.io is already in use. You can check if the name is already claimed using "
    "following API: https://docs.microsoft.com/en-us/rest/api/containerregistry/registries/checknameavailability"
)


class Registries(ResourceType):
    """A container registry."""

    type = "Microsoft.ContainerRegistry/registries"
    evidence = (
        "ARM's types 2023-01-01-preview; codes of azure-mgmt-containerregistry 15.0.0; admin account: container-"
        "registry-authentication"
    )
    not_enforced = "images do not exist; network rules, policies, storage limits"
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
        """The registry's address; the admin's passwords exist but are shown only while the admin is on."""
        write.properties["loginServer"] = f"{write.id.name.lower()}.azurecr.io"
        write.properties.setdefault("creationDate", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
        write.body["sku"]["tier"] = write.body["sku"]["name"]
        write.hidden.setdefault("passwords", [_password(), _password()])

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
        return self.list_credentials(resource, call)


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
