"""The releases of one deployment beside each other: earlier ones that failed, the one that serves, the one to come.

Owns what is looked at, and cleared away, before a new release is made: failed ones go, and the region's quota has to
have room for the peak, in a preview already. Deliberately counts no cores (`quota`), and deletes nothing that serves:
that is the rollout's.
"""

from azml.resources import deployment_body, endpoint_body, quota
from azml.resources.arm_id import ArmId
from azml.resources.deployment_body import BAD, state_of
from azml.resources.endpoint_body import Endpoint
from azml.resources.errors import ArmError
from azml.resources.handler import ML, OWNER, Values
from azml.resources.quota import Preflight, Wanted
from azml.resources.wire import has_unknown
from azml.resources.work import Work


def foresee(work: Work, id_: ArmId, inputs: Values, preflight: Preflight) -> None:
    """`Refused` where the quota has no room for what a preview plans, all new releases together."""
    endpoint = endpoint_body.find(work, id_.parent)
    if endpoint is None or work.arm.find(id_.text, ML) is not None:
        return
    others, going = _others(work, id_, inputs, endpoint)
    region, wanted = str(endpoint.body["location"]), _wanted(inputs)
    quota.refuse_peak(
        work,
        id_,
        region,
        wanted,
        beside=_serving(endpoint, others),
        planned=preflight.plan(id_, region, wanted),
        going=[Wanted(str(each["properties"]["instanceType"]), deployment_body.count(each)) for each in going],
    )


def is_known(inputs: Values) -> bool:
    """Whether a preview knows what would be made, and where."""
    return not has_unknown({name: inputs[name] for name in ("endpointId", "name", "instanceType", "instanceCount")})


def make_room(work: Work, id_: ArmId, inputs: Values, region: str) -> None:
    """Delete what failed before; `Refused` where the quota has no room even so.

    The engine deletes what left the program only at the end of an update that went well: without this, releases that
    fail one after the other would pile up, with their instances.
    """
    endpoint = endpoint_body.find(work, id_.parent)
    if endpoint is None:
        return
    others, going = _others(work, id_, inputs, endpoint)
    gone = {name for each in going if _delete(work, id_.parent.child("deployments", name := _name(each)), id_)}
    if given_up := gone & {*endpoint.memory.given_up}:
        endpoint_body.remember(work, id_.parent, lambda memory: memory.without(given_up))
    quota.refuse_peak(work, id_, region, _wanted(inputs), beside=_serving(endpoint, others))


def _others(work: Work, id_: ArmId, inputs: Values, endpoint: Endpoint) -> tuple[list[Values], list[Values]]:
    """The other releases of the same deployment that this stack has, and those of them that failed and do not serve."""
    found = [each for each in work.arm.list_all(f"{id_.parent.text}/deployments", ML) if _name(each) != id_.name]
    others = [each for each in found if _is_sibling(work, each, inputs)]
    return others, [each for each in others if _failed(each, endpoint, work.arm.now())]


def _failed(found: Values, endpoint: Endpoint, now: float) -> bool:
    """Whether it never started, or did and was given up; and nothing needs it."""
    name, memory = _name(found), endpoint.memory
    bad = state_of(found) in BAD or (name in memory.given_up and not memory.keeps(name, now))
    return bad and not endpoint.serves(name)


def _is_sibling(work: Work, found: Values, inputs: Values) -> bool:
    own = found["properties"].get("properties") or {}
    made_here = str(own.get(OWNER, "")).split("::")[:-1] == work.urn.split("::")[:-1]
    return made_here and own.get(deployment_body.STABLE) == inputs["deployment"]


def _delete(work: Work, earlier: ArmId, id_: ArmId) -> bool:
    """Whether it is gone."""
    work.doing(f"deleting failed release {earlier.name}")
    try:
        work.arm.delete(earlier.text, ML, work)
    except ArmError as error:  # what it stands in the way of (quota, number of deployments) Azure will say
        work.warn(f"Deployment {earlier.name}, which had failed, could not be deleted: {error}")
        return False
    work.say(f"Deployment {earlier.name}, which had failed, is deleted: {id_.name} takes its place.")
    return True


def _wanted(inputs: Values) -> Wanted:
    return Wanted(str(inputs["instanceType"]), int(inputs["instanceCount"]))


def _serving(endpoint: Endpoint, releases: list[Values]) -> str | None:
    return next((_name(each) for each in releases if endpoint.serves(_name(each))), None)


def _name(found: Values) -> str:
    return str(found["name"])
