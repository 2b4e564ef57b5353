"""A rollout: the only thing that moves an endpoint's traffic.

Owns the traffic map, the mirror, and the end of deployments that could not be deleted while they served. It moves in
one step: everything it needs is checked before, and a move that fails puts the exact map of before back. Its memory is
on the endpoint (tags), so a killed or tampered rollout is repaired by the next `pulumi up`. Deliberately makes no
deployment.
"""

import uuid
from typing import NotRequired, TypedDict

import pulumi

from azml.resources import endpoint_body
from azml.resources.arm_id import ArmId
from azml.resources.endpoint_body import Endpoint, set_traffic, shares, with_retired, with_rollout
from azml.resources.errors import ArmError, Interrupted, Refused
from azml.resources.handler import GONE, ML, OWNER, Handler, Values, require
from azml.resources.resource import AzmlResource
from azml.resources.wire import has_unknown
from azml.resources.work import Work

BEFORE = "before"
"""Output: the traffic of an endpoint that others made, as it was before the rollout."""


class RolloutArgs(TypedDict):
    """Arguments of `Rollout`."""

    endpoint_id: pulumi.Input[str]
    """ARM id of the endpoint."""
    traffic: pulumi.Input[dict[str, pulumi.Input[int]]]
    """Percent of the requests by deployment, 100 in total. Who is not named gets none."""
    mirror_traffic: NotRequired[pulumi.Input[dict[str, pulumi.Input[int]]]]
    """Percent of the requests that one deployment gets a copy of, 50 at most."""


class Rollout(AzmlResource):
    """The traffic of an online endpoint, exactly as wanted; what others change is set again by the next update."""

    rollout_id: pulumi.Output[str]
    """What the endpoint's tag `azml-rollout` says while this rollout owns the traffic."""

    def __init__(self, name: str, args: RolloutArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)


class RolloutHandler(Handler):
    """CRUD of `Rollout`. Its id in state is the endpoint's id and the rollout's own, joined by `#`."""

    what = "rollout"
    identity = frozenset({"endpointId"})
    computed = frozenset({"rolloutId"})

    def check(self, inputs: Values) -> Values:
        """Percentages that Azure would refuse minutes later."""
        require(inputs, ["endpointId", "traffic"], self.what)
        traffic = inputs["traffic"]
        if not has_unknown(traffic) and (total := sum(traffic.values())) not in {0, 100}:
            raise Refused(
                f"The traffic of a rollout adds up to 100 (or to 0: none), not to {total}: {_words(traffic)}."
            )
        return inputs

    def arm_id(self, inputs: Values) -> ArmId:
        """The endpoint's id: a rollout is a side of it."""
        return ArmId.parse(inputs["endpointId"])

    def id_of(self, inputs: Values, outputs: Values) -> str:
        """Unique in a stack, also while one rollout takes over from another on the same endpoint."""
        return f"{self.arm_id(inputs).text}#{outputs['rolloutId']}" if outputs else ""

    def read(self, work: Work, id_: str, inputs: Values) -> tuple[Values, Values] | None:
        """Traffic as it is. Import: the endpoint's id is enough."""
        endpoint_id, _, rollout = id_.partition("#")
        endpoint = endpoint_body.find(work, ArmId.parse(endpoint_id))
        if endpoint is None:
            return None
        live = {"traffic": endpoint.traffic, "mirrorTraffic": endpoint.mirror_traffic}
        other = {name: shares_ for name, shares_ in live.items() if shares(inputs.get(name)) != shares_}
        seen = {"endpointId": endpoint.id.text, "traffic": {}, **inputs, **other}
        return seen, {**seen, "rolloutId": rollout or endpoint.rollout or _new_id()}

    def drift(self, work: Work, inputs: Values, state: Values) -> dict[str, str]:
        """Live traffic that is not what was wanted, a marker that is not ours, deployments that can go."""
        if has_unknown(inputs["endpointId"]):
            return {}
        endpoint = endpoint_body.find(work, self.arm_id(inputs))
        if endpoint is None:
            return {GONE: "The endpoint is gone in Azure: traffic is set once it is back."}
        live = {"traffic": endpoint.traffic, "mirrorTraffic": endpoint.mirror_traffic}
        drifted = {
            name: f"{name} is {_words(shares_)} in Azure, not {_words(inputs.get(name) or {})}: it is set again."
            for name, shares_ in live.items()
            if not has_unknown(inputs.get(name)) and shares(inputs.get(name)) != shares_
        }
        if endpoint.rollout != state["rolloutId"]:
            drifted["rolloutId"] = f"Endpoint {endpoint.id.name} is not marked as moved by this rollout: it is now."
        if can_go := [name for name in endpoint.retired if not endpoint.serves(name)]:
            drifted.setdefault("rolloutId", f"Deployments wait to be deleted: {', '.join(can_go)}.")
        return drifted

    def create(self, work: Work, inputs: Values) -> Values:
        """Take the endpoint's traffic over."""
        rollout = _new_id()
        before = _theirs(work, Endpoint(self.arm_id(inputs), work.arm.get(self.arm_id(inputs).text, ML)))
        self._move(work, inputs, rollout)
        return {**inputs, "rolloutId": rollout, **before}

    def left(self, work: Work, inputs: Values) -> Values | None:
        """The traffic of an endpoint of this stack, where it is as wanted. Of others' it is not known how it was."""
        endpoint = endpoint_body.find(work, self.arm_id(inputs))
        if endpoint is None or endpoint.rollout is None or _theirs(work, endpoint):
            return None
        moved = (endpoint.traffic, endpoint.mirror_traffic)
        if moved != (shares(inputs["traffic"]), shares(inputs.get("mirrorTraffic"))):
            return None
        return {**inputs, "rolloutId": endpoint.rollout}

    def update(self, work: Work, old: Values, inputs: Values, state: Values) -> Values:  # noqa: ARG002
        """Make the traffic what is wanted, from whatever it is."""
        self._move(work, inputs, state["rolloutId"])
        return {**inputs, "rolloutId": state["rolloutId"], **({BEFORE: state[BEFORE]} if BEFORE in state else {})}

    def delete(self, work: Work, state: Values) -> None:
        """Drain and tidy up, as long as the traffic is this rollout's: after a rename it is its successor's."""
        id_ = self.arm_id(state)
        endpoint = endpoint_body.find(work, id_)
        if endpoint is None or endpoint.rollout != state["rolloutId"]:
            return
        left = self._left(work, endpoint, shares(state.get(BEFORE)))
        if endpoint.traffic != left or endpoint.mirror_traffic:
            work.doing(f"traffic: {_words(endpoint.traffic)} → {_words(left)}")
            endpoint = endpoint_body.merge(work, id_, lambda live: (set_traffic(live, left, {}), live.tags))
        self._clear_away(work, endpoint)
        endpoint_body.patch_tags(work, id_, lambda live: with_rollout(live, None))

    def _left(self, work: Work, endpoint: Endpoint, before: dict[str, int]) -> dict[str, int]:
        """The traffic that stays when this rollout goes: on an endpoint of others, what they had before."""
        there = {name: share for name, share in before.items() if self._is_there(work, endpoint.id, name)}
        if there != before:
            raise Refused(
                f"The traffic of {endpoint.id.name} was {_words(before)} before this stack, and not all of these are "
                f"there any more. It stays {_words(endpoint.traffic)}.\n"
                "Take this stack's deployments out of it (az ml online-endpoint update --traffic), then repeat."
            )
        return before

    def _is_there(self, work: Work, endpoint: ArmId, name: str) -> bool:
        return work.arm.find(endpoint.child("deployments", name).text, ML) is not None

    def _move(self, work: Work, inputs: Values, rollout: str) -> None:
        id_ = self.arm_id(inputs)
        traffic, mirror = shares(inputs["traffic"]), shares(inputs.get("mirrorTraffic"))
        endpoint = Endpoint(id_, work.arm.get(id_.text, ML))
        if (endpoint.traffic, endpoint.mirror_traffic) == (traffic, mirror):
            endpoint = endpoint_body.patch_tags(work, id_, lambda live: with_rollout(live, rollout))
        else:
            self._all_ready(work, id_, {**traffic, **mirror})
            work.doing(f"traffic: {_words(endpoint.traffic)} → {_words(traffic)}")
            endpoint = self._set(work, endpoint, traffic, mirror, rollout)
            work.say(f"Traffic of {id_.name}: {_words(traffic)}.")
        self._clear_away(work, endpoint)

    def _set(
        self, work: Work, before: Endpoint, traffic: dict[str, int], mirror: dict[str, int], rollout: str
    ) -> Endpoint:
        try:
            after = endpoint_body.merge(
                work, before.id, lambda live: (set_traffic(live, traffic, mirror), with_rollout(live, rollout))
            )
        except (ArmError, Refused) as error:
            raise self._restored(work, before, error) from error
        if (after.traffic, after.mirror_traffic) != (traffic, mirror):
            raise self._restored(work, before, f"Azure took the change, and made it {_words(after.traffic)}.")
        return after

    def _restored(self, work: Work, before: Endpoint, error: Exception | str) -> Exception:
        """Put the map of before back where it changed, and say what is live now."""
        text = f"The traffic of {before.id.name} could not be moved. {error}"
        if isinstance(error, Interrupted):
            return Interrupted(f"{text}\nThe next `pulumi up` goes on from what is live then.")
        try:
            live = Endpoint(before.id, work.arm.get(before.id.text, ML))
            if (live.traffic, live.mirror_traffic) != (before.traffic, before.mirror_traffic):
                endpoint_body.merge(
                    work,
                    before.id,
                    lambda now: (
                        set_traffic(now, before.traffic, before.mirror_traffic),
                        with_rollout(now, before.rollout),
                    ),
                )
        except (ArmError, Refused) as again:
            return Refused(f"{text}\nPutting {_words(before.traffic)} back failed too: {again}")
        return Refused(f"{text}\nIt is as before: {_words(before.traffic)}.")

    def _all_ready(self, work: Work, id_: ArmId, shares_: dict[str, int]) -> None:
        """Every deployment that is to get requests is there and in order; else nothing changes."""
        problems = []
        for name in shares_:
            found = work.arm.find(id_.child("deployments", name).text, ML)
            state = "not there" if found is None else found["properties"].get("provisioningState", "Succeeded")
            if state != "Succeeded":
                problems.append(f"deployment {name} is {state}")
        if problems:
            raise Refused(f"The traffic of {id_.name} was not touched: {'; '.join(problems)}.")

    def _clear_away(self, work: Work, endpoint: Endpoint) -> None:
        """Delete retired deployments that no request reaches any more."""
        can_go = [name for name in endpoint.retired if not endpoint.serves(name)]
        if not can_go:
            return
        for name in can_go:
            work.doing(f"deleting retired deployment {name}")
            work.arm.delete(endpoint.id.child("deployments", name).text, ML, work)
        endpoint_body.patch_tags(
            work,
            endpoint.id,
            lambda live: with_retired(live.tags, [name for name in live.retired if name not in can_go]),
        )


def _theirs(work: Work, endpoint: Endpoint) -> Values:
    """The traffic that an endpoint had before, where this stack did not make it; else there is nothing to keep."""
    stack = work.urn.split("::")[:2]
    owner = str((endpoint.properties.get("properties") or {}).get(OWNER, ""))
    return {} if owner.split("::")[:2] == stack else {BEFORE: endpoint.traffic}


def _new_id() -> str:
    return uuid.uuid4().hex[:12]


def _words(traffic: Values) -> str:
    return ", ".join(f"{name} {percent} %" for name, percent in sorted(shares(traffic).items())) or "none"
