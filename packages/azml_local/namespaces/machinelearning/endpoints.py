"""Online endpoints: names, traffic, keys and tokens.

Owns the documented rules of traffic (sum 0 or 100, known deployments, mirror of one, at most 50 %). What Azure does not
document is a setting, the unkind answer the default.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from azml.facts import names
from azml.facts.online_endpoints import MAX_MIRROR_PERCENT
from azml_local.arm.call import Call, Started
from azml_local.arm.errors import ArmError, bad_request, not_emulated
from azml_local.arm.store import Resource
from azml_local.arm.types import Reply, ResourceType, Write, action
from azml_local.namespaces.machinelearning.serving import endpoint_of
from azml_local.scoring.contract import DeploymentFailed
from azml_local.tokens import LIFETIME

DEPLOYMENTS = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments"
_MAX_ENDPOINTS = 100
"""In a region (how-to-manage-quotas, 2026-01-27)."""


class OnlineEndpoints(ResourceType):
    """A managed online endpoint."""

    type = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
    evidence = (
        "ARM's types 2025-12-01; limits: how-to-manage-quotas 2026-01-27; traffic: how-to-safely-rollout-online-"
        "endpoints 2023-10-24, reference-yaml-endpoint-online 2023-11-15"
    )
    not_enforced = "public network access, roles of the endpoint's identity"
    puts = Reply(follow="Azure-AsyncOperation")
    patches = Reply(updated=202, follow="Location")
    deletes = Reply(updated=202, follow="Location")
    patchable = ("tags", "identity", "kind", "sku")
    defaults: ClassVar = {
        "kind": "Managed",
        "properties": {"publicNetworkAccess": "Enabled", "properties": {}, "traffic": {}, "mirrorTraffic": {}},
    }

    def check(self, write: Write) -> None:
        """Everything that the service refuses at once, all problems together."""
        if write.properties.get("compute"):
            raise not_emulated("Kubernetes online endpoints (properties.compute)", "It has managed ones.")
        self._keep_traffic(write)
        problems = [
            *self._name_problems(write),
            *self._mode_problems(write),
            *_identity_problems(write),
            *self._identity_changes(write),
            *lost_properties(write),
            *self._traffic_problems(write),
        ]
        if problems:
            raise ArmError(400, "BadRequest", f"The request is invalid. {' '.join(map(str, problems))}", problems)

    def fill(self, write: Write) -> None:
        """Keys: those that were sent with the creation, or made."""
        sent = write.sent["properties"].get("keys") or {}
        made = [sent.get("primaryKey") or _key(), sent.get("secondaryKey") or _key()]
        write.hidden.setdefault("keys", made)

    async def apply(self, resource: Resource, report: Callable[[str], None]) -> None:
        """Start or refresh the gateway."""
        try:
            uri = await self.azure.plane.put_endpoint(endpoint_of(resource))
        except DeploymentFailed as error:
            raise ArmError(500, error.code, error.message) from error
        resource.properties["scoringUri"] = uri
        resource.properties["swaggerUri"] = uri.removesuffix("/score") + "/swagger.json"
        report(f"answers at {uri}")

    async def removed(self, resource: Resource) -> None:
        """End the gateway and all below it."""
        await self.azure.plane.delete_endpoint(str(resource.id))

    @action("listKeys")
    def list_keys(self, resource: Resource, _call: Call) -> dict[str, Any]:
        """Show both keys of an endpoint in mode Key."""
        _refuse_other_mode(resource, "Key", "keys")
        primary, secondary = resource.hidden["keys"]
        return {"primaryKey": primary, "secondaryKey": secondary}

    @action("token")
    def token(self, resource: Resource, _call: Call) -> dict[str, Any]:
        """Issue a token for an endpoint in mode AMLToken."""
        _refuse_other_mode(resource, "AMLToken", "tokens")
        now = int(time.time())
        return {
            "accessToken": self.azure.tokens.issue(str(resource.id)),
            "expiryTimeUtc": now + LIFETIME,
            "refreshAfterTimeUtc": now + LIFETIME // 2,
            "tokenType": "Bearer",
        }

    @action("regenerateKeys")
    def regenerate_keys(self, resource: Resource, call: Call) -> Started:
        """Replace one key (`keyType` Primary or Secondary) by a given or a new one."""
        _refuse_other_mode(resource, "Key", "keys")
        self.azure.operations.refuse_conflict(self, resource.id)
        asked = call.body if isinstance(call.body, dict) else {}
        kinds = {"primary": 0, "secondary": 1}
        index = kinds.get(str(asked.get("keyType", "")).lower())
        if index is None:
            raise bad_request("BadArgument", f"keyType must be Primary or Secondary, is {asked.get('keyType')!r}.")
        resource.hidden["keys"][index] = asked.get("keyValue") or _key()
        with self.azure.store.transaction():
            self.azure.store.put(resource)
            return Started(self.azure.operations.begin(self, resource.id, "update"))

    def _keep_traffic(self, write: Write) -> None:
        if write.existing is None or self.azure.settings.endpoint_put_without_traffic == "clears":
            return
        for name in ("traffic", "mirrorTraffic"):
            write.properties.setdefault(name, dict(write.existing.properties.get(name, {})))

    def _name_problems(self, write: Write) -> list[ArmError]:
        if write.existing is not None:
            return []
        rule, name = names.ONLINE_ENDPOINT, write.id.name
        if not rule.fits(name):
            return [ArmError(400, "BadArgument", f"EndpointName '{name}' must have {rule.allowed}.")]
        region = write.body["location"]
        if any(found.body["location"] == region for found in self.azure.store.named(self.type, name)):
            text = f"There is an online endpoint '{name}' in {region} already; names are unique in a region."
            raise ArmError(409, "EndpointAlreadyExists", text)
        here = [found for found in self.azure.store.below(None, self.type) if found.body["location"] == region]
        if len(here) >= _MAX_ENDPOINTS:
            return [ArmError(400, "OutOfQuota", f"There are {len(here)} online endpoints in {region}, the maximum.")]
        return []

    def _mode_problems(self, write: Write) -> list[ArmError]:
        if write.existing is None or self.azure.settings.auth_mode_change == "allowed":
            return []
        old, new = write.existing.properties["authMode"], write.properties["authMode"]
        text = f"The authMode of an endpoint cannot change: it is {old}, the request says {new}."
        return [] if old == new else [ArmError(400, "BadArgument", text)]

    def _identity_changes(self, write: Write) -> list[ArmError]:
        if write.existing is None or self.azure.settings.endpoint_identity_change == "allowed":
            return []
        kept = _who(write.existing.body) == _who(write.body)
        return [] if kept else [ArmError(400, "BadArgument", "The identity of an endpoint cannot change.")]

    def _traffic_problems(self, write: Write) -> list[ArmError]:
        traffic, mirror = write.properties.get("traffic") or {}, write.properties.get("mirrorTraffic") or {}
        there = {found.id.name: found for found in self.azure.store.below(write.id, DEPLOYMENTS)}
        before = {} if write.existing is None else write.existing.properties.get("traffic", {})
        return [
            ArmError(400, code, text)
            for code, text in (
                *_shares(traffic),
                *_unknown({**traffic, **mirror}, there, self.azure.settings.traffic_to_missing_code),
                *_not_ready(traffic, before, there),
                *_mirrored(mirror, traffic),
            )
        ]


def lost_properties(write: Write) -> list[ArmError]:
    """Refuse what takes away or changes entries of `properties.properties`: they can be added only."""
    if write.existing is None:
        return []
    new = write.properties.get("properties") or {}
    before = write.existing.properties.get("properties") or {}
    return [
        ArmError(400, "BadArgument", f"properties.properties['{name}'] cannot be removed or changed.")
        for name, value in before.items()
        if new.get(name) != value
    ]


def _who(body: Mapping[str, Any]) -> tuple[str, set[str]]:
    identity = body.get("identity") or {}
    return identity.get("type", "None"), {id_.lower() for id_ in identity.get("userAssignedIdentities") or {}}


def _identity_problems(write: Write) -> list[ArmError]:
    """One kind of identity, and one identity: reference-yaml-endpoint-online."""
    identity = write.body.get("identity") or {}
    given, problems = list(identity.get("userAssignedIdentities") or {}), []
    if "," in identity.get("type", ""):
        problems.append(f"identity.type must be SystemAssigned, UserAssigned or None, is {identity['type']}.")
    if identity.get("type") == "UserAssigned" and len(given) != 1:
        problems.append(f"An online endpoint has exactly one user-assigned identity, the request names {len(given)}.")
    return [ArmError(400, "BadArgument", problem) for problem in problems]


def _shares(traffic: Mapping[str, int]) -> list[tuple[str, str]]:
    problems = [
        ("BadArgument", f"The traffic of '{name}' must be 0 to 100, is {share}.")
        for name, share in traffic.items()
        if not 0 <= share <= 100
    ]
    total = sum(traffic.values())
    if total not in (0, 100):
        problems.append(("BadArgument", f"Traffic values must sum to 0 or 100, the sum is {total}."))
    return problems


def _unknown(shares: Mapping[str, int], there: Mapping[str, Resource], code: str) -> list[tuple[str, str]]:
    known = ", ".join(there) or "none"
    return [
        (
            code,
            f"Traffic names the deployment '{name}', which the endpoint does not have (it has: {known}).",
        )
        for name in shares
        if name not in there
    ]


def _not_ready(
    traffic: Mapping[str, int], before: Mapping[str, int], there: Mapping[str, Resource]
) -> list[tuple[str, str]]:
    """More traffic only to what works; what has its share already may keep it."""
    return [
        ("BadArgument", f"The deployment '{name}' is {there[name].state}; it must be Succeeded to get traffic.")
        for name, share in traffic.items()
        if name in there and share > before.get(name, 0) and there[name].state != "Succeeded"
    ]


def _mirrored(mirror: Mapping[str, int], traffic: Mapping[str, int]) -> list[tuple[str, str]]:
    shadows = [name for name, share in mirror.items() if share != 0]
    problems = [
        ("BadArgument", f"The mirror traffic of '{name}' must be 0 to {MAX_MIRROR_PERCENT}, is {mirror[name]}.")
        for name in shadows
        if not 0 < mirror[name] <= MAX_MIRROR_PERCENT
    ]
    if len(shadows) > 1:
        problems.append(("BadArgument", f"Only one deployment can get mirror traffic, not {', '.join(shadows)}."))
    problems += [
        ("BadArgument", f"The deployment '{name}' cannot have live and mirror traffic at once.")
        for name in shadows
        if traffic.get(name, 0) > 0
    ]
    return problems


def _refuse_other_mode(resource: Resource, mode: str, what: str) -> None:
    has = resource.properties["authMode"]
    if has != mode:
        raise bad_request("BadArgument", f"The endpoint '{resource.id.name}' has no {what}: its authMode is {has}.")


def _key() -> str:
    return secrets.token_urlsafe(24)


DECLARED = (OnlineEndpoints,)
