"""ARM in general, asked by azure-core's own pipeline and azure-mgmt-core's polling: what clients rely on everywhere."""

import time

import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest

from tests.unit.local.support import Arm, FakePlane, until

STORAGE = {"location": "eastus", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}


def test_ids_are_taken_in_any_case_and_given_back_as_first_written(arm: Arm) -> None:
    group = arm.group("Rg-Case")
    arm.ok("PUT", f"{group}/providers/microsoft.managedidentity/USERASSIGNEDIDENTITIES/One", {"location": "East US"})
    shouted = f"{arm.sub.upper()}/RESOURCEGROUPS/RG-CASE/PROVIDERS/MICROSOFT.MANAGEDIDENTITY/userassignedidentities/ONE"
    found = arm.ok("GET", shouted)
    assert found["id"] == f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/One"
    assert found["type"] == "Microsoft.ManagedIdentity/userAssignedIdentities"
    assert found["location"] == "eastus"


def test_every_request_needs_an_api_version(arm: Arm) -> None:
    request = HttpRequest("GET", arm.client.format_url("/subscriptions"))
    response = arm.client.send_request(request)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "MissingApiVersionParameter")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/x", "SubscriptionNotFound"),
        ("{sub}/resourceGroups/gone", "ResourceGroupNotFound"),
        ("{sub}/resourceGroups/gone/providers/Microsoft.Storage/storageAccounts/x", "ResourceGroupNotFound"),
        ("{group}/providers/Microsoft.Storage/storageAccounts/gone", "ResourceNotFound"),
        (
            "{group}/providers/Microsoft.MachineLearningServices/workspaces/gone/onlineEndpoints/x",
            "ParentResourceNotFound",
        ),
    ],
)
def test_what_is_missing_is_named(arm: Arm, path: str, code: str) -> None:
    status, given, _ = arm.refused("GET", path.format(sub=arm.sub, group=arm.group()))
    assert (status, given) == (404, code)


def test_what_is_not_emulated_says_so(arm: Arm) -> None:
    group = arm.group()
    status, code, message = arm.refused("PUT", f"{group}/providers/Microsoft.Web/sites/x", {"location": "eastus"})
    assert (status, code) == (501, "NotImplemented")
    assert "Microsoft.Web/sites" in message
    assert "Microsoft.Storage/storageAccounts" in message
    account = arm.storage(group)
    status, code, message = arm.refused("POST", f"{account}/failover")
    assert (status, code) == (501, "NotImplemented")
    assert "failover" in message


def test_every_problem_of_a_body_is_named_with_its_path(arm: Arm) -> None:
    path = f"{arm.group()}/providers/Microsoft.Storage/storageAccounts/UPPER"
    body = {"location": "eastus", "kind": "StorageV2", "sku": {}, "properties": {"minimumTls": "1.2"}}
    response = arm.send("PUT", path, body)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (400, "InvalidRequestContent")
    told = [detail["message"] for detail in error["details"]]
    assert [text.partition(":")[0] for text in told] == ["sku.name", "properties.minimumTls", "name"]
    assert "minimumTlsVersion" in told[1]


def test_a_property_of_another_api_version_is_dropped_not_refused(arm: Arm) -> None:
    path = f"{arm.group()}/providers/Microsoft.Storage/storageAccounts/other1version"
    body = {**STORAGE, "properties": {"ofTomorrow": True}}
    response = arm.send("PUT", path, body, version="2026-09-01")
    assert response.status_code == 202
    assert "ofTomorrow" not in arm.ok("GET", path)["properties"]


def test_broken_json_is_refused(arm: Arm) -> None:
    url = arm.client.format_url(f"{arm.sub}/resourceGroups/x?api-version=2025-04-01")
    response = arm.client.send_request(HttpRequest("PUT", url, content="{", headers={"Content-Type": "text/json"}))
    assert (response.status_code, response.json()["error"]["code"]) == (400, "InvalidRequestContent")


def test_location_is_required_known_and_fixed(arm: Arm) -> None:
    group = arm.group()
    path = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"
    assert arm.refused("PUT", path, {})[1] == "LocationRequired"
    assert arm.refused("PUT", path, {"location": "atlantis"})[1] == "LocationNotAvailableForResourceType"
    arm.ok("PUT", path, {"location": "West US 2"})
    arm.ok("PUT", path, {"location": "westus2"})
    status, code, message = arm.refused("PUT", path, {"location": "eastus"})
    assert (status, code) == (409, "InvalidResourceLocation")
    assert "westus2" in message
    assert arm.refused("PUT", group, {"location": "westus"})[:2] == (409, "InvalidResourceGroupLocation")


def test_status_codes_are_those_each_client_takes(arm: Arm) -> None:
    """The codes of new and old resources, per type: any other code is an error to the official client."""
    group = arm.group()
    identity = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"
    assert [arm.send("PUT", identity, {"location": "eastus"}).status_code for _ in range(2)] == [201, 200]
    account = f"{group}/providers/Microsoft.Storage/storageAccounts/codesofstorage"
    assert arm.send("PUT", account, STORAGE).status_code == 202
    _settled(arm, account)
    assert arm.send("PUT", account, STORAGE).status_code == 200
    assert [arm.send("DELETE", account).status_code for _ in range(2)] == [200, 204]
    component = f"{group}/providers/Microsoft.Insights/components/appi"
    body = {"location": "eastus", "kind": "web", "properties": {"Application_Type": "web"}}
    assert [arm.send("PUT", component, body).status_code for _ in range(2)] == [200, 200]
    assert arm.send("HEAD", group).status_code == 204
    assert arm.send("HEAD", f"{group}x").status_code == 404
    assert arm.send("DELETE", group).status_code == 202


def test_lists_come_in_pages(arm: Arm) -> None:
    group = arm.group()
    names = [f"me{number}" for number in range(5)]
    at = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
    for name in names:
        arm.ok("PUT", f"{at}/{name}", {"location": "eastus"})
    found, url = [], arm.client.format_url(f"{at}?api-version=2023-01-31&$top=2")
    pages = 0
    while url:
        page = arm.client.send_request(HttpRequest("GET", url)).json()
        found += [item["name"] for item in page["value"]]
        url, pages = page.get("nextLink"), pages + 1
    assert (found, pages) == (names, 3)
    everywhere = arm.ok("GET", f"{arm.sub}/providers/Microsoft.ManagedIdentity/userAssignedIdentities")["value"]
    assert {item["id"] for item in everywhere} >= {f"{at}/{name}" for name in names}
    listed = arm.ok("GET", f"{group}/resources", **{"$filter": "resourceType eq 'Microsoft.Storage/storageAccounts'"})
    assert listed["value"] == []


def test_an_answer_in_time_costs_no_default_poll_interval(arm: Arm) -> None:
    """`Retry-After: 0` would make official clients wait 30 s."""
    group = arm.group()
    response = arm.send("DELETE", group)
    assert 0 < int(response.headers["retry-after-ms"]) <= 1000
    assert "Retry-After" not in response.headers  # typed clients read a whole number of seconds from it
    started = time.monotonic()
    arm.ok("DELETE", arm.group())
    assert time.monotonic() - started < 2


def test_deleting_a_group_deletes_all_that_is_in_it(arm: Arm, plane: FakePlane) -> None:
    group = arm.group()
    workspace = arm.workspace(group)
    endpoint = arm.endpoint(workspace)
    arm.ok("PUT", f"{endpoint}/deployments/blue", arm.deployment_body(arm.assets(workspace)))
    assert endpoint in plane.endpoints
    arm.ok("DELETE", group)
    assert endpoint not in plane.endpoints
    assert f"{endpoint}/deployments/blue" not in plane.deployments
    assert arm.refused("GET", endpoint)[1] == "ResourceGroupNotFound"
    assert arm.refused("DELETE", group)[:2] == (404, "ResourceGroupNotFound")
    remade = arm.group(group.rpartition("/")[2])
    assert arm.ok("GET", f"{remade}/resources")["value"] == []


def test_nothing_is_made_in_a_group_that_is_going(arm: Arm, plane: FakePlane) -> None:
    group = arm.group()
    workspace = arm.workspace(group)
    endpoint = arm.endpoint(workspace)
    body = arm.deployment_body(arm.assets(workspace))
    plane.gate.clear()
    try:
        assert arm.send("PUT", f"{endpoint}/deployments/blue", body).status_code == 201
        status, code, _ = arm.refused("PUT", f"{endpoint}/deployments/green", body)
        assert (status, code) == (409, "Conflict")
        assert arm.refused("DELETE", endpoint)[:2] == (409, "Conflict")
        assert arm.refused("PATCH", endpoint, {"tags": {}})[:2] == (409, "Conflict")
        assert arm.ok("GET", f"{endpoint}/deployments/blue")["properties"]["provisioningState"] == "Creating"
        arm.send("DELETE", group)
        identity = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"
        status, code, _ = arm.refused("PUT", identity, {"location": "eastus"})
        assert (status, code) in {(409, "ResourceGroupBeingDeleted"), (404, "ResourceGroupNotFound")}
    finally:
        plane.gate.set()
    _gone(arm, group)


def test_put_replaces_and_patch_merges(arm: Arm) -> None:
    account = arm.storage(arm.group(), allowBlobPublicAccess=True)
    before = arm.ok("GET", account)
    arm.ok("PATCH", account, {"tags": {"a": "1"}, "properties": {"allowSharedKeyAccess": False}})
    merged = arm.ok("GET", account)
    assert merged["tags"] == {"a": "1"}
    assert merged["properties"]["allowBlobPublicAccess"] is True
    assert merged["properties"]["allowSharedKeyAccess"] is False
    assert merged["properties"]["creationTime"] == before["properties"]["creationTime"]
    arm.ok("PUT", account, STORAGE)
    replaced = arm.ok("GET", account)
    assert "tags" not in replaced
    assert replaced["properties"]["allowBlobPublicAccess"] is False
    assert arm.refused("PATCH", account, {"location": "westus"})[1] == "InvalidRequestContent"


def test_read_only_values_cannot_be_written(arm: Arm) -> None:
    path = f"{arm.group()}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"
    forged = "11111111-1111-1111-1111-111111111111"
    made = arm.ok("PUT", path, {"location": "eastus", "properties": {"principalId": forged}})
    assert made["properties"]["principalId"] != forged
    again = arm.ok("PUT", path, {"location": "eastus"})
    assert again["properties"]["principalId"] == made["properties"]["principalId"]
    assert again["systemData"]["createdAt"] == made["systemData"]["createdAt"]
    assert again["systemData"]["lastModifiedAt"] > made["systemData"]["lastModifiedAt"]


def test_names_are_held_to_azures_rules(arm: Arm) -> None:
    group = arm.group()
    vault = f"{group}/providers/Microsoft.KeyVault/vaults/no--no"
    sku = {"family": "A", "name": "standard"}
    body = {"location": "eastus", "properties": {"tenantId": arm.running.azure.identity.tenant_id, "sku": sku}}
    status, code, message = arm.refused("PUT", vault, body)
    assert (status, code) == (400, "InvalidResourceName")
    assert "'no--no'" in message
    assert arm.refused("PUT", f"{arm.sub}/resourceGroups/dot.", {"location": "eastus"})[1] == "InvalidResourceName"


def test_conditions_of_a_write(arm: Arm) -> None:
    path = f"{arm.group()}/providers/Microsoft.OperationalInsights/workspaces/logs"
    body = {"location": "eastus"}
    etag = arm.ok("PUT", path, body)["etag"]
    for header, value, status in (
        ("If-Match", '"other"', 412),
        ("If-None-Match", "*", 412),
        ("If-Match", etag, 200),
        ("If-Match", etag, 412),
        ("If-Match", "*", 200),
    ):
        url = arm.client.format_url(f"{path}?api-version=2023-09-01")
        request = HttpRequest("PUT", url, json=body, headers={header: value})
        until(lambda: arm.ok("GET", path)["properties"]["provisioningState"] == "Succeeded")
        assert arm.client.send_request(request).status_code == status


def test_progress_is_told_with_the_status(arm: Arm, plane: FakePlane) -> None:
    workspace = arm.workspace(arm.group())
    endpoint = arm.endpoint(workspace)
    response = arm.send("PUT", f"{endpoint}/deployments/blue", arm.deployment_body(arm.assets(workspace)))
    url = response.headers["Azure-AsyncOperation"]
    until(lambda: arm.client.send_request(HttpRequest("GET", url)).json()["status"] == "Succeeded")
    plane.gate.clear()
    try:
        again = arm.send("PUT", f"{endpoint}/deployments/blue", arm.ok("GET", f"{endpoint}/deployments/blue"))
        url = again.headers["Azure-AsyncOperation"]
        until(lambda: "properties" in arm.client.send_request(HttpRequest("GET", url)).json())
        document = arm.client.send_request(HttpRequest("GET", url)).json()
    finally:
        plane.gate.set()
    assert (document["status"], document["properties"]) == ("InProgress", {"progress": ["starting"]})


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ({f"t{number}": "" for number in range(51)}, "InvalidTagsCount"),
        ({"a": "x" * 257}, "InvalidTagValueLength"),
        ({"a<b": "x"}, "InvalidTagName"),
    ],
)
def test_tags_have_limits(arm: Arm, tags: dict[str, str], code: str) -> None:
    assert arm.refused("PUT", f"{arm.sub}/resourceGroups/tagged", {"location": "eastus", "tags": tags})[1] == code


def test_a_failed_operation_is_told_by_its_status(arm: Arm, plane: FakePlane) -> None:
    from azml_local.scoring.contract import DeploymentFailed

    workspace = arm.workspace(arm.group())
    endpoint = arm.endpoint(workspace)
    body = arm.deployment_body(arm.assets(workspace))
    plane.fail["blue"] = DeploymentFailed("ResourceNotReady", "init() failed: No module named 'x'")
    with pytest.raises(HttpResponseError) as caught:
        arm.ok("PUT", f"{endpoint}/deployments/blue", body)
    assert caught.value.error is not None
    assert caught.value.error.code == "ResourceNotReady"
    assert "No module named 'x'" in caught.value.message
    assert arm.ok("GET", f"{endpoint}/deployments/blue")["properties"]["provisioningState"] == "Failed"
    arm.ok("PUT", f"{endpoint}/deployments/blue", body)
    assert arm.ok("GET", f"{endpoint}/deployments/blue")["properties"]["provisioningState"] == "Succeeded"


def test_what_clients_ask_of_the_subscription(arm: Arm) -> None:
    (subscription,) = arm.ok("GET", "/subscriptions")["value"]
    assert subscription["id"] == arm.sub
    assert arm.ok("GET", arm.sub)["tenantId"] == arm.running.azure.identity.tenant_id
    assert [tenant["tenantId"] for tenant in arm.ok("GET", "/tenants")["value"]] == [subscription["tenantId"]]
    regions = {region["name"]: region["displayName"] for region in arm.ok("GET", f"{arm.sub}/locations")["value"]}
    assert regions["westeurope"] == "West Europe"
    provider = arm.ok("GET", f"{arm.sub}/providers/Microsoft.KeyVault")
    assert provider["registrationState"] == "Registered"
    assert arm.ok("POST", f"{arm.sub}/providers/Microsoft.KeyVault/register")["namespace"] == "Microsoft.KeyVault"
    kinds = [kind["resourceType"] for kind in provider["resourceTypes"]]
    assert "vaults" in kinds


def _settled(arm: Arm, path: str) -> None:
    until(lambda: arm.ok("GET", path)["properties"]["provisioningState"] == "Succeeded")


def _gone(arm: Arm, path: str) -> None:
    until(lambda: arm.send("HEAD", path).status_code == 404)
