"""What a private endpoint can lead to: the services of a resource, by its type.

Owns the names that ARM calls group ids and `az ml` subresource targets. Deliberately only types that a workspace's
managed network knows; of others nothing is said.

Source: docs, "What is a private endpoint?" (private-link resource), and "Workspace managed virtual network isolation"
(private endpoints), read in November 2026.
"""

from __future__ import annotations

_STORAGE = ("blob", "table", "queue", "file", "web", "dfs")

SUBRESOURCES: dict[str, tuple[str, ...]] = {
    "microsoft.storage/storageaccounts": (*_STORAGE, *(f"{name}_secondary" for name in _STORAGE)),
    "microsoft.keyvault/vaults": ("vault",),
    "microsoft.containerregistry/registries": ("registry",),
    "microsoft.machinelearningservices/workspaces": ("amlworkspace",),
    "microsoft.machinelearningservices/registries": ("amlregistry",),
    "microsoft.search/searchservices": ("searchService",),
    "microsoft.cognitiveservices/accounts": ("account",),
    "microsoft.sql/servers": ("sqlServer",),
    "microsoft.eventhub/namespaces": ("namespace",),
}
"""Resource type in lower case, to the services that a private endpoint can be made for."""
