"""The blob data plane, used by azure-storage-blob; signatures are that library's own."""

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.core import MatchConditions
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.storage.blob import (
    AccountSasPermissions,
    BlobServiceClient,
    ContainerClient,
    ContainerSasPermissions,
    ResourceTypes,
    generate_account_sas,
    generate_blob_sas,
    generate_container_sas,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from azml_local.arm.store import Store
from azml_local.blobs.errors import BlobError
from azml_local.blobs.files import BlobFiles
from tests.unit.local.support import Arm

NO_RETRY = {"retry_total": 0}


@pytest.fixture(scope="module")
def account(local: Any) -> Iterator[dict[str, str]]:
    with Arm(local) as arm:
        path = arm.storage(arm.group())
        key = arm.ok("POST", f"{path}/listKeys")["keys"][0]["value"]
        name = path.rpartition("/")[2]
        yield {"path": path, "name": name, "key": key, "url": f"{local.url}/{name}", "ca": str(local.home.ca)}


@pytest.fixture
def container(account: dict[str, str], request: pytest.FixtureRequest) -> Iterator[ContainerClient]:
    name = "c-" + hashlib.sha1(request.node.name.encode(), usedforsecurity=False).hexdigest()[:12]
    with client(account, name, account["key"]) as found:
        found.create_container()
        yield found


def client(account: dict[str, str], container: str, credential: Any, **more: Any) -> ContainerClient:
    url = account["url"]
    options = {"connection_verify": account["ca"], **NO_RETRY, **more}
    return ContainerClient(url, container, credential=credential, **options)


def soon(hours: float = 1) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


class TestOperations:
    def test_small_and_large(self, container: ContainerClient, account: dict[str, str]) -> None:
        """One request, and blocks with ranged reads, end in the same bytes."""
        content = os.urandom(3_000_000)
        container.upload_blob("one/small.bin", content[:1000])
        options = {"max_single_put_size": 1 << 20, "max_block_size": 1 << 20, "max_single_get_size": 1 << 20}
        with client(account, container.container_name, account["key"], **options) as blocks:
            blocks.upload_blob("one/large.bin", content)
            assert blocks.download_blob("one/large.bin").readall() == content
        assert container.download_blob("one/small.bin").readall() == content[:1000]
        assert container.download_blob("one/large.bin", offset=10, length=5).readall() == content[10:15]

    def test_an_empty_blob(self, container: ContainerClient) -> None:
        container.upload_blob("empty", b"")
        assert container.download_blob("empty").readall() == b""

    def test_it_is_a_real_file(self, container: ContainerClient, account: dict[str, str], local: Any) -> None:
        container.upload_blob("folder/a b%20ü.txt", b"x")
        path = local.home.blobs / account["name"] / container.container_name / "folder" / "a b%20ü.txt"
        assert path.read_bytes() == b"x"
        assert path.stat().st_mode & 0o077 == 0 or os.umask(0o077) != 0o077

    def test_properties_and_metadata(self, container: ContainerClient) -> None:
        blob = container.upload_blob("a", b"abc", metadata={"upload_status": "completed"}, content_settings=None)
        before = blob.get_blob_properties()
        assert (before.size, before.metadata) == (3, {"upload_status": "completed"})
        assert before.content_settings.content_md5 == hashlib.md5(b"abc").digest()
        blob.set_blob_metadata({"name": "n"})
        after = blob.get_blob_properties()
        assert after.metadata == {"name": "n"}
        assert after.etag != before.etag
        assert blob.exists()
        blob.delete_blob()
        assert not blob.exists()

    def test_nothing_is_overwritten_unasked(self, container: ContainerClient) -> None:
        container.upload_blob("a", b"1", overwrite=False)
        with pytest.raises(ResourceExistsError) as caught:
            container.upload_blob("a", b"2", overwrite=False)
        assert caught.value.error_code == "BlobAlreadyExists"
        container.upload_blob("a", b"2", overwrite=True)
        assert container.download_blob("a").readall() == b"2"

    def test_a_changed_blob_is_told_by_its_etag(self, container: ContainerClient) -> None:
        etag = container.upload_blob("a", b"1").get_blob_properties().etag
        container.upload_blob("a", b"2", overwrite=True)
        match = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        with pytest.raises(HttpResponseError) as caught:
            container.upload_blob("a", b"3", overwrite=True, **match)
        assert caught.value.status_code == 412

    @pytest.mark.parametrize(
        "prefix", ["/", "/etc/", "/etc/ssl/", "//", "a//", "./", "../", "a/../../", "é" * 300 + "/", "a/" * 3000]
    )
    def test_no_prefix_leads_out_of_the_container(self, container: ContainerClient, prefix: str) -> None:
        container.upload_blob("a/b", b"")
        assert list(container.list_blobs(name_starts_with=prefix)) == []

    def test_lists(self, container: ContainerClient) -> None:
        for name in ("a/1", "a/2", "a-0", "b/c/d", "z"):
            container.upload_blob(name, b"")
        odd = "a/3 <&>\x01"
        container.upload_blob(odd, b"")
        assert odd in [blob.name for blob in container.list_blobs()]
        container.delete_blob(odd)
        assert [blob.name for blob in container.list_blobs()] == ["a-0", "a/1", "a/2", "b/c/d", "z"]
        assert [blob.name for blob in container.list_blobs(name_starts_with="a/")] == ["a/1", "a/2"]
        assert sorted(item.name for item in container.walk_blobs()) == ["a-0", "a/", "b/", "z"]
        pages = list(container.list_blobs(results_per_page=2).by_page())
        assert len([list(page) for page in pages]) == 3

    def test_containers(self, container: ContainerClient, account: dict[str, str]) -> None:
        with pytest.raises(ResourceExistsError) as caught:
            container.create_container()
        assert caught.value.error_code == "ContainerAlreadyExists"
        options = {"connection_verify": account["ca"], **NO_RETRY}
        with BlobServiceClient(account["url"], credential=account["key"], **options) as service:
            assert container.container_name in [found.name for found in service.list_containers()]
        assert container.exists()
        container.delete_container()
        assert not container.exists()
        with pytest.raises(ResourceNotFoundError) as gone:
            container.upload_blob("a", b"")
        assert gone.value.error_code == "ContainerNotFound"

    def test_a_file_and_a_folder_of_one_name(self, container: ContainerClient) -> None:
        container.upload_blob("a", b"")
        with pytest.raises(HttpResponseError) as caught:
            container.upload_blob("a/b", b"")
        assert (caught.value.status_code, caught.value.error_code) == (409, "PathConflict")


class TestAccess:
    def test_a_token(self, container: ContainerClient, account: dict[str, str], local: Any) -> None:
        with local.credential as credential, client(account, container.container_name, credential) as trusted:
            trusted.upload_blob("a", b"1")
            assert trusted.download_blob("a").readall() == b"1"

    def test_a_token_of_another_service(self, container: ContainerClient, account: dict[str, str], local: Any) -> None:
        """It is refused with a challenge, by which the official client finds out what to ask for."""
        token = local.azure.tokens.issue("https://management.azure.com")
        headers = {"Authorization": f"Bearer {token}", "x-ms-blob-type": "BlockBlob"}
        refused = requests.put(f"{container.url}/a", b"1", headers=headers, verify=account["ca"], timeout=10)
        assert (refused.status_code, refused.headers["x-ms-error-code"]) == (401, "InvalidAuthenticationInfo")
        options = {"audience": "https://management.azure.com"}
        with local.credential as credential, client(account, container.container_name, credential, **options) as lost:
            lost.upload_blob("a", b"1")

    def test_a_wrong_key(self, container: ContainerClient, account: dict[str, str]) -> None:
        with (
            client(account, container.container_name, "d3Jvbmc=") as stranger,
            pytest.raises(HttpResponseError) as caught,
        ):
            stranger.upload_blob("a", b"")
        assert caught.value.error_code == "AuthenticationFailed"

    def test_nobody_in_particular(self, container: ContainerClient, account: dict[str, str]) -> None:
        with client(account, container.container_name, None) as stranger, pytest.raises(ClientAuthenticationError):
            stranger.upload_blob("a", b"")

    def test_signatures_of_container_blob_and_account(
        self, container: ContainerClient, account: dict[str, str]
    ) -> None:
        name, key = account["name"], account["key"]
        container.upload_blob("a/ü", b"1")
        permission = ContainerSasPermissions(read=True, list=True)
        of_container = generate_container_sas(name, container.container_name, key, permission=permission, expiry=soon())
        of_blob = generate_blob_sas(
            name, container.container_name, "a/ü", account_key=key, permission="r", expiry=soon()
        )
        everything = ResourceTypes(service=True, container=True, object=True)
        of_account = generate_account_sas(name, key, everything, AccountSasPermissions(read=True), soon())
        for token in (of_container, of_blob, of_account):
            with client(account, container.container_name, token) as reader:
                assert reader.download_blob("a/ü").readall() == b"1"
                with pytest.raises(HttpResponseError) as caught:
                    reader.upload_blob("b", b"")
                assert caught.value.status_code == 403
        with client(account, container.container_name, of_blob) as reader, pytest.raises(HttpResponseError):
            reader.download_blob("b").readall()

    def test_a_signature_in_a_users_name(
        self, container: ContainerClient, account: dict[str, str], local: Any, arm: Arm
    ) -> None:
        """Where keys are forbidden, this is the only signature there is."""
        arm.ok("PATCH", account["path"], {"properties": {"allowSharedKeyAccess": False}})
        options = {"connection_verify": account["ca"], **NO_RETRY}
        try:
            with local.credential as credential, BlobServiceClient(account["url"], credential, **options) as service:
                key = service.get_user_delegation_key(soon(-1), soon(1))
            token = generate_container_sas(
                account["name"], container.container_name, user_delegation_key=key, permission="rcw", expiry=soon()
            )
            with client(account, container.container_name, token) as holder:
                holder.upload_blob("a", b"1")
                assert holder.download_blob("a").readall() == b"1"
            key.value = account["key"]
            token = generate_container_sas(
                account["name"], container.container_name, user_delegation_key=key, permission="rcw", expiry=soon()
            )
            with client(account, container.container_name, token) as forger, pytest.raises(HttpResponseError) as caught:
                forger.download_blob("a").readall()
            assert caught.value.error_code == "AuthenticationFailed"
        finally:
            arm.ok("PATCH", account["path"], {"properties": {"allowSharedKeyAccess": True}})

    @pytest.mark.parametrize("change", ["late", "early", "other container", "tampered"])
    def test_a_signature_that_is_not_good(
        self, container: ContainerClient, account: dict[str, str], change: str
    ) -> None:
        container.upload_blob("a", b"1")
        target = "other" if change == "other container" else container.container_name
        start, end = (soon(1), soon(2)) if change == "early" else (None, soon(-1 if change == "late" else 1))
        token = generate_container_sas(account["name"], target, account["key"], permission="r", expiry=end, start=start)
        token = token.replace("sp=r", "sp=rw") if change == "tampered" else token
        with client(account, container.container_name, token) as stranger, pytest.raises(HttpResponseError) as caught:
            stranger.download_blob("a").readall()
        assert caught.value.error_code == "AuthenticationFailed"

    def test_keys_can_be_forbidden(self, container: ContainerClient, account: dict[str, str], arm: Arm) -> None:
        token = generate_container_sas(
            account["name"], container.container_name, account["key"], permission="rcw", expiry=soon()
        )
        arm.ok("PATCH", account["path"], {"properties": {"allowSharedKeyAccess": False}})
        try:
            for credential in (account["key"], token):
                with client(account, container.container_name, credential) as holder:
                    with pytest.raises(HttpResponseError) as caught:
                        holder.upload_blob("a", b"")
                    assert caught.value.error_code == "KeyBasedAuthenticationNotPermitted"
        finally:
            arm.ok("PATCH", account["path"], {"properties": {"allowSharedKeyAccess": True}})


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[BlobFiles, Path]]:
    root = tmp_path_factory.mktemp("blobs")
    store = Store(root / "azure.db")
    yield BlobFiles(root / "files", store.database), root / "files"
    store.close()


@given(name=st.text(st.characters(codec="utf-8"), max_size=60) | st.from_regex(r"[./a]{1,12}", fullmatch=True))
@settings(deadline=None)
def test_no_name_leads_out_of_the_container(files: tuple[BlobFiles, Path], name: str) -> None:
    store, root = files
    home = root / "account" / "container"
    try:
        path = store.path("account", "container", name)
    except BlobError:
        return
    assert home in Path(os.path.normpath(path)).parents
    assert path.relative_to(home).as_posix() == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/../../x", "/etc/x", "a//b", "a/", "a/./b", "a\0b", "x" * 256]
)
def test_names_that_are_refused(files: tuple[BlobFiles, Path], name: str) -> None:
    with pytest.raises(BlobError) as caught:
        files[0].path("account", "container", name)
    assert (caught.value.status, caught.value.code) == (400, "InvalidResourceName")
