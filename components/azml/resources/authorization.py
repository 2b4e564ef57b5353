"""Roles that were just given: Azure takes minutes until they work everywhere.

Owns the patience: a refusal for want of a role is waited for where a role was given to us a moment ago, and said at
once, with the role and the scope, where none was. Deliberately gives no roles.
"""

import base64
import binascii
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from azml.facts.roles import ROLES
from azml.resources.errors import ArmError

if TYPE_CHECKING:
    from azml.resources.work import Work

T = TypeVar("T")

AUTHORIZATION = "2022-04-01"
"""API version of Microsoft.Authorization: the one of azure-native 3.29."""
PROPAGATION_SECONDS = 600.0
"""How long a role can take until it works: "up to 10 minutes" (role-based-access-control/troubleshooting.md)."""
PAUSE_SECONDS = (1.0, 15.0)
"""Pause before a refused request is repeated: from the first to the second, doubling."""
MISMATCH = "AuthorizationPermissionMismatch"
DENIED = frozenset({"AuthorizationFailed", "LinkedAuthorizationFailed", MISMATCH})
"""Codes by which ARM and the blob service say that a role is missing. Other refusals with status 403 (a policy, a
firewall, keys that are off) no role mends."""

_TITLES = {guid: title for title, guid in ROLES.items()}


def patient(work: "Work", scope: str, role: str, attempt: "Callable[[], T]") -> T:
    """Do something for which `role` on `scope` (an ARM id) is needed, again while a fresh role may not work yet.

    Raises what the attempt raises; a refusal for want of a role says which one and where.
    """
    pause, longest = PAUSE_SECONDS
    while True:
        try:
            return attempt()
        except ArmError as error:
            if error.code not in DENIED:
                raise
            fresh = _fresh(work, scope)
            if fresh is None:
                raise _without(error, role, scope) from error
            title, age = fresh
            work.doing(f"waiting for the role {title}, given {age:.0f} s ago: Azure takes up to 10 minutes")
            work.wait(pause)
            pause = min(pause * 2, longest)


def role_for(id_: str) -> tuple[str, str]:
    """Name the least role that may change a resource, and where.

    Where: on the outermost resource of its id, or on the subscription for what is in no group (deleted vaults).
    """
    parts = id_.split("/")
    if parts[3:4] == ["providers"]:
        return "Contributor", "/".join(parts[:3])
    # The Data Scientist may change all that is in a workspace, and not the workspace (built-in roles, notActions).
    in_workspace = len(parts) > 9 and parts[6].lower() == "microsoft.machinelearningservices"
    return "AzureML Data Scientist" if in_workspace else "Contributor", "/".join(parts[:9])


def _fresh(work: "Work", scope: str) -> tuple[str, float] | None:
    """The newest role that we have on a scope or above it, and its age in seconds; None where none is new enough."""
    who = _principal(work)
    if who is None:
        return None
    try:
        path = f"{scope}/providers/Microsoft.Authorization/roleAssignments"
        found = work.arm.get(path, AUTHORIZATION, {"$filter": f"assignedTo('{who}')"})["value"]
    except ArmError:  # who may not read roles cannot know: then the refusal stands
        return None
    now = datetime.now(UTC)
    ages = [
        (max(0.0, (now - datetime.fromisoformat(about["createdOn"])).total_seconds()), about["roleDefinitionId"])
        for about in (each["properties"] for each in found)
        if scope.lower().startswith(str(about["scope"]).lower().rstrip("/"))
    ]
    age, definition = min(ages, default=(PROPAGATION_SECONDS, ""))
    guid = str(definition).rpartition("/")[2].lower()
    return (_TITLES.get(guid, guid), age) if age < PROPAGATION_SECONDS else None


def _principal(work: "Work") -> str | None:
    """Object id of who asks, as our own token says; None where it does not."""
    try:
        payload = work.arm.token().split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return None
    return str(claims["oid"]) if "oid" in claims else None


def _without(error: ArmError, role: str, scope: str) -> ArmError:
    text = f"{error.message}\nThe role that is missing: {role} (or one with more) on {scope}."
    return ArmError(error.code, text, error.status)
