"""The key of one's own that encrypts what a workspace keeps.

Owns the block `customer_managed_key`. Deliberately does not look whether the key is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from azml.spec.base import Finding, Spec, rule
from azml.spec.references import arm_id
from azml.spec.types import written

_KEY = (
    r"https://(?P<vault>[a-zA-Z0-9-]{3,24})\.(vault|managedhsm)\.[a-z.]+/keys/[a-zA-Z0-9-]{1,127}(/[0-9a-fA-F]{32})?/?"
)


class CustomerManagedKeySpec(Spec):
    """A key of yours. It is set when the workspace is made; later only another version of the key can be."""

    key_vault: Annotated[str, arm_id("Microsoft.KeyVault/vaults", "Microsoft.KeyVault/managedHSMs")] | None = None
    """ARM id of the vault that holds the key."""
    key_uri: (
        Annotated[str, written(_KEY, "the address of a key", "https://VAULT.vault.azure.net/keys/KEY/VERSION")] | None
    ) = None
    """Address of the key, with its version."""
    cosmosdb_id: Annotated[str, arm_id("Microsoft.DocumentDB/databaseAccounts")] | None = None
    """ARM id of a Cosmos DB account of yours to keep metadata in. Absent: Azure makes one."""
    storage_id: Annotated[str, arm_id("Microsoft.Storage/storageAccounts")] | None = None
    """ARM id of a storage account of yours to keep metadata in. Absent: Azure makes one."""
    search_id: Annotated[str, arm_id("Microsoft.Search/searchServices")] | None = None
    """ARM id of a search service of yours to keep metadata in. Absent: Azure makes one."""

    @rule
    def _vault_and_key(self) -> Iterator[Finding]:
        for field, other in (("key_vault", "key_uri"), ("key_uri", "key_vault")):
            if getattr(self, field) is None:
                yield Finding("is missing: a key is named by its vault and its address", (field,), fix=f"add {field}")
                if getattr(self, other) is None:
                    return

    @rule
    def _key_lies_in_the_vault(self) -> Iterator[Finding]:
        found = re.match(_KEY, self.key_uri or "")
        name = (self.key_vault or "").rpartition("/")[2]
        if found is not None and name and found["vault"].lower() != name.lower():
            yield Finding(
                f"is a key of the vault {found['vault']}, and key_vault is {name}",
                ("key_uri",),
                self.key_uri,
                allowed=f"a key of {name}",
                fix="name the vault that holds the key",
            )
