"""What a workspace needs, made by official clients."""

from typing import Any
from uuid import uuid4

from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.machinelearningservices import MachineLearningServicesMgmtClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.storage import StorageManagementClient
from azure.storage.blob import BlobServiceClient

from tests.contract.clients import Clients

LOCATION = {"location": "eastus"}
STORAGE = "Microsoft.Storage/storageAccounts"


def group(clients: Clients) -> str:
    name = f"rg-{uuid4().hex[:8]}"
    clients.of(ResourceManagementClient).resource_groups.create_or_update(name, LOCATION)
    return name


def storage_account(clients: Clients, group: str, **properties: Any) -> Any:
    body = {**LOCATION, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": properties}
    accounts = clients.of(StorageManagementClient).storage_accounts
    return accounts.begin_create(group, f"st{uuid4().hex[:12]}", body).result()


def key_vault(clients: Clients, group: str) -> Any:
    properties = {
        "tenantId": clients.azure.azure.identity.tenant_id,
        "sku": {"family": "A", "name": "standard"},
        "enableRbacAuthorization": True,
    }
    vaults = clients.of(KeyVaultManagementClient).vaults
    return vaults.begin_create_or_update(
        group, f"kv-{uuid4().hex[:12]}", {**LOCATION, "properties": properties}
    ).result()


def insights(clients: Clients, group: str) -> Any:
    id_ = f"/subscriptions/{clients.subscription}/resourceGroups/{group}/providers/Microsoft.Insights/components/appi"
    body = {**LOCATION, "kind": "web", "properties": {"Application_Type": "web"}}
    resources = clients.of(ResourceManagementClient).resources
    return resources.begin_create_or_update_by_id(id_, body, api_version="2020-02-02").result()


def workspace_body(clients: Clients, group: str) -> dict[str, Any]:
    properties = {
        "storageAccount": storage_account(clients, group).id,
        "keyVault": key_vault(clients, group).id,
        "applicationInsights": insights(clients, group).id,
    }
    return {**LOCATION, "identity": {"type": "SystemAssigned"}, "properties": properties}


def workspace(clients: Clients, group: str) -> Any:
    made = clients.of(MachineLearningServicesMgmtClient).workspaces
    return made.begin_create_or_update(group, f"mlw-{uuid4().hex[:8]}", workspace_body(clients, group)).result()


def deployment_body(clients: Clients, at: tuple[str, str], workspace: Any) -> dict[str, Any]:
    """A deployment of files that are there, of assets that are registered for it."""
    ml, account = clients.of(MachineLearningServicesMgmtClient), workspace.storage_account.rpartition("/")[2]
    container = ml.datastores.get(*at, "workspaceblobstore").properties.container_name
    url = f"{clients.azure.url}/{account}"
    trust = {"connection_verify": str(clients.azure.home.ca)}
    with BlobServiceClient(url, credential=clients.credential, **trust) as blobs:
        for path in ("LocalUpload/x/model/model.bin", "LocalUpload/x/code/score.py"):
            blobs.get_blob_client(container, path).upload_blob(b"x", overwrite=True)
    model = {
        "modelUri": "azureml://datastores/workspaceblobstore/paths/LocalUpload/x/model",
        "modelType": "custom_model",
    }
    code = {"codeUri": f"{url}/{container}/LocalUpload/x/code"}
    environment = {"image": "mcr.microsoft.com/x:1", "condaFile": "name: e\n"}
    return {
        **LOCATION,
        "sku": {"name": "Default", "capacity": 1},
        "properties": {
            "endpointComputeType": "Managed",
            "instanceType": "Standard_DS3_v2",
            "model": ml.model_versions.create_or_update(*at, "m", "1", {"properties": model}).id,
            "codeConfiguration": {
                "codeId": ml.code_versions.create_or_update(*at, "c", "1", {"properties": code}).id,
                "scoringScript": "score.py",
            },
            "environmentId": ml.environment_versions.create_or_update(*at, "e", "1", {"properties": environment}).id,
        },
    }
