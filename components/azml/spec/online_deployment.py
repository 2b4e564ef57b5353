"""One deployment of a managed online endpoint.

Owns the items of `deployments`. Deliberately knows nothing of traffic, and not what a name refers to in the estate.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Tag

from azml.facts import names
from azml.facts import online_endpoints as facts
from azml.spec.base import Finding, Spec, rule
from azml.spec.data_collector import CollectedDataSpec, DataCollectorSpec
from azml.spec.environment import EnvironmentSpec
from azml.spec.instance_type import InstanceType
from azml.spec.model import ModelSpec
from azml.spec.paths import LocalFolder
from azml.spec.references import AssetReference, CodeReference, EnvironmentReference, ModelReference, is_reference
from azml.spec.secrets import Variable
from azml.spec.types import AnyCase, Flag, Tags, named, whole


def form(value: Any) -> str:
    """Tell a map from a reference."""
    return "<map>" if isinstance(value, dict | Spec) else "<reference>"


Model = Annotated[
    Annotated[ModelReference, Tag("<reference>")] | Annotated[ModelSpec, Tag("<map>")], Discriminator(form)
]
Environment = Annotated[
    Annotated[EnvironmentReference, Tag("<reference>")] | Annotated[EnvironmentSpec, Tag("<map>")], Discriminator(form)
]
Code = Annotated[
    Annotated[CodeReference, Tag("<reference>")] | Annotated[LocalFolder, Tag("<folder>")],
    Discriminator(lambda value: "<reference>" if is_reference(value) else "<folder>"),
]
Positive = Annotated[int, whole(1)]


class CodeConfigurationSpec(Spec):
    """The scoring code."""

    elsewhere: ClassVar = {"local_path": "write code", "entry_script": "write scoring_script"}

    code: Code
    """Folder with the code, relative to the file that this is written in; or code that is registered already:
    azureml:NAME:VERSION, or an ARM id."""
    scoring_script: str
    """The file with init() and run(), relative to `code`."""

    @rule
    def _code_has_a_version(self) -> Iterator[Finding]:
        if isinstance(self.code, AssetReference) and self.code.version is None:
            yield Finding("names no version", ("code",), self.code.text, fix=f"write azureml:{self.code.name}:VERSION")

    @rule
    def _script_is_there(self) -> Iterator[Finding]:
        if isinstance(self.code, Path) and not (self.code / self.scoring_script).is_file():
            yield Finding(
                "there is no such file", ("scoring_script",), self.scoring_script, allowed=f"a file in {self.code}"
            )


class RequestSettingsSpec(Spec):
    """How requests queue and when they give up."""

    request_timeout_ms: Annotated[int, whole(1, facts.MAX_REQUEST_TIMEOUT_MS)] = facts.REQUEST_TIMEOUT_MS
    """Milliseconds until a request fails with 408."""
    max_concurrent_requests_per_instance: Positive = facts.MAX_CONCURRENT_REQUESTS_PER_INSTANCE
    """Requests that an instance takes at the same time."""
    max_queue_wait_ms: Annotated[int, whole(0)] = facts.MAX_QUEUE_WAIT_MS
    """Milliseconds that a request waits for its turn. Deprecated by Azure."""


class ReadinessProbeSpec(Spec):
    """When an instance counts as ready."""

    elsewhere: ClassVar = dict.fromkeys(
        ("path", "port"), "the route belongs to the environment: inference_config.readiness_route"
    )

    initial_delay: Positive = facts.PROBE_INITIAL_DELAY_S
    """Seconds before the first try."""
    period: Positive = facts.PROBE_PERIOD_S
    """Seconds between tries."""
    timeout: Positive = facts.PROBE_TIMEOUT_S
    """Seconds until a try has failed."""
    success_threshold: Positive = facts.PROBE_SUCCESS_THRESHOLD
    """Good tries in a row until it is ready."""
    failure_threshold: Positive = facts.PROBE_FAILURE_THRESHOLD
    """Bad tries in a row until it is not."""


class LivenessProbeSpec(ReadinessProbeSpec):
    """When an instance counts as dead and is restarted."""

    elsewhere: ClassVar = dict.fromkeys(
        ("path", "port"), "the route belongs to the environment: inference_config.liveness_route"
    )

    success_threshold: Annotated[int, whole(1, 1)] = 1
    """Always 1."""


class ScaleSettingsSpec(Spec):
    """How the number of instances is decided."""

    elsewhere: ClassVar = dict.fromkeys(
        ("min_instances", "max_instances", "target_utilization_percentage", "polling_interval"),
        "managed deployments do not scale by themselves: set instance_count (autoscale comes with a later release)",
    )

    type: Annotated[Literal["default", "target_utilization"], AnyCase()]
    """Managed endpoints know `default` only: instance_count decides."""

    @rule
    def _managed_has_the_default_only(self) -> Iterator[Finding]:
        if self.type != "default":
            yield Finding(
                "ManagedOnlineEndpoint supports DefaultScaleSettings only", ("type",), self.type, allowed="default"
            )


class OnlineDeploymentSpec(Spec):
    """A model with its code and environment on a number of instances."""

    forgotten: ClassVar = Spec.forgotten | {"id", "provisioning_state", "creation_context"}
    elsewhere: ClassVar = {
        "compute": "that is a deployment to Kubernetes, which comes with a later release",
        "resources": "that is a deployment to Kubernetes; a managed one has an instance_type",
        "resource_requirements": "that is a deployment to Kubernetes; a managed one has an instance_type",
        "private_network_connection": "Azure's API has it no more: write egress_public_network_access: disabled",
        "local_path": "write code_configuration.code, or model.path",
        "traffic": "traffic belongs to the endpoint",
        "existing": "a deployment that something else owns cannot be used here; name it in another estate",
    }

    name: Annotated[str, named(names.ONLINE_DEPLOYMENT)]
    """Name of the deployment, once in its endpoint."""
    endpoint_name: str | None = None
    """Accepted in the file of a deployment if it names the endpoint that the deployment stands in."""
    type: Annotated[Literal["managed"], AnyCase()] = "managed"
    """`managed` only, for now."""
    release: Annotated[Literal["auto", "fixed"], AnyCase()] = "auto"
    """`auto`: what changes scoring makes a new deployment beside the old one, and traffic moves. `fixed`: one name,
    changed in place."""
    description: str | None = None
    """What the deployment is for."""
    tags: Tags = {}
    """Tags of the deployment, over the estate's own."""
    properties: Tags = {}
    """Properties of the deployment; they can be added to, never changed."""
    model: Model | None = None
    """A map with a path, azureml:NAME@latest for one of the estate's `models`, azureml:NAME:VERSION, a registry URI, or
    an ARM id."""
    code_configuration: CodeConfigurationSpec | None = None
    """Scoring code. Absent for MLflow and Triton models and for images with a server of their own."""
    environment: Environment | None = None
    """A map, azureml:NAME@latest for one of the estate's `environments`, azureml:NAME:VERSION, a registry URI, or an
    ARM id. Absent for MLflow and Triton models."""
    environment_variables: dict[str, Variable] = {}
    """Environment variables of the container. A value may be `{secret: NAME}` or `{key_vault: URI}`."""
    instance_type: InstanceType
    """VM size of an instance."""
    instance_count: Annotated[int, whole(1, facts.MAX_INSTANCES)] = 1
    """Number of instances; Azure recommends three for production."""
    app_insights_enabled: Flag = False
    """Whether requests and logs go to Application Insights."""
    egress_public_network_access: Annotated[Literal["enabled", "disabled"], AnyCase()] = "enabled"
    """Whether the container reaches the internet. Superseded by the workspace's managed network."""
    model_mount_path: str | None = None
    """Where the model is mounted in an image with a server of its own."""
    request_settings: RequestSettingsSpec = RequestSettingsSpec()
    """How requests queue and when they give up."""
    liveness_probe: LivenessProbeSpec = LivenessProbeSpec()
    """When an instance counts as dead."""
    readiness_probe: ReadinessProbeSpec = ReadinessProbeSpec()
    """When an instance counts as ready."""
    scale_settings: ScaleSettingsSpec = ScaleSettingsSpec(type="default")
    """How the number of instances is decided."""
    data_collector: DataCollectorSpec | None = None
    """What is kept of inputs and outputs."""

    @rule
    def _code_needs_an_environment(self) -> Iterator[Finding]:
        if self.code_configuration is not None and self.environment is None:
            yield Finding(
                "scoring code needs an environment to run in",
                ("code_configuration",),
                fix="add environment: a map with image and conda_file, or azureml:NAME:VERSION",
            )

    def makes(self) -> Iterator[str]:
        """What it makes that is called after its endpoint and itself: the same words are the same thing."""
        if self.release == "fixed":
            yield "deployment"
        if isinstance(self.model, ModelSpec) and self.model.name is None and self.model.existing is None:
            yield f"model {self.model.version or self.model.path}"
        environment = self.environment
        if isinstance(environment, EnvironmentSpec) and environment.name is None and environment.existing is None:
            yield f"environment {environment.version or environment.model_dump_json()}"
        if self.code_configuration is not None and isinstance(self.code_configuration.code, Path):
            yield f"code {self.code_configuration.code}"
        for name, collection in (self.data_collector.collections if self.data_collector else {}).items():
            data = collection.data or CollectedDataSpec()
            if isinstance(data, CollectedDataSpec) and data.name is None and data.data_id is None:
                yield f"data {name}"
