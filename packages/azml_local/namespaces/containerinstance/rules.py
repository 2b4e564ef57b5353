"""What Container Instances refuses of a group that ARM's types allow: names, ports, sizes, what it does not have.

Owns limits of one body, all problems at once. Quota and what other groups have is `groups`'. Codes and texts are
Azure's where somebody showed them (InvalidContainerName, MissingIpAddressPorts, PrivateIPAddressNotSupported,
ContainerGroupQuotaReached of retired GPUs; of registry credentials: acr-image-pull-failures-managed-identity
2026-09-09, InvalidImageRegistryServer); `InvalidContainerGroup` stands for those that nobody did.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any

from azml.facts import container_instances as aci
from azml.facts import names
from azml_local.arm.errors import ArmError, not_emulated

Body = dict[str, Any]
UNDOCUMENTED = "InvalidContainerGroup"
_VOLUME = re.compile(r"(?=.{5,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_CONTAINER = re.compile(r"(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_NOT_HERE = {
    "extensions": "container group extensions",
    "containerGroupProfile": "container group profiles",
    "standbyPoolProfile": "standby pools",
}


def refuse_not_emulated(made: Body) -> None:
    """Say what Azure has and the local Azure does not."""
    if made.get("osType") == "Windows":
        raise not_emulated("Windows containers", "It runs Linux containers.")
    if made.get("sku", "Standard") != "Standard":
        raise not_emulated(f"container groups of sku {made['sku']}", "It has Standard ones.")
    for name, what in _NOT_HERE.items():
        if made.get(name):
            raise not_emulated(what)
    for volume in made.get("volumes") or []:
        for kind in ("azureFile", "gitRepo"):
            if volume.get(kind):
                raise not_emulated(f"volumes of kind {kind}", "It has secret and emptyDir.")
    for credential in made.get("imageRegistryCredentials") or []:
        if credential.get("identityUrl"):
            raise not_emulated("identityUrl of imageRegistryCredentials", "Give it the identity's ARM id as identity.")


def problems(name: str, location: str, made: Body, identities: Collection[str]) -> list[ArmError]:
    """Find everything that is wrong with a group; `identities` are the ARM ids of those assigned to it."""
    return [*_container_problems(name, made), *_size_problems(name, location, made), *_port_problems(name, made),
            *_volume_problems(name, made), *_credential_problems(name, made, identities)]  # fmt: skip


def requests(made: Body) -> tuple[float, float]:
    """Cores and memory in GB that all containers of a group ask for."""
    asked = [(one["properties"].get("resources") or {}).get("requests") or {} for one in made["containers"]]
    return sum(float(one.get("cpu", 0)) for one in asked), sum(float(one.get("memoryInGB", 0)) for one in asked)


def _container_problems(group: str, made: Body) -> Iterator[ArmError]:
    if not 1 <= len(made["containers"]) <= aci.MAX_CONTAINERS:
        yield _bad(f"There must be 1 to {aci.MAX_CONTAINERS} containers, there are {len(made['containers'])}.")
    both = [*made["containers"], *(made.get("initContainers") or [])]
    for name in sorted({one["name"] for one in both if [other["name"] for other in both].count(one["name"]) > 1}):
        yield _bad(f"The container name '{name}' is there more than once.")
    for one in both:
        name, told = one["name"], one["properties"]
        if not _CONTAINER.fullmatch(name):
            yield _error(
                "InvalidContainerName",
                f"The container name '{name}' in container group '{group}' is invalid. The container name must contain "
                "no more than 63 characters and must match the regex '[a-z0-9]([-a-z0-9]*[a-z0-9])?' "
                "(e.g. 'my-name').",
            )
        if not told.get("image"):
            yield _bad(f"The container '{name}' must have an image.")
        yield from _variable_problems(name, told)
        yield from _probe_problems(name, told)


def _variable_problems(container: str, told: Body) -> Iterator[ArmError]:
    for variable in told.get("environmentVariables") or []:
        if not names.CONTAINER_VARIABLE.fits(variable["name"]):
            allowed = names.CONTAINER_VARIABLE.allowed
            yield _bad(f"The environment variable '{variable['name']}' of container '{container}' must have {allowed}.")
        if variable.get("value") is not None and variable.get("secureValue") is not None:
            yield _bad(f"The environment variable '{variable['name']}' has a value and a secureValue: give it one.")


def _probe_problems(container: str, told: Body) -> Iterator[ArmError]:
    for kind in ("livenessProbe", "readinessProbe"):
        probe = told.get(kind)
        if probe is None:
            continue
        if bool((probe.get("exec") or {}).get("command")) == bool(probe.get("httpGet")):
            yield _bad(f"The {kind} of container '{container}' must have one of exec and httpGet.")
        for name in ("periodSeconds", "failureThreshold", "successThreshold", "timeoutSeconds"):
            if probe.get(name) is not None and probe[name] < 1:
                yield _bad(f"{name} of the {kind} of container '{container}' must be at least 1, is {probe[name]}.")


def _size_problems(group: str, location: str, made: Body) -> Iterator[ArmError]:
    for one in made["containers"]:
        told, name = one["properties"].get("resources") or {}, one["name"]
        asked, limits = told.get("requests"), told.get("limits") or {}
        if asked is None:
            yield _bad(f"The container '{name}' must have resources.requests with cpu and memoryInGB.")
            continue
        for what in ("cpu", "memoryInGB"):
            if asked[what] <= 0:
                yield _bad(f"The container '{name}' requests {asked[what]:g} {what}: it must be more than 0.")
            if limits.get(what) is not None and limits[what] < asked[what]:
                yield _bad(
                    f"The container '{name}' has a limit of {limits[what]:g} {what}, less than the {asked[what]:g} "
                    "that it requests."
                )
        for gpu in (found for found in (asked.get("gpu"), limits.get("gpu")) if found):
            yield quota_reached(f"{gpu['sku']}Cores", location, 0, 0, gpu["count"])
            break
    spot = made.get("priority") == "Spot"
    yield from _sum_problems(group, made, spot=spot)
    yield from _spot_problems(location, made) if spot else ()


def _spot_problems(location: str, made: Body) -> Iterator[ArmError]:
    if location not in aci.SPOT_REGIONS:
        yield _bad(f"Spot container groups are not available in '{location}': {', '.join(aci.SPOT_REGIONS)} have them.")
    if made.get("subnetIds"):
        yield _bad("A Spot container group cannot be in a virtual network: leave 'subnetIds' out.")
    if made.get("ipAddress"):
        yield _bad("A Spot container group has no IP address: leave 'ipAddress' out.")


def _sum_problems(group: str, made: Body, *, spot: bool) -> Iterator[ArmError]:
    cpu, memory = requests(made)
    most_cpu, most_memory = (aci.SPOT_MAX_CPU, aci.SPOT_MAX_MEMORY_GB) if spot else (aci.MAX_CPU, aci.MAX_MEMORY_GB)
    for what, sum_, least, most in (
        ("CPU", cpu, aci.MIN_CPU, most_cpu),
        ("GB of memory", memory, aci.MIN_MEMORY_GB, most_memory),
    ):
        if not least <= round(sum_, 6) <= most:
            yield _bad(
                f"The containers of group '{group}' request {sum_:g} {what}; a group must have {least:g} to {most:g}."
            )
    for one in made["containers"]:
        limits = (one["properties"].get("resources") or {}).get("limits") or {}
        for what, sum_ in (("cpu", cpu), ("memoryInGB", memory)):
            if (limits.get(what) or 0) > round(sum_, 6):
                yield _bad(f"The {what} limit of container '{one['name']}' is more than the group's total of {sum_:g}.")


def _port_problems(group: str, made: Body) -> Iterator[ArmError]:
    address, private = made.get("ipAddress"), bool(made.get("subnetIds"))
    declared = [port["port"] for one in made["containers"] for port in one["properties"].get("ports") or []]
    yield from _bad_ports(declared)
    for port in sorted({port for port in declared if declared.count(port) > 1}):
        yield _bad(f"Port {port} is declared by more than one container: they share one address.")
    if address is None:
        return
    open_ = [port["port"] for port in address.get("ports") or []]
    if not open_:
        text = f"The ports in the 'ipAddress' of container group '{group}' cannot be empty."
        yield _error("MissingIpAddressPorts", text)
    if len(open_) > aci.MAX_PORTS:
        yield _bad(f"The 'ipAddress' has {len(open_)} ports; the maximum is {aci.MAX_PORTS}.")
    for port in sorted(set(open_) - set(declared)):
        yield _bad(f"Port {port} of the 'ipAddress' is declared by no container; there is no port mapping.")
    if address["type"] == "Private" and not private:
        yield _error(
            "PrivateIPAddressNotSupported",
            f"IP Address type in container group '{group}' is invalid. Private IP address is only supported when "
            "network profile is defined.",
        )
    if address["type"] == "Public" and private:
        yield _bad("A container group in a subnet has no public IP address: give 'ipAddress' the type Private.")
    yield from _label_problems(group, address)


def _bad_ports(ports: list[int]) -> Iterator[ArmError]:
    least, most = aci.PORTS
    for port in ports:
        if not least <= port <= most:
            yield _bad(f"Port {port} is none: {least} to {most} are.")
        elif any(port in reserved for reserved in aci.RESERVED_PORTS):
            yield _bad(f"Port {port} is reserved by the service.")


def _label_problems(group: str, address: Body) -> Iterator[ArmError]:
    label = address.get("dnsNameLabel")
    if label is None:
        return
    if address["type"] != "Public":
        yield _bad("A DNS name label needs an 'ipAddress' of type Public.")
    if not names.DNS_NAME_LABEL.fits(label):
        text = f"The DNS name label '{label}' in container group '{group}' is invalid."
        yield _bad(f"{text} It must have {names.DNS_NAME_LABEL.allowed}.")


def _volume_problems(group: str, made: Body) -> Iterator[ArmError]:
    volumes = made.get("volumes") or []
    if len(volumes) > aci.MAX_VOLUMES:
        yield _bad(f"Container group '{group}' has {len(volumes)} volumes; the maximum is {aci.MAX_VOLUMES}.")
    for volume in volumes:
        if not _VOLUME.fullmatch(volume["name"]):
            text = "5 to 63 characters: lower case letters, digits and inner dashes"
            yield _bad(f"The volume name '{volume['name']}' must have {text}.")
        kinds = [kind for kind in ("secret", "emptyDir", "azureFile", "gitRepo") if volume.get(kind) is not None]
        if len(kinds) != 1:
            yield _bad(f"The volume '{volume['name']}' must have one of secret, emptyDir, azureFile and gitRepo.")
    known = {volume["name"] for volume in volumes}
    for one in [*made["containers"], *(made.get("initContainers") or [])]:
        for mount in one["properties"].get("volumeMounts") or []:
            if mount["name"] not in known:
                yield _bad(f"The container '{one['name']}' mounts the volume '{mount['name']}', which there is not.")
            if not mount["mountPath"].startswith("/") or ":" in mount["mountPath"] or mount["mountPath"] == "/":
                yield _bad(f"The mountPath '{mount['mountPath']}' must be an absolute path below '/' without a colon.")


def _credential_problems(group: str, made: Body, identities: Collection[str]) -> Iterator[ArmError]:
    known, where = {id_.lower() for id_ in identities}, f"the 'imageRegistryCredentials' of container group '{group}'"
    for credential in made.get("imageRegistryCredentials") or []:
        server, identity = credential["server"], credential.get("identity")
        user, password = credential.get("username"), credential.get("password")
        if "://" in server:
            text = f"The server '{server}' in {where} is invalid. It should be a valid host name without protocol."
            yield _error("InvalidImageRegistryServer", text)
        if identity and (user or password):
            text = "cannot be detected. Please set exactly one of username or identity"
            yield _error("AmbiguousImageResitryCredentialType", f"The registry credential type in {where} {text}")
        elif identity and identity.lower() not in known:
            text = "not found in container group identity list."
            yield _error("InvalidImageRegistryIdentity", f"The identity in {where} {text}")
        elif not identity and not (user and password):
            yield _bad(f"The credential for '{server}' of container group '{group}' needs a username and a password.")


def quota_reached(quota: str, location: str, limit: float, used: float, asked: float) -> ArmError:
    """Refuse what a region has too little of."""
    return _error(
        "ContainerGroupQuotaReached",
        f"Resource type 'Microsoft.ContainerInstance/containerGroups' container group quota '{quota}' exceeded in "
        f"region '{location}'. Limit: '{limit:g}', Usage: '{used:g}' Requested: '{asked:g}'.",
    )


def _error(code: str, text: str) -> ArmError:
    return ArmError(400, code, text)


def _bad(text: str) -> ArmError:
    return _error(UNDOCUMENTED, text)
