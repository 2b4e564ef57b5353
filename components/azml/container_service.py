"""Container service: a model behind an address of its own, on one group of Azure Container Instances.

Owns the group, its keys, and the trial that a new image or setting goes through before the group gets it. Neither
changes the address or the keys. Deliberately builds no image (`serving_image`), and makes no role assignment.
"""

from typing import Any

import pulumi

from azml import naming
from azml.azure_containers import AzureContainerGroup
from azml.component import InvalidArgs, given, spec_of
from azml.container_group import Keys, Pull, certificate, group, secret_of
from azml.container_service_args import ContainerServiceArgs
from azml.resources.container_groups import Address
from azml.resources.container_trial import ContainerTrial
from azml.resources.resource import token
from azml.resources.service_keys import ServiceKeys
from azml.resources.service_uri import uri
from azml.rollout_settings import settings
from azml.spec.container_service import ContainerServiceSpec
from azml.spec.service_rules import TRIAL

_PLACES = frozenset(
    {"resource_group_id", "location", "login_server", "username", "password", "application_insights_id"}
)
_ANY = "made:1"
"""In the place of an image that is not made yet: its name was judged with the image's own."""


class ContainerService(pulumi.ComponentResource):
    """A model on Azure Container Instances, tried before it serves."""

    group_id: pulumi.Output[str]
    """ARM id of the container group."""
    scoring_uri: pulumi.Output[str]
    """Address that clients call; empty for a spot group."""
    primary_key: pulumi.Output[str]
    """What clients show as a bearer token, a secret; empty where nothing is asked of them."""
    secondary_key: pulumi.Output[str]
    """As good as the first one."""

    def __init__(self, name: str, args: ContainerServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("ContainerService"), name, {}, opts)
        image = args["image"]
        judged = {**args, "image": image if isinstance(image, str) else _ANY}
        spec = spec_of(ContainerServiceSpec, f"ContainerService {name}", judged, besides=_PLACES)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        self._group_id = pulumi.Output.from_input(args["resource_group_id"]).apply(
            lambda id_: id_ if spec.resource_group is None else f"{id_.rpartition('/')[0]}/{spec.resource_group}"
        )
        keys = self._keys(spec)
        wanted = group(spec, image, self._pull(spec), keys, self._insights_key(spec))
        trial = self._trial(spec, wanted, keys)
        made = self._made(spec, wanted, trial)
        cname = None if spec.ssl is None else spec.ssl.cname
        self.group_id = made.id
        self.scoring_uri = made.ip_address.apply(lambda at: _uri(at, cname))
        self.primary_key = _nothing() if keys is None else keys.primary
        self.secondary_key = _nothing() if keys is None else keys.secondary
        self.register_outputs(
            {
                "group_id": self.group_id,
                "scoring_uri": self.scoring_uri,
                "primary_key": self.primary_key,
                "secondary_key": self.secondary_key,
            }
        )

    def _keys(self, spec: ContainerServiceSpec) -> Keys | None:
        """The user's, or ones that are made once."""
        if spec.auth_mode == "none":
            return None
        said = [None if key is None else secret_of(key) for key in (spec.primary_key, spec.secondary_key)]
        if None in said:
            own = ServiceKeys(f"{self._name}-keys", {"service": spec.name}, self._child)
            said = [key or made for key, made in zip(said, (own.primary_key, own.secondary_key), strict=True)]
        primary, secondary = said
        assert primary is not None and secondary is not None  # noqa: S101, PT018 - made where they were not given
        return Keys(primary, secondary)

    def _pull(self, spec: ContainerServiceSpec) -> Pull | None:
        server, username = self._args.get("login_server"), self._args.get("username")
        identities = [] if spec.identity is None else spec.identity.user_assigned_identities
        if server is None:
            return None
        if username is not None:
            return Pull(server, username, self._args.get("password"))
        return Pull(server, identity=identities[0].resource_id) if identities else None

    def _insights_key(self, spec: ContainerServiceSpec) -> pulumi.Output[str] | None:
        if not spec.app_insights_enabled:
            return None
        if (id_ := self._args.get("application_insights_id")) is None:
            raise InvalidArgs(
                f"ContainerService {self._name} needs application_insights_id: app_insights_enabled is on."
            )
        from pulumi_azure_native import applicationinsights

        found = applicationinsights.Component.get(f"{self._name}-insights", id_, self._child)
        return pulumi.Output.secret(found.instrumentation_key)

    def _trial(self, spec: ContainerServiceSpec, wanted: dict[str, Any], keys: Keys | None) -> ContainerTrial:
        args = {
            "resource_group_id": self._group_id,
            "name": naming.container_group(spec.name, TRIAL),
            "service": spec.name,
            "group": {**wanted, "location": self._args["location"]},
            "key": None if keys is None else keys.primary,
            "cname": None if spec.ssl is None else spec.ssl.cname,
            "certificate": None if spec.ssl is None else certificate(spec.ssl),
            "gates": settings(spec.gates),
        }
        return ContainerTrial(f"{self._name}-trial", given(args), self._child)

    def _made(self, spec: ContainerServiceSpec, wanted: dict[str, Any], trial: ContainerTrial) -> AzureContainerGroup:
        inputs = {
            **wanted,
            "resourceGroupName": self._group_id.apply(lambda id_: id_.rpartition("/")[2]),
            "containerGroupName": spec.name,
            "location": self._args["location"],
            "tags": spec.tags or None,
        }
        if spec.has_address and spec.subnet is None:
            label = spec.dns_name_label or self._group_id.apply(lambda id_: naming.dns_name_label(spec.name, id_))
            inputs["ipAddress"] = {**wanted["ipAddress"], "dnsNameLabel": label}
        options = pulumi.ResourceOptions(parent=self, depends_on=[trial])
        return AzureContainerGroup(self._name, given(inputs), options)


def _nothing() -> pulumi.Output[str]:
    return pulumi.Output.from_input("")


def _uri(at: Any, cname: str | None) -> str:
    address = Address.of({"properties": {"ipAddress": at}})
    return "" if address is None else uri(address, cname)
