"""How traffic moves: from whom to whom, in which steps, behind which gates, and what stays ready after it.

Owns the words for shares, steps and gates. Deliberately not what the deployments are (`deployment`).
"""

import dataclasses
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from azml_change import words
from azml_change.impact import BACK, Downtime
from azml_change.plan import Plan, Step, Values, mapping, sequence

ROLLOUT = "azml:index:Rollout"
_AT_ONCE = "at once"
_WHOLE = [100]


@dataclass
class Told:
    """What is said of an endpoint's traffic."""

    lines: list[str]
    downtime: Downtime = Downtime.none
    way_back: str | None = None


def explain(step: Step, plan: Plan) -> Told:
    """Say what becomes of the traffic; nothing where neither it nor its way changes."""
    if step.op in ("create", "replace"):
        return Told([f"traffic: {words.shares(_traffic(step.new))}, {_AT_ONCE}", *_copies({}, step.new)])
    if step.op == "delete":
        return Told([_to_nobody(_traffic(step.old))], Downtime.outage)
    before, now = _traffic(step.old), _traffic(step.new)
    newcomers = [name for name in now if name not in before] if before else []
    told = Told([*_moved(before, now, newcomers, step.new), *_copies(step.old, step.new)])
    if before and not now:
        told.downtime = Downtime.outage
    if newcomers:
        told.lines += _way(step.new, [name for name in before if name not in now])
        told.way_back = _back(step.new)
    told.lines += _settings(step.old, step.new, "from this release on" if newcomers else "next release")
    if not told.lines and step.op == "update":
        told.lines += [f"traffic: {remark}" for remark in plan.remarks_on(step.urn)] or ["traffic: set again"]
    return told


def with_quiet_changes(plan: Plan) -> Plan:
    """The plan with rollouts as updated that the engine calls unchanged, though they have other gates: none moves."""
    found = {urn: step for urn, step in plan.steps.items() if step.type == ROLLOUT and step.op == "same"}
    other = {urn: step for urn, step in found.items() if step.old and _settings(step.old, step.new, "")}
    updated = {urn: dataclasses.replace(step, op="update") for urn, step in other.items()}
    return dataclasses.replace(plan, steps={**plan.steps, **updated})


def _traffic(inputs: Values) -> dict[str, Any]:
    found = inputs.get("traffic")
    return {name: share for name, share in found.items() if share} if isinstance(found, dict) else {}


def _moved(before: dict[str, Any], now: dict[str, Any], newcomers: list[str], inputs: Values) -> list[str]:
    if before == now:
        return []
    if before and not now:
        return [_to_nobody(before)]
    leavers = [name for name in before if name not in now]
    how = _steps(inputs) if newcomers else _AT_ONCE
    if len(newcomers) == len(leavers) == 1 and now[newcomers[0]] == before[leavers[0]] and len(before) == 1:
        return [f"traffic: {newcomers[0]} takes over from {leavers[0]} {how}"]
    return [f"traffic: {words.shares(before)} → {words.shares(now)}, {how}"]


def _to_nobody(before: dict[str, Any]) -> str:
    return f"traffic: {words.shares(before)} → none: no request is answered"


def _steps(inputs: Values) -> str:
    if (steps := _percents(inputs)) == _WHOLE:
        return _AT_ONCE
    bake = words.seconds(str(inputs.get("bakeTime", "PT0S")))
    watched = f", each watched for {words.duration(inputs['bakeTime'])} but the last" if bake else ""
    return f"in steps of {_said(steps)}{watched}"


def _percents(inputs: Values) -> list[Any]:
    return sorted({*_WHOLE, *sequence(inputs.get("steps"))})


def _said(steps: list[Any]) -> str:
    return f"{', '.join(map(words.number, steps))} %"


def _way(inputs: Values, leavers: list[str]) -> list[str]:
    lines = [f"gates: {said}"] if (said := gates(inputs)) else []
    if _keeps(inputs):
        lines += [f"{name} stays ready for {words.duration(inputs['keepPrevious'])} after it" for name in leavers]
    return lines


def _keeps(inputs: Values) -> bool:
    return bool(words.seconds(str(inputs.get("keepPrevious", "PT0S"))))


def _back(inputs: Values) -> str:
    if _keeps(inputs):
        return (
            f"{BACK}; for {words.duration(inputs['keepPrevious'])} the old release is still there, and takes no steps"
        )
    return f"{BACK}; what served before becomes a new release"


def gates(inputs: Values) -> str:
    """All gates in one line; empty where there are none. Files go by their names: folders differ by machine."""
    found = mapping(inputs.get("gates"))
    asked = [name for name in ("smoke", "golden") if found.get(name)]
    said = [f"{name} ({words.counted(len(found[name]), 'request')})" for name in asked]
    if found.get("schema"):
        said.append("answers fit the schema")
    if (limit := found.get("latencyP95Ms")) is not None:
        said.append(f"95 % of the requests within {words.number(limit)} ms")
    if (ratio := found.get("maxP95Ratio")) is not None:
        said.append(f"no slower than {words.number(ratio)} times the release of before")
    if (rate := found.get("maxErrorRate")) is not None:
        said.append(f"at most {words.number(round(float(rate) * 100, 6))} % of live requests fail")
    if first := found.get("mirrorFirst"):
        bake = words.duration(str(first.get("bakeTime", "")))
        said.append(f"copies of {words.number(first.get('percent'))} % for {bake} before any live request")
    return ", ".join(said)


def _files(inputs: Values) -> list[str]:
    found = mapping(inputs.get("gates"))
    golden = [file for one in sequence(found.get("golden")) for file in one.values() if isinstance(file, str)]
    return [PurePath(file).name for file in (*sequence(found.get("smoke")), *golden)]


def _settings(old: Values, new: Values, when: str) -> list[str]:
    lines = []
    if (before := _percents(old)) != (now := _percents(new)):
        lines.append(f"{when}: steps {_said(before)} → {_said(now)}")
    for name, what in (("bakeTime", "watched at each step"), ("keepPrevious", "stays ready after it")):
        before_, now_ = (words.seconds(str(inputs.get(name, "PT0S"))) for inputs in (old, new))
        if before_ != now_:
            lines.append(f"{when}: {what}: {_time(old.get(name))} → {_time(new.get(name))}")
    if old.get("onFailure", "keep") != new.get("onFailure", "keep"):
        lines.append(f"{when}: if it fails: {old.get('onFailure', 'keep')} → {new.get('onFailure', 'keep')}")
    if gates(old) != gates(new):
        lines.append(f"{when}: gates {gates(old) or 'none'} → {gates(new) or 'none'}")
    elif _files(old) != _files(new):
        lines.append(f"{when}: gates ask other requests: {words.listed(_files(new))}")
    return lines


def _time(text: Any) -> str:
    return words.duration(text) if text and words.seconds(text) else "not at all"


def _copies(old: Values, new: Values) -> list[str]:
    before, now = (mapping(inputs.get("mirrorTraffic")) for inputs in (old, new))
    return [] if before == now else [f"copies of requests: {words.shares(before)} → {words.shares(now)}"]
