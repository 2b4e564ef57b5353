"""What a plan lists and nobody changed: another spelling, another order, values that an update in place leaves alone.

Owns what counts as the same. Never calls the delete or the replacement of what holds state noise (`impact`).
"""

import dataclasses
import json
from typing import Any

from azml_change import words
from azml_change.impact import STATEFUL
from azml_change.plan import Plan, Step

_SETS = frozenset(
    {
        "ipRules",
        "userAssignedIdentities",
        "virtualNetworkRules",
        "accessPolicies",
        "regionDetails",
        "zones",
        "locations",
    }
)
"""Lists whose order means nothing."""
_HIDDEN = "__"
"""How azure-native begins inputs of its own."""
_OTHER_WHO = frozenset({"identity", "kind"})
"""Changes in place after which a resource may have another principal."""

_OF_AZURE = ("azure-native:", "azml:")
_OTHER_RESULTS = frozenset(
    {
        *(f"azure-native:resources:{name}" for name in ("Deployment", "AzureCliScript", "AzurePowerShellScript")),
        "azml:index:ImageAlias",
    }
)
"""Types of Azure that an update in place gives other results; a resource there keeps its id, names and addresses else.
What other providers have, an image that is built or a command that is run, is nothing of the kind."""


def without(plan: Plan) -> tuple[Plan, int]:
    """The plan with noise as `same`, and how many steps were noise."""
    quiet = {urn for urn, step in plan.steps.items() if _is_noise(step, plan)}
    steps = {urn: dataclasses.replace(step, op="same") if urn in quiet else step for urn, step in plan.steps.items()}
    return dataclasses.replace(plan, steps=steps), len(quiet)


def changed(step: Step) -> list[str]:
    """Inputs and outputs whose change is one, at the top level, in the order of the plan."""
    heads = dict.fromkeys(head(path) for path in step.paths) or dict.fromkeys(sorted(step.old.keys() | step.new.keys()))
    return [name for name in heads if name in _told(step) or not _same(name, step.old.get(name), step.new.get(name))]


def head(path: str) -> str:
    """The top level of a path."""
    return path.partition(".")[0].partition("[")[0]


def _told(step: Step) -> set[str]:
    """What the provider knows to differ though its values look the same: live values, and secrets."""
    drifted = {head(path) for path in step.drifted}
    secret = {head(path) for path in step.paths if words.is_secret(step.new.get(head(path)))}
    return drifted | secret


def _is_noise(step: Step, plan: Plan) -> bool:
    if step.op == "update":
        return step.protect == step.was_protected and all(_stays(name, step, plan) for name in changed(step))
    if step.op == "replace" and step.type not in STATEFUL:
        return bool(step.reasons) and all(_stays(head(name), step, plan) for name in (*step.reasons, *changed(step)))
    return False


def _stays(name: str, step: Step, plan: Plan) -> bool:
    """Whether an input is unknown for no other reason than that what it comes from is updated in place."""
    if words.is_known(step.new.get(name)) or name in _told(step):
        return name not in _told(step) and _same(name, step.old.get(name), step.new.get(name))
    sources = [plan.steps[urn] for urn in step.sources.get(name, ()) if urn in plan.steps]
    return bool(sources) and all(_keeps_its_names(source) for source in sources)


def _keeps_its_names(step: Step) -> bool:
    if step.op != "update":
        return step.op == "same"
    stable = step.type.startswith(_OF_AZURE) and step.type not in _OTHER_RESULTS
    return stable and not _OTHER_WHO & {*changed(step)}


def _same(name: str, old: Any, new: Any) -> bool:
    return name.startswith(_HIDDEN) or _meaning(name, old) == _meaning(name, new)


def _meaning(name: str, value: Any) -> Any:
    """What a value says to Azure: ids and locations ignore case, PT90S is PT1M30S, sets have no order."""
    if isinstance(value, dict):
        return {key: _meaning(key, item) for key, item in value.items() if not key.startswith(_HIDDEN)}
    if isinstance(value, list):
        items = [_meaning(name, item) for item in value]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) if name in _SETS else items
    if isinstance(value, str):
        if name == "location":
            return value.replace(" ", "").lower()
        length = words.seconds(value)
        return value.lower() if value.lower().startswith("/subscriptions/") else value if length is None else length
    return value
