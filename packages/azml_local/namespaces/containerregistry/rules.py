"""What a registry's data plane is told: its rules, put together from the registry, its scope maps and its tokens."""

from datetime import UTC, datetime

from azml_local import tokens
from azml_local.arm.ids import ResourceId, parse_id
from azml_local.arm.store import Resource
from azml_local.azure import Azure
from azml_local.namespaces.authorization import assigned, is_at_or_above
from azml_local.registry import Grant, Password, Rules, User
from azml_local.registry.rules import EVERYTHING, READING, hash_of

REGISTRY = "Microsoft.ContainerRegistry/registries"
SCOPE_MAP = f"{REGISTRY}/scopeMaps"
TOKEN = f"{REGISTRY}/tokens"
DATA_PLANE = "https://containerregistry.azure.net"
"""What a Microsoft Entra token for registries is for, where ARM's own is not taken."""


_ROLES = {
    "AcrPull": READING,
    "Reader": READING,
    "AcrPush": READING | {"push", "metadata_write"},
    "Contributor": EVERYTHING,
    "Owner": EVERYTHING,
}
"""What roles allow in the data plane (container-registry-roles)."""


def refresh_at(azure: Azure, scope: ResourceId | None, without: ResourceId | None = None) -> None:
    """Tell the data planes of the registries in a scope that roles changed; `without` is about to be gone."""
    for registry in azure.store.below(None, REGISTRY):
        if is_at_or_above(scope, registry.id) and azure.registries.address(registry.id.name) is not None:
            azure.registries.put(rules_of(azure, registry, without), 0)


def refresh(azure: Azure, within: ResourceId, without: ResourceId | None = None) -> None:
    """Tell the data plane of the registry that a resource is in; `without` is about to be gone."""
    registry = azure.store.get(within.ancestor(REGISTRY) or within)
    if registry is not None and azure.registries.address(registry.id.name) is not None:
        azure.registries.put(rules_of(azure, registry, without), 0)


def rules_of(azure: Azure, registry: Resource, without: ResourceId | None = None) -> Rules:
    """Put the rules of a registry together."""
    from azml_local.namespaces.containerregistry.scope_maps import ScopeMaps, grants

    gone = "" if without is None else without.key
    maps = ScopeMaps(azure)

    def granted(token: Resource) -> tuple[Grant, ...]:
        id_ = token.properties.get("scopeMapId")
        place = parse_id(id_) if id_ else None
        found = maps.find(place) if place else None
        return () if found is None or found.id.key == gone else grants(found.properties["actions"])

    users = {
        token.id.name.lower(): User(
            enabled=token.properties["status"] == "enabled",
            passwords=tuple(Password(**one) for one in token.hidden.get("passwords", {}).values()),
            grants=granted(token),
        )
        for token in azure.store.below(registry.id, TOKEN)
        if token.id.key != gone
    }
    admin = registry.hidden["passwords"] if registry.properties["adminUserEnabled"] else []
    return Rules(
        name=registry.id.name,
        reachable=azure.settings.registry_network == "inside" or _is_open(registry),
        anonymous_pull=registry.properties["anonymousPullEnabled"],
        admin=tuple(Password(hash_of(password)) for password in admin),
        users=users,
        identities=_identities(azure, registry, without),
        audiences=(DATA_PLANE, *(() if _refuses_arm_tokens(registry) else (*tokens.ARM, azure.url))),
    )


def _identities(azure: Azure, registry: Resource, without: ResourceId | None) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for principal, role in assigned(azure, registry.id, without):
        found[principal] = found.get(principal, frozenset()) | _ROLES.get(role, frozenset())
    return found


def _is_open(registry: Resource) -> bool:
    """Whether a machine outside of all its networks may come in. No IP rule names the loopback."""
    network = registry.properties.get("networkRuleSet", {})
    return registry.properties["publicNetworkAccess"] != "Disabled" and bool(network.get("defaultAction") != "Deny")


def _refuses_arm_tokens(registry: Resource) -> bool:
    policy = registry.properties.get("policies", {}).get("azureADAuthenticationAsArmPolicy", {})
    return bool(policy.get("status") == "disabled")


def now() -> str:
    """Write the time as registries do."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
