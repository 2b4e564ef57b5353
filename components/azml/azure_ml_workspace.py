"""azure-native's resource for a workspace, without its module.

Owns one class that registers the same type with the same inputs. `pulumi_azure_native.machinelearningservices` imports
three hundred classes to offer this one: 0.7 of the 1.8 seconds that a program took to start, at every command.
Everything else of azure-native is used as it comes. Deliberately gives types no second home: names are ARM's, and a
test compares them with the SDK's own.
"""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import pulumi

TOKEN = "azure-native:machinelearningservices:Workspace"  # noqa: S105 - a resource type's


class AzureMlWorkspace(pulumi.CustomResource):
    """An Azure ML workspace. `args` has the names and shapes of azure-native's `WorkspaceArgs`, in camelCase."""

    location: pulumi.Output[str]
    """Azure region."""
    storage_account: pulumi.Output[str]
    """ARM id of the storage account."""
    container_registry: pulumi.Output[str]
    """ARM id of the registry."""

    def __init__(self, name: str, args: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        outputs = dict.fromkeys(("location", "storageAccount", "containerRegistry"))
        # The version of the SDK in use, as the SDK's own classes ask for: another one would be another plugin.
        same_plugin = pulumi.ResourceOptions(version=version("pulumi-azure-native"))
        super().__init__(TOKEN, name, {**outputs, **args}, pulumi.ResourceOptions.merge(opts, same_plugin))
        self.location, self.storage_account = self.__dict__["location"], self.__dict__["storageAccount"]
        self.container_registry = self.__dict__["containerRegistry"]
