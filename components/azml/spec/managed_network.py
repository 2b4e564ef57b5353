"""The network that Azure manages for a workspace: how far it reaches out, and through which doors.

Owns the block `managed_network` with its outbound rules. Deliberately knows no network of the user's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Discriminator, Tag
from pydantic_core import core_schema

from azml.facts.private_links import SUBRESOURCES
from azml.spec.base import Finding, Spec, nearest, refusal, rule, twins
from azml.spec.references import any_arm_id, resource_type
from azml.spec.types import AnyCase, Flag, Shape, written

LAST_PORT = 65535

Fqdn = Annotated[
    str,
    written(
        r"(\*\.)?([A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]",
        "a host name",
        "a host name such as contoso.com or *.contoso.com, without scheme, port and path: ports 80 and 443 are opened",
    ),
]


def _ports(text: str) -> str:
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        found = re.fullmatch(r"([0-9]+)(?:\s*-\s*([0-9]+))?", part)
        low, high = (0, 0) if found is None else (int(found[1]), int(found[2] or found[1]))
        if part != "*" and not 1 <= low <= high <= LAST_PORT:
            allowed = f"ports from 1 to {LAST_PORT} and ranges of them, such as 80, 8080-8089, or *"
            raise refusal(Finding(f"{part!r} is no port and no range of ports", value=text, allowed=allowed))
    return text


def _prefix(text: str) -> str:
    try:
        ip_network(text)
    except ValueError as error:
        allowed = "an IP address or a range of them, such as 203.0.113.7 or 203.0.113.0/24"
        raise refusal(Finding(f"is no IP address and no range of them: {error}", value=text, allowed=allowed)) from None
    return text


Ports = Annotated[
    str,
    Shape(
        core_schema.no_info_before_validator_function(
            lambda value: str(value) if type(value) is int else value,
            core_schema.no_info_after_validator_function(_ports, core_schema.str_schema()),
        ),
        {"anyOf": [{"type": "string", "pattern": r"^[-0-9*, ]+$"}, {"type": "integer"}]},
    ),
]
IpRange = Annotated[
    str,
    Shape(core_schema.no_info_after_validator_function(_prefix, core_schema.str_schema()), {"type": "string"}),
]


class PrivateEndpointDestinationSpec(Spec):
    """The resource that a private endpoint leads to."""

    service_resource_id: Annotated[str, any_arm_id()]
    """ARM id of the resource."""
    subresource_target: str
    """Which of its services, for example `blob`."""
    spark_enabled: Flag = False
    """Whether serverless Spark jobs use it too."""

    @rule
    def _target_is_one_of_them(self) -> Iterator[Finding]:
        type_ = resource_type(self.service_resource_id) or ""
        known = SUBRESOURCES.get(type_.lower(), ())
        if known and self.subresource_target not in known:
            near = nearest(self.subresource_target, list(known))
            yield Finding(
                f"a {type_} has no such service",
                ("subresource_target",),
                self.subresource_target,
                allowed=", ".join(known),
                fix=f"did you mean {near}?" if near else None,
            )


class ServiceTagDestinationSpec(Spec):
    """The Azure service that may be reached."""

    service_tag: str
    """Name of the service tag, for example `DataFactory`."""
    protocol: Annotated[Literal["TCP", "UDP", "ICMP", "*"], AnyCase()]
    """TCP, UDP, ICMP or * for all."""
    port_ranges: Ports
    """Ports and ranges, separated by commas: `80, 8080-8089`."""
    address_prefixes: list[IpRange] = []
    """IP addresses or ranges to allow instead of the tag's own."""


class OutboundRuleSpec(Spec):
    """What the rules have in common."""

    forgotten: ClassVar = Spec.forgotten | {"parent_rule_names", "category", "status", "error_information"}

    name: str
    """Name of the rule, once in the workspace."""


class PrivateEndpointRuleSpec(OutboundRuleSpec):
    """A private endpoint in the managed network."""

    type: Annotated[Literal["private_endpoint"], AnyCase()] = "private_endpoint"
    """private_endpoint."""
    destination: PrivateEndpointDestinationSpec
    """Where it leads."""
    fqdns: list[Fqdn] = []
    """Host names that lead to it, for resources behind an application gateway."""


class ServiceTagRuleSpec(OutboundRuleSpec):
    """A way out to an Azure service."""

    type: Annotated[Literal["service_tag"], AnyCase()] = "service_tag"
    """service_tag."""
    destination: ServiceTagDestinationSpec
    """Where it leads."""


def _one_of_all(value: Any) -> Any:
    """Refuse what is no type of rule at all: it is judged as one to a host, which alone does not know the others."""
    known = ["private_endpoint", "service_tag", "fqdn"]
    if isinstance(value, str) and _kind_of(value) not in map(_kind_of, known):
        near = nearest(value, known)
        fix = f"did you mean {near}?" if near else None
        raise refusal(Finding("is not known here", value=value, allowed=", ".join(known), fix=fix))
    return value


class FqdnRuleSpec(OutboundRuleSpec):
    """A way out to a host of the internet. Needs an Azure Firewall, which Azure makes and bills."""

    type: Annotated[Literal["fqdn"], AnyCase(), BeforeValidator(_one_of_all)] = "fqdn"
    """fqdn."""
    destination: Fqdn
    """Host name, also with a wildcard: `*.fabrikam.com`."""


def _kind_of(type_: Any) -> str:
    return re.sub(r"[-_ ,]", "", str(type_)).lower()


def _kind(value: Any) -> str:
    """Tell a rule by its `type`, else by its destination, as az ml does."""
    if isinstance(value, OutboundRuleSpec):
        return f"<{value.type}>"  # type: ignore[attr-defined]
    given = value if isinstance(value, Mapping) else {}
    kind = _kind_of(given.get("type", ""))
    destination = given.get("destination")
    inner = destination if isinstance(destination, Mapping) else {}
    if kind == "privateendpoint" or (not kind and "service_resource_id" in inner):
        return "<private_endpoint>"
    return "<service_tag>" if kind == "servicetag" or (not kind and inner) else "<fqdn>"


Rule = Annotated[
    Annotated[PrivateEndpointRuleSpec, Tag("<private_endpoint>")]
    | Annotated[ServiceTagRuleSpec, Tag("<service_tag>")]
    | Annotated[FqdnRuleSpec, Tag("<fqdn>")],
    Discriminator(_kind),
]


class ManagedNetworkSpec(Spec):
    """The network that Azure manages for the workspace's computes and endpoints."""

    forgotten: ClassVar = Spec.forgotten | {"network_id", "status"}

    isolation_mode: Annotated[
        Literal["disabled", "allow_internet_outbound", "allow_only_approved_outbound"], AnyCase()
    ] = "disabled"
    """How far computes and endpoints reach out. Once it is on, Azure never lets it be disabled again."""
    outbound_rules: list[Rule] = []
    """Private endpoints to resources of yours, and with `allow_only_approved_outbound` what else may be reached."""
    firewall_sku: Annotated[Literal["standard", "basic"], AnyCase()] | None = None
    """Size of the firewall that rules of type `fqdn` need. Absent: standard."""

    @rule
    def _rules_need_isolation(self) -> Iterator[Finding]:
        if self.isolation_mode == "disabled" and self.outbound_rules:
            yield Finding(
                "there is no managed network for rules while isolation_mode is disabled",
                ("outbound_rules",),
                fix="set isolation_mode: allow_only_approved_outbound, or allow_internet_outbound",
            )

    @rule
    def _only_private_endpoints_with_the_internet(self) -> Iterator[Finding]:
        for index, each in enumerate(self.outbound_rules):
            if self.isolation_mode == "allow_internet_outbound" and each.type != "private_endpoint":
                yield Finding(
                    "everything in the internet is allowed already",
                    ("outbound_rules", index, "type"),
                    each.type,
                    allowed="private_endpoint with isolation_mode: allow_internet_outbound",
                    fix="take the rule out, or set isolation_mode: allow_only_approved_outbound",
                )

    @rule
    def _firewall_needs_approval(self) -> Iterator[Finding]:
        if self.firewall_sku is not None and self.isolation_mode != "allow_only_approved_outbound":
            yield Finding(
                f"there is no firewall with isolation_mode: {self.isolation_mode}",
                ("firewall_sku",),
                self.firewall_sku,
                allowed="with isolation_mode: allow_only_approved_outbound",
                fix="leave firewall_sku out",
            )

    @rule
    def _every_rule_once(self) -> Iterator[Finding]:
        yield from twins("outbound_rules", [each.name for each in self.outbound_rules])
