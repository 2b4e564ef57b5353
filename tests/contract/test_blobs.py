"""azure-storage-blob: containers and blobs by key, SAS and token, in every form of address that the client takes."""

import base64
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.mgmt.storage import StorageManagementClient
from azure.storage.blob import (
    BlobClient,
    BlobServiceClient,
    ContainerClient,
    ContainerSasPermissions,
    generate_container_sas,
)

from tests.contract import estate
from tests.contract.clients import Clients

MB = 1 << 20


@pytest.fixture(scope="module")
def account(clients: Clients, group: str) -> tuple[str, str]:
    """Name and key."""
    made = estate.storage_account(clients, group)
    keys = clients.of(StorageManagementClient).storage_accounts.list_keys(group, made.name).keys_property
    return made.name, keys[0].value


@pytest.fixture
def trust(clients: Clients) -> dict[str, Any]:
    return {"connection_verify": str(clients.azure.home.ca)}


@pytest.fixture
def service(clients: Clients, account: tuple[str, str], trust: dict[str, Any]) -> Iterator[BlobServiceClient]:
    name, key = account
    with BlobServiceClient(f"{clients.azure.url}/{name}", credential=key, **trust) as made:
        yield made


@pytest.fixture
def container(service: BlobServiceClient) -> ContainerClient:
    return service.create_container(f"c-{uuid4().hex[:8]}")


def test_containers(service: BlobServiceClient) -> None:
    name = f"c-{uuid4().hex[:8]}"
    container = service.get_container_client(name)
    assert container.exists() is False
    service.create_container(name)
    assert container.exists() is True
    assert name in [found.name for found in service.list_containers()]
    with pytest.raises(ResourceExistsError) as error:
        service.create_container(name)
    assert error.value.error_code == "ContainerAlreadyExists"
    container.delete_container()
    with pytest.raises(ResourceNotFoundError) as error:
        container.delete_container()
    assert error.value.error_code == "ContainerNotFound"


def test_a_blob(container: ContainerClient) -> None:
    blob = container.get_blob_client("dir/a b.txt")
    assert blob.exists() is False
    blob.upload_blob(b"hello")
    with pytest.raises(ResourceExistsError) as error:
        blob.upload_blob(b"again")
    assert error.value.error_code == "BlobAlreadyExists"
    blob.upload_blob(b"other", overwrite=True, metadata={"a": "1"})
    assert blob.download_blob().readall() == b"other"
    blob.set_blob_metadata({"upload_status": "completed"})
    found = blob.get_blob_properties()
    assert (found.size, found.blob_type, found.metadata) == (5, "BlockBlob", {"upload_status": "completed"})
    assert [one.name for one in container.list_blobs(name_starts_with="dir/")] == ["dir/a b.txt"]
    blob.delete_blob()
    with pytest.raises(ResourceNotFoundError) as error:
        blob.download_blob()
    assert error.value.error_code == "BlobNotFound"


def test_sizes(container: ContainerClient, account: tuple[str, str], trust: dict[str, Any]) -> None:
    """An empty blob (416, then without a range), one in blocks, one in ranges."""
    container.upload_blob("empty", b"")
    assert container.download_blob("empty").readall() == b""
    content = bytes(range(256)) * 4096 * 3
    with ContainerClient.from_container_url(
        container.url,
        account[1],
        max_single_put_size=MB,
        max_block_size=MB,
        max_single_get_size=MB,
        max_chunk_get_size=MB,
        **trust,
    ) as small:
        small.upload_blob("large", io.BytesIO(content))
        assert small.download_blob("large").readall() == content
        assert small.download_blob("large", offset=5, length=7).readall() == content[5:12]


def test_what_changed_meanwhile_is_refused(container: ContainerClient) -> None:
    blob = container.upload_blob("one", b"1")
    etag = blob.get_blob_properties().etag
    blob.upload_blob(b"2", overwrite=True)
    with pytest.raises((ResourceModifiedError, HttpResponseError)) as error:
        blob.download_blob(etag=etag, match_condition=MatchConditions.IfNotModified).readall()
    assert error.value.status_code == 412


def test_a_listing_in_pages(container: ContainerClient) -> None:
    for number in range(5):
        container.upload_blob(f"f{number}", b"")
    pages = [list(page) for page in container.list_blobs(results_per_page=2).by_page()]
    assert [len(page) for page in pages] == [2, 2, 1]
    container.upload_blob("d/x", b"")
    assert "d/" in [found.name for found in container.walk_blobs()]


class TestAddresses:
    """Every form that the client takes without a name service."""

    def test_a_connection_string(
        self, clients: Clients, account: tuple[str, str], container: ContainerClient, trust: dict[str, Any]
    ) -> None:
        name, key = account
        text = f"DefaultEndpointsProtocol=https;AccountName={name};AccountKey={key};"
        text += f"BlobEndpoint={clients.azure.url}/{name};"
        with BlobServiceClient.from_connection_string(text, **trust) as service:
            assert container.container_name in [found.name for found in service.list_containers()]

    def test_a_shared_access_signature(
        self, account: tuple[str, str], container: ContainerClient, trust: dict[str, Any]
    ) -> None:
        name, key = account
        token = generate_container_sas(
            name,
            container.container_name,
            key,
            permission=ContainerSasPermissions(read=True, write=True, create=True, list=True),
            expiry=datetime.now(UTC) + timedelta(hours=1),
        )
        with BlobClient.from_blob_url(f"{container.url}/dir/f?{token}", **trust) as blob:
            blob.upload_blob(b"by sas")
            assert blob.download_blob().readall() == b"by sas"
            with pytest.raises(HttpResponseError) as error:
                blob.delete_blob()
            assert (error.value.status_code, error.value.error_code) == (403, "AuthorizationPermissionMismatch")

    def test_a_token(self, clients: Clients, container: ContainerClient, trust: dict[str, Any]) -> None:
        address = container.url.rpartition("/")[0]
        with BlobServiceClient(address, credential=clients.credential, **trust) as service:
            service.get_blob_client(container.container_name, "t").upload_blob(b"by token")
            assert service.get_user_delegation_key(datetime.now(UTC), datetime.now(UTC) + timedelta(hours=1)).value

    def test_strangers(self, container: ContainerClient, trust: dict[str, Any]) -> None:
        wrong = base64.b64encode(b"somebody else's key").decode()
        with BlobServiceClient(container.url.rpartition("/")[0], credential=wrong, **trust) as service:
            with pytest.raises(ClientAuthenticationError) as error:
                list(service.list_containers())
            assert error.value.status_code == 403
        with ContainerClient.from_container_url(container.url, **trust) as nobody:
            with pytest.raises(HttpResponseError) as error:
                list(nobody.list_blobs())
            assert error.value.error_code == "NoAuthenticationInformation"


def test_a_copy_within_the_account(container: ContainerClient) -> None:
    source, target = container.get_blob_client("a b/one"), container.get_blob_client("two")
    source.upload_blob(b"content", metadata={"k": "v"})
    answer = target.start_copy_from_url(source.url)
    assert answer["copy_status"] == "success"
    assert target.download_blob().readall() == b"content"
    found = target.get_blob_properties()
    assert found.metadata == {"k": "v"}
    assert found.creation_time == found.last_modified
    with pytest.raises(ResourceNotFoundError):
        target.start_copy_from_url(container.get_blob_client("gone").url)
    with pytest.raises(HttpResponseError, match="of the same account only"):
        target.start_copy_from_url(source.url.replace(str(container.account_name), "another"))
