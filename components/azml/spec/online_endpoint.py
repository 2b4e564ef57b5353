"""Managed online endpoints: the stable address, and who answers.

Owns the items of `online_endpoints` and every rule about traffic. Deliberately does not move traffic.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from azml.facts import names
from azml.facts import online_endpoints as facts
from azml.spec.base import Finding, Spec, nearest, rule, twins
from azml.spec.existing import Existing
from azml.spec.identity import IdentitySpec
from azml.spec.online_deployment import OnlineDeploymentSpec
from azml.spec.references import arm_id
from azml.spec.rollout import RolloutSpec
from azml.spec.types import AnyCase, PublicNetworkAccess, Region, Tags, named, whole

Percent = Annotated[int, whole(0, 100)]


class EndpointIdentitySpec(IdentitySpec):
    """Who the endpoint is when it asks for its model, its image and its secrets."""

    type: Annotated[Literal["system_assigned", "user_assigned", "none"], AnyCase()]
    """`system_assigned` (Azure makes one, and lets it read what it needs), `user_assigned` (yours), or `none`."""

    @rule
    def _one_identity(self) -> Iterator[Finding]:
        if (given := len(self.user_assigned_identities)) > 1:
            yield Finding(
                f"{given} identities are too many", ("user_assigned_identities",), allowed="one user-assigned identity"
            )


class OnlineEndpointSpec(Existing):
    """A managed online endpoint with its deployments."""

    forgotten: ClassVar = Spec.forgotten | {"id", "provisioning_state", "scoring_uri", "openapi_uri", "kind"}
    elsewhere: ClassVar = {
        "compute": "that is an endpoint on Kubernetes, which comes with a later release",
        "type": "leave it out: every online endpoint here is managed",
        "keys": "Azure makes the keys: read them with `az ml online-endpoint get-credentials`",
    }
    beside_existing: ClassVar = Existing.beside_existing | {"deployments", "traffic", "mirror_traffic", "rollout"}

    name: Annotated[str, named(names.ONLINE_ENDPOINT)]
    """Name of the endpoint, once in the Azure region: it is part of the scoring address."""
    existing: Annotated[str, arm_id("Microsoft.MachineLearningServices/workspaces/onlineEndpoints")] | None = None
    """ARM id of an endpoint to use and never change; deployments and traffic may be given all the same."""
    description: str | None = None
    """What the endpoint answers."""
    tags: Tags = {}
    """Tags of the endpoint, over the estate's own."""
    properties: Tags = {}
    """Properties of the endpoint; they can be added to, never changed."""
    auth_mode: Annotated[Literal["key", "aml_token", "aad_token"], AnyCase()] = "key"
    """How clients prove who they are: a key, an Azure ML token, or a Microsoft Entra token."""
    location: Region | None = None
    """Azure region. Absent: that of the workspace."""
    identity: EndpointIdentitySpec = EndpointIdentitySpec(type="system_assigned")
    """Identity of the endpoint. Absent: one that Azure makes."""
    public_network_access: PublicNetworkAccess = "enabled"
    """Whether the endpoint is reached from the internet."""
    traffic: dict[str, Percent] | None = None
    """Percent by deployment, 0 or 100 together. Absent with one deployment: 100 to it. None on an existing endpoint:
    its traffic is left alone."""
    mirror_traffic: dict[str, Percent] = {}
    """Percent of live requests that one deployment gets a copy of."""
    rollout: RolloutSpec = RolloutSpec()
    """How a new release goes live."""
    deployments: list[OnlineDeploymentSpec] = []
    """The deployments."""

    @rule
    def _traffic_of_one(self) -> Iterator[Finding]:
        if self.traffic is not None or self.existing is not None:
            return
        deployments = [deployment.name for deployment in self.deployments]
        if len(deployments) < 2:
            self._settle(traffic=dict.fromkeys(deployments, 100))
            return
        example = ", ".join(f"{name}: {0 if i else 100}" for i, name in enumerate(deployments))
        yield Finding(
            f"{len(deployments)} deployments and no traffic: nobody would answer",
            allowed="percent by deployment, 100 together",
            fix=f"add traffic: {{{example}}}",
        )

    @rule
    def _traffic_adds_up(self) -> Iterator[Finding]:
        total = sum((self.traffic or {}).values())
        if total not in {0, 100}:
            yield Finding(f"adds up to {total}", ("traffic",), self.traffic, allowed="0 or 100 together")

    @rule
    def _traffic_goes_somewhere(self) -> Iterator[Finding]:
        known = [deployment.name for deployment in self.deployments]
        for field in ("traffic", "mirror_traffic"):
            for name in getattr(self, field) or {}:
                if name not in known and self.existing is None:
                    near = nearest(name, known)
                    yield Finding(
                        "there is no such deployment",
                        (field, name),
                        allowed=", ".join(known) or "none: the endpoint has no deployments",
                        fix=f"did you mean {near}?" if near else None,
                    )

    @rule
    def _one_mirror(self) -> Iterator[Finding]:
        mirrored = {name: percent for name, percent in self.mirror_traffic.items() if percent > 0}
        if len(mirrored) > 1:
            yield Finding(
                f"{len(mirrored)} deployments get a copy", ("mirror_traffic",), mirrored, allowed="one deployment"
            )
        for name, percent in mirrored.items():
            if percent > facts.MAX_MIRROR_PERCENT:
                yield Finding(
                    "is too much to copy",
                    ("mirror_traffic", name),
                    percent,
                    allowed=f"at most {facts.MAX_MIRROR_PERCENT} percent",
                )
            if (self.traffic or {}).get(name, 0) > 0:
                yield Finding(
                    "a deployment gets live requests or copies, not both",
                    ("mirror_traffic", name),
                    percent,
                    fix=f"set traffic.{name}: 0, or leave it out of mirror_traffic",
                )

    @rule
    def _every_deployment_once(self) -> Iterator[Finding]:
        yield from twins("deployments", [deployment.name for deployment in self.deployments])

    @rule
    def _not_too_many(self) -> Iterator[Finding]:
        if len(self.deployments) > facts.MAX_DEPLOYMENTS:
            yield Finding(
                f"{len(self.deployments)} deployments are too many",
                ("deployments",),
                allowed=f"at most {facts.MAX_DEPLOYMENTS} of one endpoint",
                fix="move some to another endpoint, or ask Azure to raise the limit",
            )

    @rule
    def _deployments_belong_here(self) -> Iterator[Finding]:
        for index, deployment in enumerate(self.deployments):
            if deployment.endpoint_name is not None and deployment.endpoint_name.lower() != self.name.lower():
                yield Finding(
                    f"the deployment stands in the endpoint {self.name}",
                    ("deployments", index, "endpoint_name"),
                    deployment.endpoint_name,
                    allowed=self.name,
                    fix="leave endpoint_name out, or move the deployment",
                )
