"""What serves or holds state is not open to the whole internet."""

from azml_policies.rule import PASS, Resource, Rule, Run, Severity, Verdict, fail, unknown
from azml_policies.serving import on_kubernetes
from azml_policies.tokens import CONTAINERS, ENDPOINT, IMAGES, OUR_ENDPOINT
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
        " public."
    ),
    explanation=(
        "A password or key is then all that stands between anybody and the model, its data and its secrets. Endpoints"
        " on Kubernetes are not judged: the cluster's network decides."
    ),
    remedy="publicNetworkAccess: Disabled with a private endpoint, or network rules with defaultAction: Deny",
    types=frozenset({*_ACCESS, CONTAINERS}),
    judge=judge,
)
