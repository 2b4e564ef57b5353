"""The package: one set of fields in the spec and in the components, and a schema that other languages can use."""

import json
import re

import pytest

from azml import (
    container_registry,
    container_service_args,
    online_endpoint,
    registry,
    serving_image_args,
    workspace_args,
)
from azml.package import COMPONENTS, schema
from azml.resources import container_trial
from azml.resources.handlers import HANDLERS, RESOURCES
from azml.resources.resource import camel
from azml.spec import ContainerRegistrySpec, OnlineDeploymentSpec, OnlineEndpointSpec, WorkspaceSpec
from azml.spec.base import Spec
from azml.spec.container_service import ContainerServiceSpec
from azml.spec.customer_managed_key import CustomerManagedKeySpec
from azml.spec.identity import IdentitySpec, UserAssignedIdentity
from azml.spec.managed_network import FqdnRuleSpec, PrivateEndpointRuleSpec, ServiceTagRuleSpec
from azml.spec.online_deployment import (
    CodeConfigurationSpec,
    LivenessProbeSpec,
    ReadinessProbeSpec,
    RequestSettingsSpec,
)
from azml.spec.registry import (
    IntellectualPropertySpec,
    RegistrySpec,
    RegistryStorageSpec,
    ReplicationLocationSpec,
    SystemCreatedAcrSpec,
)
from azml.spec.rollout import OwnRequestGatesSpec
from azml.spec.serving_image import ServingImageSpec
from azml.spec.tls import TlsSpec
from azml.spec.workspace import IpRuleSpec, ManagedNetworkSpec, NetworkAclsSpec, ServerlessComputeSpec


@pytest.mark.parametrize(
    ("args", "spec", "besides"),
    [
        (workspace_args.WorkspaceArgs, WorkspaceSpec, {"registry", "stage", "protect"}),
        (workspace_args.IdentityArgs, IdentitySpec, set()),
        (workspace_args.UserAssignedIdentityArgs, UserAssignedIdentity, set()),
        (workspace_args.ManagedNetworkArgs, ManagedNetworkSpec, set()),
        (workspace_args.OutboundRuleArgs, PrivateEndpointRuleSpec, set()),
        (workspace_args.OutboundRuleArgs, ServiceTagRuleSpec, {"fqdns"}),
        (workspace_args.OutboundRuleArgs, FqdnRuleSpec, {"fqdns"}),
        (workspace_args.CustomerManagedKeyArgs, CustomerManagedKeySpec, set()),
        (workspace_args.NetworkAclsArgs, NetworkAclsSpec, set()),
        (workspace_args.IpRuleArgs, IpRuleSpec, set()),
        (workspace_args.ServerlessComputeArgs, ServerlessComputeSpec, set()),
        (registry.RegistryArgs, RegistrySpec, {"protect"}),
        (registry.ReplicationLocationArgs, ReplicationLocationSpec, set()),
        (registry.RegistryStorageArgs, RegistryStorageSpec, set()),
        (registry.IntellectualPropertyArgs, IntellectualPropertySpec, set()),
        (registry.SystemCreatedAcrArgs, SystemCreatedAcrSpec, set()),
        (container_registry.ContainerRegistryArgs, ContainerRegistrySpec, set()),
        (
            serving_image_args.ServingImageArgs,
            ServingImageSpec,
            {"registry_id", "login_server", "username", "password", "used"},
        ),
        (serving_image_args.ImageCodeArgs, CodeConfigurationSpec, set()),
        (online_endpoint.OnlineEndpointArgs, OnlineEndpointSpec, {"workspace_id", "assets"}),
        (online_endpoint.OnlineDeploymentArgs, OnlineDeploymentSpec, set()),
        (online_endpoint.CodeConfigurationArgs, CodeConfigurationSpec, set()),
        (online_endpoint.RequestArgs, RequestSettingsSpec, set()),
        (online_endpoint.ProbeSettingsArgs, LivenessProbeSpec, set()),
        (online_endpoint.ProbeSettingsArgs, ReadinessProbeSpec, set()),
        (
            container_service_args.ContainerServiceArgs,
            ContainerServiceSpec,
            {"resource_group_id", "login_server", "username", "password", "application_insights_id"},
        ),
        (container_service_args.TlsArgs, TlsSpec, set()),
        (container_trial.OwnRequestGatesArgs, OwnRequestGatesSpec, set()),
    ],
)
def test_arguments_are_the_spec_s_fields(args: type, spec: type[Spec], besides: set[str]) -> None:
    assert set(args.__annotations__) == set(spec.model_fields) | besides


def test_what_the_spec_requires_is_required() -> None:
    for args, spec in (
        (workspace_args.WorkspaceArgs, WorkspaceSpec),
        (online_endpoint.OnlineDeploymentArgs, OnlineDeploymentSpec),
        (online_endpoint.CodeConfigurationArgs, CodeConfigurationSpec),
    ):
        required = {name for name, field in spec.model_fields.items() if field.is_required()}
        assert args.__required_keys__ == required  # type: ignore[attr-defined]


def test_every_resource_has_a_handler_that_knows_its_inputs() -> None:
    described = schema("0.1.0")["resources"]
    for resource, handler in RESOURCES.items():
        token = f"azml:index:{resource.__name__}"
        assert HANDLERS[token] is handler
        inputs = set(described[token]["inputProperties"])
        assert handler.identity <= inputs
        assert handler.silent <= inputs
        assert handler.sensitive <= inputs
        assert handler.computed <= set(described[token]["properties"])


def test_the_schema_says_what_each_thing_is() -> None:
    found = schema("0.1.0")
    assert (found["name"], found["version"]) == ("azml", "0.1.0")
    kinds = {name.split(":")[-1]: item["isComponent"] for name, item in found["resources"].items()}
    assert kinds == {**{c.__name__: True for c in COMPONENTS}, **{r.__name__: False for r in RESOURCES}}


def test_every_reference_has_its_type() -> None:
    found = schema("0.1.0")
    named = set(re.findall(r'"#/types/([^"]+)"', json.dumps(found)))
    assert named == set(found["types"])
    assert "azml:index:OnlineDeployment" in named


def test_everything_in_the_schema_is_described() -> None:
    found = schema("0.1.0")
    silent = [
        f"{name}.{key}"
        for name, item in {**found["resources"], **found["types"]}.items()
        for key, described in {**(item.get("inputProperties") or {}), **(item.get("properties") or {})}.items()
        if not described.get("description")
    ]
    assert silent == []
    assert all(item["description"] for item in [*found["resources"].values(), *found["types"].values()])


def test_names_on_the_wire() -> None:
    assert [camel(name) for name in ("name", "scoring_uri", "max_concurrent_requests_per_instance")] == [
        "name",
        "scoringUri",
        "maxConcurrentRequestsPerInstance",
    ]
