"""Diff: old inputs against new inputs, and what replaces."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime.proto import provider_pb2 as wire

from azml_local.azure_native import changes, table
from tests.support.behaviours import behaves
from tests.support.provider_client import UNKNOWN, Client

ACCOUNT = "azure-native:storage:StorageAccount"
WORKSPACE = "azure-native:machinelearningservices:Workspace"
ROLE = "azure-native:authorization:RoleAssignment"
OLD: dict[str, Any] = {
    "resourceGroupName": "rg",
    "accountName": "store",
    "location": "westus2",
    "kind": "StorageV2",
    "sku": {"name": "Standard_LRS"},
    "networkRuleSet": {"ipRules": [{"iPAddressOrRange": "1.1.1.1"}, {"iPAddressOrRange": "2.2.2.2"}]},
    "azureApiVersion": "2024-01-01",
}
ADD, ADD_REPLACE, DELETE, DELETE_REPLACE, UPDATE, UPDATE_REPLACE = range(6)


def detailed(answer: Any) -> dict[str, int]:
    return {place: change.kind for place, change in answer.detailedDiff.items()}


@behaves("Diff", "provider.go: Diff")
def test_nothing_changed(client: Client) -> None:
    """Equal inputs are no change."""
    answer = client.diff(ACCOUNT, OLD, OLD)
    assert answer.changes == wire.DiffResponse.DIFF_NONE
    assert (list(answer.replaces), detailed(answer), answer.deleteBeforeReplace) == ([], {}, False)


@behaves("Diff", "diff.go: calculateObjectDiff")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"kind": "BlobStorage"}, {"kind": UPDATE}),
        ({"tags": {"a": "b"}}, {"tags": ADD}),
        ({"kind": None}, {"kind": DELETE}),
        ({"sku": {"name": "Standard_GRS"}}, {"sku.name": UPDATE}),
        ({"sku": {"name": "Standard_LRS", "tier": "Hot"}}, {"sku.tier": ADD}),
        ({"networkRuleSet": {"ipRules": [{"iPAddressOrRange": "9.9.9.9"}]}},
         {"networkRuleSet.ipRules[0].iPAddressOrRange": UPDATE, "networkRuleSet.ipRules[1]": DELETE}),
        ({"networkRuleSet": {"ipRules": [*OLD["networkRuleSet"]["ipRules"], {}]}}, {"networkRuleSet.ipRules[2]": ADD}),
        ({"kind": UNKNOWN}, {"kind": UPDATE}),
        ({"isSftpEnabled": False}, {"isSftpEnabled": ADD}),
    ],
)  # fmt: skip
def test_changes_in_place(client: Client, change: dict[str, Any], expected: dict[str, int]) -> None:
    """Changes are told by place and kind, at any depth, as changes of inputs; what does not replace is updated in
    place.
    """
    answer = client.diff(ACCOUNT, OLD, {**OLD, **change})
    assert answer.changes == wire.DiffResponse.DIFF_SOME
    assert detailed(answer) == expected
    assert list(answer.diffs) == sorted({place.partition(".")[0] for place in expected})
    assert all(change.inputDiff for change in answer.detailedDiff.values())
    assert (list(answer.replaces), answer.deleteBeforeReplace) == ([], False)


@behaves("Diff", "diff.go: calculateDetailedDiff")
@pytest.mark.parametrize(
    ("token", "change", "expected"),
    [
        (ACCOUNT, {"accountName": "other"}, {"accountName": UPDATE_REPLACE}),
        (ACCOUNT, {"accountName": UNKNOWN}, {"accountName": UPDATE_REPLACE}),
        (ACCOUNT, {"resourceGroupName": "other"}, {"resourceGroupName": UPDATE_REPLACE}),
        (ACCOUNT, {"location": "eastus"}, {"location": UPDATE_REPLACE}),
        (ACCOUNT, {"location": None}, {"location": DELETE_REPLACE}),
        (ACCOUNT, {"isHnsEnabled": True}, {"isHnsEnabled": ADD_REPLACE}),
        (WORKSPACE, {"location": "eastus"}, {"location": UPDATE_REPLACE}),
        (ROLE, {"principalId": "p"}, {"principalId": ADD_REPLACE}),
        (ROLE, {"scope": "/s"}, {"scope": ADD_REPLACE}),
    ],
)
def test_changes_that_replace(client: Client, token: str, change: dict[str, Any], expected: dict[str, int]) -> None:
    """Path parameters replace; create-only properties replace. Replacement is delete-before-create."""
    answer = client.diff(token, OLD, {**OLD, **change})
    assert detailed(answer) == expected
    assert list(answer.replaces) == list(expected)
    assert answer.deleteBeforeReplace is True


@behaves("Diff", "diff.go: findForceNew")
def test_a_role_definition_is_no_reason_to_replace(client: Client) -> None:
    """What the specification does not mark as create-only goes out as a PUT, and Azure refuses it: the role of a role
    assignment.
    """
    answer = client.diff(ROLE, {**OLD, "roleDefinitionId": "a"}, {**OLD, "roleDefinitionId": "b"})
    assert detailed(answer) == {"roleDefinitionId": UPDATE}


@behaves("Diff", "diff.go: applyAzureSpecificDiff")
@pytest.mark.parametrize("location", ["West US 2", "WESTUS2", "westus 2"])
def test_location_ignores_case_and_spaces(client: Client, location: str) -> None:
    """`location` ignores case and spaces, `resourceGroupName` ignores case."""
    assert detailed(client.diff(ACCOUNT, OLD, {**OLD, "location": location, "resourceGroupName": "RG"})) == {}


@behaves("Diff", "provider.go: Diff")
def test_a_randomly_named_resource_is_replaced_by_creating_first(client: Client) -> None:
    """Delete-before-create, unless the name was made at random."""
    old = {**OLD, "__createBeforeDelete": True}
    answer = client.diff(ACCOUNT, old, {**old, "location": "eastus"})
    assert list(answer.replaces) == ["location"]
    assert answer.deleteBeforeReplace is False


@behaves("Diff", "diff.go: ignoreKey")
def test_the_hidden_input_is_no_change(client: Client) -> None:
    """Inputs whose names begin with two underscores are never a change."""
    assert detailed(client.diff(ACCOUNT, {**OLD, "__createBeforeDelete": True}, OLD)) == {}


@behaves("Diff", "provider.go: Diff")
def test_state_is_not_looked_at(client: Client) -> None:
    """Old inputs against new inputs: what is in state and different changes nothing."""
    assert detailed(client.diff(ACCOUNT, OLD, OLD, state={"kind": "Other", "tags": {"a": "b"}})) == {}


@behaves("Diff", "diff.go: calculateChangesAndReplacements")
def test_a_create_only_input_that_only_says_what_is_does_not_replace(client: Client) -> None:
    """A create-only input that is new and equals the output does not replace."""
    old = {key: value for key, value in OLD.items() if key != "location"}
    answer = client.diff(ACCOUNT, old, OLD, state={"location": "westus2"})
    assert (detailed(answer), list(answer.replaces)) == ({"location": ADD}, [])


@behaves("Diff", "diff.go: calculateDetailedDiff")
def test_one_level_below_the_top_can_replace_and_deeper_cannot() -> None:
    """Create-only replaces at the top level and one level below it (of an object, or of a list's objects)."""
    row = table.Row(
        "x:Y", "x", "1", "/{scope}/providers/Microsoft.X/ys/{name}", create_only=frozenset({"net.cidr", "pools[].size"})
    )
    old = {"net": {"cidr": "a", "deep": {"cidr": "a"}}, "pools": [{"size": 1, "count": 1}]}
    new = {"net": {"cidr": "b", "deep": {"cidr": "b"}}, "pools": [{"size": 2, "count": 2}]}
    found = changes.between(row, old, new, {})
    assert found.replaces == ["net.cidr", "pools[0].size"]
    assert set(found.detailed) == {"net.cidr", "net.deep.cidr", "pools[0].size", "pools[0].count"}


@behaves("Diff", "diff.go: calculateValueDiff")
def test_a_change_inside_a_create_only_object_replaces() -> None:
    """A change inside a create-only object replaces; what is added or removed there does not."""
    row = table.Row("x:Y", "x", "1", "/{scope}/providers/Microsoft.X/ys/{name}", create_only=frozenset({"subnet"}))
    found = changes.between(row, {"subnet": {"id": "a"}}, {"subnet": {"id": "b", "more": 1}}, {})
    assert {place: kind.value for place, kind in found.detailed.items()} == {
        "subnet.id": UPDATE_REPLACE,
        "subnet.more": ADD,
    }


@behaves("Diff", "diff.go: calculateChangesAndReplacements")
def test_an_input_that_says_what_absence_means_is_no_change(client: Client) -> None:
    """An input that is new and says what the API takes its absence for is told, and is no change."""
    registry = "azure-native:containerregistry:Registry"
    answer = client.diff(registry, OLD, {**OLD, "adminUserEnabled": False})
    assert answer.changes == wire.DiffResponse.DIFF_NONE
    assert (list(answer.diffs), detailed(answer)) == ([], {"adminUserEnabled": ADD})
    assert not answer.detailedDiff["adminUserEnabled"].inputDiff
    both = client.diff(registry, OLD, {**OLD, "adminUserEnabled": False, "zoneRedundancy": "Enabled"})
    assert (both.changes, list(both.diffs)) == (wire.DiffResponse.DIFF_SOME, ["zoneRedundancy"])
    other = client.diff(registry, {**OLD, "adminUserEnabled": True}, {**OLD, "adminUserEnabled": False})
    assert list(other.diffs) == ["adminUserEnabled"], "from true to false is a change"


@behaves("Diff", "provider.go: Diff")
def test_a_version_that_only_state_has_is_compared_with_state(client: Client) -> None:
    """Inputs without `azureApiVersion` (imported, or of an older provider) are compared with that of state."""
    old = {key: value for key, value in OLD.items() if key != "azureApiVersion"}
    assert detailed(client.diff(ACCOUNT, old, OLD, state={"azureApiVersion": "2024-01-01"})) == {}
    answer = client.diff(ACCOUNT, old, OLD, state={"azureApiVersion": "2023-01-01"})
    assert detailed(answer) == {"azureApiVersion": UPDATE}
    assert not answer.detailedDiff["azureApiVersion"].inputDiff


KEYS = st.sampled_from("abc")
VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.text("xy", max_size=1),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=5,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=3)


@given(old=OBJECTS, new=OBJECTS)
def test_there_is_a_change_exactly_where_values_differ(old: dict[str, Any], new: dict[str, Any]) -> None:
    row = table.resource("azure-native:resources:ResourceGroup")
    same = repr(sorted_deep(old)) == repr(sorted_deep(new))
    assert bool(changes.between(row, old, new, {}).detailed) is not same


@given(inputs=OBJECTS, outputs=OBJECTS, live=OBJECTS)
def test_a_refresh_without_a_change_in_azure_changes_no_input(
    inputs: dict[str, Any], outputs: dict[str, Any], live: dict[str, Any]
) -> None:
    """What changed between old and new outputs goes into the inputs, and nothing else does."""
    assert changes.carried(inputs, outputs, outputs) == inputs
    carried = changes.carried(inputs, outputs, live)
    for key in {*inputs, *live} - {key for key in {*outputs, *live} if outputs.get(key, ...) != live.get(key, ...)}:
        assert carried.get(key, ...) == inputs.get(key, ...)
    assert changes.carried(outputs, outputs, live) == live


def sorted_deep(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: sorted_deep(value[key]) for key in sorted(value)}
    return [sorted_deep(item) for item in value] if isinstance(value, list) else value
