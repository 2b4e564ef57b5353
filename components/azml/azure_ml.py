"""azure-native's resources for workspaces and registries, without their module.

Owns classes that register the same types with the same inputs. `pulumi_azure_native.machinelearningservices` imports
three hundred classes to offer these: 0.7 of the 1.8 seconds that a program took to start, at every command. Everything
else of azure-native is used as it comes. Deliberately gives types no second home: names are ARM's, and a test compares
them with the SDK's own.
"""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, ClassVar

import pulumi


class LeanResource(pulumi.CustomResource):
    """A resource of azure-native; `args` has the names and shapes of azure-native's own Args, in camelCase."""

    token: ClassVar[str]

    def __init__(self, name: str, args: Mapping[str, Any], opts: pulumi.ResourceOptions, outputs: tuple[str, ...]):
        # The version of the SDK in use, as the SDK's own classes ask for: another one would be another plugin.
        same_plugin = pulumi.ResourceOptions(version=version("pulumi-azure-native"))
        properties = {**dict.fromkeys(outputs), **args}
        super().__init__(self.token, name, properties, pulumi.ResourceOptions.merge(opts, same_plugin))


class AzureMlWorkspace(LeanResource):
    """An Azure ML workspace."""

    token = "azure-native:machinelearningservices:Workspace"  # noqa: S105 - a resource type's
    location: pulumi.Output[str]
    """Azure region."""
    storage_account: pulumi.Output[str]
    """ARM id of the storage account."""
    container_registry: pulumi.Output[str]
    """ARM id of the registry."""
    application_insights: pulumi.Output[str]
    """ARM id of the Application Insights."""

    def __init__(self, name: str, args: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, args, opts, ("location", "storageAccount", "containerRegistry", "applicationInsights"))
        self.location, self.storage_account = self.__dict__["location"], self.__dict__["storageAccount"]
        self.container_registry = self.__dict__["containerRegistry"]
        self.application_insights = self.__dict__["applicationInsights"]


class AzureMlRegistry(LeanResource):
    """An Azure ML registry."""

    token = "azure-native:machinelearningservices:Registry"  # noqa: S105 - a resource type's
    location: pulumi.Output[str]
    """Azure region that it is run from."""

    def __init__(self, name: str, args: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, args, opts, ("location",))
        self.location = self.__dict__["location"]
