"""Microsoft.ContainerRegistry: registries, their scope maps, tokens, credentials and usages (control plane).

What a registry holds, and HTTP to it, is `azml_local.registry`'s.
"""

from azml_local.namespaces.containerregistry import registries, scope_maps, tokens, usages
from azml_local.namespaces.containerregistry.registries import restore

__all__ = ["DECLARED", "restore"]

DECLARED = (*registries.DECLARED, *scope_maps.DECLARED, *tokens.DECLARED, *usages.DECLARED)
