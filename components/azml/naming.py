"""Names of what azml makes, where the estate gives none.

Owns how they are made: readable first, unique by a hash of where they stand (as `uniqueString(resourceGroup().id)` in
Bicep), within Azure's rules. Deliberately holds no rule of its own (`azml.facts.names`).
"""

import hashlib
import re

from azml.facts import names
from azml.facts.names import NameRule

UNIQUE_LENGTH = 10
"""Characters of the unique part: 36 to the power of it is 51 bits, over names that are taken once in all of Azure."""
RELEASE_LENGTH = 8
"""Characters of a release in a deployment's name: 32 bits, among the releases of one deployment."""


def unique(place: str) -> str:
    """Lowercase letters and digits that stand for a place, for example the ARM id of a resource group, in any case."""
    number = int.from_bytes(hashlib.sha256(place.lower().encode()).digest())
    digits = ""
    for _ in range(UNIQUE_LENGTH):
        number, digit = divmod(number, 36)
        digits += "0123456789abcdefghijklmnopqrstuvwxyz"[digit]
    return digits


def storage_account(workspace: str, place: str) -> str:
    """Name of the workspace's storage account: lowercase letters and digits, 24 at most. `place` is its group's id."""
    return _within(names.STORAGE_ACCOUNT, "st" + _alphanumeric(workspace), _in_group(workspace, place))


def container_registry(workspace: str, place: str) -> str:
    """Name of the workspace's registry: letters and digits, 50 at most."""
    return _within(names.CONTAINER_REGISTRY, "cr" + _alphanumeric(workspace), _in_group(workspace, place))


def key_vault(workspace: str, place: str) -> str:
    """Name of the workspace's key vault: no two dashes together, 24 at most."""
    base = re.sub(r"[^a-zA-Z0-9]+", "-", f"kv-{workspace}").strip("-")
    return _within(names.KEY_VAULT, base, f"-{_in_group(workspace, place)}")


def log_analytics(workspace: str) -> str:
    """Name of the workspace's logs: letters, digits and inner dashes. Unique in a resource group only."""
    return _within(names.LOG_ANALYTICS, re.sub(r"[^a-zA-Z0-9]+", "-", f"log-{workspace}").strip("-"), "")


def release(deployment: str, digest: str) -> str:
    """Name of one release of a deployment: its name, cut where it must be, and the release."""
    return _within(names.ONLINE_DEPLOYMENT, deployment, f"-{digest[:RELEASE_LENGTH]}")


def registry_token(does: str, stack: str) -> str:
    """Name of a token in a registry that several stacks may share; `does` is push or pull."""
    return f"azml-{does}-{unique(stack)}"


def dns_name_label(service: str, group: str) -> str:
    """DNS label of a container service, once in a region: the service's name, and where it stands."""
    return _within(names.DNS_NAME_LABEL, service, f"-{_in_group(service, group)}")


def container_group(service: str, ending: str) -> str:
    """Name of a container group beside that of a service."""
    return _within(names.CONTAINER_GROUP, service, ending)


def _in_group(workspace: str, group: str) -> str:
    """The unique part for a workspace in a group: what is left of two long names of one group may be the same."""
    return unique(f"{group}/{workspace}")


def _within(rule: NameRule, base: str, ending: str) -> str:
    return base[: rule.longest - len(ending)].rstrip("-") + ending


def _alphanumeric(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
