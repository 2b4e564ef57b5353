"""What a container registry can do, by tier, and its bounds.

Owns the numbers and which tier has what. Deliberately not names (`azml.facts.names`).

Sources: container-registry-skus.md (2026-03-25), retention-policy.md (2025-12-18), soft-delete-policy.md (2026-03-25),
the include container-registry-limits, and data-loss-prevention.md; read in August 2026.
"""

from __future__ import annotations

TIERS = ("basic", "standard", "premium")
"""From the smallest."""

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
