"""From stored resources to what the data plane is asked for, and back to life after a restart.

Owns the reading of a deployment's references (model, code, environment) and ISO durations. The data plane never sees
ARM's JSON.
"""

import asyncio
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from azml.facts import vm_sizes
from azml_local.arm.errors import ArmError, bad_request, not_emulated
from azml_local.arm.ids import ResourceId, parse_id
from azml_local.arm.store import Resource
from azml_local.azure import Azure
from azml_local.namespaces.machinelearning.datastores import local_path
from azml_local.scoring.contract import Deployment, DeploymentFailed, Endpoint, Probe, Updates

_ML = "Microsoft.MachineLearningServices/workspaces"
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_log = logging.getLogger(__name__)


def endpoint_of(resource: Resource) -> Endpoint:
    """Read a stored endpoint."""
    made = resource.properties
    primary, secondary = resource.hidden["keys"]
    return Endpoint(
        id=str(resource.id),
        name=resource.id.name,
        auth_mode=made["authMode"],
        keys=(primary, secondary),
        traffic=made.get("traffic", {}),
        mirror=made.get("mirrorTraffic", {}),
    )


def deployment_of(azure: Azure, id_: ResourceId, body: Mapping[str, Any]) -> Deployment:
    """Read a deployment's body. Raises 400 for a reference that is not there, 501 for what is not emulated."""
    made, workspace = body["properties"], id_.ancestor(_ML)
    if workspace is None or id_.parent is None:
        raise bad_request("BadArgument", f"{id_} is not in a workspace.")
    code, model = made.get("codeConfiguration") or {}, _model(azure, workspace, made.get("model"))
    environment = _environment(azure, made)
    if not code.get("codeId"):
        raise _nothing_to_run(azure, made, environment)
    if environment is None:
        raise bad_request(
            "BadArgument", "A deployment with codeConfiguration needs properties.environmentId to run in."
        )
    if environment.get("build") is not None:
        raise not_emulated(
            "environments built from a Docker context: no images are built",
            "Use properties.image with condaFile: the conda file is what runs here.",
        )
    request = made["requestSettings"]
    return Deployment(
        id=str(id_),
        name=id_.name,
        endpoint_id=str(id_.parent),
        code=_files(azure, workspace, "codeConfiguration.codeId", code["codeId"], "codes", "codeUri"),
        scoring_script=code["scoringScript"],
        image=environment.get("image"),
        conda=environment.get("condaFile"),
        variables=made.get("environmentVariables") or {},
        instances=body["sku"]["capacity"],
        request_timeout_s=seconds(request["requestTimeout"]),
        max_concurrent=request["maxConcurrentRequestsPerInstance"],
        max_queue_wait_s=seconds(request["maxQueueWait"]),
        liveness=_probe(made["livenessProbe"]),
        readiness=_probe(made["readinessProbe"]),
        startup=_probe(made["startupProbe"]) if made.get("startupProbe") else None,
        memory_bytes=_memory(azure, made["instanceType"]),
        updates=Updates(azure.settings.rolling_update, azure.settings.failed_update),
        **_route(environment),
        **model,
    )


def _environment(azure: Azure, made: Mapping[str, Any]) -> Mapping[str, Any] | None:
    given = made.get("environmentId")
    return None if not given else _version(azure, "environmentId", given, f"{_ML}/environments/versions").properties


def _nothing_to_run(azure: Azure, made: Mapping[str, Any], environment: Mapping[str, Any] | None) -> ArmError:
    """Say why a deployment without code does not run: nothing that Azure would run either, or not emulated."""
    instead = "Give codeConfiguration and an environment with a conda file."
    if environment is not None:
        image = environment.get("image") or "a Docker context"
        return not_emulated(f"custom containers ({image}, without codeConfiguration): images are not run", instead)
    if not made.get("model"):
        return bad_request("BadArgument", "A deployment needs properties.model, or properties.environmentId.")
    model = _version(azure, "model", made["model"], f"{_ML}/models/versions").properties
    kind = model.get("modelType", "custom_model")
    if kind == "custom_model":
        text = "A model of type custom_model needs properties.environmentId and codeConfiguration to run."
        return bad_request("BadArgument", text)
    return not_emulated(f"deployments of a model of type {kind} without code and environment", instead)


async def restore(azure: Azure) -> None:
    """Bring back what served before a restart, each as it last worked."""
    endpoints = azure.store.below(None, f"{_ML}/onlineEndpoints")
    for found in endpoints:
        found.properties["scoringUri"] = await azure.plane.put_endpoint(endpoint_of(found))
        azure.store.put(found)
    deployments = azure.store.below(None, f"{_ML}/onlineEndpoints/deployments")
    await asyncio.gather(*(_restore(azure, found) for found in deployments if "serving" in found.hidden))


async def _restore(azure: Azure, resource: Resource) -> None:
    def report(line: str) -> None:
        _log.info("%s: %s", resource.id.name, line)

    try:
        await azure.plane.put_deployment(deployment_of(azure, resource.id, resource.hidden["serving"]), report)
    except (ArmError, DeploymentFailed) as error:
        _log.error("%s did not come back: %s", resource.id, error)
        now = azure.store.get(resource.id)
        if now is not None and now.state == "Succeeded":
            now.properties["provisioningState"] = "Failed"
            azure.store.put(now)


def seconds(duration: str) -> float:
    """Read an ISO 8601 duration such as `PT0.5S`. Raises 400 for anything else."""
    match = _DURATION.fullmatch(duration)
    if match is None or not any(match.groups()):
        raise bad_request("BadArgument", f"'{duration}' is no ISO 8601 duration such as PT5S.")
    days, hours, minutes, rest = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def _version(azure: Azure, path: str, given: str, type_: str) -> Resource:
    if given.lower().startswith("azureml://registries/"):
        raise not_emulated(f"assets of registries (properties.{path} is '{given}')", "Register them in the workspace.")
    id_ = parse_id(given)
    if id_ is None or id_.type.lower() != type_.lower():
        raise bad_request("BadArgument", f"properties.{path}: '{given}' is no id of a {type_}.")
    found = azure.store.get(id_)
    if found is None:
        raise bad_request("ResourceNotFound", f"properties.{path}: '{given}' was not found.")
    return found


def _files(azure: Azure, workspace: ResourceId, path: str, given: str, kind: str, name: str) -> Path:
    version = _version(azure, path, given, f"{_ML}/{kind}/versions")
    return local_path(azure, workspace, version.properties[name])


def _model(azure: Azure, workspace: ResourceId, given: str | None) -> dict[str, Any]:
    if not given:
        return {}
    version = _version(azure, "model", given, f"{_ML}/models/versions")
    container = version.id.parent
    return {
        "model": local_path(azure, workspace, version.properties["modelUri"]),
        "model_name": container.name if container else "model",
        "model_version": version.id.name,
    }


def _route(environment: Mapping[str, Any]) -> dict[str, Any]:
    route = (environment.get("inferenceConfig") or {}).get("scoringRoute")
    return {} if route is None else {"scoring_route": route["path"]}


def _memory(azure: Azure, instance_type: str) -> float | None:
    size, most = vm_sizes.find(instance_type), azure.settings.instance_memory_gb
    known = [gib for gib in (None if size is None else size.memory_gib, most) if gib is not None]
    return min(known) * (1 << 30) if known else None


def _probe(made: Mapping[str, Any]) -> Probe:
    default = Probe()
    return Probe(
        initial_delay_s=seconds(made["initialDelay"]) if "initialDelay" in made else default.initial_delay_s,
        period_s=seconds(made["period"]) if "period" in made else default.period_s,
        timeout_s=seconds(made["timeout"]) if "timeout" in made else default.timeout_s,
        success_threshold=made.get("successThreshold", default.success_threshold),
        failure_threshold=made.get("failureThreshold", default.failure_threshold),
    )
