"""A rollout: the only thing that moves an endpoint's traffic.

Owns the traffic map, the mirror, and the end of deployments that could not be deleted while they served or were kept.
Its memory is on the endpoint (tags), so a killed, paused or tampered rollout is seen by the next `pulumi up`, which
goes on or back. Deliberately makes no deployment, and does not decide how traffic moves (`rollout_plan`,
`rollout_move`).
"""

import hashlib
from dataclasses import replace

import pulumi

from azml.resources import endpoint_body
from azml.resources.arm_id import ArmId
from azml.resources.endpoint_body import Endpoint, set_traffic, shares
from azml.resources.errors import ArmError, Incomplete, Refused
from azml.resources.handler import GONE, ML, Difference, Handler, Values, made_in_stack, require
from azml.resources.resource import AzmlResource
from azml.resources.rollout_args import RolloutArgs, Settings
from azml.resources.rollout_control import Standing, held
from azml.resources.rollout_deployments import clear_away
from azml.resources.rollout_memory import Maps, Memory, words, written
from azml.resources.rollout_move import Move
from azml.resources.rollout_plan import Held, can_go, leavers, next_of
from azml.resources.wire import has_unknown
from azml.resources.work import Work

_MAPS = frozenset({"traffic", "mirrorTraffic"})


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
    silent = frozenset({"gates"})  # files of requests lie elsewhere on each machine
    computed = frozenset({"rolloutId"})

    def check(self, inputs: Values) -> Values:
        """What Azure would refuse minutes later."""
        require(inputs, ["endpointId", "traffic"], self.what)
        traffic = inputs["traffic"]
        if not has_unknown(traffic) and (total := sum(traffic.values())) not in {0, 100}:
            raise Refused(f"The traffic of a rollout adds up to 100 (or to 0: none), not to {total}: {words(traffic)}.")
        if not has_unknown(inputs):
            Settings.of(inputs)
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
        live = dict(zip(("traffic", "mirrorTraffic"), endpoint.maps.both, strict=True))
        other = {name: dict(shares_) for name, shares_ in live.items() if shares(inputs.get(name)) != shares_}
        seen = {"endpointId": endpoint.id.text, "traffic": {}, **inputs, **other}
        return seen, {**seen, "rolloutId": rollout or endpoint.memory.rollout or _own_id(work)}

    def difference(self, work: Work, old: Values, state: Values, inputs: Values) -> Difference:
        """As everywhere; but a rollout that a person paused or aborted is left alone, and that is said."""
        found = super().difference(work, old, state, inputs)
        if found.replaced or has_unknown(inputs):
            return found
        endpoint = endpoint_body.find(work, self.arm_id(inputs))
        if endpoint is not None and isinstance(stays := _next(work, endpoint, inputs), Held):
            found.changed -= _MAPS
            if not (found.changed or found.drifted):  # else the update says it
                work.warn(held(endpoint.id, _wanted(inputs), stays.progress))
        return found

    def drift(self, work: Work, inputs: Values, state: Values) -> dict[str, str]:
        """Live traffic that is not what was wanted, a rollout on its way, a marker not ours, deployments to delete."""
        if has_unknown(inputs):
            return {}
        endpoint = endpoint_body.find(work, self.arm_id(inputs))
        if endpoint is None:
            return {GONE: "The endpoint is gone in Azure: traffic is set once it is back."}
        memory, wanted, remarks = endpoint.memory, _wanted(inputs), dict[str, str]()
        if isinstance(_next(work, endpoint, inputs), Held):
            pass
        elif memory.progress is not None:
            remarks["traffic"] = f"Traffic of {endpoint.id.name}: {Standing(endpoint.id, endpoint.maps, memory)}."
        else:
            both = zip(("traffic", "mirrorTraffic"), endpoint.maps.both, wanted.both, strict=True)
            remarks |= {
                name: f"{name} is {words(live)} in Azure, not {words(shares_)}: it is set again."
                for name, live, shares_ in both
                if live != shares_
            }
        if memory.rollout != state["rolloutId"]:
            remarks["rolloutId"] = f"Endpoint {endpoint.id.name} is not marked as moved by this rollout: it is now."
        gone = [name for name in can_go(endpoint.maps, memory, wanted, work.arm.now()) if name not in _named(inputs)]
        if gone:
            remarks.setdefault("rolloutId", f"Nothing needs them any more, so they are deleted: {', '.join(gone)}.")
        if back := [name for name in memory.retired if name in _named(inputs)]:
            remarks.setdefault("rolloutId", f"Deployments are in the program again, and stay: {', '.join(back)}.")
        return remarks

    def foresee(self, work: Work, inputs: Values) -> None:
        """Say what stays behind, and what that takes; or that a person holds it."""
        if has_unknown(inputs):
            return
        endpoint = endpoint_body.find(work, self.arm_id(inputs))
        if endpoint is not None and isinstance(stays := _next(work, endpoint, inputs), Held):
            work.warn(held(endpoint.id, _wanted(inputs), stays.progress))
        elif inputs.get("keepPrevious") and Settings.of(inputs).way.keep:
            self._foresee_kept(work, endpoint, inputs)

    def _foresee_kept(self, work: Work, endpoint: Endpoint | None, inputs: Values) -> None:
        for name in () if endpoint is None else leavers(endpoint.maps, _wanted(inputs)):
            found = work.arm.find(self.arm_id(inputs).child("deployments", name).text, ML)
            if found is not None:
                count, size = found["sku"]["capacity"], found["properties"].get("instanceType")
                work.say(f"{name} stays ready for {inputs['keepPrevious']} after it served: {count} × {size}.")

    def create(self, work: Work, inputs: Values) -> Values:
        """Take the endpoint's traffic over. Where that ends half-way, what is marked stays in state: for its Delete."""
        outputs = {**inputs, "rolloutId": _own_id(work)}
        try:
            self._move(work, inputs, _own_id(work))
        except (ArmError, Refused) as error:
            if self.left(work, inputs) is None:
                raise
            raise Incomplete(str(error), self.id_of(inputs, outputs), outputs) from error
        return outputs

    def left(self, work: Work, inputs: Values) -> Values | None:
        """The traffic, where this very rollout has moved it or is on its way."""
        endpoint = endpoint_body.find(work, self.arm_id(inputs))
        if endpoint is None or endpoint.memory.rollout != _own_id(work):
            return None
        return {**inputs, "rolloutId": endpoint.memory.rollout}

    def update(self, work: Work, old: Values, inputs: Values, state: Values) -> Values:  # noqa: ARG002
        """Make the traffic what is wanted, from whatever it is."""
        self._move(work, inputs, state["rolloutId"])
        return {**inputs, "rolloutId": state["rolloutId"]}

    def delete(self, work: Work, state: Values) -> None:
        """Drain and tidy up, as long as the traffic is this rollout's: after a rename it is its successor's."""
        id_ = self.arm_id(state)
        endpoint = endpoint_body.find(work, id_)
        if endpoint is None or endpoint.memory.rollout != state["rolloutId"]:
            return
        left = _left(work, endpoint)
        if endpoint.maps != left:
            work.doing(f"traffic: {words(endpoint.traffic)} → {words(left.traffic)}")
            endpoint = endpoint_body.merge(work, id_, lambda live: (set_traffic(live, left), _drained(live)))
        clear_away(work, endpoint, [name for name in endpoint.memory.retired if not left.serves(name)])
        endpoint_body.patch_tags(work, id_, lambda live: written(live.tags, Memory()))

    def _move(self, work: Work, inputs: Values, rollout: str) -> None:
        id_ = self.arm_id(inputs)
        endpoint = Endpoint(id_, work.arm.get(id_.text, ML))
        theirs = _theirs(work, endpoint)

        def marked(memory: Memory) -> Memory:
            return memory.owned_by(rollout, theirs).with_wanted(_named(inputs))

        Move(work, endpoint, _wanted(inputs), Settings.of(inputs), marked).run()


def _wanted(inputs: Values) -> Maps:
    return Maps(shares(inputs["traffic"]), shares(inputs.get("mirrorTraffic")))


def _named(inputs: Values) -> frozenset[str]:
    """Deployments that are in the program, with a share or without."""
    return frozenset({*inputs["traffic"], *(inputs.get("mirrorTraffic") or {})})


def _next(work: Work, endpoint: Endpoint, inputs: Values) -> object:
    way = Settings.of(inputs).way
    return next_of(endpoint.maps, endpoint.memory, _wanted(inputs), way, work.arm.now())


def _left(work: Work, endpoint: Endpoint) -> Maps:
    """What stays when this rollout goes: on an endpoint of others, what they had before."""
    left = endpoint.memory.theirs or Maps()
    names = {*left.traffic, *left.mirror}
    if any(work.arm.find(endpoint.id.child("deployments", name).text, ML) is None for name in names):
        raise Refused(
            f"The traffic of {endpoint.id.name} was {words(left.traffic)} before this stack, and not all of these are "
            f"there any more. It stays {words(endpoint.traffic)}.\n"
            "Take this stack's deployments out of it (az ml online-endpoint update --traffic), then repeat."
        )
    return left


def _drained(live: Endpoint) -> dict[str, str]:
    """Tags that go with the last request: nothing is on its way or kept; what is to be deleted is still known."""
    return written(live.tags, replace(live.memory, progress=None, previous={}))


def _theirs(work: Work, endpoint: Endpoint) -> Maps | None:
    """What an endpoint served before, where this stack did not make it; else there is nothing to give back."""
    return None if made_in_stack(work, endpoint.body) else endpoint.maps


def _own_id(work: Work) -> str:
    """The same for a resource whenever it is asked: what a killed run has marked is known again."""
    return hashlib.sha256(work.urn.encode()).hexdigest()[:12]
