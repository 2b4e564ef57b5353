"""One file for several stages: `{stage}` in a name, and names that two stacks cannot both have.

Owns where the placeholder may stand and what must differ between stacks. Deliberately makes up no name: what is written
is what Azure gets, and what is unique in a workspace or a group needs no stage in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from azml.facts import names
from azml.facts.names import NameRule
from azml.spec.errors import Problem
from azml.spec.stack import StackSpec
from azml.spec.tree import Node, follow, plain, spoken

PLACEHOLDER = "{stage}"
STAGED = frozenset({"name", "endpoint_name", "resource_group", "dns_name_label"})
"""Keys whose text may hold the placeholder, in these blocks and in the estate's lists of them."""
BLOCKS = frozenset(
    {"workspace", "container_registry", "registries", "online_endpoints", "deployments", "container_services"}
)


def staged(estate: Node) -> Node:
    """Put the estate's stage in place of `{stage}` in names. It was merged by the names as they are written."""
    stage = estate.map.get("stage")
    if stage is None or not isinstance(stage.value, str):
        return estate
    return _filled(estate, stage.value.lower())


def _filled(node: Node, stage: str) -> Node:
    if isinstance(node.value, list):
        return node.with_value([_filled(item, stage) for item in node.value])
    entries = {}
    for key, child in node.map.items():
        if key in BLOCKS:
            entries[key] = _filled(child, stage)
        elif key in STAGED and isinstance(child.value, str) and PLACEHOLDER in child.value:
            entries[key] = child.with_value(child.value.replace(PLACEHOLDER, stage))
        else:
            entries[key] = child
    return node.with_value(entries) if node.map else node


def clashes(estates: Mapping[str, tuple[Node, StackSpec]]) -> Iterator[tuple[str, Problem]]:
    """Find names that only one of several stacks can have, each with the stack that comes second."""
    first: dict[tuple[str, str, str], str] = {}
    for stack, (tree, spec) in estates.items():
        for rule, place, name, at in _unique(spec):
            key = (rule.what, place, name.lower())
            if (other := first.setdefault(key, stack)) != stack:
                node, _ = follow(tree, at)
                yield (
                    stack,
                    Problem(
                        f"is the name of {rule.what} of stack {other} too, and is taken once in {rule.unique}",
                        node.file,
                        *node.at,
                        path=spoken(plain(tree), at),
                        value=name,
                        fix=f"write {at[-1]}: {name}-{PLACEHOLDER} in the layer that both extend, or give one another "
                        "name",
                    ),
                )


def _unique(spec: StackSpec) -> Iterator[tuple[NameRule, str, str, tuple[str | int, ...]]]:
    """Names that are taken once beyond their stack: rule, where, the name and its place in the estate."""
    region = spec.workspace.location if spec.workspace is not None and spec.workspace.existing is None else None
    for index, endpoint in enumerate(spec.online_endpoints):
        if (place := endpoint.location or region) is not None:
            yield names.ONLINE_ENDPOINT, place, endpoint.name, ("online_endpoints", index, "name")
    for index, registry in enumerate(spec.registries):
        if registry.existing is None:
            yield names.REGISTRY, "", registry.name, ("registries", index, "name")
    images = spec.container_registry
    if images is not None and images.existing is None and images.name is not None:
        yield names.CONTAINER_REGISTRY, "", images.name, ("container_registry", "name")
    for index, service in enumerate(spec.container_services):
        if (place := service.location or region) is not None and (label := service.dns_name_label) is not None:
            yield names.DNS_NAME_LABEL, place, label, ("container_services", index, "dns_name_label")
