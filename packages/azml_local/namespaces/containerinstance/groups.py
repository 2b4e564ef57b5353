"""Container groups: quota, what an update cannot change, start, stop and restart, what is shown.

A group's secrets are kept with what was asked (`hidden`), which is what runs; what is shown never has them.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from azml.facts import names
from azml_local.arm.call import Answer, Call, Started
from azml_local.arm.errors import ArmError
from azml_local.arm.store import Resource
from azml_local.arm.types import Reply, ResourceType, Write, action
from azml_local.azure import Azure
from azml_local.containers import GroupFailed, views
from azml_local.namespaces.containerinstance import rules
from azml_local.namespaces.containerinstance.rates import Rates
from azml_local.namespaces.containerinstance.wanted import group_of

GROUPS = "Microsoft.ContainerInstance/containerGroups"
LOOPBACK = "127.0.0.1"
_CORES, _COUNT = "StandardCores", "ContainerGroups"
_DUE = "due"
"""Hidden mark of a group whose operation has to start or stop its containers; a PATCH does not."""


class ContainerGroups(ResourceType):
    """A container group; images of azml's own run as processes."""

    type = GROUPS
    evidence = (
        "ARM's types 2024-05-01-preview; codes of azure-mgmt-containerinstance 10.1.0; container-instances-resource-"
        "and-quota-limits, -container-groups and -faq 2025-11-17, -troubleshooting 2026-07-25, -update, "
        "-readiness-probe 2024-08-29, using-azure-container-registry-mi 2026-07-25"
    )
    not_enforced = (
        "isolation, disk, the size of images (15 GB, and larger ones may start, says the FAQ; base layers are absent "
        "here), a readiness probe of a program other than azml's gateway (shown as events), subnets, DNS, zones, "
        "diagnostics, encryption, security contexts, spot, telemetry (Application Insights get nothing); "
        "`ipAddress.ip` and `fqdn` are 127.0.0.1, and `ipAddress.ports` tells the port of it that is really listened "
        "on: the one way in which an answer is not Azure's"
    )
    rule = names.CONTAINER_GROUP
    puts = Reply(follow="Azure-AsyncOperation")
    deletes = Reply(updated=202, follow="Location")
    patchable = ("tags", "location", "zones")
    defaults: ClassVar = {"properties": {"restartPolicy": "Always", "sku": "Standard", "priority": "Regular"}}

    def __init__(self, azure: Azure) -> None:
        super().__init__(azure)
        self._rates = Rates()

    def check_delete(self, resource: Resource, _call: Call) -> None:
        """Not too often."""
        self._rates.count("deletes", resource.body["location"], self.azure.settings)

    def check(self, write: Write) -> None:
        """Everything that the service refuses at once, all problems together."""
        if write.patch:
            return
        self._give_back_ports(write)
        rules.refuse_not_emulated(write.properties)
        identities = (write.body.get("identity") or {}).get("userAssignedIdentities") or {}
        found = rules.problems(write.id.name, write.body["location"], write.properties, identities)
        if found:
            text = " ".join(problem.message for problem in found)
            raise ArmError(400, found[0].code, text, found if len(found) > 1 else ())
        group_of(self.azure, write.id, write.sent["properties"])
        self._refuse_taken_label(write)
        if write.existing is not None and not self._is_over(write.existing):
            self._refuse_fixed(write, write.existing)
        self._refuse_over_quota(write)

    def fill(self, write: Write) -> None:
        """Keep what was asked, and show it without secrets."""
        if write.patch:
            write.hidden[_DUE] = False  # also where an operation failed before it came to it
            return
        if write.existing is None:
            self._rates.count("creates", write.body["location"], self.azure.settings)
        write.hidden.update({"asked": write.sent["properties"], "stopped": False, _DUE: True})
        write.hidden["asked"]["restartPolicy"] = write.properties["restartPolicy"]
        _hide_secrets(write.properties)

    async def apply(self, resource: Resource, report: Callable[[str], None]) -> None:
        """Start or stop its containers, where that is due."""
        if not resource.hidden.get(_DUE):
            return
        try:
            if resource.hidden["stopped"]:
                await self.azure.containers.stop(str(resource.id))
            else:
                await self.azure.containers.put(group_of(self.azure, resource.id, resource.hidden["asked"]), report)
        except GroupFailed as error:
            raise ArmError(400, error.code, error.message) from error
        finally:
            resource.hidden[_DUE] = False

    async def removed(self, resource: Resource) -> None:
        """End it; its address is free."""
        await self.azure.containers.delete(str(resource.id))

    def present(self, resource: Resource) -> dict[str, Any]:
        """Show it with what is seen of its containers now."""
        shown = super().present(resource)
        made = shown["properties"] = dict(resource.properties)
        told = self.azure.containers.view(str(resource.id))
        for kind in ("containers", "initContainers"):
            if kind in made:
                made[kind] = [_seen(one, told["containers"].get(one["name"])) for one in made[kind]]
        made["instanceView"] = {"events": [], "state": views.group_state(told, made["restartPolicy"])}
        if "ipAddress" in made:
            made["ipAddress"] = self._address(resource, made["ipAddress"])
        return shown

    @action("start")
    def start(self, resource: Resource, _call: Call) -> Started:
        """Start its containers, which pulls their images again."""
        return Started(self._begin(resource, "start", stopped=False))

    @action("restart")
    def restart(self, resource: Resource, _call: Call) -> Answer:
        """Restart its containers in place, which pulls their images again."""
        self._begin(resource, "restart", stopped=False)
        return Answer(204)

    @action("stop")
    def stop(self, resource: Resource, _call: Call) -> Answer:
        """End its containers; what they needed is given back."""
        self._begin(resource, "stop", stopped=True)
        return Answer(204)

    def _begin(self, resource: Resource, verb: str, *, stopped: bool) -> Any:
        self.azure.operations.refuse_conflict(self, resource.id)
        resource.hidden.update({"stopped": stopped, _DUE: True})
        with self.azure.store.transaction():
            self.azure.store.put(resource)
            return self.azure.operations.begin(self, resource.id, verb)

    def _is_over(self, resource: Resource) -> bool:
        """Whether it has terminated or never came up: then a PUT deploys it as new (container-instances-update)."""
        told = self.azure.containers.view(str(resource.id))
        return views.group_state(told, resource.properties["restartPolicy"]) in ("Succeeded", "Failed", "Pending")

    def _address(self, resource: Resource, given: dict[str, Any]) -> dict[str, Any]:
        local = self.azure.containers.ports(str(resource.id))
        ports = [{**port, "port": local.get(port["port"], port["port"])} for port in given["ports"]]
        named = {"fqdn": LOOPBACK} if given.get("dnsNameLabel") else {}
        return {**given, "ip": LOOPBACK, "ports": ports, **named}

    def _give_back_ports(self, write: Write) -> None:
        """Take the loopback ports of an answer that is sent back for the ports that they stand for."""
        declared = {local: port for port, local in self.azure.containers.ports(str(write.id)).items()}
        for body in (write.body, write.sent):
            for port in (body["properties"].get("ipAddress") or {}).get("ports") or []:
                port["port"] = declared.get(port["port"], port["port"])
            (body["properties"].get("ipAddress") or {}).pop("ip", None)

    def _refuse_taken_label(self, write: Write) -> None:
        label = _label(write.properties)
        for other in self._others(write):
            if label and _label(other.properties).lower() == label.lower():
                raise ArmError(
                    400,
                    "DnsNameLabelAlreadyTaken",
                    f"The DNS name label '{label}' in container group '{write.id.name}' is not available. "
                    "Try using a different label.",
                )

    def _refuse_fixed(self, write: Write, existing: Resource) -> None:
        free = () if self.azure.settings.container_ports_change == "refused" else ("ports",)
        old, new = _fixed(existing.properties), _fixed({**self.defaults["properties"], **write.properties})
        old["zones"], new["zones"] = existing.body.get("zones"), write.body.get("zones")
        if any(old[name] != new[name] for name in old if name not in free):
            raise ArmError(
                400,
                "InvalidContainerGroupUpdate",
                f"The updates on container group '{write.id.name}' are invalid. If you are going to update the os "
                "type, restart policy, network profile, CPU, memory or GPU resources for a container group, you must "
                "delete it first and then create a new one.",
            )

    def _refuse_over_quota(self, write: Write) -> None:
        others, location, settings = list(self._others(write)), write.body["location"], self.azure.settings
        if len(others) >= settings.container_groups:
            raise rules.quota_reached(_COUNT, location, settings.container_groups, len(others), 1)
        asked = rules.requests(write.properties)[0]
        used = sum(rules.requests(other.properties)[0] for other in others)
        if used + asked > settings.container_cores:
            raise rules.quota_reached(_CORES, location, settings.container_cores, used, asked)

    def _others(self, write: Write) -> list[Resource]:
        beside = self.azure.store.below(None, self.type)
        return [one for one in beside if one.id.key != write.id.key and one.body["location"] == write.body["location"]]


def _label(made: dict[str, Any]) -> str:
    return str((made.get("ipAddress") or {}).get("dnsNameLabel") or "")


def _fixed(made: dict[str, Any]) -> dict[str, Any]:
    """What an update cannot change; `ports` is not on the list of container-instances-update."""
    address = made.get("ipAddress") or {}
    resources = {one["name"]: one["properties"].get("resources") for one in made["containers"]}
    return {
        "osType": made.get("osType", "Linux"),
        "restartPolicy": made["restartPolicy"],
        "network": ([subnet["id"].lower() for subnet in made.get("subnetIds") or []], address.get("type")),
        "priority": made.get("priority"),
        "resources": resources,
        "ports": sorted(port["port"] for port in address.get("ports") or []),
    }


def _hide_secrets(made: dict[str, Any]) -> None:
    for one in [*made["containers"], *(made.get("initContainers") or [])]:
        for variable in one["properties"].get("environmentVariables") or []:
            variable.pop("secureValue", None)
    for credential in made.get("imageRegistryCredentials") or []:
        credential.pop("password", None)
    for volume in made.get("volumes") or []:
        if volume.get("secret") is not None:
            volume["secret"] = {}
    ((made.get("diagnostics") or {}).get("logAnalytics") or {}).pop("workspaceKey", None)


def _seen(one: dict[str, Any], view: dict[str, Any] | None) -> dict[str, Any]:
    told = {"instanceView": view} if view is not None else {}
    return {**one, "properties": {**one["properties"], **told}}


DECLARED = (ContainerGroups,)
