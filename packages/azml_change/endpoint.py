"""An online endpoint: whether it stays, who may call it, what its deployments become, who gets which share.

Owns the order of what is said, and what it does to callers.
"""

from azml_change import assets, deployment, identity, network, other, rollout, words
from azml_change.impact import (
    BACK_NEW_KEYS,
    BACK_SAME_NAME,
    ENDPOINT,
    RAW_ENDPOINT,
    Downtime,
    Explanation,
    losses,
)
from azml_change.plan import UNKNOWN, Plan, Step, Values, mapping
from azml_change.serving import DEPLOYMENT, RAW_DEPLOYMENT, Subject

_SAID = ("identity", "authMode", "publicNetworkAccess", "onlineEndpointProperties")
_MOVES = {"workspaceId": "another workspace"}


def explain(subject: Subject, plan: Plan, environments: dict[str, Step]) -> Explanation:
    """All that changes about one endpoint."""
    told = Explanation(subject.kind, subject.name, Downtime.none, [])
    told.lost = tuple(losses(subject.steps))
    main = next((step for step in subject.of(ENDPOINT, RAW_ENDPOINT)), None)
    if main is not None and main.op != "same":
        told.op = main.op
        _itself(told, main, plan)
    if told.op == "delete":
        if names := _names(subject):
            told.lines[0] += f", with {words.listed(names)}"
        return told
    _deployments(told, subject, plan, environments)
    for step in subject.of(rollout.ROLLOUT):
        if step.op != "same":
            moved = rollout.explain(step, plan)
            told.lines += moved.lines
            told.downtime = max(told.downtime, moved.downtime)
            told.way_back = moved.way_back or told.way_back
    told.lines += _rest(subject, told)
    if told.op == "replace":
        told.way_back = BACK_NEW_KEYS
    return told


def _itself(told: Explanation, main: Step, plan: Plan) -> None:
    old, new = _inner(main.old), _inner(main.new)
    if main.op == "create":
        who, where = network.callers(new.get("authMode")), network.exposure(new.get("publicNetworkAccess"))
        told.lines.append(f"new; callers show: {who}; exposure: {where}")
    elif main.op == "delete":
        told.lines.append("deleted")
        told.downtime, told.way_back = Downtime.outage, BACK_SAME_NAME
    else:
        if main.op == "replace":
            told.lines.append(f"replaced: {reasons(main)}")
            told.downtime = Downtime.outage
        lines, downtime = network.of_endpoint(old, new)
        told.downtime = max(told.downtime, downtime)
        if identities := identity.of(main.old, main.new):
            told.downtime = max(told.downtime, Downtime.brief)
        more = other.properties(main, (*_SAID, *main.reasons)) if main.op == "update" else []
        told.lines += [*lines, *identities, *more]
        told.lines += _drift(main, plan, alone=not (lines or identities or more))


def _drift(main: Step, plan: Plan, *, alone: bool) -> list[str]:
    return plan.remarks_on(main.urn) if alone and main.op == "update" and main.drifted else []


def reasons(step: Step) -> str:
    """Why it is another resource: what is known to differ, else that its surroundings are others."""
    said = []
    # What goes because its surroundings go has no reasons of its own in the plan.
    for name in dict.fromkeys(step.reasons or [*_MOVES, *_WORDS]):
        before, now = step.old.get(name), step.new.get(name)
        if before == now:
            continue
        if name in _MOVES:
            said.append(_MOVES[name])
        elif UNKNOWN not in (before, now):
            said.append(f"{_WORDS.get(name, name)} {words.shown(before)} → {words.shown(now)}")
        elif now == UNKNOWN:
            said.append(f"another {_WORDS.get(name, name)}")
    known = [text for text in said if "→" in text]
    return words.listed(known or list(dict.fromkeys(said))) or "another one in its place"


_WORDS = {
    "resourceGroupName": "resource group",
    "location": "location",
    "workspaceName": "name",
    "endpointName": "name",
}


def _inner(inputs: Values) -> Values:
    """Inputs with those that azure-native has one level down."""
    return {**inputs, **mapping(inputs.get("onlineEndpointProperties"))}


def _names(subject: Subject) -> list[str]:
    found = (deployment.stable_name(step) for step in _changing(subject) if step.op == "delete")
    return sorted(dict.fromkeys(found))


def _changing(subject: Subject) -> list[Step]:
    return [step for step in subject.of(DEPLOYMENT, RAW_DEPLOYMENT) if step.op != "same"]


def _deployments(told: Explanation, subject: Subject, plan: Plan, environments: dict[str, Step]) -> None:
    together: dict[str, list[Step]] = {}
    for step in _changing(subject):
        together.setdefault(deployment.stable_name(step), []).append(step)
    for _, steps in sorted(together.items()):
        remarks = [remark for step in steps for remark in plan.remarks_on(step.urn)]
        one = deployment.explain(steps, environments, remarks)
        told.lines += one.lines
        told.downtime = max(told.downtime, one.downtime)
        told.way_back = one.way_back or told.way_back


def _rest(subject: Subject, told: Explanation) -> list[str]:
    """Assets that leave, where no deployment goes with them; descriptions of assets; tags."""
    left = subject.of(*assets.KINDS)
    gone = any(step.op == "delete" for step in _changing(subject))
    lines = [] if gone or told.op == "replace" else assets.archived(left)
    for step in left:
        if step.op == "update":
            what = f"{assets.KINDS[step.type]} {step.new.get('name')} {step.new.get('version')}"
            lines += [f"{what}: {line}" for line in other.properties(step)]
    return lines + other.tags(subject.changes)
