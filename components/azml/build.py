"""From the estate's config to components: the only wiring.

Owns what refers to what: the estate's tags on everything, what waits for what.
Deliberately decides nothing that a component or the spec should.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from azml import endpoint_roles
from azml.component import InvalidArgs, given
from azml.container_registry import ContainerRegistry
from azml.container_service import ContainerService
from azml.estate_assets import EstateAssets
from azml.estate_config import end
from azml.estate_images import EstateImages
from azml.estate_services import service_args
from azml.online_endpoint import OnlineEndpoint
from azml.registry import Registry
from azml.resources.errors import Refused
from azml.resources.handler import present
from azml.serving_image import ServingImage
from azml.spec import StackSpec
from azml.spec.base import Spec
from azml.spec.container_registry import ImageRegistrySpec
from azml.spec.online_endpoint import OnlineEndpointSpec
from azml.versions import versions
from azml.workspace import Workspace


@dataclass(frozen=True)
class Estate:
    """What was made, for exports and for programs that go on from here."""

    workspace_id: pulumi.Output[str] | None = None
    registries: dict[str, Registry] = field(default_factory=dict)
    online_endpoints: dict[str, OnlineEndpoint] = field(default_factory=dict)
    images: dict[str, ServingImage] = field(default_factory=dict)
    container_services: dict[str, ContainerService] = field(default_factory=dict)
    versions: list[str] = field(default_factory=list)
    """What the deployments and services run, by content: to be compared with other stages."""


def build(spec: StackSpec) -> Estate:
    """Make everything that the estate names. Ends the program where a component cannot be made."""
    try:
        return _build(spec)
    except (InvalidArgs, Refused) as error:
        end([str(error)])


def _build(spec: StackSpec) -> Estate:
    if spec.workspace is None:
        made = _made(_images(spec, None))
        return Estate(registries=_registries(spec, None), images=made, versions=versions(spec))
    workspace = Workspace(
        spec.workspace.name,
        given(
            {
                **_args(spec.workspace, spec),
                "stage": spec.stage,
                "protect": spec.protected,
                "registry": spec.container_registry and _registry_args(spec.container_registry, spec),
            }
        ),
    )
    assets = EstateAssets(spec, workspace.workspace_id)
    grants = endpoint_roles.grants(spec, workspace)
    endpoints = {
        endpoint.name: OnlineEndpoint(
            endpoint.name,
            _placed(_endpoint_args(endpoint, spec, assets), workspace, assets.ids),
            pulumi.ResourceOptions(depends_on=endpoint_roles.before(endpoint, grants)),
        )
        for endpoint in spec.online_endpoints
    }
    images = _images(spec, workspace)
    services = {
        service.name: ContainerService(service.name, service_args(service, _args(service, spec), workspace, images))
        for service in spec.container_services
    }
    return Estate(
        workspace.workspace_id, _registries(spec, workspace), endpoints, _made(images), services, versions(spec)
    )


def export(estate: Estate) -> None:
    """Export what people and pipelines ask for: the workspace, and where each endpoint and service answers.

    Keys of endpoints are Azure's to give. Those of services nobody else has: they are exported as secrets.
    """
    if estate.workspace_id is not None:
        pulumi.export("workspace_id", estate.workspace_id)
    pulumi.export("versions", estate.versions)
    services = estate.container_services
    answering: list[Mapping[str, OnlineEndpoint | ContainerService]] = [estate.online_endpoints, services]
    pulumi.export("scoring_uris", {name: each.scoring_uri for kind in answering for name, each in kind.items()})
    if services:
        pulumi.export("container_services", {name: each.group_id for name, each in services.items()})
        keys = {name: {"primary": each.primary_key, "secondary": each.secondary_key} for name, each in services.items()}
        pulumi.export("container_service_keys", pulumi.Output.secret(keys))
    if estate.images:
        pulumi.export("images", {name: _image(each) for name, each in estate.images.items()})
    pulumi.export("deployments", {name: each.deployments for name, each in estate.online_endpoints.items()})


def _image(image: ServingImage) -> dict[str, pulumi.Output[str]]:
    return {"image": image.image, "tag": image.tag, "alias": image.alias, "manifest": image.manifest}


def _registries(spec: StackSpec, workspace: Workspace | None) -> dict[str, Registry]:
    """The estate's registries: beside the workspace where they say nothing else."""
    beside = {} if workspace is None else {"resource_group": workspace.resource_group_name}
    return {
        each.name: Registry(
            each.name,
            present({**({} if each.existing else beside), **_args(each, spec), "protect": spec.protected}),  # type: ignore[arg-type]
        )
        for each in spec.registries
    }


def _made(images: EstateImages | None) -> dict[str, ServingImage]:
    return {} if images is None else images.made


def _images(spec: StackSpec, workspace: Workspace | None) -> EstateImages | None:
    """The estate's serving images, in the registry of the workspace, or in one of their own where there is none."""
    wanted, registry = spec.container_registry, None if workspace is None else workspace.registry
    if wanted is None or not (wanted.images or spec.container_services):
        return None
    if registry is None:
        beside = {} if workspace is None or wanted.existing else {"resource_group": workspace.resource_group_name}
        keep = pulumi.ResourceOptions(protect=spec.protected and not wanted.existing)
        registry = ContainerRegistry("registry", present({**beside, **_registry_args(wanted, spec)}), keep)  # type: ignore[arg-type]
    return EstateImages(spec, registry)


def _registry_args(block: ImageRegistrySpec, estate: StackSpec) -> dict[str, Any]:
    """A container registry's arguments: its images are components of their own."""
    return {key: value for key, value in _args(block, estate).items() if key != "images"}


def _placed(args: dict[str, Any], workspace: Workspace, assets: dict[str, pulumi.Input[str]]) -> Any:
    """An endpoint's arguments in its workspace. Empty is a value here: traffic: {} serves nothing."""
    return present({"location": workspace.location, **args, "workspace_id": workspace.workspace_id, "assets": assets})


def _args(block: Spec, estate: StackSpec) -> dict[str, Any]:
    """A block as a component's arguments: what was written, with the estate's tags below its own."""
    args = block.model_dump(mode="json", exclude_unset=True)
    return args if args.get("existing") else _tagged(args, estate)


def _tagged(args: dict[str, Any], estate: StackSpec) -> dict[str, Any]:
    return {**args, "tags": {**estate.tags, **(args.get("tags") or {})}}


def _endpoint_args(endpoint: OnlineEndpointSpec, estate: StackSpec, assets: EstateAssets) -> dict[str, Any]:
    """An endpoint's arguments: its deployments name the estate's own assets by version."""
    args = _args(endpoint, estate)
    args["deployments"] = [
        _tagged(assets.deployment(endpoint.name, deployment, written), estate)
        for written, deployment in zip(args.get("deployments", []), endpoint.deployments, strict=True)
    ]
    return args
