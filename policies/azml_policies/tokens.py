"""Type tokens that several rules judge, and how versions of one type become one token.

Owns names only. A test holds every one of them against the SDK that has it.
"""

import re

_VERSIONED = re.compile(r"azure-native(?:_\w+)?:(\w+)(?:/v\w+)?:(\w+)")
"""`azure-native:storage/v20230101:StorageAccount`, and `azure-native_storage_v20230101:storage:StorageAccount` of an
SDK that `pulumi package add azure-native storage 2023-01-01` made."""


def canonical(type_: str) -> str:
    """The token without an API version."""
    found = _VERSIONED.fullmatch(type_)
    return f"azure-native:{found[1]}:{found[2]}" if found else type_


ENDPOINT = "azure-native:machinelearningservices:OnlineEndpoint"
DEPLOYMENT = "azure-native:machinelearningservices:OnlineDeployment"
BATCH_DEPLOYMENT = "azure-native:machinelearningservices:BatchDeployment"
COMPUTE = "azure-native:machinelearningservices:Compute"
ENVIRONMENT = "azure-native:machinelearningservices:EnvironmentVersion"
CLUSTER = "azure-native:containerservice:ManagedCluster"
POOL = "azure-native:containerservice:AgentPool"
EXTENSION = "azure-native:kubernetesconfiguration:Extension"
CONTAINERS = "azure-native:containerinstance:ContainerGroup"
CONTAINERS_PROFILE = "azure-native:containerinstance:ContainerGroupProfile"
IMAGES = "azure-native:containerregistry:Registry"
OUR_WORKSPACE = "azml:index:Workspace"
OUR_ADDRESSES = "azml:index:WorkspaceNetworkAcls"
OUR_ENDPOINT = "azml:index:ManagedOnlineEndpoint"
OUR_DEPLOYMENT = "azml:index:ManagedOnlineDeployment"
OUR_ENVIRONMENT = "azml:index:EnvironmentVersion"
ROLLOUT = "azml:index:Rollout"
