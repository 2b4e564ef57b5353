"""Read: refresh, import, and functions that read."""

from typing import Any

import pytest

from tests.support.behaviours import behaves
from tests.support.provider_client import Client, Failure
from tests.support.tiny_arm import CLIENT, OBJECT, SUBSCRIPTION, TENANT, TinyArm
from tests.unit.azure_native.test_crud import ACCOUNT, GIVEN, KEYS, LIVE, OUTPUTS, POLICY, RG, STORE, VAULT, VAULT_GIVEN


def changed(**properties: Any) -> dict[str, Any]:
    return {**LIVE, "properties": {**LIVE["properties"], **properties}}


@behaves("Read", "provider.go: Read")
def test_what_is_gone_is_gone(client: Client) -> None:
    """404 = gone: an answer without an id."""
    assert client.read(ACCOUNT, STORE, GIVEN, OUTPUTS) == ("", {}, {})


@behaves("Read", "provider.go: Read")
def test_another_error_is_an_error(arm: TinyArm, client: Client) -> None:
    """Another error is an error."""
    arm.script("GET", STORE, (403, {}, {"error": {"code": "AuthorizationFailed", "message": "no"}}))
    with pytest.raises(Failure, match='Status=403 Code="AuthorizationFailed"'):
        client.read(ACCOUNT, STORE, GIVEN, OUTPUTS)


@behaves("Read", "provider.go: Read")
def test_nothing_changed_in_azure(arm: TinyArm, client: Client) -> None:
    """A value that Azure filled in from the start never becomes an input."""
    arm.put(STORE, **LIVE)
    id_, outputs, inputs = client.read(ACCOUNT, STORE, GIVEN, OUTPUTS)
    assert (id_, outputs, inputs) == (STORE, OUTPUTS, GIVEN)


@behaves("Read", "provider.go: Read")
def test_what_changed_in_azure_becomes_an_input(arm: TinyArm, client: Client) -> None:
    """A value that changed in Azure later becomes an input; read-only ones never do."""
    rules = {"defaultAction": "Deny", "bypass": "None", "ipRules": [{"value": "1.1.1.1"}, {"value": "2.2.2.2"}]}
    arm.put(STORE, **changed(accessTier="Cool", networkAcls=rules, provisioningState="Updating"))
    arm.resources[STORE.lower()]["tags"] = {"team": "fraud", "more": "1"}
    _, outputs, inputs = client.read(ACCOUNT, STORE, GIVEN, OUTPUTS)
    assert outputs["provisioningState"] == "Updating"
    expected_rules = {
        "defaultAction": "Deny",
        "bypass": "None",
        "ipRules": [{"iPAddressOrRange": "1.1.1.1"}, {"iPAddressOrRange": "2.2.2.2"}],
    }
    assert inputs == {
        **GIVEN,
        "accessTier": "Cool",
        "networkRuleSet": expected_rules,
        "tags": {"team": "fraud", "more": "1"},
    }


@behaves("Read", "provider.go: removeDefaults")
def test_inputs_that_say_a_default_take_what_is_live(arm: TinyArm, client: Client) -> None:
    """Inputs that are set to a default which removal restores are compared as if state had nothing there."""
    default = {"bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": []}
    given, state = {**GIVEN, "networkRuleSet": default}, {**OUTPUTS, "networkRuleSet": default}
    acls = {key: value for key, value in default.items() if key != "virtualNetworkRules"}
    arm.put(STORE, **changed(networkAcls=acls))
    _, _, inputs = client.read(ACCOUNT, STORE, given, state)
    assert inputs == {**GIVEN, "networkRuleSet": acls}


@behaves("Read", "diff.go: applyDiff")
def test_what_was_removed_in_azure_leaves_the_inputs(arm: TinyArm, client: Client) -> None:
    """What was removed in Azure leaves the inputs."""
    arm.put(STORE, **{key: value for key, value in LIVE.items() if key != "tags"})
    _, _, inputs = client.read(ACCOUNT, STORE, GIVEN, OUTPUTS)
    assert inputs == {key: value for key, value in GIVEN.items() if key != "tags"}


@behaves("Read", "diff.go: applyValueDiff")
def test_only_the_changed_part_of_an_object_is_copied(arm: TinyArm, client: Client) -> None:
    """Of an object only the part that changed is copied into the inputs."""
    arm.put(STORE, **changed(encryption={"keySource": "Microsoft.Storage", "requireInfrastructureEncryption": True}))
    given = {**GIVEN, "encryption": {"services": {"blob": {"enabled": True}}}}
    _, _, inputs = client.read(ACCOUNT, STORE, given, OUTPUTS)
    assert inputs["encryption"] == {"services": {"blob": {"enabled": True}}, "requireInfrastructureEncryption": True}


@behaves("Read", "convert.go: SdkOutputsToSdkInputs")
def test_a_new_identity_comes_into_the_list(arm: TinyArm, client: Client) -> None:
    """An identity that was added in Azure comes into the list of the inputs."""
    both = {"/ids/one": {"clientId": "c", "principalId": "p"}, "/ids/two": {}}
    arm.put(STORE, **{**LIVE, "identity": {"type": "UserAssigned", "userAssignedIdentities": both}})
    _, _, inputs = client.read(ACCOUNT, STORE, GIVEN, OUTPUTS)
    assert inputs["identity"]["userAssignedIdentities"] == ["/ids/one", "/ids/two"]


@behaves("Read", "provider.go: removeUnsetSubResourceProperties")
def test_sub_resources_of_others_do_not_become_inputs(arm: TinyArm, client: Client) -> None:
    """Access policies that were never set inline stay out of the inputs, and in the outputs."""
    client.create(VAULT, VAULT_GIVEN)
    _, state, _ = client.read(VAULT, KEYS, VAULT_GIVEN, {})
    arm.resources[KEYS.lower()]["properties"]["accessPolicies"] = [POLICY]
    _, outputs, inputs = client.read(VAULT, KEYS, VAULT_GIVEN, {**state, "properties": VAULT_GIVEN["properties"]})
    assert outputs["properties"]["accessPolicies"] == [POLICY]
    assert inputs == VAULT_GIVEN


@behaves("Import", "convert.go: ResponseToSdkInputs")
def test_an_import_makes_inputs_from_id_and_answer(arm: TinyArm, client: Client) -> None:
    """Inputs are made from the id and the response: no read-only ones, no empty collections."""
    arm.put(STORE, **changed(networkAcls={"defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": []}))
    id_, outputs, inputs = client.read(ACCOUNT, STORE.replace("resourceGroups", "resourcegroups"))
    assert id_.lower() == STORE.lower()
    assert outputs["primaryEndpoints"] == {"blob": "https://x/"}
    assert inputs == {
        "resourceGroupName": "rg",
        "accountName": "store",
        "location": "westeurope",
        "kind": "StorageV2",
        "sku": {"name": "Standard_LRS"},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": ["/ids/one"]},
        "tags": {"team": "risk"},
        "allowBlobPublicAccess": False,
        "enableHttpsTrafficOnly": True,
        "networkRuleSet": {"defaultAction": "Allow"},
        "accessTier": "Hot",
        "encryption": {"keySource": "Microsoft.Storage"},
    }


@behaves("Import", "provider.go: Diff")
def test_imported_inputs_lead_to_no_change(arm: TinyArm, client: Client) -> None:
    """A program that says what was imported changes nothing."""
    arm.put(STORE, **LIVE)
    _, state, imported = client.read(ACCOUNT, STORE)
    checked, failures = client.check(ACCOUNT, imported, old=imported)
    assert failures == []
    assert list(client.diff(ACCOUNT, imported, checked, state=state).diffs) == []


@behaves("Import", "resources.go: ParseResourceID")
def test_an_id_of_another_type_is_refused(arm: TinyArm, client: Client) -> None:
    """An id of another type is refused."""
    arm.put(RG, location="x")
    with pytest.raises(Failure, match=f"failed to parse '{RG}' against the path"):
        client.read(ACCOUNT, RG)


@behaves("Invoke", "provider.go: Invoke")
def test_a_getter_reads_what_is_not_the_programs(arm: TinyArm, client: Client) -> None:
    """`get<Type>` reads what is not the program's; an error is `request failed <id>: …`."""
    arm.put(STORE, **LIVE)
    args = {"resourceGroupName": "rg", "accountName": "store"}
    assert client.invoke("azure-native:storage:getStorageAccount", args) == OUTPUTS
    missing = STORE.replace("/store", "/none")
    with pytest.raises(Failure, match=rf"^request failed {missing}: Status=404"):
        client.invoke("azure-native:storage:getStorageAccount", {**args, "accountName": "none"})
    with pytest.raises(Failure, match="expected string value for path parameter 'accountName'"):
        client.invoke("azure-native:storage:getStorageAccount", {"resourceGroupName": "rg"})


@behaves("Invoke", "provider.go: getClientConfig")
def test_the_client_config_tells_who_acts(client: Client) -> None:
    """`getClientConfig` tells who acts."""
    assert client.invoke("azure-native:authorization:getClientConfig", {}) == {
        "clientId": CLIENT,
        "objectId": OBJECT,
        "subscriptionId": SUBSCRIPTION,
        "tenantId": TENANT,
    }


@pytest.mark.parametrize("token", ["authorization:getClientToken", "storage:listStorageAccountKeys", "web:getWebApp"])
def test_other_functions_are_refused_by_name(client: Client, token: str) -> None:
    told = f"azure-native stand-in does not emulate the function azure-native:{token}"
    with pytest.raises(Failure, match=told):
        client.invoke(f"azure-native:{token}", {})
