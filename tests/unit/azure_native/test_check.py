"""Check: what the provider adds to inputs, and what it says is wrong with them."""

import re
import uuid

import pytest

from tests.support.behaviours import behaves
from tests.support.provider_client import UNKNOWN, Client, Failure
from tests.support.tiny_arm import SUBSCRIPTION, TinyArm

GROUP = "azure-native:resources:ResourceGroup"
ACCOUNT = "azure-native:storage:StorageAccount"
CONTAINER = "azure-native:storage:BlobContainer"
ROLE = "azure-native:authorization:RoleAssignment"
FLAG = "__createBeforeDelete"
SKU = {"sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}
IN_GROUP = {"resourceGroupName": "rg", "location": "westeurope"}


@behaves("Check", "provider.go: getDefaultName")
def test_a_random_name_is_the_logical_name_and_eight_hex_characters(client: Client) -> None:
    """Random kind = logical name + 8 hex characters; it also sets the hidden input `__createBeforeDelete`."""
    inputs, failures = client.check(ACCOUNT, {**IN_GROUP, **SKU}, name="store")
    assert failures == []
    assert re.fullmatch("store[0-9a-f]{8}", inputs["accountName"])
    assert inputs[FLAG] is True


@behaves("Check", "provider.go: getDefaultName")
def test_preview_and_update_agree_on_a_random_name(client: Client) -> None:
    """The same seed, which the engine sends in preview and update, makes the same random name."""
    names = [
        client.check(ACCOUNT, {**IN_GROUP, **SKU}, seed=seed)[0]["accountName"]
        for seed in (b"one", b"one", b"two", b"", b"")
    ]
    assert names[0] == names[1]
    assert len(set(names[1:])) == 4


@behaves("Check", "provider.go: getDefaultName")
def test_a_random_name_is_kept_from_the_old_inputs(client: Client) -> None:
    """A name is kept from the old inputs, with the flag that it was made at random, or without it."""
    old = {"accountName": "store12345678", FLAG: True}
    inputs, _ = client.check(ACCOUNT, {**IN_GROUP, **SKU}, old=old)
    assert (inputs["accountName"], inputs[FLAG]) == ("store12345678", True)
    inputs, _ = client.check(ACCOUNT, {**IN_GROUP, **SKU}, old={"accountName": "mine"})
    assert (inputs["accountName"], FLAG in inputs) == ("mine", False)


@behaves("Check", "provider.go: applyDefaults")
def test_a_given_name_is_not_touched(client: Client) -> None:
    """A name that is given is not touched, and does not set the flag."""
    inputs, _ = client.check(ACCOUNT, {**IN_GROUP, **SKU, "accountName": "mine"}, old={"accountName": "x", FLAG: True})
    assert (inputs["accountName"], FLAG in inputs) == ("mine", False)


@behaves("Check", "resources.go: AutoName")
def test_a_child_is_named_like_the_logical_name(client: Client) -> None:
    """Copy kind = the logical name, not random, so replaced by deleting first."""
    inputs, failures = client.check(CONTAINER, {"resourceGroupName": "rg", "accountName": "store"}, name="blobs")
    assert failures == []
    assert (inputs["containerName"], FLAG in inputs) == ("blobs", False)


@behaves("Check", "resources.go: AutoName")
def test_a_role_assignment_is_named_by_a_uuid(client: Client) -> None:
    """Uuid kind, for role assignments; the same for the same seed; it sets `__createBeforeDelete` too."""
    given = {"scope": "/subscriptions/s", "principalId": "p", "roleDefinitionId": "r"}
    inputs, _ = client.check(ROLE, given, name="reader")
    assert str(uuid.UUID(inputs["roleAssignmentName"])) == inputs["roleAssignmentName"]
    assert inputs[FLAG] is True
    assert client.check(ROLE, given, name="reader")[0] == inputs


@behaves("Check", "provider.go: getDefaultName")
@pytest.mark.parametrize(
    ("mode", "token", "named"),
    [
        (0, ACCOUNT, "proposed"),
        (1, ACCOUNT, "proposed"),
        (2, ACCOUNT, None),
        (0, CONTAINER, "proposed"),
        (1, ROLE, "proposed"),
    ],
)
def test_the_projects_autonaming_option_is_honoured(client: Client, mode: int, token: str, named: str | None) -> None:
    """The project's `autonaming` option: 0 proposes, 1 enforces, 2 disables, and then the name is a missing required
    property.
    """
    name = {ACCOUNT: "accountName", CONTAINER: "containerName", ROLE: "roleAssignmentName"}[token]
    inputs, failures = client.check(token, {**IN_GROUP, **SKU, "scope": "/s"}, autonaming=(mode, "proposed"))
    assert inputs.get(name) == named
    assert (f"missing required property '{name}'" in failures) is (named is None)


@behaves("Check", "provider.go: getDefaultName")
def test_a_proposed_name_does_not_replace_a_uuid(client: Client) -> None:
    """A proposed name does not take the place of a UUID; an enforced one does."""
    inputs, _ = client.check(ROLE, {"scope": "/s"}, autonaming=(0, "proposed"))
    assert inputs["roleAssignmentName"] != "proposed"


@behaves("Check", "provider.go: getDefaultLocation")
def test_location_comes_from_old_inputs_then_config_then_the_group(arm: TinyArm, unconfigured: Client) -> None:
    """Default `location`: old inputs, then provider config, then the resource group's own location."""
    arm.put(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg", location="swedencentral")
    given = {**SKU, "resourceGroupName": "rg", "accountName": "store"}
    unconfigured.configure()
    assert unconfigured.check(ACCOUNT, given)[0]["location"] == "swedencentral"
    unconfigured.configure(location="northeurope")
    assert unconfigured.check(ACCOUNT, given)[0]["location"] == "northeurope"
    assert unconfigured.check(ACCOUNT, given, old={"location": "uksouth"})[0]["location"] == "uksouth"
    assert unconfigured.check(ACCOUNT, {**given, "location": "eastus"})[0]["location"] == "eastus"


@behaves("Check", "provider.go: getDefaultLocation")
def test_location_is_unknown_while_the_group_is(client: Client) -> None:
    """The default location is unknown while the resource group is."""
    inputs, failures = client.check(ACCOUNT, {**SKU, "resourceGroupName": UNKNOWN, "accountName": "store"})
    assert inputs["location"] is UNKNOWN
    assert failures == []


@behaves("Check", "provider.go: getDefaultLocation")
def test_a_group_that_is_not_there_yet_gives_no_location(client: Client) -> None:
    """A group named in the clear and made in the same update leaves the location a missing required property."""
    _, failures = client.check(ACCOUNT, {**SKU, "resourceGroupName": "new", "accountName": "store"})
    hint = "Either set it explicitly or configure it with 'pulumi config set azure-native:location <value>'."
    assert failures == [f"missing required property 'location'. {hint}"]


@behaves("Check", "provider.go: applyDefaults")
def test_what_has_no_location_gets_none(arm: TinyArm, unconfigured: Client) -> None:
    """What has no location in ARM gets none."""
    unconfigured.configure(location="northeurope")
    inputs, _ = unconfigured.check(ROLE, {"scope": "/s", "principalId": "p", "roleDefinitionId": "r"})
    assert "location" not in inputs


@behaves("Check", "provider.go: applyDefaults")
def test_the_api_version_is_set(client: Client) -> None:
    """`azureApiVersion` is set to the version of the resource type where it is not given."""
    assert client.check(GROUP, {"location": "x"})[0]["azureApiVersion"] == "2024-03-01"
    assert client.check(GROUP, {"location": "x", "azureApiVersion": "2021"})[0]["azureApiVersion"] == "2021"


VALID = {**IN_GROUP, **SKU, "accountName": "store"}


@behaves("Check", "provider.go: validateProperty")
@pytest.mark.parametrize(
    ("token", "change", "failure"),
    [
        (ACCOUNT, {"kind": None}, "missing required property 'kind'"),
        (ACCOUNT, {"resourceGroupName": None}, "missing required property 'resourceGroupName'"),
        (ACCOUNT, {"sku": {}}, "missing required property 'sku.name'"),
        (ACCOUNT, {"sku": "Standard_LRS"}, "'sku' should be of type 'object' but got a string"),
        (ACCOUNT, {"kind": ["StorageV2"]}, "'kind' should be of type 'string' but got an array"),
        (ACCOUNT, {"kind": 2}, "'kind' should be of type 'string' but got a number"),
        (ACCOUNT, {"isHnsEnabled": "yes"}, "'isHnsEnabled' should be of type 'boolean' but got a string"),
        (ACCOUNT, {"accountName": "ab"}, "'accountName' is too short (2): at least 3 characters required"),
        (ACCOUNT, {"accountName": "a" * 25}, "'accountName' is too long (25): at most 24 characters allowed"),
        (ACCOUNT, {"accountName": "My-Store"}, "'accountName' does not match expression '^[a-z0-9]+$'"),
        (
            ACCOUNT,
            {"networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"iPAddressOrRange": "::"}, {}]}},
            "missing required property 'networkRuleSet.ipRules[1].iPAddressOrRange'",
        ),
        (
            "azure-native:storage:BlobServiceProperties",
            {"deleteRetentionPolicy": {"days": 0}},
            "'deleteRetentionPolicy.days' is too low (0.000000 < 1.000000)",
        ),
        (
            "azure-native:storage:BlobServiceProperties",
            {"deleteRetentionPolicy": {"days": 366}},
            "'deleteRetentionPolicy.days' is too high (366.000000 > 365.000000)",
        ),
        (
            "azure-native:storage:BlobServiceProperties",
            {"deleteRetentionPolicy": {"days": 1.5}},
            "'deleteRetentionPolicy.days' must be an integer but got 1.500000",
        ),
    ],
)
def test_inputs_are_held_against_arms_types(
    client: Client, token: str, change: dict[str, object], failure: str
) -> None:
    """Required, type, minLength/maxLength, pattern, minimum/maximum are checked against the API's metadata."""
    _, failures = client.check(token, {**VALID, "blobServicesName": "default", **change})
    assert failures == [failure]


@behaves("Check", "provider.go: Check")
def test_all_failures_come_at_once(client: Client) -> None:
    """All failures come at once."""
    _, failures = client.check(ACCOUNT, {"accountName": "A", "location": "x"})
    assert len(failures) == 5


@behaves("Check", "provider.go: validateProperty")
def test_unknown_values_are_skipped(client: Client) -> None:
    """Unknown values are skipped."""
    inputs, failures = client.check(ACCOUNT, {**VALID, "sku": UNKNOWN, "accountName": UNKNOWN, "tags": {"a": UNKNOWN}})
    assert failures == []
    assert inputs["tags"] == {"a": UNKNOWN}


@behaves("Check", "provider.go: validateType")
def test_unknown_keys_enumerations_unions_and_maps_are_not_refused(client: Client) -> None:
    """Unknown *keys* are not refused, nor values of enumerations, nor what is inside unions and maps."""
    odd = {"nonsense": 1, "sku": {"name": "Gold", "extra": 1}, "tags": {"a": 1}}
    assert client.check(ACCOUNT, {**VALID, **odd})[1] == []
    rule = {"type": "FQDN", "destination": 7}
    workspace = {**IN_GROUP, "workspaceName": "ws1", "managedNetwork": {"outboundRules": {"r": rule}}}
    assert client.check("azure-native:machinelearningservices:Workspace", workspace)[1] == []


@behaves("Check", "provider.go: validateProperty")
def test_a_list_stands_for_a_map_of_identities(client: Client) -> None:
    """A list of strings stands for a map whose values nobody can write (user-assigned identities)."""
    identity = {"type": "UserAssigned", "userAssignedIdentities": ["/subscriptions/s/one"]}
    assert client.check(ACCOUNT, {**VALID, "identity": identity})[1] == []


@behaves("Check", "provider.go: Check")
def test_nulls_are_left_out(client: Client) -> None:
    """Nulls are as good as absent."""
    assert "tags" not in client.check(ACCOUNT, {**VALID, "tags": None})[0]


def test_other_resources_are_refused_by_name(client: Client) -> None:
    with pytest.raises(Failure, match="azure-native stand-in does not emulate azure-native:web:WebApp"):
        client.check("azure-native:web:WebApp", {})
