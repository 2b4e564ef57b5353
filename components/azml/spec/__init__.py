"""The typed config: from `Pulumi.<stack>.yaml`, its layers and included `az ml` files to a `StackSpec`.

Owns what an estate may say and how it is read. Deliberately knows nothing of Pulumi's engine or of Azure's APIs.
"""

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
from azml.spec.workspace import WorkspaceSpec

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
