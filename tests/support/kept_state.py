"""Where a team keeps Pulumi's state in Azure: a storage account with a container, and a key vault with a key.

Owns the making of both in a local Azure: by Microsoft's clients, and the key as the REST reference has it (Create Key).
"""

from collections.abc import Mapping

import requests
from azure.identity import ClientSecretCredential
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.storage import StorageManagementClient

ACCOUNT, CONTAINER, VAULT, KEY = "pulumistate", "state", "kv-pulumistate", "pulumi"
BACKEND = f"azblob://{CONTAINER}?storage_account={ACCOUNT}"
SECRETS = f"azurekeyvault://{VAULT}.vault.azure.net/keys/{KEY}"
_GROUP, _WHERE = "rg-state", "eastus"


def make(azure: Mapping[str, str], proxy: Mapping[str, str]) -> None:
    """Make all of it. `azure` are the variables of a local Azure, `proxy` those that lead the vault's name there."""
    url, ca, subscription = azure["AZURE_AUTHORITY_HOST"], azure["SSL_CERT_FILE"], azure["AZURE_SUBSCRIPTION_ID"]
    sign_in = ClientSecretCredential(
        azure["AZURE_TENANT_ID"], azure["AZURE_CLIENT_ID"], azure["AZURE_CLIENT_SECRET"],
        authority=url, disable_instance_discovery=True, connection_verify=ca,
    )  # fmt: skip
    here = {"base_url": url, "credential_scopes": [f"{url}/.default"], "connection_verify": ca}
    with sign_in:
        with ResourceManagementClient(sign_in, subscription, **here) as resources:
            resources.resource_groups.create_or_update(_GROUP, {"location": _WHERE})
        with StorageManagementClient(sign_in, subscription, **here) as storage:
            account = {"location": _WHERE, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
            storage.storage_accounts.begin_create(_GROUP, ACCOUNT, account).result()
            storage.blob_containers.create(_GROUP, ACCOUNT, CONTAINER, {})
        with KeyVaultManagementClient(sign_in, subscription, **here) as vaults:
            properties = {"tenantId": azure["AZURE_TENANT_ID"], "sku": {"family": "A", "name": "standard"}}
            vaults.vaults.begin_create_or_update(_GROUP, VAULT, {"location": _WHERE, "properties": properties}).result()
        token = sign_in.get_token("https://vault.azure.net/.default").token
    made = requests.post(
        f"https://{VAULT}.vault.azure.net/keys/{KEY}/create?api-version=7.4",
        json={"kty": "RSA", "key_size": 3072}, headers={"Authorization": f"Bearer {token}"},
        proxies={"https": proxy["HTTPS_PROXY"]}, verify=ca, timeout=60,
    )  # fmt: skip
    made.raise_for_status()
