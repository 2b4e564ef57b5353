"""azure-native's container group, without its module.

Owns a class that registers the same type with the same inputs, as `azure_ml` does for workspaces, and for the same
reason: importing `pulumi_azure_native.containerinstance` is paid at every command. Owns as well which inputs Container
Instances do not update in place.
"""

from collections.abc import Mapping
from typing import Any

import pulumi

from azml.azure_ml import LeanResource

REPLACED_BY = [
    *("osType", "sku", "priority", "restartPolicy", "zones", "subnetIds", "ipAddress.type", "ipAddress.ports"),
    *("containers[*].name", "containers[*].resources", "containers[*].ports"),
]
"""What takes a new group: OS type, CPU and memory, restart policy, network and zone (container-instances-update.md);
priority and sku, which say on what it runs, are taken to as well. azure-native would send them, and Azure refuse."""


class AzureContainerGroup(LeanResource):
    """A container group. A new one has the old one's name, so the old one goes first."""

    token = "azure-native:containerinstance:ContainerGroup"  # noqa: S105 - a resource type's
    ip_address: pulumi.Output[Any]
    """`{ip, fqdn, ports, type}`; None for a spot group."""

    def __init__(self, name: str, args: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        ours = pulumi.ResourceOptions(replace_on_changes=REPLACED_BY, delete_before_replace=True)
        super().__init__(name, args, pulumi.ResourceOptions.merge(opts, ours), ("ipAddress",))
        self.ip_address = self.__dict__["ipAddress"]
