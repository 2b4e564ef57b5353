"""azml: an Azure ML serving estate as typed config, deployed by Pulumi.

The names below load on first use: `azml.spec` and `azml.facts` stay importable without Pulumi and without its half
second.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azml.build import build, export
    from azml.container_registry import ContainerRegistry
    from azml.container_service import ContainerService
    from azml.estate_config import load
    from azml.online_endpoint import OnlineEndpoint
    from azml.registry import Registry
    from azml.registry_access import RegistryAccess
    from azml.resources.code_version import CodeVersion
    from azml.resources.container_trial import ContainerTrial
    from azml.resources.data_version import DataVersion
    from azml.resources.environment_version import EnvironmentVersion
    from azml.resources.image_alias import ImageAlias
    from azml.resources.managed_online_deployment import ManagedOnlineDeployment
    from azml.resources.managed_online_endpoint import ManagedOnlineEndpoint
    from azml.resources.model_version import ModelVersion
    from azml.resources.name_claim import NameClaim
    from azml.resources.registry_credential import RegistryCredential
    from azml.resources.rollout import Rollout
    from azml.resources.service_keys import ServiceKeys
    from azml.resources.workspace_network_acls import WorkspaceNetworkAcls
    from azml.serving_image import ServingImage
    from azml.workspace import Workspace

_HOMES = {
    "CodeVersion": "azml.resources.code_version",
    "ContainerRegistry": "azml.container_registry",
    "ContainerService": "azml.container_service",
    "ContainerTrial": "azml.resources.container_trial",
    "DataVersion": "azml.resources.data_version",
    "EnvironmentVersion": "azml.resources.environment_version",
    "ImageAlias": "azml.resources.image_alias",
    "ManagedOnlineDeployment": "azml.resources.managed_online_deployment",
    "ManagedOnlineEndpoint": "azml.resources.managed_online_endpoint",
    "ModelVersion": "azml.resources.model_version",
    "NameClaim": "azml.resources.name_claim",
    "OnlineEndpoint": "azml.online_endpoint",
    "Registry": "azml.registry",
    "RegistryAccess": "azml.registry_access",
    "RegistryCredential": "azml.resources.registry_credential",
    "Rollout": "azml.resources.rollout",
    "ServiceKeys": "azml.resources.service_keys",
    "ServingImage": "azml.serving_image",
    "Workspace": "azml.workspace",
    "WorkspaceNetworkAcls": "azml.resources.workspace_network_acls",
    "build": "azml.build",
    "export": "azml.build",
    "load": "azml.estate_config",
}

__all__ = [
    "CodeVersion",
    "ContainerRegistry",
    "ContainerService",
    "ContainerTrial",
    "DataVersion",
    "EnvironmentVersion",
    "ImageAlias",
    "ManagedOnlineDeployment",
    "ManagedOnlineEndpoint",
    "ModelVersion",
    "NameClaim",
    "OnlineEndpoint",
    "Registry",
    "RegistryAccess",
    "RegistryCredential",
    "Rollout",
    "ServiceKeys",
    "ServingImage",
    "Workspace",
    "WorkspaceNetworkAcls",
    "build",
    "export",
    "load",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'azml' has no attribute {name!r}")
    home = import_module(_HOMES[name])
    # All of a module at once: importing azml.build has just put the module where the function `build` belongs.
    globals().update({each: getattr(home, each) for each, where in _HOMES.items() if where == home.__name__})
    return globals()[name]
