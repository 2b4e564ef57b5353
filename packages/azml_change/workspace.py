"""A workspace or a registry, and what it stands on: what is made, replaced, deleted, and which settings change.

Owns the words for parts. Deliberately not what is lost with them (`impact`).
"""

from collections import Counter
from collections.abc import Iterable

from azml_change import assets, identity, network, other, words
from azml_change.endpoint import reasons
from azml_change.impact import BACK_EMPTY, Downtime, Explanation, azure_name, losses
from azml_change.plan import Plan, Step
from azml_change.serving import MAIN, Subject

_ROLE = "azure-native:authorization:RoleAssignment"
_ADDRESSES = "azml:index:WorkspaceNetworkAcls"
_CLAIM = "azml:index:NameClaim"
PARTS = {
    "azure-native:resources:ResourceGroup": ("resource group", "resource groups"),
    "azure-native:storage:StorageAccount": ("storage account", "storage accounts"),
    "azure-native:keyvault:Vault": ("key vault", "key vaults"),
    "azure-native:operationalinsights:Workspace": ("Log Analytics workspace", "Log Analytics workspaces"),
    "azure-native:applicationinsights:Component": ("Application Insights", "Application Insights"),
    "azure-native:containerregistry:Registry": ("container registry", "container registries"),
    "azure-native:managedidentity:UserAssignedIdentity": ("identity", "identities"),
    _ROLE: ("role", "roles"),
    _ADDRESSES: ("address list", "address lists"),
    assets.MODEL: ("model", "models"),
    assets.ENVIRONMENT: ("environment", "environments"),
    assets.DATA: ("data asset", "data assets"),
    assets.CODE: ("code", "code"),
    _CLAIM: ("look for a deleted one of its name", "looks for deleted ones of these names"),
}
"""Words for one and for several, in the order in which they are said."""
_RANK = {type_: rank for rank, type_ in enumerate(PARTS)}
_WITH = {"create": "new, with", "delete": "deleted, with", "replace": "replaced with it:"}
_ALONE = {"replace": "replaced:", "delete": "deleted:", "create": "new:"}
_SERVES = frozenset({"azure-native:managedidentity:UserAssignedIdentity"})
"""Parts without which running instances cannot read what they need."""


def explain(subject: Subject, plan: Plan) -> Explanation:
    """All that changes about a workspace or a registry."""
    told = Explanation(subject.kind, subject.name, Downtime.none, [])
    told.lost = tuple(losses(subject.steps))
    main, parts = subject.main, _parts(subject, plan)
    told.op = main.op if main is not None and main.op != "same" else "update"
    if told.lost:
        told.downtime, told.way_back = Downtime.outage, BACK_EMPTY
    elif any(step.op in ("delete", "replace") and step.type in _SERVES for step in parts):
        told.downtime = Downtime.brief
    told.lines += _itself(main, parts)
    for op, begin in _ALONE.items():
        if op != told.op and (found := [step for step in parts if step.op == op]):
            told.lines.append(f"{begin} {kinds(found)}")
    for step in parts:
        if step.op == "update":
            told.lines += _updated(step, plan)
    told.lines += other.tags([step for step in subject.changes if step.op == "update"])
    told.lines += protection(subject.changes)
    return told


def _itself(main: Step | None, parts: list[Step]) -> list[str]:
    if main is None or main.op == "same":
        return []
    if main.op == "update":
        lines = [*network.of_workspace(main.old, main.new), *identity.of(main.old, main.new)]
        return lines + other.properties(main, ("publicNetworkAccess", "identity"))
    beside = kinds([step for step in parts if step.op == main.op])
    if main.op == "replace":
        return [f"replaced: {reasons(main)}", *([f"replaced with it: {beside}"] if beside else [])]
    return [f"{_WITH[main.op]} {beside}" if beside else _ALONE[main.op].removesuffix(":")]


def _parts(subject: Subject, plan: Plan) -> list[Step]:
    """What changes besides the thing itself; versions that endpoints run are said there."""
    run = assets.used(plan)
    main = subject.main
    moved = main is not None and main.op in ("create", "delete", "replace")
    found = []
    for step in subject.changes:
        name = f"{step.inputs.get('name')} {step.inputs.get('version')}"
        if step is main or (
            step.type in assets.KINDS and not moved and step.op != "update" and _is_said(step, name, run, subject)
        ):
            continue
        found.append(step)
    return sorted(found, key=lambda step: (_RANK.get(step.type, len(_RANK)), step.urn))


def _is_said(step: Step, name: str, run: set[str], subject: Subject) -> bool:
    """Whether a version is one that a deployment goes to, or leaves for such a one."""
    if step.op == "create":
        return name in run
    successors = (each for each in subject.of(step.type) if each.op == "create")
    return any(each.new.get("name") == step.old.get("name") for each in successors)


def protection(steps: list[Step]) -> list[str]:
    """What may be deleted or replaced from now on, and what may not any more."""
    updated = [step for step in steps if step.op == "update" and step.protect != step.was_protected]
    freed, kept = [step for step in updated if not step.protect], [step for step in updated if step.protect]
    lines = [f"no longer protected from delete and replace: {kinds(freed)}"] if freed else []
    return [*lines, *([f"protected from delete and replace: {kinds(kept)}"] if kept else [])]


def kinds(steps: Iterable[Step]) -> str:
    """`key vault, 6 roles`."""
    found = Counter(step.type for step in steps)
    ranked = sorted(found, key=lambda type_: (_RANK.get(type_, len(_RANK)), type_))
    said = []
    for type_ in ranked:
        name = MAIN.get(type_, type_.rpartition(":")[2])
        one, several = PARTS.get(type_, (name, name))
        said.append(
            one if found[type_] == 1 and type_ != _ROLE else f"{found[type_]} {one if found[type_] == 1 else several}"
        )
    return words.listed(said, len(PARTS))


def _updated(step: Step, plan: Plan) -> list[str]:
    if step.type == _ADDRESSES and (lines := network.of_addresses(step.old, step.new)):
        return lines
    what = f"{PARTS.get(step.type, (step.type,))[0]} {_named(step)}"
    lines = other.properties(step)
    remarks = plan.remarks_on(step.urn) if step.drifted else []
    return [f"{what}: {line}" for line in (remarks or lines)]


def _named(step: Step) -> str:
    if step.type in assets.KINDS:
        return f"{step.inputs.get('name')} {step.inputs.get('version')}"
    return azure_name(step)
