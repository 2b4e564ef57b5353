"""The whole estate of one stack, and the rules between its blocks.

Owns the top-level keys. Deliberately holds no rule of a single block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, TypeVar

from azml.spec.base import Spec
from azml.spec.container_registry import ContainerRegistrySpec
from azml.spec.environment import EnvironmentSpec
from azml.spec.model import ModelSpec
from azml.spec.online_endpoint import OnlineEndpointSpec
from azml.spec.references import AssetReference
from azml.spec.types import AnyCase, Tags
from azml.spec.workspace import WorkspaceSpec

Asset = TypeVar("Asset", ModelSpec, EnvironmentSpec)

_LATER = [
    *("network", "compute", "data", "batch_endpoints", "container_services", "kubernetes_services", "fpga_services"),
    *("edge", "monitoring", "schedules", "events", "budget"),
]


class StackSpec(Spec):
    """What one stack deploys."""

    elsewhere: ClassVar = dict.fromkeys(_LATER, "comes with a later release")

    stage: Annotated[Literal["dev", "test", "prod"], AnyCase()]
    """What the stack is for. Policies and defaults of cost and safety go by it."""
    tags: Tags = {}
    """Tags of every resource."""
    workspace: WorkspaceSpec | None = None
    """The Azure ML workspace."""
    container_registry: ContainerRegistrySpec | None = None
    """The registry of the workspace's images."""
    models: list[ModelSpec] = []
    """Models to register."""
    environments: list[EnvironmentSpec] = []
    """Environments to register."""
    online_endpoints: list[OnlineEndpointSpec] = []
    """Managed online endpoints with their deployments."""

    def find_model(self, reference: AssetReference) -> ModelSpec | None:
        """Return the estate's own model that a reference means; None where it means one elsewhere."""
        return _find(self.models, reference)

    def find_environment(self, reference: AssetReference) -> EnvironmentSpec | None:
        """Return the estate's own environment that a reference means; None where it means one elsewhere."""
        return _find(self.environments, reference)


def _find(assets: Sequence[Asset], reference: AssetReference) -> Asset | None:
    if reference.registry is not None or reference.arm_id is not None:
        return None
    for asset in assets:
        if asset.name is not None and asset.name.lower() == reference.name.lower():
            ours = reference.floating or (asset.version is not None and asset.version == reference.version)
            return asset if ours else None
    return None
