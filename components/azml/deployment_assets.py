"""The assets of an endpoint's deployments: made where a deployment brings them along, found where it names them.

Owns the versions of models, environments, code and collected data, each once: deployments that define the same version
share it. Deliberately decides nothing about their content (`release`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi

from azml import release
from azml.component import InvalidArgs, given
from azml.release import Asset
from azml.resources.code_version import CodeVersion
from azml.resources.data_version import DataVersion
from azml.resources.environment_version import EnvironmentVersion
from azml.resources.model_version import ModelVersion
from azml.spec.data_collector import CollectedDataSpec, DataCollectorSpec
from azml.spec.environment import EnvironmentSpec
from azml.spec.model import ModelSpec
from azml.spec.references import AssetReference

Id = pulumi.Input[str]
Version = type[ModelVersion] | type[EnvironmentVersion] | type[CodeVersion] | type[DataVersion]


class DeploymentAssets:
    """Registers and finds assets for one endpoint. `known` are ids of what is made elsewhere in the program."""

    def __init__(
        self, endpoint: str, workspace_id: pulumi.Output[str], known: Mapping[str, Id], child: pulumi.ResourceOptions
    ) -> None:
        self._endpoint, self._workspace_id, self._known, self._child = endpoint, workspace_id, known, child
        self._made: dict[tuple[str, str, str], tuple[Asset, Id]] = {}

    def model(self, model: AssetReference | ModelSpec | None, stem: str) -> Id | None:
        """A model's id, or its registry URI. `stem` names what has no name of its own."""
        if not isinstance(model, ModelSpec):
            return self._named(model, "models")
        if model.existing is not None:
            return model.existing
        return self._version(ModelVersion, "model", release.model(model, stem), stem)

    def environment(self, environment: AssetReference | EnvironmentSpec | None, stem: str) -> Id | None:
        """An environment's id, or its registry URI."""
        if not isinstance(environment, EnvironmentSpec):
            return self._named(environment, "environments")
        if environment.existing is not None:
            return environment.existing
        return self._version(EnvironmentVersion, "environment", release.environment(environment, stem), stem)

    def code(self, code: AssetReference | Path, stem: str) -> Id | None:
        """A code version's id."""
        if isinstance(code, AssetReference):
            return self._named(code, "codes")
        return self._version(CodeVersion, "code", release.code(code, stem), stem)

    def collected(self, collector: DataCollectorSpec, endpoint: str, deployment: str) -> dict[str, Id]:
        """Ids of the data assets by collection. They go by the deployment's own name: releases share them."""
        return {
            name: self._collection(collection.data, name, endpoint, deployment)
            for name, collection in collector.collections.items()
        }

    def _collection(
        self, data: AssetReference | CollectedDataSpec | None, collection: str, endpoint: str, deployment: str
    ) -> Id:
        if isinstance(data, AssetReference):
            return self._named(data, "data") or data.text
        wanted = data or CollectedDataSpec()
        if wanted.data_id is not None:
            return wanted.data_id
        asset = release.collected(wanted, endpoint, deployment, collection)
        return self._version(DataVersion, "data", asset, f"{endpoint}-{deployment}-{collection}")

    def _version(self, kind: Version, word: str, asset: Asset, stem: str) -> Id:
        """Register a version once. Its resource is named after the asset's own name, whichever deployment brings it."""
        key = (word, asset.name.lower(), asset.version.lower())
        if key in self._made:
            before, id_ = self._made[key]
            if differing := before.differs_in(asset):
                raise InvalidArgs(f"{self._endpoint}: {release.defined_twice(word, asset, differing)}")
            return id_
        owner = stem if asset.name == stem else f"{self._endpoint}-{asset.name}"
        fields = {"workspace_id": self._workspace_id, "name": asset.name, "version": asset.version}
        args: Any = given({**asset.args, **fields})
        made: Id = kind(f"{owner}-{word}-{asset.version}", args, self._child).id
        self._made[key] = (asset, made)
        return made

    def _named(self, reference: AssetReference | None, kind: str) -> Id | None:
        """An asset that something else made: its ARM id, or its registry URI as it is."""
        if reference is None:
            return None
        if (made := self._known.get(f"{kind}/{reference.text}")) is not None:
            return made
        if reference.arm_id is not None or reference.registry is not None:
            return reference.arm_id or reference.text
        if reference.version is None:
            raise InvalidArgs(
                f"{self._endpoint}: {reference.text} names no version, and no such asset is made here.\n"
                f"Write azureml:{reference.name}:VERSION: which version is the newest cannot be known in a preview."
            )
        tail = f"{kind}/{reference.name}/versions/{reference.version}"
        return self._workspace_id.apply(lambda id_: f"{id_}/{tail}")
