"""Online endpoints and deployments as rules see them, azure-native's and azml's alike.

Owns where the same thing stands in the two, and nothing else.
"""

from typing import Any

from azml_policies.rule import Resource
from azml_policies.tokens import OUR_DEPLOYMENT, OUR_ENDPOINT, OUR_ENVIRONMENT, ROLLOUT
from azml_policies.values import UNKNOWN

_FLAT = frozenset({OUR_ENDPOINT, OUR_DEPLOYMENT, OUR_ENVIRONMENT, ROLLOUT})


def setting(resource: Resource, *path: str) -> Any:
    """A property of the thing itself: azure-native has it under `properties`, azml at the top."""
    return resource.at(*path) if resource.type in _FLAT else resource.at("properties", *path)


def instances(resource: Resource) -> Any:
    """How many instances a deployment has."""
    return resource.at("instanceCount") if resource.type in _FLAT else resource.at("sku", "capacity")


def on_kubernetes(resource: Resource) -> Any:
    """Whether a deployment or an endpoint is on a cluster of one's own; UNKNOWN where that cannot be told."""
    if resource.type in _FLAT:
        return False
    kind, compute = setting(resource, "endpointComputeType"), setting(resource, "compute")
    if UNKNOWN in (kind, compute):
        return UNKNOWN
    return compute is not None or str(kind).lower() == "kubernetes"
