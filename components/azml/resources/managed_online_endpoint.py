"""A managed online endpoint: the stable address of a model.

Owns the endpoint without its traffic. Deliberately never touches traffic (`rollout`) and never reads keys: they stay in
Azure. Tags and identity go by PATCH, the rest is read, merged and written, so an update takes nothing away. What an
earlier run left under way is waited for, and what did not succeed is written again.
"""

from typing import NotRequired, TypedDict

import pulumi

from azml.resources import endpoint_body
from azml.resources.arm_id import ArmId
from azml.resources.deployment_body import UNDER_WAY
from azml.resources.endpoint_body import Endpoint, patch_tags, writable_identity
from azml.resources.errors import ArmError, Incomplete, Interrupted, Refused
from azml.resources.handler import (
    GONE,
    ML,
    OWNER,
    Difference,
    Handler,
    Live,
    Values,
    equal,
    present,
    refuse_lost_properties,
    require,
    same,
)
from azml.resources.resource import AzmlResource
from azml.resources.rollout_memory import OWN_TAGS
from azml.resources.work import Work

POLL_SECONDS = 2.0
"""Between two looks at an endpoint that an earlier run left under way."""

_PROPERTIES = ("authMode", "publicNetworkAccess", "description", "properties")


class EndpointIdentityArgs(TypedDict):
    """The endpoint's identity."""

    type: str
    """SystemAssigned, UserAssigned or None."""
    user_assigned_identities: NotRequired[list[pulumi.Input[str]]]
    """ARM ids of the identities of type UserAssigned."""


class ManagedOnlineEndpointArgs(TypedDict):
    """Arguments of `ManagedOnlineEndpoint`."""

    workspace_id: pulumi.Input[str]
    """ARM id of the workspace."""
    name: pulumi.Input[str]
    """Name of the endpoint, once in an Azure region: it is part of the address."""
    location: NotRequired[pulumi.Input[str]]
    """Azure region. Absent: that of the workspace."""
    auth_mode: pulumi.Input[str]
    """Key, AMLToken or AADToken: what a caller shows."""
    identity: NotRequired[EndpointIdentityArgs]
    """Who the endpoint is when it reads models and images. Absent: an identity that Azure makes and authorises."""
    public_network_access: NotRequired[pulumi.Input[str]]
    """Enabled (when absent) or Disabled."""
    description: NotRequired[pulumi.Input[str]]
    """What the endpoint is for."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags of the endpoint. Tags of others stay."""
    properties: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Properties of the endpoint; Azure lets them be added, never changed."""


class ManagedOnlineEndpoint(AzmlResource):
    """A managed online endpoint. Its traffic is moved by a `Rollout`, and by nothing else."""

    name: pulumi.Output[str]
    """Name of the endpoint."""
    scoring_uri: pulumi.Output[str]
    """Address that clients call."""
    openapi_uri: pulumi.Output[str]
    """Address of the endpoint's OpenAPI document."""
    principal_id: pulumi.Output[str]
    """Object id of the identity that Azure made for it; empty where it made none."""
    provisioning_state: pulumi.Output[str]
    """Succeeded once it is there."""

    def __init__(self, name: str, args: ManagedOnlineEndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)


class ManagedOnlineEndpointHandler(Handler):
    """CRUD of `ManagedOnlineEndpoint`."""

    what = "online endpoint"
    identity = frozenset({"workspaceId", "name", "location"})
    computed = frozenset({"scoringUri", "openapiUri", "principalId", "provisioningState"})

    def check(self, inputs: Values) -> Values:
        """Fill in what Azure would, so that a preview shows it."""
        require(inputs, ["workspaceId", "name", "authMode"], self.what)
        return {"identity": {"type": "SystemAssigned"}, "publicNetworkAccess": "Enabled", **inputs}

    def arm_id(self, inputs: Values) -> ArmId:
        """The endpoint's id."""
        return ArmId.parse(inputs["workspaceId"]).child("onlineEndpoints", inputs["name"])

    def look(self, work: Work, id_: ArmId) -> Live | None:
        """What is there now."""
        found = endpoint_body.find(work, id_)
        return None if found is None else Live(_inputs(found), _outputs(found))

    def compare(self, inputs: Values, live: Live) -> dict[str, str]:
        """As everywhere; an endpoint that is not in order has drifted too."""
        drifted, state = super().compare(inputs, live), live.outputs["provisioningState"]
        if state != "Succeeded":
            then = "it is waited for" if state in UNDER_WAY else "it is written again"
            drifted["provisioningState"] = f"Endpoint {inputs['name']} is {state} in Azure: {then}."
        return drifted

    def difference(self, work: Work, old: Values, state: Values, inputs: Values) -> Difference:
        """As everywhere, and what Azure never changes is said in the preview."""
        found = super().difference(work, old, state, inputs)
        if not found.replaced and GONE not in found.drifted:
            refuse_lost_properties(self.what, inputs["name"], old, inputs)
        return found

    def in_the_way(self, old: Values, new: Values) -> bool:
        """A name is taken once in a region, in whichever workspace. A region that is not known may be the same."""
        if str(old["name"]).lower() != str(new["name"]).lower():
            return False
        places = old.get("location"), new.get("location")
        apart = all(isinstance(place, str) for place in places) and not same("location", *places)
        return super().in_the_way(old, new) or not apart

    def preview(self, inputs: Values, state: Values) -> Values:
        """As everywhere; what one that is not in order lacks so far is not known yet."""
        settled = state.get("provisioningState") == "Succeeded"
        return super().preview(inputs, {name: value for name, value in state.items() if settled or value != ""})

    def create(self, work: Work, inputs: Values) -> Values:
        """Make it. One that is there is taken only if an interrupted create of this very resource made it."""
        id_ = self.arm_id(inputs)
        found = endpoint_body.find(work, id_)
        if found is not None:
            if not _made_by(work, found):
                raise Refused(
                    f"Online endpoint '{id_.name}' exists already in workspace {id_.parent.name}, and this stack did "
                    f"not make it.\nGive yours another name, or take it over: pulumi import "
                    f"azml:index:ManagedOnlineEndpoint NAME {id_.text}"
                )
            work.say(f"Endpoint {id_.name} was made by an earlier run that did not finish: it is used.")
            return self.update(work, {}, inputs, {})
        return self._make(work, id_, inputs)

    def left(self, work: Work, inputs: Values) -> Values | None:
        """The endpoint, where its owner is this resource."""
        found = endpoint_body.find(work, self.arm_id(inputs))
        return {**inputs, **_outputs(found)} if found is not None and _made_by(work, found) else None

    def update(self, work: Work, old: Values, inputs: Values, state: Values) -> Values:  # noqa: ARG002
        """Bring it to what is wanted, and leave the rest."""
        id_ = self.arm_id(inputs)
        with work.arm.lock(id_.key):
            try:
                before = _settled(work, id_)
                after = None if before is None else _brought(work, before, old, inputs)
            except (ArmError, Interrupted) as error:
                raise _explained(work, id_, inputs, error) from error
            return self._make(work, id_, inputs) if after is None else {**inputs, **_outputs(after)}

    def delete(self, work: Work, state: Values) -> None:
        """Delete it, with what is left on it: Azure takes an endpoint's deployments along."""
        work.arm.delete(self.arm_id(state).text, ML, work)

    def _make(self, work: Work, id_: ArmId, inputs: Values) -> Values:
        own = {**(inputs.get("properties") or {}), OWNER: work.urn}
        properties = present({name: inputs.get(name) for name in _PROPERTIES})
        location = inputs.get("location")
        body = {
            "location": work.arm.get(id_.parent.text, ML)["location"] if location is None else location,
            "tags": inputs.get("tags") or {},
            "identity": _identity(inputs),
            "properties": {**properties, "properties": own},
        }
        work.doing(f"creating endpoint {id_.name}")
        try:
            made = work.arm.put(id_.text, ML, body, work)
        except (ArmError, Interrupted) as error:
            raise _explained(work, id_, inputs, error) from error
        return {**inputs, **_outputs(Endpoint(id_, made))}


def _made_by(work: Work, found: Endpoint) -> bool:
    return bool((found.properties.get("properties") or {}).get(OWNER) == work.urn)


def _settled(work: Work, id_: ArmId) -> Endpoint | None:
    """Wait for what an earlier run started; what is there then."""
    found = endpoint_body.find(work, id_)
    while found is not None and found.state in UNDER_WAY:
        work.accepted()
        work.wait(POLL_SECONDS, f"waiting for endpoint {id_.name}, which an earlier run left {found.state}")
        found = endpoint_body.find(work, id_)
    return found


def _brought(work: Work, before: Endpoint, old: Values, inputs: Values) -> Endpoint:
    """Write what is not as wanted; all of it where the last write did not succeed."""
    wanted = {name: inputs[name] for name in _PROPERTIES if inputs.get(name) is not None}
    identity = _identity(inputs)

    def tags(live: Endpoint) -> dict[str, str]:
        return _tags(live, old, inputs)

    if before.state != "Succeeded":
        work.doing(f"writing endpoint {before.id.name} again, which is {before.state}")
        return endpoint_body.merge(work, before.id, lambda live: (_merged(live, wanted), tags(live)), identity)
    live_identity = writable_identity(before.body.get("identity") or {"type": "None"})
    after = patch_tags(work, before.id, tags, None if equal(identity, live_identity) else identity)
    if all(equal(value, after.properties.get(name)) for name, value in wanted.items()):
        return after
    return endpoint_body.merge(work, before.id, lambda live: (_merged(live, wanted), live.tags))


def _explained(work: Work, id_: ArmId, inputs: Values, error: ArmError | Interrupted) -> Exception:
    text = f"Endpoint {id_.name}: {error}"
    return Incomplete(text, id_.text, inputs) if work.was_accepted else Refused(text)


def _identity(inputs: Values) -> Values:
    identity = inputs["identity"]
    assigned = identity.get("userAssignedIdentities") or []
    return {
        "type": identity["type"],
        **({"userAssignedIdentities": {id_: {} for id_ in assigned}} if assigned else {}),
    }


def _tags(before: Endpoint, old: Values, inputs: Values) -> dict[str, str]:
    """Live tags, less those that left the program, with those that are wanted."""
    wanted = inputs.get("tags") or {}
    left = (old.get("tags") or {}).keys() - wanted.keys()
    return {**{key: value for key, value in before.tags.items() if key not in left}, **wanted}


def _merged(live: Endpoint, wanted: Values) -> Values:
    own = {**(live.properties.get("properties") or {}), **(wanted.get("properties") or {})}
    return {**wanted, "properties": own}


def _inputs(endpoint: Endpoint) -> Values:
    properties, identity = endpoint.properties, endpoint.body.get("identity")
    own = {key: value for key, value in (properties.get("properties") or {}).items() if key != OWNER}
    assigned = list((identity or {}).get("userAssignedIdentities") or {})
    return present(
        {
            "workspaceId": endpoint.id.parent.text,
            "name": endpoint.id.name,
            "location": endpoint.body["location"],
            "authMode": properties.get("authMode"),
            "publicNetworkAccess": properties.get("publicNetworkAccess"),
            "description": properties.get("description"),
            "properties": own or None,
            "tags": {key: value for key, value in endpoint.tags.items() if not key.startswith(OWN_TAGS)},
            "identity": identity
            and {"type": identity["type"], **({"userAssignedIdentities": assigned} if assigned else {})},
        }
    )


def _outputs(endpoint: Endpoint) -> Values:
    properties = endpoint.properties
    return {
        "scoringUri": properties.get("scoringUri", ""),
        "openapiUri": properties.get("swaggerUri", ""),
        "principalId": (endpoint.body.get("identity") or {}).get("principalId", ""),
        "provisioningState": endpoint.state,
    }
