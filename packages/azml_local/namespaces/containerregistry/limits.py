"""What a tier allows: storage, webhooks, tokens and scope maps (the include container-registry-limits, 2026-08)."""

from azml_local.arm.errors import ArmError
from azml_local.arm.ids import ResourceId
from azml_local.azure import Azure

_GIB = 1 << 30
STORAGE = {"Basic": 10 * _GIB, "Standard": 100 * _GIB, "Premium": 500 * _GIB}
"""Bytes that come with the tier."""
WEBHOOKS = {"Basic": 2, "Standard": 10, "Premium": 500}
SCOPED = {"Basic": 100, "Standard": 500, "Premium": 50_000}
"""Scope maps, and tokens, each."""
ACTIONS = 500
"""Of one scope map."""


def refuse_too_many(azure: Azure, registry: ResourceId | None, type_: str) -> None:
    """Raise 400 where a registry's tier has no room for another scope map or token."""
    found = None if registry is None else azure.store.get(registry)
    if found is None:
        return
    tier, count = found.body["sku"]["name"], len(azure.store.below(found.id, type_))
    if count >= SCOPED[tier]:
        what = type_.rpartition("/")[2]
        text = f"A {tier} registry has at most {SCOPED[tier]} {what}, and '{found.id.name}' has {count}."
        raise ArmError(400, "LimitExceeded", text)
