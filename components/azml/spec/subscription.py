"""A registry of another subscription, in which a stack would have to make something.

Owns what files tell of it: a registry whose images the stack builds or pulls gets tokens, and azure-native makes those
in the stack's own subscription and in no other. Deliberately asks nobody: where the stack file does not name the
subscription, the program finds out (`azml.estate_images`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from azml.spec.errors import Problem
from azml.spec.reader import read
from azml.spec.service_image import host_of
from azml.spec.stack import StackSpec
from azml.spec.tree import Node, follow

_KEY = "azure-native:subscriptionId"
AT = "container_registry.existing"
WHAT = "is in another subscription than the stack, which cannot make the tokens there that push and pull its images"
FIX = (
    "name a registry of the stack's subscription; or build the images in a stack of the registry's own subscription, "
    "and name them here in full, as image: HOST/NAME@sha256:DIGEST, with an identity that may pull (AcrPull)"
)


def elsewhere(directory: Path, stack: str, tree: Node, spec: StackSpec) -> Iterator[Problem]:
    """Find the registry where it is known to be elsewhere. `tree` and `spec` are the stack's estate."""
    registry = registry_with_tokens(spec)
    stack_file = read((directory / f"Pulumi.{stack}.yaml").resolve())
    own = stack_file.map.get("config", stack_file).map.get(_KEY)
    if registry is None or own is None or not isinstance(own.value, str) or is_in(registry, own.value):
        return
    node, _ = follow(tree, AT.split("."))
    allowed = f"one in subscription {own.value}, as {_KEY} says"
    yield Problem(WHAT, node.file, *node.at, path=AT, value=registry, allowed=allowed, fix=FIX)


def registry_with_tokens(spec: StackSpec) -> str | None:
    """ARM id of a registry that exists and that the stack makes tokens in; None where there is none."""
    block = spec.container_registry
    if block is None or block.existing is None:
        return None
    pulls = any(host_of(service.image) is None for service in spec.container_services)
    return block.existing if block.images or pulls else None


def is_in(arm_id: str, subscription: str) -> bool:
    """Whether a resource is in a subscription."""
    return arm_id.split("/")[2].lower() == subscription.lower()
