"""From a group's body to what the runtime is asked for.

The body is as it was sent, with secret values; the runtime knows nothing of its shape.
"""

import asyncio
import base64
import binascii
import logging
from functools import partial
from typing import Any

from azml_local.arm.errors import ArmError
from azml_local.arm.ids import ResourceId
from azml_local.arm.store import Resource
from azml_local.azure import Azure
from azml_local.containers import (
    Container,
    Credential,
    Group,
    GroupFailed,
    HttpGet,
    Mount,
    Probe,
    PullIdentity,
    Volume,
)
from azml_local.scoring.contract import Probe as Timing
from azml_local.tokens import ARM, MANAGED

_log = logging.getLogger(__name__)
_GIB = 1 << 30
_PROBE = Timing(initial_delay_s=0, period_s=10, timeout_s=1, success_threshold=1, failure_threshold=3)
"""What a probe does not say (container-instances-liveness-probe: every 10 s, 3 failures; the rest: Kubernetes)."""


def group_of(azure: Azure, id_: ResourceId, made: dict[str, Any]) -> Group:
    """Read a group. Raises 400 for a secret volume whose values are no base64."""
    return Group(
        id=str(id_),
        name=id_.name,
        containers=tuple(_container(one) for one in made["containers"]),
        first=tuple(_container(one) for one in made.get("initContainers") or []),
        restart=made.get("restartPolicy", "Always"),
        credentials=tuple(_credential(azure, one) for one in made.get("imageRegistryCredentials") or []),
        volumes=tuple(_volume(one) for one in made.get("volumes") or []),
    )


async def restore(azure: Azure) -> None:
    """Start again what ran before a restart of the local Azure; groups with an operation are that operation's."""
    found = azure.store.below(None, "Microsoft.ContainerInstance/containerGroups")
    await asyncio.gather(*(_restore(azure, one) for one in found if not one.hidden["due"]))


async def _restore(azure: Azure, resource: Resource) -> None:
    def report(line: str) -> None:
        _log.info("%s: %s", resource.id.name, line)

    try:
        await azure.containers.restore(group_of(azure, resource.id, resource.hidden["asked"]), report)
    except (ArmError, GroupFailed) as error:
        _log.error("%s did not come back: %s", resource.id, error)


def _credential(azure: Azure, told: dict[str, Any]) -> Credential | PullIdentity:
    """Who pulls. That an identity shows a token for ARM, which registries can refuse, is a guess."""
    if not told.get("identity"):
        return Credential(told["server"], told["username"], told["password"])
    found = azure.store.get(told["identity"])
    known = {} if found is None else found.properties
    principal = str(known.get("principalId", ""))
    claims = {"oid": principal, "sub": principal, "appid": known.get("clientId"), MANAGED: told["identity"]}
    return PullIdentity(
        told["server"], told["identity"].rpartition("/")[2], partial(azure.tokens.issue, ARM[0], more=claims)
    )


def _container(one: dict[str, Any]) -> Container:
    told = one["properties"]
    resources = told.get("resources") or {}
    asked, limits = resources.get("requests") or {}, resources.get("limits") or {}
    memory = limits.get("memoryInGB", asked.get("memoryInGB"))
    return Container(
        name=one["name"],
        image=told["image"],
        command=tuple(told.get("command") or ()),
        environment={
            each["name"]: str(each.get("secureValue", each.get("value", "")))
            for each in told.get("environmentVariables") or []
        },
        ports=tuple(port["port"] for port in told.get("ports") or []),
        cpu=float(limits.get("cpu", asked.get("cpu", 1))),
        memory_bytes=None if memory is None else float(memory) * _GIB,
        liveness=_probe(told.get("livenessProbe")),
        readiness=_probe(told.get("readinessProbe")),
        mounts=tuple(Mount(mount["name"], mount["mountPath"]) for mount in told.get("volumeMounts") or []),
    )


def _probe(told: dict[str, Any] | None) -> Probe | None:
    if told is None:
        return None
    timing = Timing(
        initial_delay_s=told.get("initialDelaySeconds", _PROBE.initial_delay_s),
        period_s=told.get("periodSeconds", _PROBE.period_s),
        timeout_s=told.get("timeoutSeconds", _PROBE.timeout_s),
        success_threshold=told.get("successThreshold", _PROBE.success_threshold),
        failure_threshold=told.get("failureThreshold", _PROBE.failure_threshold),
    )
    asked = told.get("httpGet")
    if asked is None:
        return Probe(timing, command=tuple(told["exec"]["command"]))
    headers = tuple((one["name"], one["value"]) for one in asked.get("httpHeaders") or [])
    return Probe(timing, http=HttpGet(asked.get("path", "/"), asked["port"], asked.get("scheme", "http"), headers))


def _volume(told: dict[str, Any]) -> Volume:
    if told.get("secret") is None:
        return Volume(told["name"])
    try:
        files = {name: base64.b64decode(value, validate=True) for name, value in told["secret"].items()}
    except (binascii.Error, ValueError) as error:
        text = f"The values of the secret volume '{told['name']}' must be base64."
        raise ArmError(400, "InvalidContainerGroup", text) from error
    if bad := [name for name in files if "/" in name or name in ("", ".", "..")]:
        text = f"The secret volume '{told['name']}' has a file '{bad[0]}': names are those of files."
        raise ArmError(400, "InvalidContainerGroup", text)
    return Volume(told["name"], files)
