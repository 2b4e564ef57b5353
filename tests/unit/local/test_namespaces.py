"""The types of the first slice but Machine Learning: Azure's documented rules and error codes."""

import re
from uuid import uuid4

import pytest

from tests.unit.local.support import Arm

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CONTRIBUTOR, READER = "b24988ac-6180-42a0-ab88-20f7382dd24c", "acdd72a7-3385-48ef-bd42-f606fba81ae7"


def identity(arm: Arm, group: str) -> dict[str, str]:
    path = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-{uuid4().hex[:6]}"
    made = arm.ok("PUT", path, {"location": "eastus"})
    return {"id": made["id"], **made["properties"]}


def assignment(arm: Arm, scope: str, principal: str, role: str = READER, **more: str) -> tuple[str, dict[str, object]]:
    definition = f"{arm.sub}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    properties = {"principalId": principal, "roleDefinitionId": definition, "principalType": "ServicePrincipal", **more}
    return f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid4()}", {"properties": properties}


class TestStorage:
    def test_a_name_is_taken_everywhere(self, arm: Arm) -> None:
        account = arm.storage(arm.group())
        name = account.rpartition("/")[2]
        elsewhere = f"{arm.group()}/providers/Microsoft.Storage/storageAccounts/{name}"
        body = {"location": "eastus", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
        status, code, message = arm.refused("PUT", elsewhere, body)
        assert (status, code) == (409, "StorageAccountAlreadyTaken")
        assert message == f"The storage account named {name} is already taken."

    def test_keys_are_shown_by_their_action_only(self, arm: Arm) -> None:
        account = arm.storage(arm.group())
        keys = arm.ok("POST", f"{account}/listKeys")["keys"]
        assert [key["keyName"] for key in keys] == ["key1", "key2"]
        shown = arm.send("GET", account).text()
        assert not any(key["value"] in shown for key in keys)
        again = arm.ok("POST", f"{account}/REGENERATEKEY", {"keyName": "key1"})["keys"]
        assert again[0]["value"] != keys[0]["value"]
        assert again[1]["value"] == keys[1]["value"]

    def test_blobs_are_at_this_address(self, arm: Arm) -> None:
        account = arm.storage(arm.group())
        endpoint = arm.ok("GET", account)["properties"]["primaryEndpoints"]["blob"]
        assert endpoint == f"{arm.running.url}/{account.rpartition('/')[2]}/"

    def test_containers(self, arm: Arm) -> None:
        service = f"{arm.storage(arm.group())}/blobServices/default"
        assert arm.ok("GET", service)["name"] == "default"
        assert arm.ok("PUT", f"{service}/containers/one", {})["properties"]["publicAccess"] == "None"
        assert [item["name"] for item in arm.ok("GET", f"{service}/containers")["value"]] == ["one"]
        assert arm.refused("PUT", f"{service}/containers/No--Name", {})[1] == "InvalidResourceName"
        assert arm.send("DELETE", f"{service}/containers/one").status_code == 200


class TestKeyVault:
    def test_a_deleted_vault_keeps_its_name_until_it_is_purged(self, arm: Arm) -> None:
        group = arm.group()
        vault = arm.vault(group)
        body = arm.ok("GET", vault)
        arm.ok("DELETE", vault)
        status, code, message = arm.refused("PUT", vault, body)
        assert (status, code) == (409, "ConflictError")
        assert message.startswith("A vault with the same name already exists in deleted state.")
        elsewhere = f"{arm.group()}/providers/Microsoft.KeyVault/vaults/{vault.rpartition('/')[2]}"
        assert arm.refused("PUT", elsewhere, body)[1] == "ConflictError"
        deleted = f"{arm.sub}/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/{vault.rpartition('/')[2]}"
        assert arm.ok("GET", deleted)["properties"]["vaultId"] == vault
        listed = arm.ok("GET", f"{arm.sub}/providers/Microsoft.KeyVault/deletedVaults")["value"]
        assert vault in [found["properties"]["vaultId"] for found in listed]
        arm.ok("POST", f"{deleted}/purge")
        arm.ok("PUT", vault, body)

    def test_a_deleted_vault_can_be_recovered(self, arm: Arm) -> None:
        vault = arm.vault(arm.group())
        body = arm.ok("GET", vault)
        arm.ok("PATCH", vault, {"tags": {"kept": "yes"}})
        arm.ok("DELETE", vault)
        body["properties"]["createMode"] = "recover"
        recovered = arm.ok("PUT", vault, body)
        assert recovered["tags"] == {"kept": "yes"}
        assert "createMode" not in recovered["properties"]

    def test_purge_protection_protects(self, arm: Arm) -> None:
        vault = arm.vault(arm.group())
        arm.ok("PATCH", vault, {"properties": {"enablePurgeProtection": True}})
        arm.ok("DELETE", vault)
        deleted = f"{arm.sub}/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/{vault.rpartition('/')[2]}"
        assert arm.refused("POST", f"{deleted}/purge")[:2] == (405, "MethodNotAllowed")

    def test_a_group_that_goes_leaves_its_vaults_behind(self, arm: Arm) -> None:
        group = arm.group()
        vault = arm.vault(group)
        arm.ok("DELETE", group)
        listed = arm.ok("GET", f"{arm.sub}/providers/Microsoft.KeyVault/deletedVaults")["value"]
        assert vault in [found["properties"]["vaultId"] for found in listed]


class TestContainerRegistry:
    def registry(self, arm: Arm, name: str, **properties: object) -> str:
        path = f"{arm.group()}/providers/Microsoft.ContainerRegistry/registries/{name}"
        arm.ok("PUT", path, {"location": "eastus", "sku": {"name": "Basic"}, "properties": properties})
        return path

    def test_a_name_is_taken_everywhere(self, arm: Arm) -> None:
        self.registry(arm, "Taken00")
        path = f"{arm.group()}/providers/Microsoft.ContainerRegistry/registries/taken00"
        status, code, message = arm.refused("PUT", path, {"location": "eastus", "sku": {"name": "Basic"}})
        assert (status, code) == (409, "AlreadyInUse")
        assert "taken00.azurecr.io is already in use" in message

    def test_the_admin_has_credentials_only_while_it_is_on(self, arm: Arm) -> None:
        path = self.registry(arm, "adminoff")
        assert arm.refused("POST", f"{path}/listCredentials")[:2] == (400, "UnAuthorizedForCredentialOperations")
        arm.ok("PATCH", path, {"properties": {"adminUserEnabled": True}})
        shown = arm.ok("POST", f"{path}/listCredentials")
        assert shown["username"] == "adminoff"
        assert [one["name"] for one in shown["passwords"]] == ["password", "password2"]
        assert shown["passwords"][0]["value"] not in arm.send("GET", path).text()


class TestAuthorization:
    @pytest.mark.parametrize("kind", ["subscription", "group", "resource"])
    def test_any_scope(self, arm: Arm, kind: str) -> None:
        group = arm.group()
        who = identity(arm, group)
        scope = {"subscription": arm.sub, "group": group, "resource": who["id"]}[kind]
        path, body = assignment(arm, scope, who["principalId"])
        response = arm.send("PUT", path, body)
        assert response.status_code == 201
        assert response.json()["properties"]["scope"] == scope
        assert arm.send("PUT", path, body).status_code == 200
        assert arm.send("DELETE", path).status_code == 200
        assert arm.send("DELETE", path).status_code == 204

    def test_the_same_assignment_exists_once(self, arm: Arm) -> None:
        group = arm.group()
        who = identity(arm, group)["principalId"]
        path, body = assignment(arm, group, who)
        arm.ok("PUT", path, body)
        other, _ = assignment(arm, group, who)
        assert arm.refused("PUT", other, body)[:2] == (409, "RoleAssignmentExists")
        _, changed = assignment(arm, group, who, CONTRIBUTOR)
        assert arm.refused("PUT", path, changed)[1] == "RoleAssignmentUpdateNotPermitted"
        arm.ok("PUT", other, changed)

    def test_an_identity_is_no_user(self, arm: Arm) -> None:
        """azure-native's default principal type is User: Azure refuses it for an identity."""
        group = arm.group()
        path, body = assignment(arm, group, identity(arm, group)["principalId"], principalType="User")
        assert arm.refused("PUT", path, body)[:2] == (400, "UnmatchedPrincipalType")

    def test_names_and_roles_are_checked(self, arm: Arm) -> None:
        group = arm.group()
        path, body = assignment(arm, group, str(uuid4()))
        assert arm.refused("PUT", f"{path}x", body)[1] == "InvalidRoleAssignmentId"
        path, body = assignment(arm, group, str(uuid4()), str(uuid4()))
        assert arm.refused("PUT", path, body)[1] == "RoleDefinitionDoesNotExist"
        path, body = assignment(arm, f"{group}/providers/Microsoft.KeyVault/vaults/gone", str(uuid4()))
        assert arm.refused("PUT", path, body)[1] == "ResourceNotFound"

    def test_lists_at_a_scope(self, arm: Arm) -> None:
        group = arm.group()
        one, two = identity(arm, group), identity(arm, group)
        above, above_body = assignment(arm, group, one["principalId"])
        below, below_body = assignment(arm, two["id"], one["principalId"])
        arm.ok("PUT", above, above_body)
        arm.ok("PUT", below, below_body)
        at = f"{group}/providers/Microsoft.Authorization/roleAssignments"
        assert {item["id"] for item in arm.ok("GET", at)["value"]} == {above, below}
        assert [item["id"] for item in arm.ok("GET", at, **{"$filter": "atScope()"})["value"]] == [above]
        found = arm.ok("GET", at, **{"$filter": f"principalId eq '{two['principalId']}'"})["value"]
        assert found == []

    def test_built_in_roles_by_guid_and_by_name(self, arm: Arm) -> None:
        at = "/providers/Microsoft.Authorization/roleDefinitions"
        assert arm.ok("GET", f"{at}/{READER}")["properties"]["roleName"] == "Reader"
        (found,) = arm.ok("GET", f"{arm.sub}{at}", **{"$filter": "roleName eq 'AcrPull'"})["value"]
        assert found["name"] == "7f951dda-4ed3-4680-a7ca-43fe172d538d"
        assert found["id"] == f"{arm.sub}{at}/{found['name']}"


class TestInsights:
    def test_what_it_writes_to_must_be_there(self, arm: Arm) -> None:
        group = arm.group()
        logs = f"{group}/providers/Microsoft.OperationalInsights/workspaces/logs"
        component = f"{group}/providers/Microsoft.Insights/components/appi"
        properties = {"Application_Type": "web", "WorkspaceResourceId": logs}
        body = {"location": "eastus", "kind": "web", "properties": properties}
        assert arm.refused("PUT", component, body)[:2] == (400, "BadRequest")
        made = arm.ok("PUT", logs, {"location": "eastus", "properties": {"sku": {"name": "PerGB2018"}}})
        assert GUID.fullmatch(made["properties"]["customerId"])
        assert arm.ok("POST", f"{logs}/sharedKeys")["primarySharedKey"]
        shown = arm.ok("PUT", component, body)["properties"]
        assert f"InstrumentationKey={shown['InstrumentationKey']}" in shown["ConnectionString"]
        assert shown["WorkspaceResourceId"] == logs


class TestManagedIdentity:
    def test_a_system_identity_is_made_once_and_ends(self, arm: Arm) -> None:
        account = arm.storage(arm.group())
        made = arm.ok("PATCH", account, {"identity": {"type": "SystemAssigned"}})["identity"]
        assert GUID.fullmatch(made["principalId"])
        assert arm.ok("PATCH", account, {"tags": {"a": "b"}})["identity"] == made
        assert "principalId" not in arm.ok("PATCH", account, {"identity": {"type": "None"}})["identity"]

    def test_user_identities_must_be_there(self, arm: Arm) -> None:
        group = arm.group()
        account, who = arm.storage(group), identity(arm, group)
        block = {"type": "UserAssigned", "userAssignedIdentities": {who["id"]: {}}}
        shown = arm.ok("PATCH", account, {"identity": block})["identity"]["userAssignedIdentities"][who["id"]]
        assert shown == {"principalId": who["principalId"], "clientId": who["clientId"]}
        block = {"type": "UserAssigned", "userAssignedIdentities": {f"{who['id']}-gone": {}}}
        assert arm.refused("PATCH", account, {"identity": block})[:2] == (400, "FailedIdentityOperation")
