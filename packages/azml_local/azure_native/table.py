"""The resources that are emulated: one row each.

Owns what ARM's types cannot tell about a resource of the azure-native SDK: its path and the names of its parameters,
what forces a replacement, where the SDK names things differently. How an input becomes a body is `mapping`; a row is
complete when the test that holds it against the typed SDK's classes passes.

Sources: path parameters and names, the classes of pulumi-azure-native 3.29.0; `create_only`, `defaults`,
`sub_resources` and `default_body`, the provider's own tables (provider/pkg/gen/{replacement,propertyDefaults}.go,
provider/pkg/openapi/defaults, read 2026-11); `location`: create-only in every tracked resource's specification.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from azml_local.stand_in.errors import Refused

_GROUP = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"
_IN_GROUP = _GROUP + "/providers"


class NotEmulated(Refused):
    """There is no row for this token."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One resource: how its SDK shape and ARM's belong together.

    Places in a body are written `properties.encryption.identity`, lists and maps not marked; input names are the SDK's.
    """

    token: str
    """`module:Class` of the SDK."""
    type: str
    """ARM's type."""
    version: str
    """API version that the SDK uses."""
    path: str
    """Path template; a parameter is the SDK's argument of that name (first letter lower)."""
    create_only: frozenset[str] = frozenset({"location"})
    """Inputs below the path that replace the resource, top level (`location`) or one below (`sku.name`)."""
    keeps_properties: bool = False
    """Whether `properties` is an argument of its own. Elsewhere, and deeper, its members stand beside their parent."""
    renames: Mapping[str, str] = dataclasses.field(default_factory=dict, hash=False)
    """SDK name of the property at a place, where it is not ARM's name in lower camel case."""
    read_only: frozenset[str] = frozenset()
    """Places that ARM lets one write and the SDK does not."""
    sub_resources: tuple[tuple[str, ...], ...] = ()
    """Places of lists whose items are resources of their own too: left alone where the inputs do not set them."""
    defaults: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)
    """Inputs that go back to this value when they are removed, because Azure reads their absence as no change."""
    presets: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)
    """What the API takes the absence of an input for: to add an input that says so is no change. Only inputs that are
    called the same in ARM: the provider looks them up by ARM's name."""
    default_body: Mapping[str, Any] | None = dataclasses.field(default=None, hash=False)
    """Inputs that restore a resource which Azure makes with its parent."""
    singleton: bool = False
    """Whether it always exists: never created, never deleted, only set and set back."""


_STORAGE_NAMES = {
    "properties.supportsHttpsTrafficOnly": "enableHttpsTrafficOnly",
    "properties.isNfsV3Enabled": "enableNfsV3",
    "properties.networkAcls": "networkRuleSet",
    "properties.networkAcls.ipRules.value": "iPAddressOrRange",
    "properties.networkAcls.virtualNetworkRules.id": "virtualNetworkResourceId",
    "properties.encryption.identity": "encryptionIdentity",
    "properties.encryption.identity.userAssignedIdentity": "encryptionUserAssignedIdentity",
    "properties.encryption.identity.federatedIdentityClientId": "encryptionFederatedIdentityClientId",
    "properties.encryption.keyvaultproperties": "keyVaultProperties",
    "properties.encryption.keyvaultproperties.keyname": "keyName",
    "properties.encryption.keyvaultproperties.keyversion": "keyVersion",
    "properties.encryption.keyvaultproperties.keyvaulturi": "keyVaultUri",
}

ROWS: tuple[Row, ...] = (
    Row(
        "resources:ResourceGroup",
        "Microsoft.Resources/resourceGroups",
        "2024-03-01",
        _GROUP,
        keeps_properties=True,
    ),
    Row(
        "storage:StorageAccount",
        "Microsoft.Storage/storageAccounts",
        "2024-01-01",
        _IN_GROUP + "/Microsoft.Storage/storageAccounts/{accountName}",
        create_only=frozenset({"location", "isHnsEnabled"}),
        renames=_STORAGE_NAMES,
        defaults={
            "networkRuleSet": {
                "bypass": "AzureServices",
                "defaultAction": "Allow",
                "ipRules": [],
                "virtualNetworkRules": [],
            }
        },
    ),
    Row(
        "storage:BlobServiceProperties",
        "Microsoft.Storage/storageAccounts/blobServices",
        "2024-01-01",
        _IN_GROUP + "/Microsoft.Storage/storageAccounts/{accountName}/blobServices/{blobServicesName}",
        create_only=frozenset(),
        default_body={},
        singleton=True,
    ),
    Row(
        "storage:BlobContainer",
        "Microsoft.Storage/storageAccounts/blobServices/containers",
        "2024-01-01",
        _IN_GROUP + "/Microsoft.Storage/storageAccounts/{accountName}/blobServices/default/containers/{containerName}",
        create_only=frozenset(),
    ),
    Row(
        "keyvault:Vault",
        "Microsoft.KeyVault/vaults",
        "2024-11-01",
        _IN_GROUP + "/Microsoft.KeyVault/vaults/{vaultName}",
        keeps_properties=True,
        read_only=frozenset({"properties.vaultUri", "properties.provisioningState"}),
        sub_resources=(("properties", "accessPolicies"),),
    ),
    Row(
        "operationalinsights:Workspace",
        "Microsoft.OperationalInsights/workspaces",
        "2023-09-01",
        _IN_GROUP + "/Microsoft.OperationalInsights/workspaces/{workspaceName}",
    ),
    Row(
        "applicationinsights:Component",
        "Microsoft.Insights/components",
        "2020-02-02",
        _IN_GROUP + "/Microsoft.Insights/components/{resourceName}",
        presets={"publicNetworkAccessForIngestion": "Enabled", "publicNetworkAccessForQuery": "Enabled"},
    ),
    Row(
        "containerregistry:Registry",
        "Microsoft.ContainerRegistry/registries",
        "2023-01-01-preview",
        _IN_GROUP + "/Microsoft.ContainerRegistry/registries/{registryName}",
        renames={"properties.networkRuleSet.ipRules.value": "iPAddressOrRange"},
        presets={
            "adminUserEnabled": False,
            "anonymousPullEnabled": False,
            "networkRuleBypassOptions": "AzureServices",
            "publicNetworkAccess": "Enabled",
            "zoneRedundancy": "Disabled",
        },
    ),
    Row(
        "containerregistry:ScopeMap",
        "Microsoft.ContainerRegistry/registries/scopeMaps",
        "2024-11-01-preview",
        _IN_GROUP + "/Microsoft.ContainerRegistry/registries/{registryName}/scopeMaps/{scopeMapName}",
        create_only=frozenset(),
    ),
    Row(
        "containerregistry:Token",
        "Microsoft.ContainerRegistry/registries/tokens",
        "2024-11-01-preview",
        _IN_GROUP + "/Microsoft.ContainerRegistry/registries/{registryName}/tokens/{tokenName}",
        create_only=frozenset(),
    ),
    Row(
        "containerinstance:ContainerGroup",
        "Microsoft.ContainerInstance/containerGroups",
        "2024-05-01-preview",
        _IN_GROUP + "/Microsoft.ContainerInstance/containerGroups/{containerGroupName}",
    ),
    Row(
        "managedidentity:UserAssignedIdentity",
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "2023-01-31",
        _IN_GROUP + "/Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}",
    ),
    Row(
        "authorization:RoleAssignment",
        "Microsoft.Authorization/roleAssignments",
        "2022-04-01",
        "/{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
        create_only=frozenset({"principalId"}),
        presets={"principalType": "User"},
    ),
    Row(
        "machinelearningservices:Registry",
        "Microsoft.MachineLearningServices/registries",
        "2025-12-01",
        _IN_GROUP + "/Microsoft.MachineLearningServices/registries/{registryName}",
    ),
    Row(
        "machinelearningservices:Workspace",
        "Microsoft.MachineLearningServices/workspaces",
        "2025-12-01",
        _IN_GROUP + "/Microsoft.MachineLearningServices/workspaces/{workspaceName}",
    ),
)
_BY_TOKEN = {row.token: row for row in ROWS}
_VERSIONED = re.compile(r"/v(\d{4})(\d{2})(\d{2})(\w*)$")


def resource(token: str) -> Row:
    """Find the row of a resource type: `azure-native:storage:StorageAccount`, or one API version of it.

    `azure-native:storage/v20230101:StorageAccount` is the same row in that API version. Raises `NotEmulated`.
    """
    package, _, rest = token.partition(":")
    module, _, name = rest.partition(":")
    versioned = _VERSIONED.search(module)
    row = _BY_TOKEN.get(f"{_VERSIONED.sub('', module)}:{name}")
    if row is None or package != "azure-native":
        known = ", ".join(sorted(_BY_TOKEN))
        raise NotEmulated(f"azure-native stand-in does not emulate {token}; it emulates {known}")
    if versioned is None:
        return row
    year, month, day, rest = versioned.groups()
    return dataclasses.replace(row, version=f"{year}-{month}-{day}" + (f"-{rest}" if rest else ""))
