"""The assets that an estate defines by name, wherever it does: each version is one resource, whoever uses it.

Owns the versions of models, environments and collected data that have a name: one in the estate's lists, or the same in
several endpoints, is registered once, so that it stays as long as anything uses it. Deliberately leaves to an endpoint
what has no name of its own, and code (`deployment_assets`).
"""

from typing import Any

import pulumi

from azml import release
from azml.component import InvalidArgs, given
from azml.release import Asset
from azml.resources.data_version import DataVersion
from azml.resources.environment_version import EnvironmentVersion
from azml.resources.model_version import ModelVersion
from azml.spec import StackSpec
from azml.spec.data_collector import CollectedDataSpec
from azml.spec.environment import EnvironmentSpec
from azml.spec.model import ModelSpec
from azml.spec.online_deployment import OnlineDeploymentSpec
from azml.spec.references import AssetReference

Values = dict[str, Any]
Named = ModelSpec | EnvironmentSpec

_KINDS = {"model": ModelVersion, "environment": EnvironmentVersion, "data": DataVersion}
_COLLECTIONS = {"model": "models", "environment": "environments", "data": "data"}


class EstateAssets:
    """Registers assets, each version once. `ids` are what `OnlineEndpoint` takes as `assets`."""

    def __init__(self, estate: StackSpec, workspace_id: pulumi.Output[str]) -> None:
        self.ids: dict[str, pulumi.Input[str]] = {}
        self._estate, self._workspace_id = estate, workspace_id
        self._made: dict[tuple[str, str, str], tuple[Asset, str]] = {}
        own: list[tuple[str, Named]] = [
            *(("model", each) for each in estate.models),
            *(("environment", each) for each in estate.environments),
        ]
        self._own = {(kind, str(spec.name).lower()): self._text(kind, spec) for kind, spec in own}

    def deployment(self, endpoint: str, deployment: OnlineDeploymentSpec, written: Values) -> Values:
        """A deployment's arguments with the version in place of what the estate defines by name."""
        args = dict(written)
        for kind, asset in (("model", deployment.model), ("environment", deployment.environment)):
            if asset is not None:
                args[kind] = self._used(kind, asset, written[kind])
        if deployment.data_collector is not None:
            args["data_collector"] = self._collector(endpoint, deployment, written["data_collector"])
        return args

    def _used(self, kind: str, asset: AssetReference | Named, written: Any) -> Any:
        if isinstance(asset, AssetReference):
            ours = self._estate.find_model(asset) if kind == "model" else self._estate.find_environment(asset)
            return asset.text if ours is None else self._own[kind, str(ours.name).lower()]
        if asset.existing is not None or asset.name is not None:
            return self._text(kind, asset)
        return {**written, "tags": self._tags(asset)}

    def _collector(self, endpoint: str, deployment: OnlineDeploymentSpec, written: Values) -> Values:
        collections = dict(written["collections"])
        for name, collection in (deployment.data_collector.collections if deployment.data_collector else {}).items():
            data = collection.data
            if isinstance(data, CollectedDataSpec) and data.name is not None:
                asset = release.collected(data, endpoint, deployment.name, name)
                collections[name] = {**collections[name], "data": self._registered("data", asset)}
        return {**written, "collections": collections}

    def _text(self, kind: str, spec: Named) -> str:
        """What names a version: the id of one that is only used, else `azureml:NAME:VERSION`."""
        if spec.existing is not None:
            return spec.existing
        asset = release.model(spec, "") if isinstance(spec, ModelSpec) else release.environment(spec, "")
        return self._registered(kind, Asset(asset.name, asset.version, {**asset.args, "tags": self._tags(spec)}))

    def _registered(self, kind: str, asset: Asset) -> str:
        key = (kind, asset.name.lower(), asset.version.lower())
        if (known := self._made.get(key)) is not None:
            before, text = known
            if differing := before.differs_in(asset):
                raise InvalidArgs(release.defined_twice(kind, asset, differing))
            return text
        args: Any = {**asset.args, "workspace_id": self._workspace_id, "name": asset.name, "version": asset.version}
        made = _KINDS[kind](f"{kind}-{asset.name}-{asset.version}", given(args))
        text = f"azureml:{asset.name}:{asset.version}"
        # A model and an environment may share name and version: the endpoint looks assets up by kind as well.
        self.ids[f"{_COLLECTIONS[kind]}/{text}"] = made.id
        self._made[key] = asset, text
        return text

    def _tags(self, asset: Named) -> dict[str, str]:
        return {**self._estate.tags, **asset.tags}
