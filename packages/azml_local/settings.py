"""What a user may set about the local Azure, mostly where Azure's own behaviour is not documented.

Owns the settings, their defaults and the reading of `settings.yaml` in the home. Each undocumented behaviour defaults
to the unkind answer, so that what works here works there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from azml.facts import container_instances

UNDOCUMENTED_CODES = (
    "PropertyChangeNotAllowed",
    "EndpointAlreadyExists",
    "ValidationError",
    "DeploymentHasTraffic",
    "InvalidContainerGroup",
)


class BadSettings(Exception):  # noqa: N818 - says what is bad, for people
    """The settings file holds what no setting takes; the message says where and what is allowed."""


@dataclass(frozen=True)
class Settings:
    """All settings. Unknown names are refused."""

    lifecycle: str = "fast"
    """How long operations take, and what fails: a folder below `lifecycle/` here or in the home. `fast`: nothing takes
    longer than the work itself; `realistic`: as long as documented; `chaos`: operations fail after they were accepted,
    requests are refused (429, 500, 503), answers get lost."""
    lifecycle_scale: float = 1
    """What the times of a lifecycle are multiplied by: 0.01 makes a minute of `realistic` 0.6 s."""
    seed: int = 1
    """What a lifecycle leaves to chance; the same seed, the same faults."""
    endpoint_put_without_traffic: Literal["clears", "keeps"] = "clears"
    """What a PUT of an endpoint does to its traffic when it does not mention it. Not documented."""
    auth_mode_change: Literal["refused", "allowed"] = "refused"
    """Whether the auth mode of an endpoint can change. Not documented."""
    endpoint_identity_change: Literal["allowed", "refused"] = "allowed"
    """Whether the identity of an endpoint can change. Not documented, but ARM's type of its PATCH has the identity."""
    instance_type_change: Literal["refused", "allowed"] = "refused"
    """Whether a deployment's instance type can change. ARM's types call it create-only; no document says what a PUT of
    another one does."""
    deployment_location: Literal["endpoint", "any"] = "endpoint"
    """Where a deployment may be: where its endpoint is, or in any region. Not documented."""
    model_put_without_stage: Literal["clears", "keeps"] = "clears"
    """What a PUT of a model version does to its `stage` when it does not mention it. Not documented."""
    out_of_quota: Literal["refused", "fails"] = "refused"
    """Whether too few cores refuse the write, or make its operation fail. That it ends in OutOfQuota is documented
    (how-to-troubleshoot-online-endpoints), when it is told is not."""
    patch_tags: Literal["replaces", "merges"] = "replaces"
    """What a PATCH does to tags that it does not mention. Not documented for most types."""
    traffic_to_missing_code: Literal["ResourceNotFound", "BadArgument"] = "ResourceNotFound"
    """Code of the refusal of traffic to a deployment that is not there. Not documented."""
    error_codes: Mapping[str, str] = field(default_factory=dict)
    """Other codes for those that are not documented, by the code used here: PropertyChangeNotAllowed,
    EndpointAlreadyExists, ValidationError, DeploymentHasTraffic, InvalidContainerGroup."""
    endpoint_operations: Literal["one", "one_each"] = "one"
    """Operations that may run at once on an endpoint with its deployments: one, or one on each of them. Documented is
    that a new operation on an endpoint with one in progress is answered 409 (how-to-troubleshoot-online-endpoints), and
    that an endpoint which is Updating takes no new deployment (azure-sdk-for-net issue 36961); whether an operation on
    one deployment is in the way of another's is not."""
    delete_with_traffic_status: Literal[400, 409] = 400
    """Status that refuses to delete a deployment with traffic. That it is refused is documented, the code is not."""
    metric_grain_seconds: Literal[1, 60] = 1
    """Seconds of the shortest interval of metrics that can be asked for; 60 is Azure's."""
    metric_lag_seconds: float = 1
    """Seconds from the end of an interval until its metrics can be read. (Azure: under a minute, says
    data-ingestion-time.)"""
    mirrored_requests: Literal["deployment", "both", "nowhere"] = "deployment"
    """Where copies of mirrored traffic count: in the deployment's own metrics, in the endpoint's too, or in neither.
    Not documented."""
    workspace_soft_delete_days: float = 14
    """How long a deleted workspace keeps its name (concept-soft-delete). 0: not at all."""
    workspace_recovery: Literal["property", "portal"] = "property"
    """How a deleted workspace is recovered: by a PUT with `properties.allowRecoverSoftDeletedWorkspace: "True"`, which
    ARM's types have in API version 2022-01-01-preview only, or in the portal alone (concept-soft-delete shows no other
    way), so that the PUT is refused."""
    workspace_put_without_network_acls: Literal["clears", "keeps"] = "clears"
    """What a PUT of a workspace does to its `networkAcls`, which API version 2025-12-01 does not have. Not
    documented."""
    registry_network: Literal["outside", "inside"] = "outside"
    """Where this machine is for container registries that are not open to the internet: outside, and refused, or
    inside a network that they let in."""
    blob_roles_after_seconds: float | None = None
    """Seconds until a new role assignment works for blobs that are asked for with a token; without a role they are
    refused then. None: a token opens everything. (Azure: up to 10 minutes.)"""
    rolling_update: Literal["reduced", "reserve", "interrupted"] = "reduced"
    """How instances are updated in place, 20 % at a time: `reduced`: nodes are updated where they are while the others
    serve (Microsoft's notes of the private preview; today's documents do not say), the last one that serves goes after
    its successor is there; `reserve`: new ones start first, within the 20 % that quota reserves; `interrupted`: as
    `reduced`, and a deployment of one instance does not serve meanwhile."""
    failed_update: Literal["stops", "rolls_back"] = "stops"
    """What becomes of an update in place when a new instance fails: it stops, so that fewer instances serve, possibly
    of two versions (Microsoft's notes of the private preview; today's documents do not say), or it is taken back."""
    instance_memory_gb: float | None = None
    """Memory of an instance in GiB, where its instance type has more: so that a small machine can show what happens to
    a model that takes too much. None: what the instance type has."""
    container_ports_change: Literal["refused", "allowed"] = "refused"
    """Whether the ports of a container group can change. They are not on the list of what cannot
    (container-instances-update), nor documented to be changed."""
    container_groups: int = container_instances.MAX_GROUPS
    """Container groups of a region (container-instances-resource-and-quota-limits: where nobody asked for more)."""
    container_cores: int = container_instances.STANDARD_CORES
    """Cores of a region's container groups, likewise; a free or new subscription may have 10, or none."""
    container_writes_per_hour: int = container_instances.MAX_WRITES_PER_HOUR
    """Container groups that may be made in a region in an hour, and as many deleted (likewise)."""
    container_writes_per_5_minutes: int = container_instances.MAX_WRITES_PER_5_MINUTES
    """Container groups that may be made in a region in five minutes, and as many deleted (likewise)."""
    quota_cores: Mapping[str, int] = field(default_factory=lambda: {"*": 1000})
    """Cores for online deployments in a region, by VM family (or a size of it); `*` is the sum over all. What is not
    named has no limit of its own."""


def load(path: Path) -> Settings:
    """Read a settings file; all defaults where there is none. Raises `BadSettings`."""
    if not path.exists():
        return Settings()
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise BadSettings(f"{path} is no YAML: {error}") from error
    if not isinstance(given, dict):
        raise BadSettings(f"{path} must hold names and values.")
    known = {one.name: one for one in fields(Settings)}
    problems = [f"{name}: no such setting; there are {', '.join(known)}" for name in given if name not in known]
    problems += [
        f"{name}: {problem}"
        for name in known
        if name in given and (problem := _problem(name, given[name], known, path.parent))
    ]
    if problems:
        raise BadSettings("\n".join([f"{path}:", *problems]))
    return Settings(**given)


def _problem(name: str, value: Any, known: Mapping[str, Any], home: Path) -> str | None:
    from azml_local.arm.lifecycle import sets

    allowed = tuple(sets(home)) if name == "lifecycle" else get_args(known[name].type)
    if name == "quota_cores":
        good = isinstance(value, dict) and all(type(cores) is int and cores >= 0 for cores in value.values())
        return None if good else f"must hold whole numbers from 0 by VM size or family, is {value!r}"
    if name == "error_codes":
        good = isinstance(value, dict) and all(isinstance(code, str) for code in value.values())
        good = good and set(value) <= set(UNDOCUMENTED_CODES)
        return None if good else f"must hold texts for {', '.join(UNDOCUMENTED_CODES)}, is {value!r}"
    if name == "instance_memory_gb":
        good = value is None or (type(value) in (int, float) and value > 0)
        return None if good else f"must be a number above 0, is {value!r}"
    if name == "seed":
        return None if type(value) is int else f"must be a whole number, is {value!r}"
    if known[name].type in (int, "int"):
        return None if type(value) is int and value >= 0 else f"must be a whole number from 0, is {value!r}"
    numbers = ("lifecycle_scale", "workspace_soft_delete_days", "metric_lag_seconds", "blob_roles_after_seconds")
    if name in numbers and (name != "blob_roles_after_seconds" or value is not None):
        return None if type(value) in (int, float) and value >= 0 else f"must be a number from 0, is {value!r}"
    if name == "blob_roles_after_seconds":
        return None
    return None if value in allowed else f"must be one of {', '.join(map(str, allowed))}, is {value!r}"
