"""Deployments: what a new release runs, what an old one is updated to, in place or beside it.

Owns the words for model, code, environment, variables, size and instances. Deliberately not who gets requests
(`rollout`).
"""

from dataclasses import dataclass
from typing import Any

from azml_change import assets, words
from azml_change.impact import BACK_IN_PLACE, Downtime
from azml_change.noise import changed
from azml_change.plan import UNKNOWN, Step, Values, mapping

_SCALED = frozenset({"instanceCount", "sku"})
_LABELS = frozenset({"tags", "description", "onFailure"})
_SETTINGS = {
    "requestSettings": "requests",
    "livenessProbe": "liveness probe",
    "readinessProbe": "readiness probe",
    "appInsightsEnabled": "Application Insights",
    "egressPublicNetworkAccess": "reaches the internet",
    "modelMountPath": "model mount path",
    "scoringScript": "scoring script",
    "description": "description",
    "properties": "properties",
}
IN_PLACE = "updated in place, 20 % of its instances at a time, without gates"


@dataclass
class Told:
    """What is said of one deployment."""

    lines: list[str]
    downtime: Downtime = Downtime.none
    way_back: str | None = None
    released: bool = False
    """Whether it is a new release beside an old one."""


def stable_name(step: Step) -> str:
    """Its name in the program, the same for all its releases."""
    return str(step.inputs.get("deployment") or name(step))


def name(step: Step) -> str:
    """Its name in Azure."""
    return str(step.inputs.get("name") or step.inputs.get("deploymentName") or step.name)


def size(inputs: Values) -> str:
    """`3 × Standard_DS3_v2`."""
    inner = mapping(inputs.get("onlineDeploymentProperties"))
    count = inputs.get("instanceCount", mapping(inputs.get("sku")).get("capacity", 1))
    return f"{words.number(count)} × {inputs.get('instanceType') or inner.get('instanceType') or 'the default size'}"


def explain(steps: list[Step], environments: dict[str, Step], remarks: list[str]) -> Told:
    """Say what becomes of one deployment: `steps` are its releases that change."""
    stable = stable_name(steps[0])
    new = next((step for step in steps if step.op == "create"), None)
    old = next((step for step in steps if step.op == "delete"), None)
    if new is not None and old is not None:
        beside = f"new release {name(new)} beside {name(old)}; {size(new.new)} more while both are there"
        differing = differences(old.old, new.new, environments)
        return Told([f"{stable}: {line}" for line in (beside, *differing)], released=True)
    (step,) = steps[:1]
    if step.op == "create":
        return Told([f"{stable}: new, {size(step.new)}"])
    if step.op == "delete":
        return Told([f"{stable}: deleted"])
    if step.op == "replace":
        return Told(
            [f"{stable}: made again, {size(step.new)}", *_prefixed(stable, step, environments)], Downtime.outage
        )
    return _updated(stable, step, environments, remarks)


def _updated(stable: str, step: Step, environments: dict[str, Step], remarks: list[str]) -> Told:
    names = {*changed(step)}
    lines = _prefixed(stable, step, environments)
    unsaid = [remark for remark in remarks if not lines]
    if names <= _SCALED | _LABELS:
        return Told(lines or [f"{stable}: {remark}" for remark in unsaid])
    told = [f"{stable}: {IN_PLACE}", *lines, *(f"{stable}: {remark}" for remark in unsaid)]
    return Told(told, Downtime.brief, BACK_IN_PLACE)


def _prefixed(stable: str, step: Step, environments: dict[str, Step]) -> list[str]:
    return [f"{stable}: {line}" for line in differences(step.old, step.new, environments, set(step.paths))]


def differences(old: Values, new: Values, environments: dict[str, Step], paths: set[str] | None = None) -> list[str]:
    """What the inputs of two releases, or of one before and after, differ in. `paths`: what the provider says."""
    lines = []
    for key, word, say in (("model", "model", assets.name_and_version), ("codeId", "code", assets.version)):
        lines += _line(word, old.get(key), new.get(key), say)
    lines += _line("scoring script", old.get("scoringScript"), new.get("scoringScript"), words.shown)
    before, now = old.get("environmentId"), new.get("environmentId")
    if said := _line("environment", before, now, assets.name_and_version):
        lines += [*said, *assets.inside(before, now, environments)]
    lines += _variables(old, new, paths or set())
    lines += _line("size", old.get("instanceType"), new.get("instanceType"), str)
    lines += _line("instances", old.get("instanceCount"), new.get("instanceCount"), words.number)
    for key, word in _SETTINGS.items():
        if key != "scoringScript":
            lines += _setting(word, old.get(key), new.get(key), key)
    return lines + _collected(old, new) + _raw(old, new)


def _line(word: str, before: Any, now: Any, say: Any) -> list[str]:
    if before == now or UNKNOWN in (before, now) or (isinstance(before, str) and before.lower() == str(now).lower()):
        return []
    return [f"{word} {say(before)} → {say(now)}"]


def _variables(old: Values, new: Values, paths: set[str]) -> list[str]:
    before, now = (mapping(inputs.get("environmentVariables")) for inputs in (old, new))
    if not isinstance(before, dict) or not isinstance(now, dict):
        return [] if before == now else ["variables: changed"]
    whole = "environmentVariables" in paths and before == now
    secret = [key for key, value in now.items() if words.is_secret(value)]
    also = [key for key in now if f"environmentVariables.{key}" in paths] or (secret if whole else [])
    said = words.keys(before, now, also)
    return [f"variables: {said}"] if said else []


def _setting(word: str, before: Any, now: Any, key: str) -> list[str]:
    if before == now or not words.is_known(now):
        return []
    if isinstance(before, dict) and isinstance(now, dict):
        inner = [(each, before.get(each), now.get(each)) for each in sorted(before.keys() | now.keys())]
        return [f"{word}: {each} {_said(was, each)} → {_said(is_, each)}" for each, was, is_ in inner if was != is_]
    return [f"{word}: {_said(before, key)} → {_said(now, key)}"]


def _said(value: Any, key: str) -> str:
    return (
        words.duration(value)
        if isinstance(value, str) and words.seconds(value) is not None
        else words.shown(value, key)
    )


def _collected(old: Values, new: Values) -> list[str]:
    before, now = (mapping(inputs.get("dataCollector")) for inputs in (old, new))
    if before == now or not words.is_known(now):
        return []
    said = words.keys(mapping(before.get("collections")), mapping(now.get("collections")))
    return [f"data collector: {said or 'changed'}"]


def _raw(old: Values, new: Values) -> list[str]:
    """What azure-native has in other places than azml."""
    lines = _line(
        "instances", mapping(old.get("sku")).get("capacity"), mapping(new.get("sku")).get("capacity"), words.number
    )
    before, now = (mapping(inputs.get("onlineDeploymentProperties")) for inputs in (old, new))
    if before and now and before != now:
        code = [mapping(each.get("codeConfiguration")) for each in (before, now)]
        flat = [{**each, **own} for each, own in zip((before, now), code, strict=True)]
        lines += differences(flat[0], flat[1], {})
    return lines
