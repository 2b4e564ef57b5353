"""The typed config: from `Pulumi.<stack>.yaml`, its layers and included `az ml` files to a `StackSpec`.

Owns what an estate may say and how it is read. Deliberately knows nothing of Pulumi's engine or of Azure's APIs.
Names are imported when they are asked for: commands that want the project's name only do without pydantic's models.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azml.spec.base import nearest
    from azml.spec.container_registry import ContainerRegistrySpec
    from azml.spec.environment import EnvironmentSpec
    from azml.spec.errors import Problem, SpecError, shown
    from azml.spec.model import ModelSpec
    from azml.spec.online_deployment import OnlineDeploymentSpec
    from azml.spec.online_endpoint import OnlineEndpointSpec
    from azml.spec.origins import Value, trace
    from azml.spec.project import stack_folder
    from azml.spec.references import AssetReference
    from azml.spec.schema import json_schema, stack_schema
    from azml.spec.secret_values import missing_secrets
    from azml.spec.secrets import KeyVaultSecret, PulumiSecret
    from azml.spec.stack import StackSpec
    from azml.spec.stack_file import assemble, judge, load, stacks
    from azml.spec.stages import clashes
    from azml.spec.subscription import elsewhere
    from azml.spec.workspace import WorkspaceSpec

_HOMES = {
    "AssetReference": "azml.spec.references",
    "ContainerRegistrySpec": "azml.spec.container_registry",
    "EnvironmentSpec": "azml.spec.environment",
    "KeyVaultSecret": "azml.spec.secrets",
    "ModelSpec": "azml.spec.model",
    "OnlineDeploymentSpec": "azml.spec.online_deployment",
    "OnlineEndpointSpec": "azml.spec.online_endpoint",
    "Problem": "azml.spec.errors",
    "PulumiSecret": "azml.spec.secrets",
    "SpecError": "azml.spec.errors",
    "StackSpec": "azml.spec.stack",
    "Value": "azml.spec.origins",
    "WorkspaceSpec": "azml.spec.workspace",
    "assemble": "azml.spec.stack_file",
    "clashes": "azml.spec.stages",
    "elsewhere": "azml.spec.subscription",
    "json_schema": "azml.spec.schema",
    "judge": "azml.spec.stack_file",
    "load": "azml.spec.stack_file",
    "missing_secrets": "azml.spec.secret_values",
    "nearest": "azml.spec.base",
    "shown": "azml.spec.errors",
    "stack_folder": "azml.spec.project",
    "stack_schema": "azml.spec.schema",
    "stacks": "azml.spec.stack_file",
    "trace": "azml.spec.origins",
}

__all__ = [
    "AssetReference",
    "ContainerRegistrySpec",
    "EnvironmentSpec",
    "KeyVaultSecret",
    "ModelSpec",
    "OnlineDeploymentSpec",
    "OnlineEndpointSpec",
    "Problem",
    "PulumiSecret",
    "SpecError",
    "StackSpec",
    "Value",
    "WorkspaceSpec",
    "assemble",
    "clashes",
    "elsewhere",
    "json_schema",
    "judge",
    "load",
    "missing_secrets",
    "nearest",
    "shown",
    "stack_folder",
    "stack_schema",
    "stacks",
    "trace",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'azml.spec' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found
