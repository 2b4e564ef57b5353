"""The data plane of container registries: OCI's distribution API (1.1) with ACR's tokens, one address a registry.

Owns contents, uploads, the HTTP of it and who may do what. Deliberately knows no ARM: the control plane
(`azml_local.namespaces.containerregistry`) hands each registry its rules. What crosses the border of this room is
`Registries`, `Rules`, `User`, `Password` and `Grant`.
"""

from azml_local.registry.plane import Registries
from azml_local.registry.rules import Grant, Password, Rules, User

__all__ = ["Grant", "Password", "Registries", "Rules", "User"]
