"""Container services and serving images: what becomes of the one group that serves, and what is built.

Owns the words for image, size, variables and settings of a service, and what Container Instances do in place.
azure-native keeps all of a group's containers secret where one of their variables is; what a service is to become is
then read from its trial, which says it openly. Deliberately judges no gate.
"""

from typing import Any

from azml_change import other, words
from azml_change.impact import BACK, Downtime, Explanation
from azml_change.plan import Step, Values, mapping, sequence
from azml_change.serving import GROUP, TRIAL, Subject

KEYS = "azml:index:ServiceKeys"
IMAGE = "docker:index/image:Image"
_NAMES = {"restartPolicy": "restart policy", "priority": "priority", "zones": "zones", "subnetIds": "subnet"}
_PROBES = {"livenessProbe": "liveness probe", "readinessProbe": "readiness probe"}
_GATES = {"smoke": "smoke", "golden": "golden"}


def explain_service(subject: Subject) -> Explanation:
    """Say what becomes of one container service."""
    group = subject.main
    keys_go = any(step.op in ("replace", "delete") for step in subject.of(KEYS))
    op = group.op if group is not None else "same"
    if op == "create":
        return _told(
            subject, Downtime.none, [_new(_container(_open(subject, group, "new"))), *_tried(subject)], BACK, op
        )
    if op == "delete":
        return _told(subject, Downtime.outage, ["deleted, with its URL and keys"], f"{BACK}; with new keys", op)
    lines = _differences(subject, group)
    if keys_go:
        lines.append("keys: made anew; clients need the new ones")
    lines += other.tags(subject.of(GROUP))
    if op == "same":
        return _told(subject, Downtime.none, lines, BACK, op)
    lines = lines or ["secret values changed, or settings that only Azure tells apart"]
    if op == "replace":
        then = "made again, and the old group goes first: nobody answers until the new one is ready; URL and keys stay"
        return _told(subject, Downtime.outage, [*lines, *_tried(subject), f"then {then}"], f"{BACK}; made again", op)
    then = "restarted in place: nobody answers until the container is ready again; URL and keys stay"
    back = f"{BACK}; restarted in place again"
    return _told(subject, Downtime.brief, [*lines, *_tried(subject), f"then {then}"], back, op)


def explain_image(subject: Subject) -> Explanation:
    """Say what becomes of one serving image."""
    step = next(iter(subject.of(IMAGE)), None)
    op = "same" if step is None else step.op
    lines = {
        "create": ["new: built and pushed"],
        "update": ["built and pushed anew; the images of before stay in the registry"],
        "replace": ["built and pushed anew; the images of before stay in the registry"],
        "delete": ["no longer built; what was pushed stays in the registry"],
    }.get(op, [])
    return _told(subject, Downtime.none, lines, BACK, op)


def _told(subject: Subject, downtime: Downtime, lines: list[str], back: str, op: str) -> Explanation:
    return Explanation(subject.kind, subject.name, downtime, lines, back, op=op)


def _new(container: Values) -> str:
    return f"new: cpu {_size(container, 'cpu')}, memory {_size(container, 'memoryInGB', ' GB')}"


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
    old, new = _container(before), _container(now)
    pairs = [
        ("image", _image(old.get("image")), _image(new.get("image"))),
        ("cpu", _size(old, "cpu"), _size(new, "cpu")),
        ("memory", _size(old, "memoryInGB", " GB"), _size(new, "memoryInGB", " GB")),
        *((word, words.shown(before.get(name)), words.shown(now.get(name))) for name, word in _NAMES.items()),
        ("port", _port(before), _port(now)),
        ("address", _exposure(before), _exposure(now)),
    ]
    lines = [f"{word} {one} → {another}" for word, one, another in pairs if one != another]
    if said := words.keys(_variables(old), _variables(new)):
        lines.append(f"variables: {said}")
    return lines + [f"{word} changed" for name, word in _PROBES.items() if old.get(name) != new.get(name)]


def _container(group: Values) -> Values:
    found = sequence(group.get("containers"))
    return mapping(found[0]) if found else {}


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
    return str(mapping(group.get("ipAddress")).get("type") or "none").lower()


def _size(container: Values, name: str, unit: str = "") -> str:
    asked = mapping(mapping(container.get("resources")).get("requests"))
    return f"{words.number(asked.get(name))}{unit}"


def _tried(subject: Subject) -> list[str]:
    """The trial that comes before, where there is one."""
    trial = next((step for step in subject.of(TRIAL) if step.op in ("create", "update", "replace")), None)
    if trial is None:
        return []
    gates = mapping(trial.new.get("gates"))
    asked = [f"{word} ({words.counted(len(found), 'request')})" for name, word in _GATES.items()
             if (found := sequence(gates.get(name)))]  # fmt: skip
    asked += ["schema"] if gates.get("schema") else []
    asked += [f"95 % within {words.number(gates['latencyP95Ms'])} ms"] if gates.get("latencyP95Ms") else []
    told = f"gates: {', '.join(asked)}" if asked else "no gates: whether it starts and answers"
    return [f"tried first on a group of its own ({trial.new.get('name')}), {told}"]
