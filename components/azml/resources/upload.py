"""Local files into the workspace's blob storage, where Azure ML looks for them.

Owns finding the store, the credential for it, and the copy: one blob a file under `LocalUpload/<digest>/`, so the same
content is uploaded once and an interrupted upload goes on where it stopped. Deliberately keeps no key: a SAS token or
account key is asked for when bytes are to go, and forgotten.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azml.resources.arm_id import ArmId
from azml.resources.authorization import MISMATCH, patient
from azml.resources.content import digest, files
from azml.resources.errors import ArmError, Refused
from azml.resources.handler import ML
from azml.resources.work import Work

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

STORAGE = "2024-01-01"
"""API version of Microsoft.Storage: the one of azure-native 3.29."""
DATASTORE = "workspaceblobstore"
SAS_HOURS = 4
"""How long the token for an upload lives."""
WORTH_SHOWING = 1_000_000
"""Bytes from which an upload shows how far it is."""
RETRY: Mapping[str, Any] = {"initial_backoff": 1, "increment_base": 2, "retry_total": 5}
"""Pauses of 3, 5, 9 … s between tries; the library's own begin with 18 s, three tries in all."""
PARALLEL_BLOCKS = 4
"""Blocks of one big file under way at once (azure-storage-blob's own default is 1)."""


@dataclass(frozen=True)
class Uploaded:
    """Where content is: as the workspace's datastore calls it, and as a blob URL."""

    datastore_uri: str
    blob_url: str


def upload(work: Work, workspace: ArmId, path: Path, datastore: str | None = None) -> Uploaded:
    """Copy what is not there yet, with progress, into a datastore of blobs (absent: the workspace's own)."""
    name = datastore or DATASTORE
    store = work.arm.get(f"{workspace.text}/datastores/{name}", ML)["properties"]
    if store["datastoreType"] != "AzureBlob":
        raise Refused(f"Datastore {name} is of type {store['datastoreType']}: uploads need one of type AzureBlob.")
    account_url, account = _account(work, workspace, store)
    container = str(store["containerName"])
    prefix = f"LocalUpload/{digest(path)}/"
    target = f"{prefix}{path.name}"
    folder = f"{target}/" if path.is_dir() else prefix
    with _container(work, f"{workspace.text}/datastores/{name}", store, account_url, container) as client:
        copy = partial(_copy, work, client, prefix, {f"{folder}{name}": file for name, file in files(path).items()})
        patient(work, account, "Storage Blob Data Contributor", copy)
    scope = f"subscriptions/{workspace.subscription}/resourceGroups/{workspace.resource_group}/workspaces"
    return Uploaded(
        f"azureml://{scope}/{workspace.name}/datastores/{name}/paths/{target}",
        f"{account_url}{container}/{target}",
    )


def _account(work: Work, workspace: ArmId, store: Mapping[str, Any]) -> tuple[str, str]:
    """Address of a datastore's blobs, and ARM id of its storage account (its name where no more is known)."""
    account_id = str(work.arm.get(workspace.text, ML)["properties"]["storageAccount"])
    if account_id.rpartition("/")[2].lower() != str(store["accountName"]).lower():
        if store.get("resourceGroup") is None:
            name = str(store["accountName"])
            return f"{store.get('protocol', 'https')}://{name}.blob.{store['endpoint']}/", name
        group = f"/subscriptions/{store['subscriptionId']}/resourceGroups/{store['resourceGroup']}"
        account_id = f"{group}/providers/Microsoft.Storage/storageAccounts/{store['accountName']}"
    endpoints = work.arm.get(account_id, STORAGE)["properties"]["primaryEndpoints"]
    return str(endpoints["blob"]).rstrip("/") + "/", account_id


def _container(
    work: Work, datastore_id: str, store: Mapping[str, Any], account_url: str, container: str
) -> "ContainerClient":
    from azure.storage.blob import ContainerClient

    secret: Any
    if store.get("credentials", {}).get("credentialsType") in {None, "None"}:
        secret = work.arm.credential
    else:
        answer = work.arm.post(
            f"{datastore_id}/listSecrets",
            ML,
            {"expirableSecret": True, "expireAfterHours": SAS_HOURS},
        )
        # A key as text makes the library guess the account's name from the host, which fails for any but Azure's own.
        account = {"account_name": store["accountName"], "account_key": answer.get("key")}
        secret = answer["sasToken"] if answer.get("secretsType") == "Sas" else account
    return ContainerClient(account_url, container, credential=secret, **RETRY)


def _copy(work: Work, client: "ContainerClient", prefix: str, blobs: Mapping[str, Path]) -> None:
    """Upload what is missing. A blob is committed whole, so one of the right size under a digest is the right one."""
    from azure.core.exceptions import AzureError

    try:
        there = {blob.name: blob.size for blob in client.list_blobs(name_starts_with=prefix)}
        sizes = {name: file.stat().st_size for name, file in blobs.items()}
        missing = {name: file for name, file in blobs.items() if there.get(name) != sizes[name]}
        total, done = sum(sizes[name] for name in missing), 0
        for name, file in missing.items():
            with file.open("rb") as stream:
                client.upload_blob(
                    name,
                    stream,
                    length=sizes[name],
                    overwrite=True,
                    max_concurrency=PARALLEL_BLOCKS,
                    progress_hook=partial(_progress, work, done, total),
                )
            done += sizes[name]
    except AzureError as error:
        code = MISMATCH if getattr(error, "error_code", None) == MISMATCH else "UploadFailed"
        raise ArmError(code, f"{client.url} refused the upload: {error}") from error


def _progress(work: Work, before: int, total: int, sent: int, _: int | None) -> None:
    if total >= WORTH_SHOWING:
        work.doing(f"uploading {(before + sent) / 1e6:.1f} of {total / 1e6:.1f} MB")
    work.wait(0)
