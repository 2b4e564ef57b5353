"""Models on Azure Container Instances: one image on one container group.

Owns the items of `container_services` and what Azure refuses of a group. Deliberately does not build images
(`container_registry.images`), and has no traffic: a group has one release.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator

from azml.facts import container_instances as facts
from azml.facts import names
from azml.spec.base import At, Finding, Spec, rule
from azml.spec.identity import IdentitySpec
from azml.spec.online_deployment import LivenessProbeSpec, ReadinessProbeSpec, RequestSettingsSpec
from azml.spec.references import arm_id
from azml.spec.resource_group import ResourceGroup
from azml.spec.rollout import OwnRequestGatesSpec
from azml.spec.secrets import KeyVaultSecret, PulumiSecret, Variable
from azml.spec.service_image import ServiceImage
from azml.spec.tls import TlsSpec
from azml.spec.types import AnyCase, Flag, Region, Tags, fraction, named, whole

OURS = "AZML_"
"""Beginning of the variables that the entry of a serving image reads."""
_V1 = {
    "cpu_cores": "write cpu",
    "memory_in_gb": "write memory_gb",
    "auth_enabled": "write auth_mode: key or none",
    "ssl_enabled": "leave it out: with ssl the service speaks TLS",
    **dict.fromkeys(("ssl_cert_pem_file", "ssl_key_pem_file", "ssl_cname"), "write ssl: {cert_file, key_file, cname}"),
    **dict.fromkeys(("vnet_name", "subnet_name"), "write subnet: the ARM id of a subnet"),
    "enable_app_insights": "write app_insights_enabled",
    "collect_model_data": "container instances collect none: serve the model on an online endpoint",
}


def _as_zone(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Zone = Annotated[
    Literal["1", "2", "3"], BeforeValidator(_as_zone, json_schema_input_type=Literal["1", "2", "3", 1, 2, 3])
]


class ContainerLivenessSpec(LivenessProbeSpec):
    """When the container counts as dead and is restarted."""

    elsewhere: ClassVar = dict.fromkeys(("path", "port"), "the image's entry answers probes where it listens")


class ContainerReadinessSpec(ReadinessProbeSpec):
    """When the container counts as ready."""

    elsewhere: ClassVar = ContainerLivenessSpec.elsewhere


class ContainerServiceSpec(Spec):
    """A model behind an address of its own, on one container group."""

    forgotten: ClassVar = Spec.forgotten | {"id", "provisioning_state", "scoring_uri"}
    elsewhere: ClassVar = _V1 | {
        **dict.fromkeys(
            ("gpu", "gpus", "gpu_cores", "gpu_sku"),
            f"container instances have no GPUs any more (retired {facts.GPU_RETIRED}): serve the model on an online "
            "endpoint",
        ),
        **dict.fromkeys(
            ("instance_count", "num_replicas", "replicas", "scale_settings"),
            "a container group is one instance: serve the model on an online endpoint to have more",
        ),
        **dict.fromkeys(
            ("instance_type", "vm_size"), "container instances have cpu and memory_gb in the place of a size"
        ),
        **dict.fromkeys(
            ("model", "code_configuration", "environment"),
            "it belongs to the image: write it under container_registry.images, and here image: NAME",
        ),
        **dict.fromkeys(
            ("traffic", "deployments", "rollout"),
            "a container group has one release: write gates for what it must show",
        ),
        "keys": "write primary_key and secondary_key: {secret: NAME}, or leave them out to have them made",
        "os_type": "serving images are Linux",
        "sku": "the standard one is used: write priority: spot for the cheaper kind",
    }

    name: Annotated[str, named(names.CONTAINER_GROUP)]
    """Name of the container group, once in the resource group."""
    image: ServiceImage
    """One of container_registry.images by its name, or a full reference of an image that exists."""
    location: Region | None = None
    """Azure region. Absent: that of the workspace."""
    resource_group: ResourceGroup | None = None
    """Resource group. Absent: that of the workspace."""
    tags: Tags = {}
    """Tags of the group, over the estate's own."""
    cpu: Annotated[float, fraction(facts.MIN_CPU, facts.MAX_CPU)] = 1.0
    """CPU cores. More than 4 may not be had in every region at every time."""
    memory_gb: Annotated[float, fraction(facts.MIN_MEMORY_GB, facts.MAX_MEMORY_GB)] = 1.5
    """Memory in GB. More than 16 may not be had in every region at every time."""
    port: Annotated[int, whole(*facts.PORTS)] | None = None
    """Port that the service listens on; 1024 or more, since it is not root. Absent: 5001, and 8443 with ssl."""
    auth_mode: Annotated[Literal["key", "none"], AnyCase()] = "key"
    """How clients prove who they are: with a key, or not at all."""
    primary_key: PulumiSecret | None = None
    """`{secret: NAME}`. Absent: one is made, and kept as a secret of the stack."""
    secondary_key: PulumiSecret | None = None
    """`{secret: NAME}`. Absent: one is made, and kept as a secret of the stack."""
    ssl: TlsSpec | None = None
    """Certificate, key and name of the service. Absent: plain HTTP."""
    dns_name_label: Annotated[str, named(names.DNS_NAME_LABEL)] | None = None
    """LABEL.REGION.azurecontainer.io is the service's address. Absent: one is made from the name, so that the address
    stays when the group is made again."""
    app_insights_enabled: Flag = False
    """Whether requests and logs go to Application Insights."""
    environment_variables: dict[str, Variable] = {}
    """Environment variables of the container. A value may be `{secret: NAME}`."""
    liveness_probe: ContainerLivenessSpec = ContainerLivenessSpec()
    """When the container counts as dead."""
    readiness_probe: ContainerReadinessSpec = ContainerReadinessSpec()
    """When the container counts as ready."""
    request_settings: RequestSettingsSpec = RequestSettingsSpec()
    """How requests queue and when they give up."""
    subnet: Annotated[str, arm_id("Microsoft.Network/virtualNetworks/subnets")] | None = None
    """ARM id of a subnet that is delegated to container groups. Absent: the service has a public address."""
    identity: IdentitySpec | None = None
    """Who the container is when it asks Azure for something."""
    zones: list[Zone] = []
    """The availability zone. Absent: none that is chosen."""
    priority: Annotated[Literal["regular", "spot"], AnyCase()] = "regular"
    """`spot`: cheaper, ended whenever Azure wants it back, and without any address (a preview of Azure's): for an image
    that itself fetches what it works on."""
    restart_policy: Annotated[Literal["always", "on_failure", "never"], AnyCase()] = "always"
    """When a container that ended is started again."""
    gates: OwnRequestGatesSpec = OwnRequestGatesSpec()
    """What a new image or setting has to show, on a trial group, before the service gets it."""

    @property
    def listens_on(self) -> int:
        """The port, said or not."""
        if self.port is not None:
            return self.port
        return facts.PORT if self.ssl is None else facts.TLS_PORT

    @property
    def _without_port(self) -> str:
        return f"leave port out: it is {facts.PORT if self.ssl is None else facts.TLS_PORT}"

    @property
    def has_address(self) -> bool:
        """Whether anything can call it."""
        return self.priority != "spot"

    @rule
    def _a_port_that_is_free(self) -> Iterator[Finding]:
        if self.port in facts.ROOT_PORTS and self.port is not None:
            yield Finding(
                "is a port that only root may listen on in Container Instances, and serving images run as another user",
                ("port",),
                self.port,
                allowed=f"{facts.ROOT_PORTS.stop} or more",
                fix=self._without_port,
            )
        elif any(self.port in taken for taken in facts.RESERVED_PORTS if self.port is not None):
            yield Finding(
                "is a port that Container Instances keep for themselves",
                ("port",),
                self.port,
                allowed="1024 to 65535 without " + ", ".join(_span(taken) for taken in facts.RESERVED_PORTS[1:]),
                fix=self._without_port,
            )

    @rule
    def _spot_is_small_and_alone(self) -> Iterator[Finding]:
        if self.priority != "spot":
            return
        for field, most, unit in (("cpu", facts.SPOT_MAX_CPU, "cores"), ("memory_gb", facts.SPOT_MAX_MEMORY_GB, "GB")):
            if (value := getattr(self, field)) > most:
                yield Finding("is too much for spot", (field,), value, allowed=f"at most {most:g} {unit}")
        if self.location is not None and self.location not in facts.SPOT_REGIONS:
            yield no_spot(("location",), self.location)
        for field, why in _NOT_SPOT.items():
            if field in self.model_fields_set and getattr(self, field) != type(self).model_fields[field].default:
                yield Finding(
                    f"is not possible with priority: spot: {why}", (field,), fix=f"leave {field} or priority out"
                )

    @rule
    def _a_subnet_is_private(self) -> Iterator[Finding]:
        if self.subnet is not None and self.dns_name_label is not None:
            yield Finding(
                "is a name of the internet, where a group in a subnet has no address",
                ("dns_name_label",),
                self.dns_name_label,
                fix="leave dns_name_label or subnet out",
            )

    @rule
    def _one_zone(self) -> Iterator[Finding]:
        if len(self.zones) > 1:
            yield Finding("are too many: a group is in one zone", ("zones",), self.zones, allowed="one of 1, 2, 3")

    @rule
    def _keys_where_keys_are_asked_for(self) -> Iterator[Finding]:
        for field in ("primary_key", "secondary_key"):
            if self.auth_mode == "none" and getattr(self, field) is not None:
                yield Finding(
                    "is asked of nobody with auth_mode: none", (field,), fix=f"leave {field} out, or set auth_mode: key"
                )

    @rule
    def _variables_that_a_container_takes(self) -> Iterator[Finding]:
        for name, value in self.environment_variables.items():
            at = ("environment_variables", name)
            if not names.CONTAINER_VARIABLE.fits(name):
                allowed = names.CONTAINER_VARIABLE.allowed
                yield Finding("is not a name for an environment variable", at, name, allowed=allowed)
            elif name.upper().startswith(OURS):
                yield Finding(
                    f"is azml's own: variables that begin with {OURS} are the settings of the image's entry",
                    at,
                    fix="give it another name, or use the field of the service that sets it",
                )
            if isinstance(value, KeyVaultSecret):
                yield Finding(
                    "is a reference that Container Instances do not resolve (API 2024-05-01-preview)",
                    at,
                    value.key_vault,
                    allowed="text, or {secret: NAME}",
                    fix="write {secret: NAME}, or give the service an identity and read the vault in init()",
                )

    @rule
    def _gates_can_be_asked(self) -> Iterator[Finding]:
        if not self.has_address and self.gates != OwnRequestGatesSpec():
            yield Finding("ask a service that has no address: priority is spot", ("gates",), fix="leave gates out")


_NOT_SPOT = {
    "subnet": "spot groups are in no virtual network",
    "dns_name_label": "spot groups have no address",
    "ssl": "spot groups have no address",
    "zones": "spot groups choose no zone",
}


def no_spot(at: At, region: str) -> Finding:
    """Say that a region has no spot groups."""
    return Finding("has no spot container groups", at, region, allowed=", ".join(facts.SPOT_REGIONS))


def _span(ports: range) -> str:
    return str(ports.start) if len(ports) == 1 else f"{ports.start}-{ports.stop - 1}"
