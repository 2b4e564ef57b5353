"""The deployments that a rollout moves traffic between: how they are, and the end of those that nothing needs.

Owns looking at them and deleting them. Deliberately decides neither who is to serve nor who is needed
(`rollout_plan`, `rollout_move`).
"""

from collections.abc import Iterable

from azml.resources import endpoint_body
from azml.resources.deployment_body import BAD, state_of
from azml.resources.endpoint_body import Endpoint
from azml.resources.errors import ArmError
from azml.resources.handler import ML, made_in_stack
from azml.resources.rollout_memory import Maps
from azml.resources.work import Work

NOT_THERE = "not there"
"""In the place of the state of a deployment that is gone."""


def problems(work: Work, endpoint: Endpoint, maps: Maps) -> list[str]:
    """Deployments that are to serve and cannot."""
    states = _states(work, endpoint, maps)
    return [f"deployment {name} is {state}" for name, state in states.items() if state != "Succeeded"]


def is_lost(work: Work, endpoint: Endpoint, maps: Maps) -> bool:
    """Whether maps cannot be live any more. A deployment that is changed or scaled serves meanwhile."""
    return any(state in {NOT_THERE, "Deleting", *BAD} for state in _states(work, endpoint, maps).values())


def drop(work: Work, endpoint: Endpoint, names: Iterable[str]) -> list[str]:
    """Delete releases that failed, those of this stack that do not serve; which these were.

    One that cannot be deleted is said, and no error: why it failed is the news.
    """
    gone = []
    for name in names:
        id_ = endpoint.id.child("deployments", name)
        found = work.arm.find(id_.text, ML)
        if found is not None and made_in_stack(work, found) and not endpoint.serves(name):
            work.doing(f"deleting {name}, which failed")
            try:
                work.arm.delete(id_.text, ML, work)
            except ArmError as error:
                work.warn(f"Deployment {name}, which failed, could not be deleted: {error}")
            else:
                gone.append(name)
    return gone


def clear_away(work: Work, endpoint: Endpoint, names: Iterable[str]) -> None:
    """Delete retired deployments that nothing needs any more."""
    gone = list(names)
    for name in gone:
        work.doing(f"deleting retired deployment {name}")
        work.arm.delete(endpoint.id.child("deployments", name).text, ML, work)
    if gone:
        endpoint_body.remember(work, endpoint.id, lambda memory: memory.without(gone))


def _states(work: Work, endpoint: Endpoint, maps: Maps) -> dict[str, str]:
    names = sorted({*maps.traffic, *maps.mirror})
    found = {name: work.arm.find(endpoint.id.child("deployments", name).text, ML) for name in names}
    return {name: NOT_THERE if body is None else state_of(body) for name, body in found.items()}
