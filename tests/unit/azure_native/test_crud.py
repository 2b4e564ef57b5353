"""Create, read, update, delete: which requests go out, and what state keeps."""

import dataclasses
import threading
import time
from typing import Any

import pytest

from azml_local.azure_native import table
from tests.support.behaviours import behaves
from tests.support.provider_client import UNKNOWN, Client, Failure
from tests.support.tiny_arm import SUBSCRIPTION, TinyArm

RG = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
GROUP = "azure-native:resources:ResourceGroup"
ACCOUNT = "azure-native:storage:StorageAccount"
STORE = f"{RG}/providers/Microsoft.Storage/storageAccounts/store"
GIVEN: dict[str, Any] = {
    "resourceGroupName": "rg",
    "accountName": "store",
    "location": "westeurope",
    "kind": "StorageV2",
    "sku": {"name": "Standard_LRS"},
    "allowBlobPublicAccess": False,
    "enableHttpsTrafficOnly": True,
    "networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"iPAddressOrRange": "1.1.1.1"}]},
    "identity": {"type": "UserAssigned", "userAssignedIdentities": ["/ids/one"]},
    "tags": {"team": "risk"},
    "azureApiVersion": "2024-01-01",
    "__createBeforeDelete": True,
    "nonsense": 1,
}
BODY: dict[str, Any] = {
    "location": "westeurope",
    "kind": "StorageV2",
    "sku": {"name": "Standard_LRS"},
    "identity": {"type": "UserAssigned", "userAssignedIdentities": {"/ids/one": {}}},
    "tags": {"team": "risk"},
    "properties": {
        "allowBlobPublicAccess": False,
        "supportsHttpsTrafficOnly": True,
        "networkAcls": {"defaultAction": "Deny", "ipRules": [{"value": "1.1.1.1"}]},
    },
}
LIVE: dict[str, Any] = {
    **BODY,
    "identity": {"type": "UserAssigned", "userAssignedIdentities": {"/ids/one": {"clientId": "c", "principalId": "p"}}},
    "type": "Microsoft.Storage/storageAccounts",
    "unheardOf": 1,
    "properties": {
        **BODY["properties"],
        "accessTier": "Hot",
        "provisioningState": "Succeeded",
        "primaryEndpoints": {"blob": "https://x/"},
        "encryption": {"keySource": "Microsoft.Storage"},
        "creationTime": None,
    },
}
OUTPUTS: dict[str, Any] = {
    "id": STORE,
    "name": "store",
    "type": "Microsoft.Storage/storageAccounts",
    "location": "westeurope",
    "kind": "StorageV2",
    "sku": {"name": "Standard_LRS"},
    "identity": {"type": "UserAssigned", "userAssignedIdentities": {"/ids/one": {"clientId": "c", "principalId": "p"}}},
    "tags": {"team": "risk"},
    "allowBlobPublicAccess": False,
    "enableHttpsTrafficOnly": True,
    "networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"iPAddressOrRange": "1.1.1.1"}]},
    "accessTier": "Hot",
    "provisioningState": "Succeeded",
    "primaryEndpoints": {"blob": "https://x/"},
    "encryption": {"keySource": "Microsoft.Storage"},
    "azureApiVersion": "2024-01-01",
}


def paths(arm: TinyArm) -> list[tuple[str, str]]:
    return [(method, path.partition("?")[0]) for method, path, _, _ in arm.requests]


@behaves("Create", "provider.go: Create")
def test_preview_makes_nothing_and_echoes_inputs(arm: TinyArm, client: Client) -> None:
    """Preview: nothing is sent, inputs are echoed, everything else is unknown."""
    id_, outputs = client.create(ACCOUNT, {**GIVEN, "minimumTlsVersion": UNKNOWN}, preview=True)
    assert arm.requests == []
    assert id_ == ""
    assert (outputs["kind"], outputs["tags"]) == ("StorageV2", {"team": "risk"})
    assert outputs["sku"] == {"name": "Standard_LRS", "tier": UNKNOWN}
    for name in ("id", "name", "primaryEndpoints", "provisioningState", "minimumTlsVersion", "accessTier"):
        assert outputs[name] is UNKNOWN, name
    assert "nonsense" not in outputs
    assert "accountName" not in outputs


@behaves("Create", "provider.go: defaultCreate")
def test_create_asks_first_then_puts_the_body_then_reads(arm: TinyArm, client: Client) -> None:
    """First a GET, then PUT, then a GET after the write whose answer is what state keeps."""
    arm.script("GET", STORE, (404, {}, None), (200, {}, {"id": STORE, "name": "store", **LIVE}))
    id_, outputs = client.create(ACCOUNT, GIVEN)
    assert paths(arm) == [("GET", STORE), ("PUT", STORE), ("GET", STORE)]
    assert all(path.endswith("?api-version=2024-01-01") for _, path, _, _ in arm.requests)
    assert all(headers["Authorization"].startswith("Bearer ") for _, _, headers, _ in arm.requests)
    assert arm.asked("PUT")[0][1] == BODY
    assert id_ == STORE
    assert outputs == OUTPUTS


@behaves("Create", "crud.go: PrepareAzureRESTBody")
def test_whole_numbers_stay_whole_in_the_body(arm: TinyArm, client: Client) -> None:
    """Whole numbers stay whole: the wire to the engine has floats only, ARM wants 7 and not 7.0."""
    token = "azure-native:operationalinsights:Workspace"
    given = {"resourceGroupName": "rg", "workspaceName": "logs", "location": "x", "retentionInDays": 30}
    client.create(token, {**given, "workspaceCapping": {"dailyQuotaGb": 0.5}})
    assert arm.asked("PUT")[0][1] == {
        "location": "x",
        "properties": {"retentionInDays": 30, "workspaceCapping": {"dailyQuotaGb": 0.5}},
    }
    assert isinstance(arm.asked("PUT")[0][1]["properties"]["retentionInDays"], int)


@behaves("Create", "client_azcore.go: CanCreate")
def test_what_is_there_already_is_not_created(arm: TinyArm, client: Client) -> None:
    """If the resource is there: error `cannot create already existing resource '<id>'`."""
    arm.put(STORE, location="x")
    with pytest.raises(Failure) as caught:
        client.create(ACCOUNT, GIVEN)
    assert caught.value.message == f"cannot create already existing resource '{STORE}'"
    assert caught.value.unfinished is None
    assert arm.asked("PUT") == []


@behaves("Create", "client_azcore.go: CanCreate")
@pytest.mark.parametrize("nothing", [(204, {}, None), (200, {}, None), (200, {}, {})])
def test_an_answer_without_a_body_is_nothing_there(arm: TinyArm, client: Client, nothing: Any) -> None:
    """404, 204 and an empty body mean that nothing is there."""
    arm.script("GET", STORE, nothing)
    assert client.create(ACCOUNT, GIVEN)[0] == STORE


@behaves("Create", "client_azcore.go: CanCreate")
def test_an_unclear_existence_is_an_error(arm: TinyArm, client: Client) -> None:
    """Any other answer to the first GET is an error: `cannot check existence of resource …`."""
    arm.script("GET", STORE, (403, {}, {"error": {"code": "AuthorizationFailed", "message": "no"}}))
    with pytest.raises(Failure, match=f"cannot check existence of resource '{STORE}': status code 403, .*no"):
        client.create(ACCOUNT, GIVEN)


@behaves("Create", "client_azcore.go: newResponseError")
def test_a_refused_write_leaves_nothing_in_state(arm: TinyArm, client: Client) -> None:
    """A PUT that is refused leaves nothing in state; the error is `Status=… Code="…" Message="…"`."""
    answer = {"error": {"code": "StorageAccountAlreadyTaken", "message": "The storage account named store is taken."}}
    arm.script("PUT", STORE, (409, {}, answer))
    with pytest.raises(Failure) as caught:
        client.create(ACCOUNT, GIVEN)
    told = 'Status=409 Code="StorageAccountAlreadyTaken" Message="The storage account named store is taken."'
    assert caught.value.message == told
    assert caught.value.unfinished is None


STATUS = f"/subscriptions/{SUBSCRIPTION}/operations/1"
RUNNING = (201, {"Azure-AsyncOperation": f"URL{STATUS}?api-version=1", "Retry-After": "0.01"}, {"id": STORE})


@behaves("Create", "client_azcore.go: putOrPatch")
def test_an_operation_is_polled_to_its_end(arm: TinyArm, client: Client) -> None:
    """A long-running operation is polled to its end at `Azure-AsyncOperation`."""
    arm.script("GET", STORE, (404, {}, None))
    arm.script("PUT", STORE, RUNNING)
    busy = (200, {"Retry-After": "0.01"}, {"status": "InProgress"})
    arm.script("GET", STATUS, busy, busy, (200, {}, {"status": "Succeeded"}))
    arm.put(STORE, **LIVE)
    _, outputs = client.create(ACCOUNT, GIVEN)
    assert paths(arm) == [("GET", STORE), ("PUT", STORE), *[("GET", STATUS)] * 3, ("GET", STORE)]
    assert outputs == OUTPUTS


@behaves("Create", "client_azcore.go: normalizeLocationHeader")
@pytest.mark.parametrize("relative", [True, False])
def test_a_location_is_polled_until_it_stops_saying_202(arm: TinyArm, client: Client, relative: bool) -> None:
    """`Location` is polled while it answers 202; a relative one is taken too."""
    header = {"Location": STATUS if relative else f"URL{STATUS}", "Retry-After": "0.01"}
    arm.script("GET", STORE, (404, {}, None))
    arm.script("PUT", STORE, (202, header, None))
    arm.script("GET", STATUS, (202, {"Retry-After": "0.01"}, None), (200, {}, {"id": STORE}))
    arm.put(STORE, **LIVE)
    assert client.create(ACCOUNT, GIVEN) == (STORE, OUTPUTS)
    assert paths(arm).count(("GET", STATUS)) == 2


@behaves("Create", "client_azcore.go: putOrPatch")
def test_a_state_without_headers_is_polled_at_the_resource(arm: TinyArm, client: Client) -> None:
    """Without headers the resource itself is polled by its provisioningState."""
    creating = {"id": STORE, "properties": {"provisioningState": "Creating"}}
    arm.script("GET", STORE, (404, {}, None), (200, {"Retry-After": "0.01"}, creating))
    arm.script("PUT", STORE, (201, {"Retry-After": "0.01"}, creating))
    arm.put(STORE, **LIVE)
    assert client.create(ACCOUNT, GIVEN)[1] == OUTPUTS
    assert paths(arm).count(("GET", STORE)) == 4


@behaves("Create", "crud.go: HandleErrorWithCheckpoint")
def test_a_failed_operation_stays_in_state_with_the_error(arm: TinyArm, client: Client) -> None:
    """A PUT that was accepted and then failed stays in state with the error: `ErrorResourceInitFailed` with id,
    inputs and outputs.
    """
    arm.script("GET", STORE, (404, {}, None))
    arm.script("PUT", STORE, RUNNING)
    failed = {"status": "Failed", "error": {"code": "ResourceNotReady", "message": "it crashed"}}
    arm.script("GET", STATUS, (200, {}, failed))
    arm.put(STORE, **LIVE)
    with pytest.raises(Failure) as caught:
        client.create(ACCOUNT, GIVEN)
    assert caught.value.message == 'Status=200 Code="ResourceNotReady" Message="it crashed"'
    assert caught.value.kept == (STORE, GIVEN, OUTPUTS)
    assert caught.value.unfinished is not None
    assert list(caught.value.unfinished.reasons) == [caught.value.message]


@behaves("Create", "crud.go: HandleErrorWithCheckpoint")
def test_a_failed_operation_that_left_nothing_readable_stays_in_state_too(arm: TinyArm, client: Client) -> None:
    """… also where nothing can be read: `resource created but read failed …`."""
    arm.script("PUT", STORE, RUNNING)
    arm.script("GET", STATUS, (200, {}, {"status": "Canceled", "error": {"code": "Gone", "message": "gone"}}))
    with pytest.raises(Failure, match=r"resource created but read failed Status=404.*gone") as caught:
        client.create(ACCOUNT, GIVEN)
    assert caught.value.kept == (STORE, GIVEN, {})


@behaves("Create", "provider.go: azureContext")
def test_custom_timeouts_are_respected(arm: TinyArm, client: Client) -> None:
    """Default timeout 120 min, `customTimeouts` respected; the resource is in state, Azure goes on."""
    arm.script("PUT", STORE, RUNNING)
    arm.script("GET", STATUS, *[(200, {"Retry-After": "0.05"}, {"status": "InProgress"})] * 50)
    began = time.monotonic()
    with pytest.raises(Failure, match=r"^operation timed out$") as caught:
        client.create(ACCOUNT, GIVEN, timeout=0.3)
    assert time.monotonic() - began < 2
    assert caught.value.kept[0] == STORE


@behaves("Cancel", "provider.go: Cancel")
def test_cancel_stops_polling_at_once(arm: TinyArm, client: Client) -> None:
    """Cancel stops polling; the operation goes on in Azure."""
    arm.script("PUT", STORE, (201, {"Azure-AsyncOperation": f"URL{STATUS}", "Retry-After": "30"}, {"id": STORE}))
    timer = threading.Timer(0.2, client.cancel)
    timer.start()
    began = time.monotonic()
    with pytest.raises(Failure, match="context canceled") as caught:
        client.create(ACCOUNT, GIVEN)
    timer.join()
    assert time.monotonic() - began < 5
    assert caught.value.kept[0] == STORE
    assert [method for method, _ in paths(arm)] == ["GET", "PUT"]


@behaves("Create", "provider.go: Create")
def test_calls_run_beside_each_other(arm: TinyArm, client: Client) -> None:
    """Calls run beside each other: eight creations that wait take as long as one."""
    names = [f"store{index}" for index in range(8)]
    for name in names:
        id_ = STORE.removesuffix("store") + name
        arm.script("PUT", id_, (201, {"Azure-AsyncOperation": f"URL{STATUS}", "Retry-After": "0.4"}, {"id": id_}))
        arm.script("GET", STATUS, (200, {}, {"status": "Succeeded"}))
    began = time.monotonic()
    threads = [threading.Thread(target=client.create, args=(ACCOUNT, {**GIVEN, "accountName": name})) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(arm.asked("PUT")) == 8
    assert time.monotonic() - began < 1.6


@behaves("Create", "client_azcore.go: shouldRetryConflict")
def test_busy_answers_are_tried_again(arm: TinyArm, client: Client) -> None:
    """429 and 409 `AnotherOperationInProgress` are tried again."""
    busy = {"error": {"code": "AnotherOperationInProgress", "message": "wait"}}
    arm.script("PUT", STORE, (429, {"Retry-After": "0.01"}, None), (409, {"Retry-After": "0.01"}, busy))
    client.create(ACCOUNT, GIVEN)
    assert len(arm.asked("PUT")) == 3


def test_a_refused_token_is_renewed_once(arm: TinyArm, client: Client) -> None:
    """A local Azure that was reset does not know the tokens of before."""
    client.create(GROUP, {"resourceGroupName": "rg", "location": "x"})
    arm.script("GET", STORE, (401, {}, {"error": {"code": "InvalidAuthenticationToken", "message": "old"}}))
    client.create(ACCOUNT, GIVEN)
    assert arm.tokens == 2


@behaves("Update", "provider.go: defaultUpdate")
def test_update_is_a_full_put_of_the_inputs(arm: TinyArm, client: Client) -> None:
    """A full PUT of the body made from inputs (no PATCH, no merge), GET after it."""
    arm.put(STORE, **LIVE)
    new = {key: value for key, value in GIVEN.items() if key not in ("tags", "networkRuleSet")}
    client.update(ACCOUNT, STORE, GIVEN, new, state={})
    assert paths(arm) == [("PUT", STORE), ("GET", STORE)]
    assert arm.asked("PUT")[0][1] == {
        **{key: value for key, value in BODY.items() if key != "tags"},
        "properties": {"allowBlobPublicAccess": False, "supportsHttpsTrafficOnly": True},
    }


@behaves("Update", "provider.go: Update")
def test_an_ignored_change_is_sent_as_the_old_input(arm: TinyArm, client: Client) -> None:
    """`ignore_changes` puts the *old input* in place, which is what the engine sends, not what is live."""
    arm.put(STORE, **{**LIVE, "tags": {"team": "live"}})
    client.update(ACCOUNT, STORE, GIVEN, {**GIVEN, "kind": "BlobStorage"}, state=OUTPUTS)
    sent = arm.asked("PUT")[0][1]
    assert (sent["kind"], sent["tags"]) == ("BlobStorage", {"team": "risk"})


@behaves("Update", "provider.go: defaultUpdate")
def test_update_keeps_a_failed_resource_in_state(arm: TinyArm, client: Client) -> None:
    """An update that was accepted and then failed stays in state with the error, and the next update PUTs it again."""
    arm.put(STORE, **LIVE)
    arm.script("PUT", STORE, RUNNING)
    arm.script("GET", STATUS, (200, {}, {"status": "Failed", "error": {"code": "X", "message": "no"}}))
    with pytest.raises(Failure, match='Code="X"') as caught:
        client.update(ACCOUNT, STORE, GIVEN, GIVEN)
    assert caught.value.kept == (STORE, GIVEN, OUTPUTS)
    client.update(ACCOUNT, STORE, GIVEN, GIVEN)
    assert len(arm.asked("PUT")) == 2


@behaves("Update", "provider.go: Update")
def test_update_preview_knows_name_and_location(arm: TinyArm, client: Client) -> None:
    """Preview: inputs are echoed, name and location are kept, everything else is unknown."""
    outputs = client.update(ACCOUNT, STORE, GIVEN, GIVEN, state=OUTPUTS, preview=True)
    assert arm.requests == []
    assert (outputs["name"], outputs["location"], outputs["kind"]) == ("store", "westeurope", "StorageV2")
    assert outputs["primaryEndpoints"] is UNKNOWN


@behaves("Update", "provider.go: restoreDefaultInputsForRemovedProperties")
def test_removed_network_rules_go_back_to_their_default(arm: TinyArm, client: Client) -> None:
    """Inputs whose absence Azure reads as no change go back to their default when they are removed (network rules of
    a storage account).
    """
    new = {key: value for key, value in GIVEN.items() if key != "networkRuleSet"}
    client.update(ACCOUNT, STORE, GIVEN, new, state=OUTPUTS)
    assert arm.asked("PUT")[0][1]["properties"]["networkAcls"] == {
        "bypass": "AzureServices",
        "defaultAction": "Allow",
        "ipRules": [],
        "virtualNetworkRules": [],
    }


@behaves("Update", "crud.go: CreateOrUpdate")
def test_a_removed_identity_is_told_as_null_in_a_patch(arm: TinyArm, client: Client) -> None:
    """A user-assigned identity that was removed is sent as null, and then the request is a PATCH (since 2026-04)."""
    arm.put(STORE, **LIVE)
    new = {**GIVEN, "identity": {"type": "UserAssigned", "userAssignedIdentities": ["/ids/two"]}}
    client.update(ACCOUNT, STORE, GIVEN, new)
    assert arm.asked("PUT") == []
    sent = arm.asked("PATCH")[0][1]
    assert sent["identity"]["userAssignedIdentities"] == {"/ids/one": None, "/ids/two": {}}
    assert sent["properties"] == BODY["properties"]


VAULT = "azure-native:keyvault:Vault"
KEYS = f"{RG}/providers/Microsoft.KeyVault/vaults/keys"
VAULT_GIVEN: dict[str, Any] = {
    "resourceGroupName": "rg",
    "vaultName": "keys",
    "location": "x",
    "properties": {"tenantId": "t", "sku": {"family": "A", "name": "standard"}},
}
POLICY = {"tenantId": "t", "objectId": "o", "permissions": {"keys": ["get"]}}


@behaves("Update", "crud.go: MaintainSubResourcePropertiesIfNotSet")
def test_lists_of_sub_resources_are_empty_at_first_and_kept_later(arm: TinyArm, client: Client) -> None:
    """Sub-resource properties that were never set inline (access policies of a key vault) are an empty list at first,
    and are read and kept later; set inline, they are sent.
    """
    client.create(VAULT, VAULT_GIVEN)
    assert arm.asked("PUT")[0][1]["properties"]["accessPolicies"] == []
    arm.resources[KEYS.lower()]["properties"]["accessPolicies"] = [POLICY]
    client.update(VAULT, KEYS, VAULT_GIVEN, {**VAULT_GIVEN, "tags": {"a": "b"}})
    assert arm.asked("PUT")[1][1]["properties"]["accessPolicies"] == [POLICY]
    inline = {**VAULT_GIVEN, "properties": {**VAULT_GIVEN["properties"], "accessPolicies": []}}
    client.update(VAULT, KEYS, VAULT_GIVEN, inline)
    assert arm.asked("PUT")[2][1]["properties"]["accessPolicies"] == []


@behaves("Create", "crud.go: PrepareAzureRESTIdAndQuery")
def test_a_resource_group_has_a_path_of_its_own(arm: TinyArm, client: Client) -> None:
    """The id is made from the path parameters."""
    id_, outputs = client.create(GROUP, {"resourceGroupName": "rg", "location": "x", "tags": {"a": "b"}})
    assert arm.asked("PUT") == [(f"{RG}?api-version=2024-03-01", {"location": "x", "tags": {"a": "b"}})]
    assert (id_, outputs["name"], outputs["azureApiVersion"]) == (RG, "rg", "2024-03-01")


@behaves("Create", "crud.go: PrepareAzureRESTIdAndQuery")
def test_a_role_assignment_lives_under_its_scope(arm: TinyArm, client: Client) -> None:
    """A parameter that is a path of its own (`scope`) goes in as it is, without slashes around it; a required
    container of the body is sent.
    """
    given = {"scope": STORE, "roleAssignmentName": "r1", "principalId": "p", "roleDefinitionId": "d"}
    id_, _ = client.create("azure-native:authorization:RoleAssignment", {**given, "principalType": "ServicePrincipal"})
    assert id_ == f"{STORE}/providers/Microsoft.Authorization/roleAssignments/r1"
    properties = {"principalId": "p", "roleDefinitionId": "d", "principalType": "ServicePrincipal"}
    assert arm.asked("PUT")[0][1] == {"properties": properties}


@behaves("Create", "crud.go: PrepareAzureRESTIdAndQuery")
def test_names_are_encoded_in_paths(arm: TinyArm, client: Client) -> None:
    """Names are encoded in paths."""
    client.create(GROUP, {"resourceGroupName": "a b/c", "location": "x"})
    assert arm.asked("PUT")[0][0].startswith(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/a%20b%2Fc?")


@behaves("Create", "convert.go: SdkInputsToRequestBody")
def test_an_oddly_named_property_finds_its_place(arm: TinyArm, client: Client) -> None:
    """Inputs go to the place and the name that they have in ARM: `applicationType` is `properties.Application_Type`."""
    given = {"resourceGroupName": "rg", "resourceName": "ai", "location": "x", "kind": "web", "applicationType": "web"}
    id_, outputs = client.create(
        "azure-native:applicationinsights:Component", {**given, "ingestionMode": "LogAnalytics"}
    )
    properties = {"Application_Type": "web", "IngestionMode": "LogAnalytics"}
    assert arm.asked("PUT")[0][1] == {"location": "x", "kind": "web", "properties": properties}
    assert id_.endswith("/providers/Microsoft.Insights/components/ai")
    assert outputs["applicationType"] == "web"


@behaves("Delete", "client_azcore.go: Delete")
def test_delete_is_polled_and_what_is_gone_is_fine(arm: TinyArm, client: Client) -> None:
    """DELETE and poll; 404 is fine."""
    arm.script("DELETE", STORE, (202, {"Location": f"URL{STATUS}", "Retry-After": "0.01"}, None), (404, {}, None))
    arm.script("GET", STATUS, (202, {"Retry-After": "0.01"}, None), (204, {}, None))
    client.delete(ACCOUNT, STORE)
    assert paths(arm) == [("DELETE", STORE), ("GET", STATUS), ("GET", STATUS)]
    client.delete(ACCOUNT, STORE)


@behaves("Delete", "client_azcore.go: Delete")
@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([(409, {}, {"error": {"code": "Locked", "message": "has traffic"}})], 'Status=409 Code="Locked"'),
        (
            [
                (202, {"Azure-AsyncOperation": f"URL{STATUS}", "Retry-After": "0.01"}, None),
            ],
            'Status=200 Code="Busy"',
        ),
    ],
)
def test_a_delete_that_fails_is_told(arm: TinyArm, client: Client, answers: list[Any], told: str) -> None:
    """A deletion that is refused, or accepted and then failed, is an error."""
    arm.script("DELETE", STORE, *answers)
    arm.script("GET", STATUS, (200, {}, {"status": "Failed", "error": {"code": "Busy", "message": "x"}}))
    with pytest.raises(Failure, match=told):
        client.delete(ACCOUNT, STORE)


@behaves("Create", "provider.go: readAfterWrite")
def test_a_read_that_fails_after_a_write_leaves_the_answer_of_the_write(arm: TinyArm, client: Client) -> None:
    """A GET after the write that fails is a warning; state keeps the write's answer."""
    arm.script("GET", STORE, (404, {}, None), (403, {}, {"error": {"code": "AuthorizationFailed", "message": "no"}}))
    id_, outputs = client.create(ACCOUNT, GIVEN)
    assert (id_, outputs["kind"]) == (STORE, "StorageV2")
    assert "primaryEndpoints" not in outputs


SERVICE = "azure-native:storage:BlobServiceProperties"
BLOBS = f"{STORE}/blobServices/default"


@behaves("Delete", "provider.go: Delete")
def test_a_singleton_is_set_and_set_back(arm: TinyArm, client: Client) -> None:
    """Singletons skip the existence check, and are PUT back to their defaults instead of deleted."""
    arm.put(BLOBS, properties={})
    given = {"resourceGroupName": "rg", "accountName": "store", "blobServicesName": "default"}
    id_, _ = client.create(SERVICE, {**given, "isVersioningEnabled": True})
    assert (id_, arm.asked("PUT")[0][1]) == (BLOBS, {"properties": {"isVersioningEnabled": True}})
    client.delete(SERVICE, BLOBS)
    assert arm.asked("DELETE") == []
    assert arm.asked("PUT")[1][1] == {}


@behaves("Create", "client_azcore.go: CanCreate")
@pytest.mark.parametrize(
    ("live", "adopted"), [({"isVersioningEnabled": False}, True), ({"isVersioningEnabled": True}, False)]
)
def test_what_azure_made_with_its_parent_is_taken_over_while_untouched(
    arm: TinyArm, client: Client, monkeypatch: pytest.MonkeyPatch, live: dict[str, Any], adopted: bool
) -> None:
    """What Azure made with its parent is taken over while it is as Azure made it; else: `cannot create already
    existing subresource …`.
    """
    row = table.resource(SERVICE)
    sub = dataclasses.replace(row, singleton=False, default_body={"isVersioningEnabled": False})
    monkeypatch.setitem(table._BY_TOKEN, row.token, sub)
    arm.put(BLOBS, properties=live)
    given = {"resourceGroupName": "rg", "accountName": "store", "blobServicesName": "default"}
    if adopted:
        assert client.create(SERVICE, given)[0] == BLOBS
    else:
        with pytest.raises(Failure, match=f"cannot create already existing subresource '{BLOBS}'"):
            client.create(SERVICE, given)
