"""Registries of both kinds: Azure ML's, held against Microsoft's own loader, and container registries by tier.

Expected limits: container-registry-skus.md, retention-policy.md and soft-delete-policy.md (docs).
"""

from pathlib import Path
from typing import Any

import pytest

from azml.spec import ContainerRegistrySpec, SpecError
from azml.spec.base import Spec
from azml.spec.registry import RegistrySpec
from tests.support import official

GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/g/providers"
EASTUS = [{"location": "eastus"}]

TAKEN_BY_BOTH: list[dict[str, Any]] = [
    {"replication_locations": EASTUS},
    {"replication_locations": EASTUS, "description": "d", "tags": {"foo": "bar", "n": 1}},
    {"replication_locations": [*EASTUS, {"location": "West US"}], "public_network_access": "disabled"},
    {
        "replication_locations": [
            {
                "location": "eastus",
                "storage_config": {
                    "storage_account_hns": False,
                    "storage_account_type": "Standard_LRS",
                    "replication_count": "3",
                },
            }
        ]
    },
    {"replication_locations": EASTUS, "container_registry": {"acr_account_sku": "Premium"}},
    {"replication_locations": EASTUS, "intellectual_property": {"publisher": "p"}},
    {"replication_locations": EASTUS, "id": "i", "discovery_url": "u", "mlflow_registry_uri": "u", "sku": "s"},
]
REFUSED_BY_BOTH: list[dict[str, Any]] = [
    {"replication_locations": EASTUS, "location": None},
    {"replication_locations": EASTUS, "loc": "eastus"},
    {"replication_locations": [{"location": "eastus", "storage_config": {"storage_account_type": "fast"}}]},
    {"replication_locations": [{"location": "eastus", "storage_config": {"replication_count": 0}}]},
    {"replication_locations": [{"location": "eastus", "storage_config": ["st1"]}]},
    {"replication_locations": EASTUS, "container_registry": "cr1"},
    {"replication_locations": EASTUS, "container_registry": {"acr_account_sku": "basic"}},
    {"replication_locations": EASTUS, "public_network_access": "off"},
    {"replication_locations": EASTUS, "intellectual_property": {"publisher": "p", "protection_level": "all"}},
]
REFUSED_BY_US = {
    "a name that is too long": ({"name": "r" * 34}, "name"),
    "its own region left out": (
        {"replication_locations": [{"location": "westus"}]},
        "replication_locations",
    ),
    "storage of one's own": (
        {"replication_locations": [{**EASTUS[0], "storage_config": [f"{GROUP}/Microsoft.Storage/storageAccounts/s"]}]},
        "replication_locations.[0].storage_config",
    ),
    "a container registry of one's own": (
        {"container_registry": f"{GROUP}/Microsoft.ContainerRegistry/registries/cr1"},
        "container_registry",
    ),
}


def problems(model: type[Spec], fields: dict[str, Any]) -> list[str]:
    try:
        model.from_args({key: value for key, value in fields.items() if value is not None})
    except SpecError as error:
        return [problem.path for problem in error.problems]
    return []


@pytest.mark.parametrize("fields", TAKEN_BY_BOTH, ids=str)
def test_what_az_ml_takes(fields: dict[str, Any], tmp_path: Path) -> None:
    whole = {"name": "shared", "location": "eastus", **fields}
    assert official.takes("registry", whole, tmp_path)
    assert problems(RegistrySpec, whole) == []


@pytest.mark.parametrize("fields", REFUSED_BY_BOTH, ids=str)
def test_what_az_ml_refuses(fields: dict[str, Any], tmp_path: Path) -> None:
    whole = {"name": "shared", "location": "eastus", **fields}
    assert not official.takes("registry", whole, tmp_path)
    assert problems(RegistrySpec, whole) != []


@pytest.mark.parametrize("why", REFUSED_BY_US)
def test_what_azure_would_refuse_later(why: str) -> None:
    fields, at = REFUSED_BY_US[why]
    assert problems(RegistrySpec, {"name": "shared", "location": "eastus", **fields}) == [at]


def test_every_field_of_az_ml_is_known() -> None:
    known = set(RegistrySpec.model_fields) | RegistrySpec.forgotten
    assert official.fields_of("registry.RegistrySchema") <= known


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"sku": "standard", "ip_rules": ["203.0.113.7"]}, "ip_rules"),
        ({"sku": "standard", "retention_days": 7}, "retention_days"),
        ({"sku": "standard", "data_endpoint_enabled": True}, "data_endpoint_enabled"),
        ({"sku": "standard", "content_trust_enabled": True}, "content_trust_enabled"),
        ({"sku": "standard", "public_network_access": "disabled"}, "public_network_access"),
        ({"sku": "basic", "anonymous_pull_enabled": True}, "anonymous_pull_enabled"),
        ({"sku": "premium", "retention_days": 366}, "retention_days"),
        ({"sku": "premium", "retention_days": -1}, "retention_days"),
        ({"soft_delete_days": 0}, "soft_delete_days"),
        ({"soft_delete_days": 91}, "soft_delete_days"),
        ({"sku": "premium", "retention_days": 7, "soft_delete_days": 7}, "soft_delete_days"),
        ({"sku": "premium", "export_enabled": False}, "export_enabled"),
        ({"sku": "premium", "public_network_access": "disabled", "ip_rules": ["203.0.113.7"]}, "ip_rules"),
        ({"sku": "premium", "ip_rules": [f"203.0.{i // 250}.{i % 250}" for i in range(201)]}, "ip_rules"),
        ({"sku": "premium", "ip_rules": ["203.0.113.0/33"]}, "ip_rules.[0]"),
        ({"name": "cr-1"}, "name"),
        ({"name": "cr12"}, "name"),
    ],
    ids=str,
)
def test_what_a_container_registry_cannot_do(fields: dict[str, Any], at: str) -> None:
    assert problems(ContainerRegistrySpec, fields) == [at]


@pytest.mark.parametrize(
    "fields",
    [
        {"sku": "premium", "retention_days": 0, "data_endpoint_enabled": True, "content_trust_enabled": True},
        {"sku": "premium", "public_network_access": "disabled", "export_enabled": False, "quarantine_enabled": True},
        {"sku": "premium", "ip_rules": [f"203.0.{i // 250}.{i % 250}" for i in range(200)]},
        {"sku": "basic", "soft_delete_days": 90},
        {"sku": "Standard", "anonymous_pull_enabled": True},
    ],
    ids=str,
)
def test_what_a_container_registry_can_do(fields: dict[str, Any]) -> None:
    assert problems(ContainerRegistrySpec, fields) == []
