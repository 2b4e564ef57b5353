"""The `identity` block that any resource may have: made-up principals, kept for as long as the identity is the same."""

import uuid
from typing import Any

from azml_local.arm.errors import ArmError
from azml_local.arm.store import Store


def fill_identity(body: dict[str, Any], old: dict[str, Any] | None, tenant: str, store: Store) -> None:
    """Give the system-assigned identity its principal, and user-assigned ones those of their resources.

    Raises 400 `FailedIdentityOperation` for a user-assigned identity that is not there.
    """
    identity = body.get("identity")
    if identity is None:
        return
    before = (old or {}).get("identity", {})
    kinds = {kind.strip().lower() for kind in identity.get("type", "").split(",")}
    if "systemassigned" in kinds:
        identity["principalId"] = before.get("principalId") or str(uuid.uuid4())
        identity["tenantId"] = tenant
    else:
        identity.pop("principalId", None)
        identity.pop("tenantId", None)
    if "userassigned" not in kinds:
        identity.pop("userAssignedIdentities", None)
        return
    for id_ in identity.setdefault("userAssignedIdentities", {}):
        resource = store.get(id_)
        if resource is None:
            raise ArmError(
                400,
                "FailedIdentityOperation",
                "Failed to perform resource identity operation. Status: 'NotFound'. "
                f"The identity '{id_}' was not found.",
            )
        identity["userAssignedIdentities"][id_] = {
            name: resource.properties[name] for name in ("principalId", "clientId")
        }
