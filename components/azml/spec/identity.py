"""Managed identities of a workspace or an endpoint.

Owns the block `identity` in the forms that `az ml` writes. Deliberately knows nothing of role assignments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator

from azml.spec.base import Finding, Spec, rule
from azml.spec.references import arm_id
from azml.spec.types import AnyCase

IdentityArmId = Annotated[str, arm_id("Microsoft.ManagedIdentity/userAssignedIdentities")]


class UserAssignedIdentity(Spec):
    """One user-assigned identity."""

    forgotten: ClassVar = Spec.forgotten | {"principal_id", "client_id", "object_id"}

    resource_id: IdentityArmId
    """ARM id of the identity."""


def _as_list(value: Any) -> Any:
    """Workspaces write a map with the ids as keys, endpoints a list of `{resource_id: …}`."""
    if isinstance(value, Mapping):
        return [
            {"resource_id": key, **fields} if isinstance(fields, Mapping) else fields for key, fields in value.items()
        ]
    return value


class IdentitySpec(Spec):
    """Who the resource is when it asks for its storage, registry and secrets."""

    forgotten: ClassVar = Spec.forgotten | {"principal_id", "tenant_id"}

    type: Annotated[Literal["system_assigned", "user_assigned", "system_assigned,user_assigned", "none"], AnyCase()]
    """`system_assigned` (Azure makes one), `user_assigned` (yours), both joined by a comma (workspaces), or `none`."""
    user_assigned_identities: Annotated[
        list[UserAssignedIdentity],
        BeforeValidator(_as_list, json_schema_input_type=list[UserAssignedIdentity] | dict[str, Any]),
    ] = []
    """The identities of type `user_assigned`: a list of `{resource_id: ARM id}`."""

    @rule
    def _ids_where_needed(self) -> Iterator[Finding]:
        wanted, given = "user_assigned" in self.type, bool(self.user_assigned_identities)
        if wanted and not given:
            yield Finding(
                f"type {self.type} needs an identity",
                at=("user_assigned_identities",),
                fix="add user_assigned_identities: [{resource_id: ARM id}]",
            )
        if given and not wanted:
            yield Finding(
                f"identities are given, and the type is {self.type}",
                at=("user_assigned_identities",),
                fix="set type: user_assigned, or leave the identities out",
            )
