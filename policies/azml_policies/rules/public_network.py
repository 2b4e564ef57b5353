"""What serves or holds state is not open to the whole internet.

A workspace of azml has the addresses that it lets in as a resource beside it, which comes after it: it is judged once
the program has run to its end. Any other workspace is judged before it is touched.
"""

from collections.abc import Iterator

from azml_policies.rule import PASS, Resource, Rule, Run, Severity, Stack, Verdict, fail, unknown
from azml_policies.serving import on_kubernetes
from azml_policies.tokens import CONTAINERS, ENDPOINT, IMAGES, OUR_ADDRESSES, OUR_ENDPOINT, OUR_WORKSPACE
from azml_policies.values import UNKNOWN, text

WORKSPACE = "azure-native:machinelearningservices:Workspace"
REGISTRY = "azure-native:machinelearningservices:Registry"
STORAGE = "azure-native:storage:StorageAccount"
VAULT = "azure-native:keyvault:Vault"

_ACCESS = {
    ENDPOINT: ("properties", "publicNetworkAccess"),
    OUR_ENDPOINT: ("publicNetworkAccess",),
    WORKSPACE: ("publicNetworkAccess",),
    REGISTRY: ("registryProperties", "publicNetworkAccess"),
    IMAGES: ("publicNetworkAccess",),
    STORAGE: ("publicNetworkAccess",),
    VAULT: ("properties", "publicNetworkAccess"),
}
"""Where each has its switch."""
_RULES = {
    IMAGES: ("networkRuleSet", "defaultAction"),
    STORAGE: ("networkRuleSet", "defaultAction"),
    VAULT: ("properties", "networkAcls", "defaultAction"),
}
"""Where some say whom they let in."""


def judge(resource: Resource, _run: Run) -> Verdict:
    """Judge who can reach a resource."""
    if resource.type == ENDPOINT and on_kubernetes(resource) is True:
        return PASS  # the cluster's network decides
    if resource.type == CONTAINERS:
        return _address(resource)
    return PASS if _is_ours(resource) else _open(resource)


def judge_stack(stack: Stack, _run: Run) -> Iterator[tuple[Resource, Verdict]]:
    """Judge azml's workspaces together with the addresses that they let in."""
    for workspace in filter(_is_ours, stack.resources.values()):
        rules = [each for each in stack.resources.values() if _is_about(each, workspace, stack)]
        verdict = _open(workspace)
        yield workspace, _limited(rules[0], verdict) if rules and verdict != PASS else verdict


def _is_ours(resource: Resource) -> bool:
    return resource.type == WORKSPACE and OUR_WORKSPACE in resource.parents


def _is_about(each: Resource, workspace: Resource, stack: Stack) -> bool:
    return each.type == OUR_ADDRESSES and workspace.urn in stack.uses.get(each.urn, {}).get("workspaceId", ())


def _limited(addresses: Resource, otherwise: Verdict) -> Verdict:
    action = addresses.text("defaultAction")
    if action is not None and not isinstance(action, str):
        return unknown("whom it lets in is not known.")
    return PASS if action is not None and action.lower() == "deny" else otherwise


def _open(resource: Resource) -> Verdict:
    """Judge by what a resource says itself."""
    path = _ACCESS[resource.type]
    access = text(resource.at(*path))
    if access is not None and not isinstance(access, str):
        return unknown(f"its {path[-1]} is not known.")
    if access is not None and access.lower() != "enabled":
        return PASS
    rules = text(resource.at(*_RULES[resource.type])) if resource.type in _RULES else None
    if rules is not None and not isinstance(rules, str):
        return unknown("whom it lets in is not known.")
    if rules is not None and rules.lower() == "deny":
        return PASS
    said = f"is {access}" if access else "is not given, which Azure takes for Enabled"
    return fail(f"{path[-1]} {said}, and nothing limits who can reach it.")


def _address(group: Resource) -> Verdict:
    """A container group is reached at its address, if it has one; nothing in front of it lets some in only."""
    if group.at("ipAddress") is None:
        return PASS
    kind = text(group.at("ipAddress", "type"))
    if not isinstance(kind, str):
        return unknown("whether its address is public is not known.", later=kind is UNKNOWN)
    if kind.lower() == "private":
        return PASS
    return fail(
        f"its ipAddress is {kind}, and nothing limits who can reach it.", "subnetIds and ipAddress type Private"
    )


RULE = Rule(
    id="public-network",
    title="What serves or holds state is not open to the whole internet",
    severity=Severity.HIGH,
    cause=(
        "publicNetworkAccess Enabled, or absent, on an online endpoint, workspace, ML registry, container registry,"
        " storage account or key vault, without network rules that deny by default; a container group whose address is"
        " public. For a workspace of azml's component the addresses beside it (network_acls) count as such rules."
    ),
    explanation=(
        "A password or key is then all that stands between anybody and the model, its data and its secrets. Endpoints"
        " on Kubernetes are not judged: the cluster's network decides. What a workspace of azml lets in is known once"
        " the program has run to its end: a preview refuses it, and so the one that comes before an update; without it"
        " (--skip-preview) the update ends with the refusal."
    ),
    remedy="publicNetworkAccess: Disabled with a private endpoint, or network rules with defaultAction: Deny",
    types=frozenset({*_ACCESS, CONTAINERS}),
    remembers=frozenset({OUR_ADDRESSES}),
    judge=judge,
    judge_stack=judge_stack,
)
