"""Microsoft.ManagedIdentity: user-assigned identities with made-up principals."""

import uuid

from azml.facts import names
from azml_local.arm.types import Reply, ResourceType, Write


class UserAssigned(ResourceType):
    """A user-assigned managed identity."""

    type = "Microsoft.ManagedIdentity/userAssignedIdentities"
    evidence = "ARM's types 2023-01-31; names: resource-name-rules"
    not_enforced = "tokens of the identity are there for pulling images alone"
    rule = names.USER_ASSIGNED_IDENTITY
    patches = Reply()

    def fill(self, write: Write) -> None:
        """The principal, made once."""
        write.properties["tenantId"] = self.azure.identity.tenant_id
        write.properties.setdefault("principalId", str(uuid.uuid4()))
        write.properties.setdefault("clientId", str(uuid.uuid4()))


DECLARED = (UserAssigned,)
