"""Online endpoint: the stable address of a model, what answers there, and who gets which share.

Owns the endpoint, the assets that its deployments bring along, the deployments and the rollout between them. A release
is a resource of its own: its name ends in the release, so old and new live side by side until traffic has moved.
Deliberately does not own the workspace, nor assets that are only named.
"""

from typing import Any, NotRequired, TypedDict

import pulumi

from azml import release
from azml.arm_words import AUTH_MODES, IDENTITY_TYPES, switch
from azml.component import given, spec_of
from azml.deployment_assets import DeploymentAssets
from azml.resources.managed_online_deployment import ManagedOnlineDeployment
from azml.resources.managed_online_endpoint import ManagedOnlineEndpoint
from azml.resources.resource import token
from azml.resources.rollout import Rollout
from azml.resources.rollout_args import RolloutSettingsArgs
from azml.rollout_settings import settings
from azml.spec.online_deployment import OnlineDeploymentSpec
from azml.spec.online_endpoint import OnlineEndpointSpec
from azml.workspace_args import IdentityArgs


class CodeConfigurationArgs(TypedDict):
    """The scoring code."""

    code: str
    """Folder with the code; or azureml:NAME:VERSION, or an ARM id, of code that is registered."""
    scoring_script: str
    """The file with init() and run(), relative to `code`."""


class RequestArgs(TypedDict):
    """How requests queue and when they give up."""

    request_timeout_ms: NotRequired[int]
    """Milliseconds until a request fails with 408. Absent: 5000."""
    max_concurrent_requests_per_instance: NotRequired[int]
    """Requests that an instance takes at the same time. Absent: 1."""
    max_queue_wait_ms: NotRequired[int]
    """Milliseconds that a request waits for its turn. Absent: 500. Deprecated by Azure."""


class ProbeSettingsArgs(TypedDict):
    """When an instance counts as ready, or as dead. Durations are seconds."""

    initial_delay: NotRequired[int]
    """Seconds before the first try. Absent: 10."""
    period: NotRequired[int]
    """Seconds between tries. Absent: 10."""
    timeout: NotRequired[int]
    """Seconds until a try has failed. Absent: 2."""
    success_threshold: NotRequired[int]
    """Good tries in a row until it is ready. Absent: 1."""
    failure_threshold: NotRequired[int]
    """Bad tries in a row until it is not. Absent: 30."""


class OnlineDeploymentArgs(TypedDict):
    """One deployment: a model with its code and environment on a number of instances."""

    name: str
    """Name of the deployment, once in its endpoint."""
    endpoint_name: NotRequired[str]
    """The endpoint that the deployment stands in."""
    type: NotRequired[str]
    """managed."""
    release: NotRequired[str]
    """auto (when absent): what changes scoring makes a new deployment beside the old one, and traffic moves. fixed: one
    name, changed in place."""
    description: NotRequired[str]
    """What the deployment is for."""
    tags: NotRequired[dict[str, str]]
    """Tags of the deployment."""
    properties: NotRequired[dict[str, str]]
    """Properties of the deployment; they can be added to, never changed."""
    model: NotRequired[Any]
    """A map with a path, azureml:NAME:VERSION, a registry URI, or an ARM id."""
    code_configuration: NotRequired[CodeConfigurationArgs]
    """Scoring code. Absent for MLflow and Triton models and for images with a server of their own."""
    environment: NotRequired[Any]
    """A map, azureml:NAME:VERSION, a registry URI, or an ARM id. Absent for MLflow and Triton models."""
    environment_variables: NotRequired[dict[str, Any]]
    """Environment variables of the container. A value may be {secret: NAME} or {key_vault: URI}."""
    instance_type: str
    """VM size of an instance."""
    instance_count: NotRequired[int]
    """Number of instances. Absent: 1; Azure recommends three for production."""
    app_insights_enabled: NotRequired[bool]
    """Whether requests and logs go to Application Insights."""
    egress_public_network_access: NotRequired[str]
    """enabled (when absent) or disabled: whether the container reaches the internet."""
    model_mount_path: NotRequired[str]
    """Where the model is mounted in an image with a server of its own."""
    request_settings: NotRequired[RequestArgs]
    """How requests queue and when they give up."""
    liveness_probe: NotRequired[ProbeSettingsArgs]
    """When an instance counts as dead."""
    readiness_probe: NotRequired[ProbeSettingsArgs]
    """When an instance counts as ready."""
    scale_settings: NotRequired[Any]
    """{type: default}."""
    data_collector: NotRequired[Any]
    """What is kept of inputs and outputs, as in az ml YAML."""


class OnlineEndpointArgs(TypedDict):
    """Arguments of `OnlineEndpoint`."""

    workspace_id: pulumi.Input[str]
    """ARM id of the workspace."""
    name: str
    """Name of the endpoint, once in the Azure region: it is part of the scoring address."""
    existing: NotRequired[str]
    """ARM id of an endpoint to use and never change; deployments and traffic may be given all the same."""
    description: NotRequired[str]
    """What the endpoint answers."""
    tags: NotRequired[dict[str, str]]
    """Tags of the endpoint."""
    properties: NotRequired[dict[str, str]]
    """Properties of the endpoint; they can be added to, never changed."""
    auth_mode: NotRequired[str]
    """key (when absent), aml_token or aad_token: how clients prove who they are."""
    location: NotRequired[pulumi.Input[str]]
    """Azure region. Absent: that of the workspace."""
    identity: NotRequired[IdentityArgs]
    """Identity of the endpoint. Absent: one that Azure makes."""
    public_network_access: NotRequired[str]
    """enabled (when absent) or disabled: whether the endpoint is reached from the internet."""
    traffic: NotRequired[dict[str, int]]
    """Percent by deployment, 0 or 100 together. Absent with one deployment: 100 to it."""
    mirror_traffic: NotRequired[dict[str, int]]
    """Percent of live requests that one deployment gets a copy of."""
    rollout: NotRequired[RolloutSettingsArgs]
    """How a new release goes live."""
    deployments: NotRequired[list[OnlineDeploymentArgs]]
    """The deployments."""
    assets: NotRequired[dict[str, pulumi.Input[str]]]
    """ARM ids of assets that deployments name, by `models/` or `environments/` and the text that names them. The
    deployments then wait for them. What is not here is taken to be in the workspace already."""


class OnlineEndpoint(pulumi.ComponentResource):
    """A managed online endpoint with its deployments and their traffic. Its deployments wait for what it depends on."""

    endpoint_id: pulumi.Output[str]
    """ARM id of the endpoint."""
    scoring_uri: pulumi.Output[str]
    """Address that clients call."""
    deployments: pulumi.Output[dict[str, str]]
    """Name of each deployment in Azure, by its name in the program."""

    def __init__(self, name: str, args: OnlineEndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("OnlineEndpoint"), name, {}, opts)
        spec = spec_of(OnlineEndpointSpec, f"OnlineEndpoint {name}", args, besides=("workspace_id", "assets"))
        self._name = name
        self._workspace_id = pulumi.Output.from_input(args["workspace_id"])
        self._child = pulumi.ResourceOptions(parent=self)
        # The engine makes nothing below a component wait for what the component waits for.
        self._last = pulumi.ResourceOptions(parent=self, depends_on=opts.depends_on if opts is not None else None)
        self._assets = DeploymentAssets(name, self._workspace_id, args.get("assets", {}), self._child)
        endpoint = self._endpoint(spec, args.get("location"))
        names, made = {}, []
        for deployment in spec.deployments:
            names[deployment.name], resource = self._deployment(deployment, spec, endpoint)
            made.append(resource)
        if spec.traffic is not None and (made or spec.existing is not None):
            self._rollout(spec, endpoint, names, made)
        self.endpoint_id = endpoint.id
        self.scoring_uri = endpoint.scoring_uri
        self.deployments = pulumi.Output.from_input(names)
        self.register_outputs(
            {"endpoint_id": self.endpoint_id, "scoring_uri": self.scoring_uri, "deployments": self.deployments}
        )

    def _endpoint(self, spec: OnlineEndpointSpec, location: pulumi.Input[str] | None) -> ManagedOnlineEndpoint:
        if spec.existing is not None:
            return ManagedOnlineEndpoint.get(self._name, spec.existing, self._child)
        assigned = [identity.resource_id for identity in spec.identity.user_assigned_identities]
        identity = {"type": IDENTITY_TYPES[spec.identity.type], "user_assigned_identities": assigned or None}
        args = {
            "workspace_id": self._workspace_id,
            "name": spec.name,
            "location": location,
            "auth_mode": AUTH_MODES[spec.auth_mode],
            "identity": identity,
            "public_network_access": switch(spec.public_network_access),
            "description": spec.description,
            "tags": spec.tags,
            "properties": spec.properties,
        }
        return ManagedOnlineEndpoint(self._name, given(args), self._child)

    def _deployment(
        self, spec: OnlineDeploymentSpec, around: OnlineEndpointSpec, endpoint: ManagedOnlineEndpoint
    ) -> tuple[str, ManagedOnlineDeployment]:
        this = release.release_of(spec)
        physical = release.physical_name(spec, this)
        stem = f"{self._name}-{spec.name}"
        args = {
            **release.settings(spec),
            "endpoint_id": endpoint.id,
            "name": physical,
            "deployment": spec.name,
            "release": this,
            "on_failure": around.rollout.on_failure,
            "model": self._assets.model(spec.model, stem),
            "environment_id": self._assets.environment(spec.environment, stem),
        }
        if spec.code_configuration is not None:
            args["code_id"] = self._assets.code(spec.code_configuration.code, stem)
            args["scoring_script"] = spec.code_configuration.scoring_script
        if spec.data_collector is not None:
            data = self._assets.collected(spec.data_collector, around.name, spec.name)
            args["data_collector"] = release.collector(spec.data_collector, data)
        return physical, ManagedOnlineDeployment(f"{self._name}-{physical}", given(args), self._last)

    def _rollout(
        self,
        spec: OnlineEndpointSpec,
        endpoint: ManagedOnlineEndpoint,
        names: dict[str, str],
        made: list[ManagedOnlineDeployment],
    ) -> None:
        # A deployment of an existing endpoint may be someone else's: its name is then the one in Azure. All of the
        # program's are named, so that the rollout knows which are not waiting to be deleted.
        shares = {names.get(name, name): percent for name, percent in (spec.traffic or {}).items()}
        traffic = {**dict.fromkeys(names.values(), 0), **shares}
        mirror = {names.get(name, name): percent for name, percent in spec.mirror_traffic.items()}
        besides = given({"mirror_traffic": mirror, **settings(spec.rollout)})
        args: Any = {"endpoint_id": endpoint.id, "traffic": traffic, **besides}
        options = pulumi.ResourceOptions(parent=self, depends_on=made)
        Rollout(f"{self._name}-rollout", args, options)
