"""Container services and serving images: what becomes of the one group that serves, and what is built.

Owns the words for image, size, variables and settings of a service, what Container Instances do in place, and when the
address or the keys of a service are others afterwards. azure-native keeps all of a group's containers secret where one
of their variables is; what a service is to become is then read from its trial, which says it openly. Deliberately
judges no gate.
"""

import dataclasses
from typing import Any

from azml_change import identity, other, rollout, words
from azml_change.impact import BACK, BACK_NEW_KEYS, BACK_SAME_NAME, URL_RANK, Downtime, Explanation, Loss, azure_name
from azml_change.noise import changed
from azml_change.plan import Plan, Step, Values, mapping, sequence
from azml_change.serving import GROUP, TRIAL, Subject

KEYS = "azml:index:ServiceKeys"
IMAGE = "docker:index/image:Image"
ALIAS = "azml:index:ImageAlias"
_AUTH = "AZML_AUTH_MODE"
_NAMES = {"restartPolicy": "restart policy", "priority": "priority", "zones": "zones", "subnetIds": "subnet"}
_PROBES = {"livenessProbe": "liveness probe", "readinessProbe": "readiness probe"}
_SAID = ("containers", "ipAddress", "identity", "location", "resourceGroupName", *_NAMES)
_EXPOSED = {"Public": "internet", "Private": "its network only"}
_RESTARTED = "restarted in place: nobody answers until the container is ready again"
_MADE_AGAIN = "made again, and the old group goes first: nobody answers until the new one is ready"


def explain_service(subject: Subject, plan: Plan) -> Explanation:
    """Say what becomes of one container service."""
    group = subject.main
    told = Explanation(subject.kind, subject.name, Downtime.none, [])
    told.op = "same" if group is None else group.op
    told.lost = tuple(_lost(subject, group))
    if told.op == "create":
        told.lines = [_new(_open(subject, group, "new")), *_tried(subject)]
        return told
    if told.op == "delete":
        told.lines, told.downtime, told.way_back = ["deleted"], Downtime.outage, BACK_SAME_NAME
        return told
    told.lines = [*_differences(subject, group), *_keys(subject), *other.tags(subject.of(GROUP))]
    if told.op != "same":
        _interrupted(told, subject)
    else:
        told.lines += _next(subject)
        told.lines += [remark for step in subject.changes for remark in plan.remarks_on(step.urn)]
    if told.lost or _refuses_callers(subject, group):
        told.downtime = Downtime.outage
    return told


def _interrupted(told: Explanation, subject: Subject) -> None:
    """What it is to update a group, or to replace it."""
    replaced = told.op == "replace"
    told.lines = told.lines or ["secret values changed, or settings that only Azure tells apart"]
    stay = [] if any(loss.kind == "URL" for loss in told.lost) else ["URL"]
    if (keys := subject.of(KEYS)) and all(step.op in ("same", "update") for step in keys):
        stay.append("keys")
    how = _MADE_AGAIN if replaced else _RESTARTED
    kept = f"; {' and '.join(stay)} {'stay' if len(stay) > 1 else 'stays'}" if stay else ""
    told.lines += [*_tried(subject), f"then {how}{kept}"]
    told.downtime = Downtime.outage if replaced else Downtime.brief
    told.way_back = f"{BACK}; {'made again' if replaced else 'restarted in place again'}"
    if _keys(subject):
        told.way_back = BACK_NEW_KEYS


def _lost(subject: Subject, group: Step | None) -> list[Loss]:
    """Address and keys that are gone for good."""
    gone = group is not None and (group.op == "delete" or _moves(subject, group))
    keys = bool(_keys(subject)) or (group is not None and group.op == "delete" and bool(subject.of(KEYS)))
    if not gone or group is None:
        return [Loss("keys", f"keys of {subject.name}", URL_RANK)] if keys else []
    at = mapping(group.state.get("ipAddress"))
    address = at.get("fqdn") or at.get("ip")
    named = f"URL {address}" if isinstance(address, str) else f"URL of {azure_name(group)}"
    return (
        [Loss("URL", f"{named}{' and its keys' if keys else ''}", URL_RANK)] if at or group.old.get("ipAddress") else []
    )


def _moves(subject: Subject, group: Step) -> bool:
    """Whether its address is another one afterwards: without a label it is a number, which the group has no say in."""
    if group.op not in ("update", "replace"):
        return False
    before, now = mapping(group.old.get("ipAddress")), mapping(group.new.get("ipAddress"))
    if not before:
        return False
    labels = before.get("dnsNameLabel"), now.get("dnsNameLabel")
    if before.get("type") != now.get("type") or (words.is_known(labels[1]) and labels[0] != labels[1]):
        return True
    if _port(group.old) != _port(group.new) or _cname(subject, "old") != _cname(subject, "new"):
        return True
    return group.op == "replace" and (
        labels[0] is None or not words.is_known(labels[1]) or "location" in changed(group)
    )


def _cname(subject: Subject, which: str) -> Any:
    """The name in its URL where it speaks TLS, which its trial knows."""
    trial = next(iter(subject.of(TRIAL)), None)
    return None if trial is None else getattr(trial, which).get("cname")


def _keys(subject: Subject) -> list[str]:
    """What becomes of keys that callers still have to show."""
    done = {step.op for step in subject.of(KEYS)} & {"replace", "delete"}
    if not done or _variables(_first(_open(subject, subject.main, "new"))).get(_AUTH) == "none":
        return []
    how = "made anew" if "replace" in done else "the program's own"
    return [f"keys: {how}; who still sends an old one is refused"]


def _refuses_callers(subject: Subject, group: Step | None) -> bool:
    """Whether it asks for a key from now on."""
    old, new = (_variables(_first(_open(subject, group, which))).get(_AUTH) for which in ("old", "new"))
    return (old, new) == ("none", "key")


def explain_image(subject: Subject, plan: Plan) -> Explanation:
    """Say what becomes of one serving image."""
    step = next(iter(subject.of(IMAGE)), None)
    op = "same" if step is None else step.op
    lines = {
        "create": ["new: built and pushed"],
        "update": ["built and pushed anew; the images of before stay in the registry"],
        "replace": ["built and pushed anew; the images of before stay in the registry"],
        "delete": ["no longer built; what was pushed stays in the registry"],
    }.get(op, [])
    for alias in subject.of(ALIAS):
        keep = alias.new.get("keep")
        if alias.op == "update" and keep is not None and keep != alias.old.get("keep"):
            lines = [*lines, f"keeps the newest {words.number(keep)}: older images that nothing runs are deleted"]
        elif alias.op == "update" and op == "same":
            lines = [*lines, *plan.remarks_on(alias.urn)]
    return Explanation(subject.kind, subject.name, Downtime.none, lines, op=op)


def _new(group: Values) -> str:
    container = _first(group)
    callers = _variables(container).get(_AUTH)
    shown = f"; callers show: {words.shown(callers)}" if callers is not None else ""
    return (
        f"new: cpu {_size(container, 'cpu')}, memory {_size(container, 'memoryInGB', ' GB')}{shown}"
        f"; exposure: {_exposure(group)}"
    )


def _open(subject: Subject, group: Step | None, which: str) -> Values:
    """The group's inputs, from itself where they can be read, else from its trial."""
    own = {} if group is None else getattr(group, which)
    if isinstance(own.get("containers"), list):
        return dict(own)
    trial = next(iter(subject.of(TRIAL)), None)
    tried = {} if trial is None else mapping(getattr(trial, which).get("group"))
    return {**own, **tried}


def _differences(subject: Subject, group: Step | None) -> list[str]:
    before, now = _open(subject, group, "old"), _open(subject, group, "new")
    olds, news = _containers(before), _containers(now)
    several = len(olds | news) > 1
    lines = []
    for name in {**olds, **news}:
        said = _container(olds.get(name, {}), news.get(name, {}))
        lines += [f"{name}: {line}" for line in said] if several else said
    pairs = [
        *((word, words.shown(before.get(name)), words.shown(now.get(name))) for name, word in _NAMES.items()),
        ("port", _port(before), _port(now)),
        ("exposure:", _exposure(before), _exposure(now)),
        *([("label", _label(before), _label(now))] if words.is_known(_label(now)) else []),
    ]
    lines += [f"{word} {one} → {another}" for word, one, another in pairs if one != another]
    if group is None or group.op not in ("update", "replace"):
        return lines
    lines += identity.of(group.old, group.new)
    lines += [_place(group, name) for name in ("location", "resourceGroupName") if name in changed(group)]
    hidden = {name for name in changed(group) if not words.is_known(group.new.get(name))}
    return lines + other.properties(group, (*_SAID, *hidden))


def _container(old: Values, new: Values) -> list[str]:
    """What one container differs in."""
    pairs = [
        ("image", _image(old.get("image")), _image(new.get("image"))),
        ("cpu", _size(old, "cpu"), _size(new, "cpu")),
        ("memory", _size(old, "memoryInGB", " GB"), _size(new, "memoryInGB", " GB")),
        ("command", words.shown(old.get("command")), words.shown(new.get("command"))),
    ]
    if not old or not new:
        return ["new" if new else "removed"] if old or new else []
    lines = [f"{word} {one} → {another}" for word, one, another in pairs if one != another]
    before, now = _variables(old), _variables(new)
    if before.get(_AUTH) != now.get(_AUTH):
        lines.append(f"callers show: {before.get(_AUTH, 'none')} → {now.get(_AUTH, 'none')}")
    if said := words.keys(before, now):
        lines.append(f"variables: {said}")
    return lines + [f"{word} changed" for name, word in _PROBES.items() if old.get(name) != new.get(name)]


def _place(group: Step, name: str) -> str:
    word = {"resourceGroupName": "resource group"}.get(name, name)
    now = group.new.get(name)
    return f"{word} {group.old.get(name)} → {now if words.is_known(now) else 'another one'}"


def _containers(group: Values) -> dict[str, Values]:
    """By name."""
    found = (mapping(each) for each in sequence(group.get("containers")))
    return {str(each.get("name")): each for each in found}


def _first(group: Values) -> Values:
    return next(iter(_containers(group).values()), {})


def _variables(container: Values) -> dict[str, Any]:
    """By name, without their values being anybody's business."""
    found = (mapping(each) for each in sequence(container.get("environmentVariables")))
    return {str(each.get("name")): each.get("value", each.get("secureValue")) for each in found}


def _image(reference: Any) -> str:
    """`diabetes@0123456789ab`; what is not known yet is built by this very update."""
    if not isinstance(reference, str) or not words.is_known(reference):
        return "the one that is built now"
    path, _, digest = reference.partition("@")
    return f"{path.rpartition('/')[2]}@{digest.removeprefix('sha256:')[:12]}" if digest else path


def _port(group: Values) -> str:
    ports = sequence(mapping(group.get("ipAddress")).get("ports"))
    return words.number(mapping(ports[0]).get("port")) if ports else "none"


def _exposure(group: Values) -> str:
    kind = str(mapping(group.get("ipAddress")).get("type") or "none")
    return _EXPOSED.get(kind, kind.lower())


def _label(group: Values) -> str:
    return words.shown(mapping(group.get("ipAddress")).get("dnsNameLabel"))


def _size(container: Values, name: str, unit: str = "") -> str:
    asked = mapping(mapping(container.get("resources")).get("requests"))
    return f"{words.number(asked.get(name))}{unit}"


def _tried(subject: Subject) -> list[str]:
    """The trial that comes before, where there is one."""
    trial = next((step for step in subject.of(TRIAL) if step.op in ("create", "update", "replace")), None)
    if trial is None:
        return []
    asked = rollout.gates(trial.new)
    told = f"gates: {asked}" if asked else "no gates: whether it starts and answers"
    return [f"tried first on a group of its own ({trial.new.get('name')}), {told}"]


def _next(subject: Subject) -> list[str]:
    """Gates that judge the next change, where nothing is tried now."""
    pairs = [(rollout.gates(step.old) or "none", rollout.gates(step.new) or "none") for step in subject.of(TRIAL)]
    return [f"next change: gates {before} → {now}" for before, now in pairs if before != now]


def with_quiet_changes(plan: Plan) -> Plan:
    """The plan with trials as updated that the engine calls unchanged, though the next one has other gates."""
    found = {urn: step for urn, step in plan.steps.items() if step.type == TRIAL and step.op == "same"}
    other_ = {
        urn: step for urn, step in found.items() if step.old and rollout.gates(step.old) != rollout.gates(step.new)
    }
    updated = {urn: dataclasses.replace(step, op="update") for urn, step in other_.items()}
    return dataclasses.replace(plan, steps={**plan.steps, **updated})
