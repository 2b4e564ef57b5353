"""The JSON Schema says what the loader says."""

from pathlib import Path
from typing import Any, ClassVar

import jsonschema
import pytest
import yaml

from azml.spec import SpecError, StackSpec, json_schema, load, stack_schema, stacks

EVERYTHING = (
    """
stage: Prod
tags: {a: 1, b: true, c: x}
workspace:
  $schema: x
  id: y
  name: mlw-risk
  location: East US
  resource_group: rg
  hbi_workspace: no
  public_network_access: Disabled
  system_datastores_auth_mode: accessKey
  identity: {type: "SystemAssigned,UserAssigned", user_assigned_identities: {ID: {}}}
  key_vault: GROUP/Microsoft.KeyVault/vaults/kv
  managed_network: {isolation_mode: AllowInternetOutbound}
container_registry: {name: acrrisk, sku: Premium, public_network_access: disabled, admin_user_enabled: "off"}
models:
  - {name: churn, version: 1, path: ., type: MLflowModel, tags: {n: 1}, flavors: {python: {a: 1}}, stage: Production}
environments:
  - {name: sklearn, version: "2", image: i, conda_file: {dependencies: []}, os_type: Linux}
online_endpoints:
  - name: churn
    auth_mode: AADToken
    identity: {type: user_assigned, user_assigned_identities: [{resource_id: ID}]}
    traffic: {blue: "90", green: 10}
    deployments:
      - name: blue
        type: managed
        model: azureml:churn@latest
        environment: azureml:sklearn
        instance_type: STANDARD_ds3_v2
        instance_count: "3"
        app_insights_enabled: yes
        environment_variables: {A: 1, B: {secret: s}, C: {key_vault: "https://kv.vault.azure.net/secrets/x"}}
        request_settings: {request_timeout_ms: 90000}
        liveness_probe: {period: 5}
        scale_settings: {type: Default}
        data_collector: {collections: {request: {enabled: "True"}}, sampling_rate: 0.5, rolling_rate: Hour}
      - name: green
        model: {path: .}
        environment: {image: i, inference_config: {liveness_route: R, readiness_route: R, scoring_route: R}}
        instance_type: Standard_D4s_v5
""".replace("GROUP", "/subscriptions/s/resourceGroups/g/providers")
    .replace("ID", "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u")
    .replace(": R", ": {path: /x, port: 8080}")
)

REFUSED: dict[str, Any] = {
    "stage": "staging",
    "tags": [],
    "worksapce": {},
    "models": {"name": "x"},
    "workspace": {"name": "x"},
    "container_registry": {"sku": "gold"},
    "environments": [{"name": "e", "image": 5}],
    "online_endpoints": [{"name": "churn_1"}],
}


def validator(schema: dict[str, Any]) -> Any:
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


class Words(yaml.SafeLoader):
    """YAML with the words of 1.1 (`yes`, `off`) as text, as the engine reads it."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {
        first: [(tag, words) for tag, words in resolvers if not tag.endswith(":bool") or first in "tTfF"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read(text: str) -> Any:
    return yaml.load(text, Words)


def test_the_schema_accepts_what_the_loader_accepts() -> None:
    estate = read(EVERYTHING)
    assert StackSpec.from_args(estate).online_endpoints[0].deployments[0].app_insights_enabled is True
    validator(json_schema()).validate(estate)


@pytest.mark.parametrize("key", REFUSED)
def test_the_schema_refuses_what_the_loader_refuses(key: str) -> None:
    estate = {"stage": "dev", "workspace": {"name": "mlw-risk"}} | {key: REFUSED[key]}
    with pytest.raises(SpecError):
        StackSpec.from_args(estate)
    assert not validator(json_schema()).is_valid(estate)


def test_every_field_is_described() -> None:
    schema = json_schema()
    for name, block in schema["definitions"].items():
        assert block["description"], name
        assert block["additionalProperties"] is False
        assert [key for key, field in block["properties"].items() if not field.get("description")] == []


@pytest.mark.parametrize(
    "layer",
    [
        {},
        {"extends": "base.yaml"},
        {"extends": ["a.yaml", "b.yaml"], "container_registry": None, "tags": {"a": None}},
        {"workspace": {"location": "eastus"}},
        {
            "online_endpoints": [
                {"file": "endpoint.yml", "deployments": [{"file": "deployment.yml", "instance_count": 3}]}
            ]
        },
        {"models": [{"file": "model.yml"}], "workspace": {"file": "workspace.yml"}},
    ],
)
def test_layers_and_included_files_are_no_errors_in_an_editor(layer: dict[str, Any]) -> None:
    validator(json_schema()).validate(layer)


def test_a_stack_file_with_what_pulumi_keeps_in_it() -> None:
    schema = validator(stack_schema())
    schema.validate(
        {"encryptionsalt": "v1:x", "config": {"risk:estate": {"stage": "dev"}, "azure-native:location": "x"}}
    )
    assert not schema.is_valid({"config": {"risk:estate": {"stag": "dev"}}})


def test_defaults_and_values_are_in_the_schema() -> None:
    deployment = json_schema()["definitions"]["OnlineDeploymentSpec"]["properties"]
    assert deployment["instance_count"]["default"] == 1
    assert deployment["instance_count"]["anyOf"][0] == {"type": "integer", "minimum": 1, "maximum": 50}
    assert "Standard_DS3_v2" in deployment["instance_type"]["anyOf"][0]["enum"]


def test_the_repositorys_own_stacks_are_valid_both_ways(root: Path) -> None:
    schema = validator(stack_schema())
    for stack in stacks(root / "stacks"):
        assert load(root / "stacks", stack)
        schema.validate(read((root / "stacks" / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")))
