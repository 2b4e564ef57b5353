"""The whole estate of one stack, and the rules between its blocks.

Owns the top-level keys. Deliberately holds no rule of a single block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from azml.spec import service_rules
from azml.spec.base import At, Finding, Spec, nearest, rule, twins
from azml.spec.container_registry import ImageRegistrySpec
from azml.spec.container_service import ContainerServiceSpec
from azml.spec.environment import EnvironmentSpec
from azml.spec.model import ModelSpec
from azml.spec.online_deployment import OnlineDeploymentSpec
from azml.spec.online_endpoint import OnlineEndpointSpec
from azml.spec.references import AssetReference
from azml.spec.registry import RegistrySpec
from azml.spec.serving_image import meant
from azml.spec.types import AnyCase, Flag, Tags
from azml.spec.workspace import WorkspaceSpec

_LATER = [
    *("network", "compute", "data", "batch_endpoints", "kubernetes_services", "fpga_services"),
    *("edge", "monitoring", "schedules", "events", "budget"),
]


class StackSpec(Spec):
    """What one stack deploys."""

    elsewhere: ClassVar = dict.fromkeys(_LATER, "it comes with a later release") | {
        "file": "whole estates are layers, named under extends"
    }

    stage: Annotated[Literal["dev", "test", "prod"], AnyCase()]
    """What the stack is for. Policies and defaults of cost and safety go by it."""
    tags: Tags = {}
    """Tags of every resource."""
    protect: Flag | None = None
    """Whether the engine refuses to delete or replace what holds state: the workspace, what it stands on, registries.
    Absent: in stage prod."""
    workspace: WorkspaceSpec | None = None
    """The Azure ML workspace."""
    container_registry: ImageRegistrySpec | None = None
    """The registry of the workspace's images."""
    registries: list[RegistrySpec] = []
    """Azure ML registries, which share models and environments between workspaces."""
    models: list[ModelSpec] = []
    """Models to register."""
    environments: list[EnvironmentSpec] = []
    """Environments to register."""
    online_endpoints: list[OnlineEndpointSpec] = []
    """Managed online endpoints with their deployments."""
    container_services: list[ContainerServiceSpec] = []
    """Models on Azure Container Instances."""

    @property
    def protected(self) -> bool:
        """Whether what holds state is protected."""
        return self.stage == "prod" if self.protect is None else self.protect

    @rule
    def _workspace_for_everything_in_it(self) -> Iterator[Finding]:
        for field in ("models", "environments", "online_endpoints", "container_services"):
            if self.workspace is None and getattr(self, field):
                yield Finding("need a workspace to live in", (field,), fix="add workspace: with a name")

    @rule
    def _one_container_registry(self) -> Iterator[Finding]:
        if self.container_registry is not None and self.workspace is not None and self.workspace.container_registry:
            yield Finding(
                "the workspace has another registry already: workspace.container_registry",
                ("container_registry",),
                fix="keep one: the block to have a registry made, the ARM id to use yours",
            )

    @rule
    def _a_project_has_its_hub_s_registry(self) -> Iterator[Finding]:
        if self.container_registry is not None and self.workspace is not None and self.workspace.workspace_hub:
            yield Finding(
                "the workspace is a project, and has its registry from its hub",
                ("container_registry",),
                fix="leave the block out, or workspace.workspace_hub",
            )

    @rule
    def _every_name_once(self) -> Iterator[Finding]:
        for field in ("registries", "models", "environments", "online_endpoints", "container_services"):
            yield from twins(field, [block.name for block in getattr(self, field)])

    @rule
    def _assets_have_names(self) -> Iterator[Finding]:
        for field in ("models", "environments"):
            for index, asset in enumerate(getattr(self, field)):
                if asset.name is None:
                    yield Finding("has no name", (field, index), fix="add name: NAME")

    @rule
    def _references_lead_somewhere(self) -> Iterator[Finding]:
        for at, deployment in self._deployments():
            for field, known in (("model", self.models), ("environment", self.environments)):
                reference = getattr(deployment, field)
                names = [asset.name for asset in known if asset.name is not None]
                if not isinstance(reference, AssetReference) or reference.version is not None or reference.registry:
                    continue
                if not reference.floating or not _has(names, reference.name):
                    yield _lost(reference, (*at, field), names)

    @rule
    def _images_find_their_parts(self) -> Iterator[Finding]:
        for index, image in enumerate(self.container_registry.images if self.container_registry else []):
            for finding in image.problems_among(self.models, self.environments):
                yield replace(finding, at=("container_registry", "images", index, *finding.at))

    @rule
    def _a_registry_has_a_group(self) -> Iterator[Finding]:
        registry = self.container_registry
        placed = registry is None or self.workspace is not None or registry.existing or registry.resource_group
        if registry is not None and registry.images and not placed:
            yield Finding(
                "has no resource group: there is no workspace to take it from",
                ("container_registry",),
                fix="add resource_group: NAME, or existing: ARM id, or a workspace",
            )

    @rule
    def _services_fit_in(self) -> Iterator[Finding]:
        images = [image.name for image in self.container_registry.images] if self.container_registry else []
        region = self.workspace.location if self.workspace is not None else None
        services = self.container_services
        yield from service_rules.images_are_there(services, images, has_registry=self.container_registry is not None)
        yield from service_rules.spot_has_its_regions(services, region)
        yield from service_rules.names_are_free(services, [endpoint.name for endpoint in self.online_endpoints])

    @rule
    def _inline_assets_are_not_the_estates(self) -> Iterator[Finding]:
        for at, deployment in self._deployments():
            for field, known in (("model", self.models), ("environment", self.environments)):
                inline = getattr(deployment, field)
                if isinstance(inline, AssetReference) or inline is None or inline.name is None or inline.existing:
                    continue
                if _has([asset.name for asset in known if asset.name is not None], inline.name):
                    yield Finding(
                        f"the estate's own {field}s have one of this name",
                        (*at, field, "name"),
                        inline.name,
                        fix=f"write {field}: azureml:{inline.name}@latest to use it, or give this one another name",
                    )

    @rule
    def _every_version_has_one_definition(self) -> Iterator[Finding]:
        first: dict[tuple[str, str, str], ModelSpec | EnvironmentSpec] = {}
        for at, deployment in self._deployments():
            for field in ("model", "environment"):
                inline = getattr(deployment, field)
                if not isinstance(inline, ModelSpec | EnvironmentSpec) or None in {inline.name, inline.version}:
                    continue
                key = (field, str(inline.name).lower(), str(inline.version))
                if first.setdefault(key, inline) != inline:
                    yield Finding(
                        f"another deployment defines this version of {inline.name} differently",
                        (*at, field, "version"),
                        inline.version,
                        fix="give one of them another version, or leave version out: it is then made from the content",
                    )

    @rule
    def _models_that_need_code_have_it(self) -> Iterator[Finding]:
        for at, deployment in self._deployments():
            model = (
                self.find_model(deployment.model) if isinstance(deployment.model, AssetReference) else deployment.model
            )
            if model is None or model.existing is not None or model.type != "custom_model":
                continue
            if deployment.environment is None:
                yield Finding(
                    "a model of type custom_model needs an environment to run in",
                    at,
                    fix="add environment, or set the model's type to mlflow_model or triton_model if it is one",
                )

    @rule
    def _mlflow_without_code_reaches_out(self) -> Iterator[Finding]:
        for at, deployment in self._deployments():
            model = deployment.model
            found = self.find_model(model) if isinstance(model, AssetReference) else model
            without_code = deployment.code_configuration is None and deployment.environment is None
            closed = deployment.egress_public_network_access == "disabled"
            if found is not None and found.type == "mlflow_model" and without_code and closed:
                yield Finding(
                    "an MLflow model without code and environment needs the internet when it starts",
                    (*at, "egress_public_network_access"),
                    "disabled",
                    fix="add code_configuration and environment, or leave this out and restrict the workspace's "
                    "managed network instead",
                )

    @rule
    def _no_two_deployments_make_the_same(self) -> Iterator[Finding]:
        """What a deployment makes is called ENDPOINT-DEPLOYMENT: churn with eu-blue is churn-eu with blue."""
        first: dict[tuple[str, str], str] = {}
        for at, deployment in self._deployments():
            endpoint = self.online_endpoints[int(at[1])].name
            stem, own = f"{endpoint}-{deployment.name}", f"deployment {deployment.name} of endpoint {endpoint}"
            others = {first.setdefault((stem.lower(), made), own) for made in deployment.makes()} - {own}
            for other in sorted(others):
                yield Finding(
                    f"makes the same as {other}: both are {stem} in Pulumi, and where they bring the same asset along "
                    "also in Azure",
                    (*at, "name"),
                    deployment.name,
                    fix="give one of the two deployments another name",
                )

    def _deployments(self) -> Iterator[tuple[At, OnlineDeploymentSpec]]:
        for e, endpoint in enumerate(self.online_endpoints):
            for d, deployment in enumerate(endpoint.deployments):
                yield ("online_endpoints", e, "deployments", d), deployment

    def find_model(self, reference: AssetReference) -> ModelSpec | None:
        """Return the estate's own model that a reference means; None where it means one elsewhere."""
        return meant(self.models, reference)

    def find_environment(self, reference: AssetReference) -> EnvironmentSpec | None:
        """Return the estate's own environment that a reference means; None where it means one elsewhere."""
        return meant(self.environments, reference)


def _has(names: list[str], name: str) -> bool:
    return name.lower() in {known.lower() for known in names}


def _lost(reference: AssetReference, at: At, known: list[str]) -> Finding:
    near = nearest(reference.name, known)
    fix = f"did you mean azureml:{near}@latest? " if near else ""
    what = "what a label means cannot be known beforehand"
    if reference.floating:
        what = "the estate defines none of this name, and what is newest elsewhere cannot be known beforehand"
    return Finding(
        what,
        at,
        reference.text,
        allowed=", ".join(f"azureml:{name}@latest" for name in known) or None,
        fix=f"{fix}name the version, as in azureml:{reference.name}:1, or define it in the estate",
    )
