"""Azure's naming rules."""

import re
from uuid import UUID

import pytest

from azml.facts import names
from azml.facts.roles import ROLES, definition_id


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (names.ONLINE_ENDPOINT, ["abc", "a-b", "A" * 32], ["ab", "a" * 33, "1ab", "a_b", "ab-", "añb"]),
        (names.ONLINE_DEPLOYMENT, ["blue", "b-1"], ["blue_1", "-blue"]),
        (names.WORKSPACE, ["mlw", "1_a-", "a" * 32], ["ml", "a" * 33, "-ab", "a.b"]),
        (names.ASSET, ["m", "9", "a" * 255, "a_b-c"], ["", "a" * 256, "_a", "a.b", "a/b"]),
        (names.CONTAINER_REGISTRY, ["acr01", "A" * 50], ["acr1", "a" * 51, "acr-1"]),
        (names.STORAGE_ACCOUNT, ["st1", "a" * 24], ["st", "St1", "st-1", "a" * 25]),
        (names.KEY_VAULT, ["kv-1", "Abc", "a" * 24], ["kv", "1kv", "kv-", "k--v", "a" * 25, "k_v"]),
        (names.USER_ASSIGNED_IDENTITY, ["uai", "a" * 128], ["ua", "a" * 129, "-ab"]),
        (names.RESOURCE_GROUP, ["r", "rg.(1)_-", "a" * 90], ["", "rg.", "a" * 91, "r/g"]),
    ],
)
def test_names(rule: names.NameRule, good: list[str], bad: list[str]) -> None:
    assert [name for name in good if not rule.fits(name)] == []
    assert [name for name in bad if rule.fits(name)] == []


def test_a_rule_says_itself() -> None:
    assert names.STORAGE_ACCOUNT.allowed == "3 to 24 characters: lower case letters and digits"


def test_roles_are_guids_and_each_is_another() -> None:
    assert len({UUID(guid) for guid in ROLES.values()}) == len(ROLES)
    # Azure's page "Azure built-in roles": AcrPull.
    assert definition_id("AcrPull", "sub") == (
        "/subscriptions/sub/providers/Microsoft.Authorization/roleDefinitions/7f951dda-4ed3-4680-a7ca-43fe172d538d"
    )
    assert all(re.fullmatch(r"[A-Z].*", name) for name in ROLES)
