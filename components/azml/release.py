"""What a deployment's spec becomes: its assets, its release, its arguments.

Owns the content of a release: all that changes scoring or its capacity shape, and nothing else (never tags, description
or the instance count). Deliberately registers no resource (`online_endpoint`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import yaml

from azml import naming
from azml.arm_words import duration, switch
from azml.resources.content import VERSION_LENGTH, digest, digest_of
from azml.resources.environment_version import EnvironmentVersionArgs, environment_content
from azml.resources.managed_online_deployment import FIXED
from azml.resources.model_version import model_content
from azml.resources.resource import to_wire
from azml.spec.data_collector import CollectedDataSpec, DataCollectorSpec
from azml.spec.environment import BuildSpec, EnvironmentSpec
from azml.spec.model import ModelSpec
from azml.spec.online_deployment import CodeConfigurationSpec, OnlineDeploymentSpec, ReadinessProbeSpec
from azml.spec.references import AssetReference
from azml.spec.secrets import KeyVaultSecret, PulumiSecret

Values = dict[str, Any]

COLLECTED = "azureml://datastores/workspaceblobstore/paths/modelDataCollector"
"""Where Azure ML's documents, and `az ml`, have collected data."""
FIRST = "1"
"""Version of a data asset for collected data: the folder grows, the version stays."""
_PLACES = frozenset({"path", "build", "datastore"})
"""Where content lies, or goes: `content_hash` says what it is."""


@dataclass(frozen=True)
class Asset:
    """A version to register. `args` are the resource's, without the workspace."""

    name: str
    version: str
    args: Values

    def differs_in(self, other: "Asset") -> list[str]:
        """What another definition of the same version says differently. The same content may lie in two places."""
        names = sorted((self.args.keys() | other.args.keys()) - _PLACES)
        return [name for name in names if (self.args.get(name) or None) != (other.args.get(name) or None)]


def model(spec: ModelSpec, default_name: str) -> Asset:
    """A model version, named by its content where the spec names none."""
    path, uri = (spec.path, None) if isinstance(spec.path, Path) else (None, spec.path)
    content = model_content(path, uri, spec.type)
    name, version = spec.name or default_name, spec.version or content[:VERSION_LENGTH]
    args = {
        "path": None if path is None else str(path),
        "uri": uri,
        "datastore": spec.datastore,
        "type": spec.type,
        "properties": spec.properties,
        "flavors": spec.flavors,
        "stage": spec.stage,
    }
    return Asset(name, version, {**args, **_described(spec, content)})


def environment(spec: EnvironmentSpec, default_name: str) -> Asset:
    """An environment version, named by its content where the spec names none."""
    args: Values = {
        "image": spec.image,
        "conda_file": conda_text(spec),
        "build": spec.build and _build(spec.build),
        "datastore": spec.datastore,
        "inference_config": spec.inference_config and spec.inference_config.model_dump(),
        "os_type": spec.os_type.capitalize(),
    }
    content = environment_content(to_wire(args, EnvironmentVersionArgs))
    name, version = spec.name or default_name, spec.version or content[:VERSION_LENGTH]
    return Asset(name, version, {**args, **_described(spec, content)})


def code(folder: Path, name: str) -> Asset:
    """A code version, always named by its content."""
    content = digest(folder)
    return Asset(name, content[:VERSION_LENGTH], {"path": str(folder), "content_hash": content})


def collected(spec: CollectedDataSpec, endpoint: str, deployment: str, collection: str) -> Asset:
    """A data version for what one collection of a deployment gathers."""
    uri = spec.path or f"{COLLECTED}/{endpoint}/{deployment}/{collection}"
    return Asset(spec.name or f"{endpoint}-{deployment}-{collection}", spec.version or FIRST, {"uri": uri})


def defined_twice(kind: str, asset: Asset, differing: list[str]) -> str:
    """Say that two deployments disagree on what a version is."""
    words = ", ".join("content" if name == "content_hash" else name for name in differing)
    return (
        f"Two deployments define {kind} {asset.name} {asset.version} with another {words}.\n"
        "Say the same in both, or give one of them another name or version."
    )


def _build(spec: BuildSpec) -> Values:
    place = "path" if isinstance(spec.path, Path) else "uri"
    return {place: str(spec.path), "dockerfile_path": spec.dockerfile_path}


def _described(spec: ModelSpec | EnvironmentSpec, content: str) -> Values:
    return {"content_hash": content, "description": spec.description, "tags": spec.tags}


def conda_text(spec: EnvironmentSpec) -> str | None:
    """The conda file's text."""
    if spec.conda_file is None:
        return None
    if isinstance(spec.conda_file, Mapping):
        return yaml.safe_dump(dict(spec.conda_file), sort_keys=False)
    return spec.conda_file.read_text(encoding="utf-8")


def digest_of_release(spec: OnlineDeploymentSpec) -> str:
    """What makes this release another one. Of a secret only the reference counts: a new value is an update in place."""
    scoring = spec.model_dump(
        mode="json",
        include={
            "name",
            "environment_variables",
            "instance_type",
            "app_insights_enabled",
            "egress_public_network_access",
            "model_mount_path",
            "request_settings",
            "liveness_probe",
            "readiness_probe",
            "data_collector",
        },
    )
    code, script = _code_identity(spec.code_configuration)
    return digest_of([scoring, _identity(spec.model), _identity(spec.environment), code, script])


def _code_identity(spec: CodeConfigurationSpec | None) -> tuple[str | None, str | None]:
    if spec is None:
        return None, None
    return (digest(spec.code) if isinstance(spec.code, Path) else spec.code.text), spec.scoring_script


def _identity(asset: AssetReference | ModelSpec | EnvironmentSpec | None) -> object:
    """What says which asset it is: the reference's words, or name, version and content."""
    if asset is None or isinstance(asset, AssetReference):
        return asset and asset.text
    if asset.existing is not None:
        return asset.existing
    made = model(asset, "") if isinstance(asset, ModelSpec) else environment(asset, "")
    return [made.name, made.version, made.args["content_hash"]]


def physical_name(spec: OnlineDeploymentSpec, release: str) -> str:
    """Name in Azure: that of the release, or the plain one where the release is fixed."""
    return spec.name if release == FIXED else naming.release(spec.name, release)


def release_of(spec: OnlineDeploymentSpec) -> str:
    """Which release the spec describes."""
    return FIXED if spec.release == FIXED else digest_of_release(spec)[: naming.RELEASE_LENGTH]


def settings(spec: OnlineDeploymentSpec) -> Values:
    """Arguments of the deployment that come from its spec alone, in ARM's words."""
    requests = spec.request_settings
    return {
        "instance_type": spec.instance_type,
        "instance_count": spec.instance_count,
        "environment_variables": {name: _variable(value) for name, value in spec.environment_variables.items()},
        "app_insights_enabled": spec.app_insights_enabled,
        "egress_public_network_access": switch(spec.egress_public_network_access),
        "model_mount_path": spec.model_mount_path,
        "request_settings": {
            "request_timeout": duration(requests.request_timeout_ms),
            "max_concurrent_requests_per_instance": requests.max_concurrent_requests_per_instance,
            "max_queue_wait": duration(requests.max_queue_wait_ms),
        },
        "liveness_probe": _probe(spec.liveness_probe),
        "readiness_probe": _probe(spec.readiness_probe),
        "properties": spec.properties,
        "description": spec.description,
        "tags": spec.tags,
    }


def _variable(value: str | PulumiSecret | KeyVaultSecret) -> pulumi.Input[str]:
    """Text as it is; a secret of the project as a Pulumi secret; a vault's as the words that Azure resolves itself."""
    if isinstance(value, PulumiSecret):
        return pulumi.Config().require_secret(value.secret)
    return f"${{{{keyvault:{value.key_vault}}}}}" if isinstance(value, KeyVaultSecret) else value


def _probe(spec: ReadinessProbeSpec) -> Values:
    return {
        "initial_delay": duration(spec.initial_delay * 1000),
        "period": duration(spec.period * 1000),
        "timeout": duration(spec.timeout * 1000),
        "success_threshold": spec.success_threshold,
        "failure_threshold": spec.failure_threshold,
    }


def collector(spec: DataCollectorSpec, data: Mapping[str, pulumi.Input[str]]) -> Values:
    """What is collected, in ARM's words; `data` are ids of the data assets by collection."""
    collections: Values = {
        name: {
            "dataCollectionMode": "Enabled" if collection.enabled else "Disabled",
            "samplingRate": spec.sampling_rate,
            "dataId": data[name],
            **({"clientId": collection.client_id} if collection.client_id is not None else {}),
        }
        for name, collection in spec.collections.items()
    }
    logged = spec.request_logging
    return {
        "collections": collections,
        "rollingRate": spec.rolling_rate.capitalize(),
        **({"requestLogging": {"captureHeaders": logged.capture_headers}} if logged is not None else {}),
    }
