"""What an estate runs: name, version and content of each asset and image, in words that stages can be compared by.

Owns those words alone. Deliberately leaves out what a stage may differ in (names of endpoints, services and registries,
sizes, counts), and decides no version (`release`, `image_manifest`).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from azml import release
from azml.image_manifest import manifest_of
from azml.image_parts import parts
from azml.release import Asset
from azml.spec import StackSpec
from azml.spec.container_service import ContainerServiceSpec
from azml.spec.environment import EnvironmentSpec
from azml.spec.image_reference import parse
from azml.spec.model import ModelSpec
from azml.spec.online_deployment import OnlineDeploymentSpec
from azml.spec.references import AssetReference
from azml.spec.service_image import own_name
from azml.spec.serving_image import ServingImageSpec

Used = AssetReference | ModelSpec | EnvironmentSpec


def versions(estate: StackSpec) -> list[str]:
    """Say what runs, sorted.

    `ridge: model diabetes:3c924935f20e SHA-256` for each asset of each deployment, `image diabetes:TAG SHA-256` for
    each image that is built, `container service: image diabetes:TAG SHA-256` for what services run. What is only named
    (a registered version, an ARM id, a registry's URI, an image that exists) is said as it is written; of an image by
    its digest the registry is left out.
    """
    deployments = [each for endpoint in estate.online_endpoints for each in endpoint.deployments]
    images = _images(estate)
    return sorted(
        {
            *(f"{each.name}: {asset}" for each in deployments for asset in _assets(each, estate)),
            *images.values(),
            *(f"container service: {_image(each, images)}" for each in estate.container_services),
        }
    )


def _images(estate: StackSpec) -> dict[str, str]:
    """The images that are built, by name: the digest is known after a push, what is in them before."""
    wanted = [] if estate.container_registry is None else estate.container_registry.images
    made = {each.name: manifest_of(ServingImageSpec.from_args(parts(each, estate))) for each in wanted}
    return {name: f"image {name}:{manifest.tag} {manifest.hash}" for name, manifest in made.items()}


def _image(service: ContainerServiceSpec, images: Mapping[str, str]) -> str:
    own = own_name(service.image)
    if own is not None:
        return images[own]
    found = parse(service.image)
    digest = None if found is None else found.digest
    return f"image {service.image}" if found is None or digest is None else f"image {found.path}@{digest}"


def _assets(deployment: OnlineDeploymentSpec, estate: StackSpec) -> Iterator[str]:
    model, environment, code = deployment.model, deployment.environment, deployment.code_configuration
    if isinstance(model, AssetReference):
        model = estate.find_model(model) or model
    if isinstance(environment, AssetReference):
        environment = estate.find_environment(environment) or environment
    if model is not None:
        yield f"model {_named(model, deployment.name)}"
    if environment is not None:
        yield f"environment {_named(environment, deployment.name)}"
    if code is not None:
        own = code.code
        yield f"code {_words(release.code(own, deployment.name)) if isinstance(own, Path) else own.text}"


def _named(asset: Used, default_name: str) -> str:
    if isinstance(asset, AssetReference):
        return asset.text
    if asset.existing is not None:
        return asset.existing
    if isinstance(asset, ModelSpec):
        return _words(release.model(asset, default_name))
    return _words(release.environment(asset, default_name))


def _words(asset: Asset) -> str:
    return f"{asset.name}:{asset.version} {asset.args['content_hash']}"
