"""Plans as the engine's `preview --json` prints them, made of as little as a test says.

Owns the document's shape, seen in recorded plans (`tests/unit/change/recorded`).
"""

import json
from pathlib import Path
from typing import Any

from azml_change.plan import Plan
from azml_change.report import Report, explain

RECORDED = Path(__file__).parents[1] / "unit" / "change" / "recorded"
STACK = "urn:pulumi:dev::serving::pulumi:pulumi:Stack::serving-dev"
ENDPOINT = "azml:index:ManagedOnlineEndpoint"
DEPLOYMENT = "azml:index:ManagedOnlineDeployment"
ROLLOUT = "azml:index:Rollout"
COMPONENT = "azml:index:OnlineEndpoint"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers"


def urn(type_: str, name: str) -> str:
    """A resource's, without its parents' types."""
    return f"urn:pulumi:dev::serving::{type_}::{name}"


def step(
    op: str,
    type_: str,
    name: str,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
    *,
    parent: str = STACK,
    diff: dict[str, str] | None = None,
    sources: dict[str, list[str]] | None = None,
    outputs: dict[str, Any] | None = None,
    id_: str = "",
) -> dict[str, Any]:
    """One step. `diff`: kinds by path; `sources`: URNs by input."""
    common = {"urn": urn(type_, name), "type": type_, "custom": True, "parent": parent}
    state = {**common, "propertyDependencies": sources or {}}
    made: dict[str, Any] = {"op": op, "urn": common["urn"]}
    if op not in ("create", "create-replacement"):
        made["oldState"] = {**state, "id": id_ or f"{GROUP}/{name}", "inputs": old or {}, "outputs": outputs or {}}
    if op not in ("delete", "delete-replaced"):
        made["newState"] = {**state, "inputs": old or {} if new is None else new}
    if diff is not None:
        made["detailedDiff"] = {path: {"kind": kind, "inputDiff": True} for path, kind in diff.items()}
        made["diffReasons"] = [path.partition(".")[0] for path in diff]
        made["replaceReasons"] = [path for path, kind in diff.items() if kind.endswith("-replace")]
    return made


def reported(*steps: dict[str, Any], stack: str = "dev", **more: Any) -> Report:
    """Explain a plan of these steps."""
    return explain(Plan.read(stack, {"steps": list(steps)}, **more))


def recorded(name: str) -> dict[str, Any]:
    """A plan that the real engine made."""
    return dict(json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8")))
