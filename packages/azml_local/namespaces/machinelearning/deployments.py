"""Online deployments: what may run, scaling, logs.

Owns limits and quota, what cannot change, and the refusal to delete what has traffic.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from azml.facts import names, online_endpoints
from azml_local.arm.call import Call
from azml_local.arm.errors import ArmError, bad_request, not_emulated
from azml_local.arm.ids import ResourceId, parse_id
from azml_local.arm.store import Resource
from azml_local.arm.types import Reply, ResourceType, Write, action
from azml_local.namespaces.machinelearning import access, quota
from azml_local.namespaces.machinelearning.endpoints import DEPLOYMENTS, lost_properties
from azml_local.namespaces.machinelearning.serving import deployment_of, endpoint_of, seconds
from azml_local.scoring.contract import DeploymentFailed

_MAX_IN_REGION = 500
"""Deployments (how-to-manage-quotas, 2026-01-27)."""
_LOG_LINES = 500
_BUSY = ("Creating", "Updating", "Deleting")
"""States of an endpoint that takes no new deployment (azure-sdk-for-net issue 36961)."""
_PROBE = {
    "initialDelay": f"PT{online_endpoints.PROBE_INITIAL_DELAY_S}S",
    "period": f"PT{online_endpoints.PROBE_PERIOD_S}S",
    "timeout": f"PT{online_endpoints.PROBE_TIMEOUT_S}S",
    "successThreshold": online_endpoints.PROBE_SUCCESS_THRESHOLD,
    "failureThreshold": online_endpoints.PROBE_FAILURE_THRESHOLD,
}


class OnlineDeployments(ResourceType):
    """A managed online deployment."""

    type = DEPLOYMENTS
    evidence = (
        "ARM's types 2025-12-01; settings: reference-yaml-deployment-managed-online 2023-10-19; quota: quota-"
        "allocation-online-deployment; sizes: reference-managed-online-endpoints-vm-sku-list; update in place, 20 % "
        "of the nodes at a time: how-to-deploy-online-endpoints"
    )
    not_enforced = (
        "egress, an instance's cores and disk, data collection, Application Insights; the base image is not used"
    )
    puts = Reply(follow="Azure-AsyncOperation")
    patches = Reply(updated=202, follow="Location")
    deletes = Reply(updated=202, follow="Location")
    patchable = ("tags", "sku")
    create_only = ("instanceType", "endpointComputeType")
    defaults: ClassVar = {
        "kind": "Managed",
        "sku": {"name": "Default", "capacity": 1},
        "properties": {
            "instanceType": "Standard_F4s_v2",
            "appInsightsEnabled": False,
            "egressPublicNetworkAccess": "Enabled",
            "environmentVariables": {},
            "properties": {},
            "scaleSettings": {"scaleType": "Default"},
            "requestSettings": {
                "requestTimeout": f"PT{online_endpoints.REQUEST_TIMEOUT_MS / 1000:g}S",
                "maxConcurrentRequestsPerInstance": online_endpoints.MAX_CONCURRENT_REQUESTS_PER_INSTANCE,
                "maxQueueWait": f"PT{online_endpoints.MAX_QUEUE_WAIT_MS / 1000:g}S",
            },
            "livenessProbe": _PROBE,
            "readinessProbe": _PROBE,
        },
    }

    @property
    def fixed(self) -> Sequence[str]:
        """Another instance type may be taken, if the settings say so."""
        free = ("instanceType",) if self.azure.settings.instance_type_change == "allowed" else ()
        return [name for name in self.create_only if name not in free]

    def lock(self, id_: ResourceId) -> ResourceId:
        """One operation at a time on the whole endpoint, unless the settings say otherwise."""
        return id_ if self.azure.settings.endpoint_operations == "one_each" else id_.parent or id_

    def verb(self, write: Write) -> str:
        """A PATCH can only scale (or tag)."""
        return "scale" if write.patch else super().verb(write)

    def check(self, write: Write) -> None:
        """Everything that the service refuses at once, all problems together."""
        if write.properties["endpointComputeType"] != "Managed":
            raise not_emulated("Kubernetes online deployments", "It has managed ones.")
        self._refuse_busy_endpoint(write)
        problems = [
            *self._name_problems(write),
            *_setting_problems(write),
            *lost_properties(write),
            *self._place_problems(write),
        ]
        if problems:
            raise ArmError(400, "BadRequest", f"The request is invalid. {' '.join(map(str, problems))}", problems)

    def fill(self, write: Write) -> None:
        """References must lead somewhere, and the cores must be there; both are known once defaults are in."""
        deployment_of(self.azure, write.id, write.body)
        self._refuse_unknown_data(write)
        endpoint = self.azure.store.get(write.id.parent or write.id)
        if endpoint is not None:
            access.refuse_without(self.azure, endpoint)
        problems = self._quota_problems(write.id, write.body)
        if problems and self.azure.settings.out_of_quota == "refused":
            raise ArmError(400, "BadRequest", f"The request is invalid. {' '.join(map(str, problems))}", problems)

    def check_delete(self, resource: Resource, _call: Call) -> None:
        """A deployment with traffic stays."""
        endpoint = self.azure.store.get(resource.id.parent or resource.id)
        if endpoint is None:
            return
        for name, what in (("traffic", "traffic"), ("mirrorTraffic", "mirror traffic")):
            share = endpoint.properties.get(name, {}).get(resource.id.name, 0)
            if share > 0:
                text = (
                    f"The deployment '{resource.id.name}' gets {share} % of the {what} of '{endpoint.id.name}'. "
                    f"Set its {what} to 0 before deleting it."
                )
                status = self.azure.settings.delete_with_traffic_status
                raise ArmError(status, "BadRequest", text, [ArmError(status, "DeploymentHasTraffic", text)])

    async def apply(self, resource: Resource, report: Callable[[str], None]) -> None:
        """Bring it up; what served before keeps serving when that fails."""
        if self.azure.settings.out_of_quota == "fails" and (
            problems := self._quota_problems(resource.id, resource.body)
        ):
            raise problems[0]
        wanted = deployment_of(self.azure, resource.id, resource.body)
        try:
            await self.azure.plane.put_deployment(wanted, report)
        except DeploymentFailed as error:
            raise ArmError(400, error.code, error.message) from error
        resource.hidden["serving"] = {"properties": resource.properties, "sku": resource.body["sku"]}

    async def removed(self, resource: Resource) -> None:
        """End it; its name leaves the endpoint's traffic."""
        await self.azure.plane.delete_deployment(str(resource.id))
        endpoint = self.azure.store.get(resource.id.parent or resource.id)
        if endpoint is None:
            return
        shares = [endpoint.properties.get(name, {}) for name in ("traffic", "mirrorTraffic")]
        if any(share.pop(resource.id.name, None) is not None for share in shares):
            self.azure.store.put(endpoint)
            await self.azure.plane.put_endpoint(endpoint_of(endpoint))

    @action("getLogs")
    def get_logs(self, resource: Resource, call: Call) -> dict[str, Any]:
        """Give the last `tail` lines of a container."""
        asked = call.body if isinstance(call.body, dict) else {}
        container, tail = asked.get("containerType") or "InferenceServer", asked.get("tail")
        if container not in ("InferenceServer", "StorageInitializer"):
            raise bad_request(
                "BadArgument", f"containerType '{container}' must be InferenceServer or StorageInitializer."
            )
        lines = _LOG_LINES if tail is None else int(tail)
        return {"content": self.azure.plane.logs(str(resource.id), container, lines)}

    def _refuse_busy_endpoint(self, write: Write) -> None:
        endpoint = self.azure.store.get(write.id.parent or write.id)
        if endpoint is not None and endpoint.state in _BUSY:
            text = f"a deployment in endpoint {endpoint.id.name} because it is in {endpoint.state} provisioning state."
            raise ArmError(409, "Conflict", f"Cannot {'create' if write.existing is None else 'update'} {text}")

    def _name_problems(self, write: Write) -> list[ArmError]:
        rule, name = names.ONLINE_DEPLOYMENT, write.id.name
        if write.existing is not None:
            return []
        if not rule.fits(name):
            return [ArmError(400, "BadArgument", f"DeploymentName '{name}' must have {rule.allowed}.")]
        beside = self.azure.store.below(write.id.parent, self.type)
        if len(beside) >= online_endpoints.MAX_DEPLOYMENTS:
            text = f"The endpoint has {len(beside)} deployments, the maximum."
            return [ArmError(400, "OutOfQuota", text)]
        everywhere = self.azure.store.below(None, self.type)
        if sum(found.body["location"] == write.body["location"] for found in everywhere) >= _MAX_IN_REGION:
            return [ArmError(400, "OutOfQuota", f"There are {_MAX_IN_REGION} deployments in the region, the maximum.")]
        return []

    def _refuse_unknown_data(self, write: Write) -> None:
        for name, collection in ((write.properties.get("dataCollector") or {}).get("collections") or {}).items():
            given = collection.get("dataId")
            id_ = None if given is None else parse_id(given)
            if given is not None and (id_ is None or self.azure.store.get(id_) is None):
                place = f"properties.dataCollector.collections['{name}'].dataId"
                raise bad_request("ResourceNotFound", f"{place}: '{given}' was not found.")

    def _quota_problems(self, id_: ResourceId, body: Mapping[str, Any]) -> list[ArmError]:
        others = [
            found
            for found in self.azure.store.below(None, self.type)
            if found.id.key != id_.key and found.body["location"] == body["location"]
        ]
        kind, count = body["properties"]["instanceType"], body["sku"]["capacity"]
        return quota.problems(self.azure.settings.quota_cores, kind, count, others)

    def _place_problems(self, write: Write) -> list[ArmError]:
        if self.azure.settings.deployment_location == "any":
            return []
        endpoint = self.azure.store.get(write.id.parent or write.id)
        if endpoint is None or endpoint.body["location"] == write.body["location"]:
            return []
        text = f"The deployment must be where its endpoint is: {endpoint.body['location']}."
        return [ArmError(400, "BadArgument", text)]


def _setting_problems(write: Write) -> list[ArmError]:
    made, sku = write.properties, write.body.get("sku", {})
    problems = []
    capacity = sku.get("capacity", 1)
    if not 1 <= capacity <= online_endpoints.MAX_INSTANCES:
        problems.append(f"sku.capacity must be 1 to {online_endpoints.MAX_INSTANCES} instances, is {capacity}.")
    if sku.get("name", "Default") != "Default":
        problems.append(f"sku.name must be Default, is {sku['name']}.")
    if not _is_offered(made.get("instanceType", "Standard_F4s_v2")):
        problems.append(f"The instance type '{made['instanceType']}' is not supported by managed online endpoints.")
    if made.get("scaleSettings", {}).get("scaleType", "Default") != "Default":
        problems.append("ManagedOnlineEndpoint supports DefaultScaleSettings only.")
    timeout = seconds((made.get("requestSettings") or {}).get("requestTimeout", "PT5S"))
    longest = online_endpoints.MAX_REQUEST_TIMEOUT_MS / 1000
    if not 0 < timeout <= longest:
        problems.append(
            f"requestSettings.requestTimeout must be more than 0 and at most {longest:g} s, is {timeout:g} s."
        )
    if (made.get("requestSettings") or {}).get("maxConcurrentRequestsPerInstance", 1) < 1:
        problems.append("requestSettings.maxConcurrentRequestsPerInstance must be at least 1.")
    problems += _probe_problems(made) + _collector_problems(made)
    return [ArmError(400, "BadArgument", problem) for problem in problems]


def _probe_problems(made: dict[str, Any]) -> list[str]:
    problems = []
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = made.get(name) or {}
        problems += [
            f"{name}.{key} must be at least 1."
            for key in ("successThreshold", "failureThreshold")
            if probe.get(key, 1) < 1
        ]
        problems += [
            f"{name}.{key} must be at least 1 s, is {probe[key]}."
            for key in ("initialDelay", "period", "timeout")
            if key in probe and seconds(probe[key]) < 1
        ]
    if (made.get("livenessProbe") or {}).get("successThreshold", 1) != 1:
        problems.append("livenessProbe.successThreshold must be 1.")
    return problems


def _collector_problems(made: dict[str, Any]) -> list[str]:
    """Find rates that reference-yaml-deployment-managed-online does not allow."""
    collector = made.get("dataCollector") or {}
    return [
        f"dataCollector.collections['{name}'].samplingRate must be 0 to 1, is {rate}."
        for name, collection in (collector.get("collections") or {}).items()
        if not 0 <= (rate := collection.get("samplingRate") or 0) <= 1
    ]


def _is_offered(instance_type: str) -> bool:
    listed = {name.lower() for name in online_endpoints.INSTANCE_TYPES}
    generation = re.search(r"_v(\d+)$", instance_type)
    newer = generation is not None and int(generation[1]) > online_endpoints.NEWEST_LISTED_GENERATION
    return instance_type.lower() in listed or newer


DECLARED = (OnlineDeployments,)
