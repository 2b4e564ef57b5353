"""Datastores: where a workspace's files are, and how to get at them.

Owns the system datastores on blobs, the secrets that are handed out, and the way from an `azureml://` or blob address
to the file on disk.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from azml_local.arm.call import Call
from azml_local.arm.errors import bad_request, not_emulated, not_found
from azml_local.arm.ids import ResourceId, parse
from azml_local.arm.store import Resource
from azml_local.arm.types import ResourceType, Write, action
from azml_local.azure import Azure
from azml_local.blobs import sas
from azml_local.blobs.errors import BlobError
from azml_local.namespaces import storage

_CREDENTIALS = {"AccessKey": "AccountKey", "Identity": "None", "UserDelegationSAS": "Sas"}
"""`systemDatastoresAuthMode` of the workspace to the kind of credentials of its system datastores."""
_DEFAULT_HOURS = 1


class Datastores(ResourceType):
    """A datastore; only blob containers are emulated."""

    type = "Microsoft.MachineLearningServices/workspaces/datastores"
    evidence = "ARM's types 2025-12-01; as azure-ai-ml 1.35.2 uses it"
    comes_back = True
    operations = ("PUT", "GET", "LIST", "DELETE")
    create_only = ("datastoreType", "accountName", "containerName")

    def members(self, scope: ResourceId | None, call: Call) -> list[Resource]:
        """List them, or with `isDefault=true` only the default."""
        found = super().members(scope, call)
        return [one for one in found if one.properties.get("isDefault")] if call.flag("isDefault") else found

    def check(self, write: Write) -> None:
        """Only blobs."""
        if (kind := write.properties["datastoreType"]) != "AzureBlob":
            raise not_emulated(f"datastores of type {kind}", "Type: AzureBlob.")

    def fill(self, write: Write) -> None:
        """Secrets stay hidden."""
        write.properties.setdefault("isDefault", False)
        write.properties.setdefault("serviceDataAccessAuthIdentity", "None")
        secrets = write.sent["properties"]["credentials"].get("secrets")
        if secrets is not None:
            write.hidden["secrets"] = secrets

    def present(self, resource: Resource) -> dict[str, Any]:
        """The storage suffix depends on the port of today."""
        shown = super().present(resource)
        endpoint = f"core.azlocal.test:{self.azure.authority.rpartition(':')[2]}"
        shown["properties"] = {**resource.properties, "endpoint": endpoint, "protocol": "https"}
        return shown

    @action("listSecrets")
    def list_secrets(self, resource: Resource, call: Call) -> dict[str, Any]:
        """Give the account key, or a SAS where one that expires is asked for."""
        kind = resource.properties["credentials"]["credentialsType"]
        if kind == "None":
            raise bad_request(
                "NoSecrets",
                f"The datastore '{resource.id.name}' has no credentials: it is used with the caller's own identity.",
            )
        if "secrets" in resource.hidden:
            return dict(resource.hidden["secrets"])
        account, asked = account_of(self.azure, resource), call.asked
        if kind == "AccountKey" and not asked.get("expirableSecret"):
            return {"secretsType": "AccountKey", "key": account.hidden["keys"][0]}
        lifetime = timedelta(hours=asked.get("expireAfterHours", _DEFAULT_HOURS))
        token = container_token(self.azure, account, resource.properties["containerName"], lifetime)
        return {"secretsType": "Sas", "sasToken": token}


def make_system_datastores(azure: Azure, workspace: Resource) -> None:
    """Make the datastores that come with a workspace, and their containers; keep what is there."""
    account = azure.store.get(workspace.properties["storageAccount"])
    if account is None or account.id.group is None:
        raise not_found(workspace.id)
    guid = workspace.properties["workspaceId"]
    containers = {"workspaceblobstore": f"azureml-blobstore-{guid}", "workspaceartifactstore": "azureml"}
    kind = _CREDENTIALS[workspace.properties["systemDatastoresAuthMode"]]
    for name, container in containers.items():
        storage.make_container(azure, account.id, container)
        id_ = ResourceId(Datastores.type, name, workspace.id)
        properties = {
            "datastoreType": "AzureBlob",
            "accountName": account.id.name,
            "containerName": container,
            "subscriptionId": account.id.subscription,
            "resourceGroup": account.id.group.name,
            "credentials": {"credentialsType": kind},
            "isDefault": name == "workspaceblobstore",
            "serviceDataAccessAuthIdentity": "None",
            "tags": {},
            "properties": {},
        }
        azure.store.put(Resource(id_, {"properties": properties, "systemData": workspace.body["systemData"]}))


def container_token(azure: Azure, account: Resource, container: str, lifetime: timedelta) -> str:
    """Make a SAS for a container: by the account's key, or in the caller's name where keys may not be used."""
    if account.properties.get("allowSharedKeyAccess") is False:
        who = azure.identity
        return sas.delegation_sas(azure.tokens, who.object_id, who.tenant_id, account.id.name, container, lifetime)
    return sas.container_sas(account.hidden["keys"][0], account.id.name, container, lifetime)


def account_of(azure: Azure, datastore: Resource) -> Resource:
    """Find the storage account of a datastore."""
    found = azure.store.named(storage.Accounts.type, datastore.properties["accountName"])
    if not found:
        raise bad_request(
            "ResourceNotFound", f"The storage account '{datastore.properties['accountName']}' was not found."
        )
    return found[0]


def local_path(azure: Azure, workspace: ResourceId, uri: str) -> Path:
    """Find the file or folder that an asset's address names. Raises 400 where there is nothing, 501 for other kinds."""
    parts = urlsplit(uri)
    if parts.scheme == "azureml":
        account, container, path = _datastore_place(azure, workspace, f"/{parts.netloc}{parts.path}", uri)
    elif parts.scheme == "https":
        account, container, path = _blob_place(parts.netloc, parts.path)
    else:
        raise not_emulated(f"assets at '{uri}'", "They are at azureml://…/datastores/…/paths/… or in a blob container.")
    path = path.strip("/")
    try:
        found = azure.blobs.path(account, container, path) if path else azure.blobs.container(account, container)
    except BlobError as error:
        raise bad_request("BadArgument", f"'{uri}': {error}") from error
    if not found.exists():
        raise bad_request("ResourceNotFound", f"There is nothing at '{uri}': upload it before naming it.")
    return found


def _datastore_place(azure: Azure, workspace: ResourceId, address: str, uri: str) -> tuple[str, str, str]:
    head, _, path = address.partition("/paths/")
    segments = head.strip("/").split("/")
    if len(segments) > 1 and segments[-2].lower() == "datastores":
        if len(segments) > 2:  # the long form names subscription, group and workspace
            workspace = parse(_long_form(segments[:-2])).at or workspace
        datastore = azure.store.get(ResourceId(Datastores.type, segments[-1], workspace))
        if datastore is not None:
            return datastore.properties["accountName"], datastore.properties["containerName"], path
    raise bad_request("ResourceNotFound", f"'{uri}' names no datastore of the local Azure.")


def _long_form(segments: list[str]) -> str:
    """Write `subscriptions/S/resourceGroups/G/workspaces/W` as an ARM path."""
    text = "/".join(segments)
    return (
        text
        if "/providers/" in text
        else text.replace("/workspaces/", "/providers/Microsoft.MachineLearningServices/workspaces/")
    )


def _blob_place(host: str, path: str) -> tuple[str, str, str]:
    """Split a blob address: the account is the first label of the host, or (a bare address) the first segment."""
    first, _, rest = unquote(path).strip("/").partition("/")
    if ".blob." in host:
        return host.partition(".")[0], first, rest
    container, _, blob = rest.partition("/")
    return first, container, blob


DECLARED = (Datastores,)
