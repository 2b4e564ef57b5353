"""A managed online endpoint as ARM has it, and the one way to change it without taking anything away.

Owns reading it, and the read-merge-PUT that keeps traffic and what others wrote. Shared by the endpoint's, the
deployment's and the rollout's handlers. Deliberately decides nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from azml.resources import rollout_memory
from azml.resources.arm_id import ArmId
from azml.resources.handler import ML, Values
from azml.resources.rollout_memory import Maps, Memory
from azml.resources.work import Work

_READ_ONLY = ("scoringUri", "swaggerUri", "provisioningState")


@dataclass(frozen=True)
class Endpoint:
    """What ARM said about an endpoint."""

    id: ArmId
    body: Values

    @property
    def properties(self) -> Values:
        """Its properties."""
        return dict(self.body["properties"])

    @property
    def tags(self) -> dict[str, str]:
        """All its tags."""
        return dict(self.body.get("tags") or {})

    @property
    def traffic(self) -> dict[str, int]:
        """Percent of requests by deployment; those without any are left out."""
        return shares(self.properties.get("traffic"))

    @property
    def mirror_traffic(self) -> dict[str, int]:
        """Percent of requests copied by deployment."""
        return shares(self.properties.get("mirrorTraffic"))

    @property
    def state(self) -> str:
        """Its provisioning state."""
        return str(self.properties.get("provisioningState", "Succeeded"))

    @property
    def maps(self) -> Maps:
        """Who gets which percent of the requests, and of copies."""
        return Maps(self.traffic, self.mirror_traffic)

    @property
    def memory(self) -> Memory:
        """What azml remembers on it."""
        return rollout_memory.read(self.tags)

    def serves(self, deployment: str) -> bool:
        """Whether requests reach a deployment, live or mirrored."""
        return self.maps.serves(deployment)


def shares(traffic: Mapping[str, Any] | None) -> dict[str, int]:
    """A traffic map without zeros: 0 and absent mean the same."""
    return {name: int(percent) for name, percent in (traffic or {}).items() if percent}


def find(work: Work, id_: ArmId) -> Endpoint | None:
    """Read it, or nothing."""
    body = work.arm.find(id_.text, ML)
    return None if body is None else Endpoint(id_, body)


def merge(
    work: Work,
    id_: ArmId,
    change: Callable[[Endpoint], tuple[Values, Mapping[str, str]]],
    identity: Values | None = None,
) -> Endpoint:
    """Read, change, PUT, wait, read again.

    `change` gives the properties to set and all the tags; `identity`, where given, is set too. What is not named is
    sent as it was read: ARM has no PATCH for properties and no ETag on endpoints, and whether a PUT without traffic
    keeps it is not documented. Where another operation has to be waited for, all of it is read anew after that.
    """

    def body() -> Values:
        before = Endpoint(id_, work.arm.get(id_.text, ML))
        properties, tags = change(before)
        kept = {key: value for key, value in before.properties.items() if key not in _READ_ONLY}
        live_identity = before.body.get("identity")
        sent = identity if identity is not None or live_identity is None else writable_identity(live_identity)
        return {
            "location": before.body["location"],
            "tags": dict(tags),
            "properties": {**kept, **properties},
            **{key: before.body[key] for key in ("kind", "sku") if before.body.get(key) is not None},
            **({} if sent is None else {"identity": sent}),
        }

    with work.arm.lock(id_.key):
        work.arm.put(id_.text, ML, body, work)
        return Endpoint(id_, work.arm.get(id_.text, ML))


def patch_tags(
    work: Work, id_: ArmId, change: Callable[[Endpoint], Mapping[str, str]], identity: Values | None = None
) -> Endpoint:
    """Change tags (and identity) alone, by PATCH, which cannot touch traffic.

    Where ARM merges instead of replacing, tags that should go need a PUT. What is so already is not sent.
    """
    tags: dict[str, str] = {}

    def body() -> Values:
        nonlocal tags
        tags = dict(change(Endpoint(id_, work.arm.get(id_.text, ML))))
        return {"tags": tags} if identity is None else {"tags": tags, "identity": identity}

    with work.arm.lock(id_.key):
        before = Endpoint(id_, work.arm.get(id_.text, ML))
        if before.tags == dict(change(before)) and identity is None:
            return before
        work.arm.patch(id_.text, ML, body, work)
        after = Endpoint(id_, work.arm.get(id_.text, ML))
        return after if after.tags == tags else merge(work, id_, lambda live: ({}, change(live)))


def writable_identity(identity: Values) -> Values:
    """An identity without what only Azure writes."""
    assigned = identity.get("userAssignedIdentities")
    return {
        "type": identity["type"],
        **({"userAssignedIdentities": {key: {} for key in assigned}} if assigned else {}),
    }


def remember(work: Work, id_: ArmId, change: Callable[[Memory], Memory]) -> Endpoint:
    """Change what azml remembers, and nothing else."""
    return patch_tags(work, id_, lambda live: rollout_memory.written(live.tags, change(live.memory)))


def set_traffic(endpoint: Endpoint, maps: Maps) -> Values:
    """Properties that make the traffic exactly so.

    Who loses all of it is named with 0: that holds whether the service replaces the map or merges it.
    """
    live, mirrored = endpoint.maps.both
    properties: Values = {"traffic": {**dict.fromkeys(live, 0), **shares(maps.traffic)}}
    if mirrored or shares(maps.mirror):
        properties["mirrorTraffic"] = {**dict.fromkeys(mirrored, 0), **shares(maps.mirror)}
    return properties
