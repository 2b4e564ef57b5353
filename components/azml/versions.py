"""What an estate's deployments run: name, version and content of each asset, in words that stages can be compared by.

Owns those words alone. Deliberately leaves out what a stage may differ in (names of endpoints, sizes, counts), and
decides no version (`release`).
"""

from collections.abc import Iterator
from pathlib import Path

from azml import release
from azml.release import Asset
from azml.spec import StackSpec
from azml.spec.environment import EnvironmentSpec
from azml.spec.model import ModelSpec
from azml.spec.online_deployment import OnlineDeploymentSpec
from azml.spec.references import AssetReference

Used = AssetReference | ModelSpec | EnvironmentSpec


def versions(estate: StackSpec) -> list[str]:
    """`ridge: model diabetes:3c924935f20e SHA-256` for each asset of each deployment, sorted.

    What is only named (a registered version, an ARM id, a registry's URI) is said as it is written.
    """
    deployments = [each for endpoint in estate.online_endpoints for each in endpoint.deployments]
    return sorted({f"{each.name}: {asset}" for each in deployments for asset in _assets(each, estate)})


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
