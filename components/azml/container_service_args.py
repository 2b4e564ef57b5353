"""Arguments of `ContainerService`.

Owns their shapes. Deliberately no rule: those are `azml.spec.container_service`'s.
"""

from typing import Any, NotRequired, TypedDict

import pulumi

from azml.online_endpoint import ProbeSettingsArgs, RequestArgs
from azml.resources.container_trial import OwnRequestGatesArgs
from azml.workspace_args import IdentityArgs


class TlsArgs(TypedDict):
    """A certificate, its key, and the name that it is for."""

    cert_file: str
    """PEM file with the certificate, and after it those that lead to a root."""
    key_file: Any
    """PEM file with its key, without a passphrase; or {secret: NAME}."""
    cname: str
    """DNS name that clients call."""


class ContainerServiceArgs(TypedDict):
    """Arguments of `ContainerService`. Paths start at the program's folder."""

    name: str
    """Name of the container group, once in the resource group."""
    image: pulumi.Input[str]
    """Full reference of the image, best by digest: HOST/NAME@sha256:…"""
    resource_group_id: pulumi.Input[str]
    """ARM id of a resource group."""
    resource_group: NotRequired[str]
    """Name of another resource group of the same subscription."""
    location: pulumi.Input[str]
    """Azure region."""
    login_server: NotRequired[pulumi.Input[str]]
    """Host of the image's registry. Absent: the image is public."""
    username: NotRequired[pulumi.Input[str]]
    """Who pulls: a token of the registry. Absent: the first user-assigned identity."""
    password: NotRequired[pulumi.Input[str]]
    """Its password."""
    application_insights_id: NotRequired[pulumi.Input[str]]
    """ARM id of the Application Insights that get requests and logs, with `app_insights_enabled`."""
    tags: NotRequired[dict[str, str]]
    """Tags of the group."""
    cpu: NotRequired[float]
    """CPU cores. Absent: 1."""
    memory_gb: NotRequired[float]
    """Memory in GB. Absent: 1.5."""
    port: NotRequired[int]
    """Port that the service listens on. 1024 or more. Absent: 5001, and 8443 with ssl."""
    auth_mode: NotRequired[str]
    """key (when absent) or none."""
    primary_key: NotRequired[Any]
    """{secret: NAME}. Absent: one is made."""
    secondary_key: NotRequired[Any]
    """{secret: NAME}. Absent: one is made."""
    ssl: NotRequired[TlsArgs]
    """Certificate, key and name of the service. Absent: plain HTTP."""
    dns_name_label: NotRequired[str]
    """LABEL.REGION.azurecontainer.io is the address. Absent: one is made from the name."""
    app_insights_enabled: NotRequired[bool]
    """Whether requests and logs go to Application Insights. Absent: false."""
    environment_variables: NotRequired[dict[str, Any]]
    """Environment variables of the container. A value may be {secret: NAME}."""
    liveness_probe: NotRequired[ProbeSettingsArgs]
    """When the container counts as dead."""
    readiness_probe: NotRequired[ProbeSettingsArgs]
    """When the container counts as ready."""
    request_settings: NotRequired[RequestArgs]
    """How requests queue and when they give up."""
    subnet: NotRequired[str]
    """ARM id of a subnet that is delegated to container groups. Absent: the service has a public address."""
    identity: NotRequired[IdentityArgs]
    """Who the container is when it asks Azure for something."""
    zones: NotRequired[list[str]]
    """The availability zone."""
    priority: NotRequired[str]
    """regular (when absent) or spot."""
    restart_policy: NotRequired[str]
    """always (when absent), on_failure or never."""
    gates: NotRequired[OwnRequestGatesArgs]
    """What a new image or setting has to show, on a trial group, before the service gets it."""
