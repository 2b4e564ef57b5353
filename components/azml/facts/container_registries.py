"""What a container registry can do, by tier, and its bounds.

Owns the numbers and which tier has what. Deliberately not names (`azml.facts.names`).

Sources: container-registry-skus.md (2026-03-25), retention-policy.md (2025-12-18), soft-delete-policy.md (2026-03-25),
the include container-registry-limits, and data-loss-prevention.md; read in August 2026.
"""

from __future__ import annotations

TIERS = ("basic", "standard", "premium")
"""From the smallest."""

MAX_LAYER_GIB = 200
"""Largest layer of an image (container-registry-limits)."""
MAX_SCOPE_MAP_ACTIONS = 500
"""Actions on repositories in one scope map, in every tier (container-registry-limits)."""
PUSH_ACTIONS = ("content/read", "content/write", "content/delete", "metadata/read", "metadata/write")
"""What a token may do in a repository that it pushes to, counts in and cleans: reading is part of pushing, since a
client asks which layers are there (container-registry-repository-scoped-permissions)."""
PULL_ACTIONS = ("content/read", "metadata/read")
"""What a token may do in a repository that it pulls from."""
MAX_IP_RULES = 200
"""Public IP rules of a premium registry."""
MAX_RETENTION_DAYS = 365
"""Days that the retention policy can keep manifests without a tag; 0 deletes them at once."""
MAX_SOFT_DELETE_DAYS = 90
"""Days that a deleted artifact can be restored, at most; at least 1."""

TIER_NEEDED = {
    "anonymous_pull_enabled": "standard",
    "public_network_access": "premium",
    "ip_rules": "premium",
    "data_endpoint_enabled": "premium",
    "retention_days": "premium",
    "content_trust_enabled": "premium",
    "export_enabled": "premium",
}
"""Setting to the smallest tier that can have another value than its default. Without a private endpoint, which only
premium has, a registry without public access could not be reached."""
