"""Workspaces, datastores and assets, as az ml and azml use them."""

from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from tests.unit.local.support import Arm, FakePlane, until


@pytest.fixture
def workspace(arm: Arm) -> str:
    return arm.workspace(arm.group())


class TestWorkspaces:
    def test_what_it_depends_on_must_be_there(self, arm: Arm) -> None:
        group = arm.group()
        path = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/mlw"
        bare = {"location": "eastus", "properties": {"storageAccount": f"{group}/x"}}
        status, code, message = arm.refused("PUT", path, bare)
        assert (status, code) == (400, "ValidationError")
        assert "keyVault, applicationInsights" in message
        body = arm.workspace_body(group)
        body["properties"]["keyVault"] += "-gone"
        body["properties"]["containerRegistry"] = body["properties"]["storageAccount"]
        _, _, message = arm.refused("PUT", path, body)
        assert "properties.keyVault" in message
        assert "properties.containerRegistry" in message

    def test_it_comes_with_its_datastore(self, arm: Arm, workspace: str) -> None:
        guid = arm.ok("GET", workspace)["properties"]["workspaceId"]
        (default,) = arm.ok("GET", f"{workspace}/datastores", isDefault="true")["value"]
        assert default["name"] == "workspaceblobstore"
        made = default["properties"]
        assert (made["datastoreType"], made["containerName"]) == ("AzureBlob", f"azureml-blobstore-{guid}")
        assert made["credentials"] == {"credentialsType": "AccountKey"}
        account = arm.ok("GET", workspace)["properties"]["storageAccount"]
        containers = arm.ok("GET", f"{account}/blobServices/default/containers")["value"]
        assert made["containerName"] in [container["name"] for container in containers]

    @pytest.mark.parametrize("expirable", [True, False])
    def test_its_secrets_open_the_container(self, arm: Arm, workspace: str, expirable: bool) -> None:
        made = arm.ok("GET", f"{workspace}/datastores/workspaceblobstore")["properties"]
        asked = {"expirableSecret": expirable, "expireAfterHours": 1}
        secret = arm.ok("POST", f"{workspace}/datastores/workspaceblobstore/listSecrets", asked)
        assert secret["secretsType"] == ("Sas" if expirable else "AccountKey")
        url = f"{arm.running.url}/{made['accountName']}/{made['containerName']}"
        key: Any = secret["sasToken"] if expirable else secret["key"]
        ca = str(arm.running.home.ca)
        with ContainerClient.from_container_url(url, credential=key, connection_verify=ca) as client:
            client.upload_blob("a/b.txt", b"hello")
            assert [blob.name for blob in client.list_blobs()] == ["a/b.txt"]

    def test_without_keys_there_are_no_secrets(self, arm: Arm) -> None:
        workspace = arm.workspace(arm.group(), systemDatastoresAuthMode="identity")
        shown = arm.ok("GET", f"{workspace}/datastores/workspaceblobstore")["properties"]
        assert shown["credentials"] == {"credentialsType": "None"}
        status, code, _ = arm.refused("POST", f"{workspace}/datastores/workspaceblobstore/listSecrets", {})
        assert (status, code) == (400, "BadRequest")

    def test_a_deleted_one_keeps_its_name_until_it_is_purged(self, arm: Arm) -> None:
        group = arm.group()
        workspace = arm.workspace(group)
        body = arm.workspace_body(group)
        arm.ok("DELETE", workspace)
        assert arm.send("GET", workspace).status_code == 404
        status, _, message = arm.refused("PUT", workspace, body)
        assert status == 400
        assert message == "Soft-deleted workspace exists. Please purge or recover it. https://aka.ms/wsoftdelete"
        assert arm.send("DELETE", workspace, forceToPurge="true").status_code == 204
        arm.ok("PUT", workspace, body)
        arm.ok("DELETE", workspace, forceToPurge="true")
        arm.ok("PUT", workspace, body)

    def test_a_project_stands_on_what_its_hub_stands_on(self, arm: Arm) -> None:
        group = arm.group()
        at = f"{group}/providers/Microsoft.MachineLearningServices/workspaces"
        hub = arm.workspace_body(group)
        arm.ok("PUT", f"{at}/hub", {**hub, "kind": "Hub"})
        project = {"location": "eastus", "kind": "Project", "identity": {"type": "SystemAssigned"}}
        arm.ok("PUT", f"{at}/project", {**project, "properties": {"hubResourceId": f"{at}/hub"}})
        shown = arm.ok("GET", f"{at}/project")["properties"]
        for name in ("storageAccount", "keyVault", "applicationInsights"):
            assert shown[name] == hub["properties"][name]
        arm.ok("GET", f"{at}/project/datastores/workspaceblobstore")
        status, code, _ = arm.refused(
            "PUT", f"{at}/other", {**project, "properties": {"hubResourceId": f"{at}/project"}}
        )
        assert (status, code) == (400, "ValidationError")

    def test_a_managed_network_stays_on(self, arm: Arm) -> None:
        group = arm.group()
        path = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/mlw-net"
        body = arm.workspace_body(group)

        def network(mode: str) -> dict[str, Any]:
            rules = {"web": {"type": "FQDN", "destination": "www.contoso.com"}}
            isolation = {"isolationMode": mode, **({} if mode == "Disabled" else {"outboundRules": rules})}
            return {**body, "properties": {**body["properties"], "managedNetwork": isolation}}

        arm.ok("PUT", path, network("AllowOnlyApprovedOutbound"))
        assert (
            arm.ok("GET", path)["properties"]["managedNetwork"]["outboundRules"]["web"]["destination"]
            == "www.contoso.com"
        )
        assert arm.refused("PUT", path, network("Disabled"))[:2] == (400, "ValidationError")


class TestAssets:
    def test_a_version_makes_its_container_and_numbers_the_next(self, arm: Arm, workspace: str) -> None:
        at = f"{workspace}/models/churn"
        for version in ("1", "7"):
            uri = f"azureml://datastores/workspaceblobstore/paths/{version}"
            assert arm.send("PUT", f"{at}/versions/{version}", {"properties": {"modelUri": uri}}).status_code == 201
        shown = arm.ok("GET", at)["properties"]
        assert (shown["latestVersion"], shown["nextVersion"]) == ("7", "8")
        assert [item["name"] for item in arm.ok("GET", f"{workspace}/models")["value"]] == ["churn"]
        assert arm.ok("GET", f"{at}/versions/1")["properties"]["flavors"] == {}

    def test_a_refused_version_makes_none(self, arm: Arm, workspace: str) -> None:
        assert arm.refused("PUT", f"{workspace}/models/none/versions/1", {"properties": {}})[1] == "BadRequest"
        assert arm.send("GET", f"{workspace}/models/none").status_code == 404

    def test_newest_version_first(self, arm: Arm, workspace: str) -> None:
        at = f"{workspace}/models/sorted/versions"
        assert arm.ok("GET", at)["value"] == []
        for version in ("b", "a", "c"):
            arm.ok("PUT", f"{at}/{version}", {"properties": {"modelUri": f"azureml://x/{version}"}})
        (newest,) = arm.ok("GET", at, **{"$orderBy": "createdtime desc", "$top": "1"})["value"]
        assert newest["name"] == "c"

    def test_versions_by_hash(self, arm: Arm, workspace: str) -> None:
        at = f"{workspace}/codes/score/versions"
        for version, digest in (("1", "aa"), ("2", "bb")):
            properties = {"codeUri": f"https://x/{version}", "properties": {"hash_sha256": digest}}
            arm.ok("PUT", f"{at}/{version}", {"properties": properties})
        found = arm.ok("GET", at, hash="bb", hashVersion="202208")["value"]
        assert [item["name"] for item in found] == ["2"]

    def test_archived_ones_are_hidden_until_asked_for(self, arm: Arm, workspace: str) -> None:
        at = f"{workspace}/models/old/versions"
        properties: dict[str, Any] = {"modelUri": "azureml://x/y"}
        arm.ok("PUT", f"{at}/1", {"properties": properties})
        arm.ok("PUT", f"{at}/1", {"properties": {**properties, "isArchived": True}})
        assert arm.ok("GET", at)["value"] == []
        assert len(arm.ok("GET", at, listViewType="All")["value"]) == 1
        assert len(arm.ok("GET", at, listViewType="ArchivedOnly")["value"]) == 1

    @pytest.mark.parametrize(
        ("kind", "made", "changed"),
        [
            ("models", {"modelUri": "azureml://x/1"}, {"modelUri": "azureml://x/2"}),
            ("codes", {"codeUri": "https://x/1"}, {"codeUri": "https://x/2"}),
            ("environments", {"image": "a", "condaFile": "x"}, {"image": "a", "condaFile": "y"}),
            (
                "data",
                {"dataType": "uri_folder", "dataUri": "azureml://x/1"},
                {"dataType": "uri_folder", "dataUri": "azureml://x/2"},
            ),
        ],
    )
    def test_what_a_version_is_made_of_never_changes(
        self, arm: Arm, workspace: str, kind: str, made: dict[str, str], changed: dict[str, str]
    ) -> None:
        at = f"{workspace}/{kind}/fixed/versions/1"
        arm.ok("PUT", at, {"properties": made})
        assert arm.refused("PUT", at, {"properties": changed})[:2] == (400, "PropertyChangeNotAllowed")
        arm.ok("PUT", at, {"properties": {**made, "description": "may change"}})

    def test_data_keeps_its_type_and_place(self, arm: Arm, workspace: str) -> None:
        at = f"{workspace}/data/collected"
        place = {"dataType": "uri_folder", "dataUri": "azureml://datastores/workspaceblobstore/paths/x"}
        arm.ok("PUT", f"{at}/versions/1", {"properties": place})
        assert arm.ok("GET", at)["properties"]["dataType"] == "uri_folder"
        file = {"dataType": "uri_file", "dataUri": "azureml://datastores/workspaceblobstore/paths/x.csv"}
        assert "is of type uri_folder" in arm.refused("PUT", f"{at}/versions/2", {"properties": file})[2]

    def test_an_environment_is_built_early(self, arm: Arm, workspace: str, plane: FakePlane) -> None:
        arm.ok("PUT", f"{workspace}/environments/early/versions/1", {"properties": {"image": "i", "condaFile": "c"}})
        until(lambda: ("i", "c") in plane.built)

    @pytest.mark.parametrize("keys", [True, False])
    def test_code_is_uploaded_before_it_is_registered(self, arm: Arm, keys: bool) -> None:
        workspace = arm.workspace(arm.group(), storage={"allowSharedKeyAccess": keys})
        version = f"{workspace}/codes/new/versions/1"
        given = arm.ok("POST", f"{version}/startPendingUpload", {"pendingUploadType": "TemporaryBlobReference"})
        reference = given["blobReferenceForConsumption"]
        ca = str(arm.running.home.ca)
        with ContainerClient.from_container_url(reference["credential"]["sasUri"], connection_verify=ca) as client:
            client.upload_blob("src/score.py", b"x", metadata={"upload_status": "completed"})
        arm.ok("PUT", version, {"properties": {"codeUri": f"{reference['blobUri']}/src"}})
