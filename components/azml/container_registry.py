"""The container registry: images of environments and of serving.

Owns the registry. Deliberately makes no role assignment: who needs to pull or push says so where it is made.
"""

from typing import NotRequired, TypedDict

import pulumi
from pulumi_azure_native import containerregistry

from azml.arm_words import switch
from azml.component import InvalidArgs, spec_of
from azml.resources.resource import token
from azml.spec.container_registry import ContainerRegistrySpec


class ContainerRegistryArgs(TypedDict):
    """Arguments of `ContainerRegistry`."""

    name: NotRequired[pulumi.Input[str]]
    """Name of the registry, once in all of Azure. Absent: one is made up."""
    existing: NotRequired[str]
    """ARM id of a registry to use and never change."""
    location: NotRequired[pulumi.Input[str]]
    """Azure region. Absent: that of the resource group."""
    resource_group: NotRequired[pulumi.Input[str]]
    """Name of the resource group. Required unless `existing` is given."""
    sku: NotRequired[str]
    """basic, standard (when absent) or premium: storage, throughput and features."""
    admin_user_enabled: NotRequired[bool]
    """Whether the registry has a user with a password. Absent: false; Azure ML needs none."""
    anonymous_pull_enabled: NotRequired[bool]
    """Whether anyone may pull. Absent: false. Not in tier basic."""
    public_network_access: NotRequired[str]
    """enabled (when absent) or disabled: whether it is reached from the internet. Private needs tier premium."""
    ip_rules: NotRequired[list[str]]
    """IPv4 addresses or ranges that alone may reach it. Absent: all may. Tier premium."""
    data_endpoint_enabled: NotRequired[bool]
    """Whether layers come from a host of the registry's own. Absent: false. Tier premium."""
    retention_days: NotRequired[int]
    """Days until a manifest without a tag is deleted, 0 to 365. Absent: never. Tier premium."""
    soft_delete_days: NotRequired[int]
    """Days that something deleted can be restored, 1 to 90. Absent: not at all. Not beside retention_days."""
    quarantine_enabled: NotRequired[bool]
    """Whether an image can be pulled only once a scanner has let it go. Absent: false."""
    content_trust_enabled: NotRequired[bool]
    """Whether images can be signed. Absent: false. Tier premium."""
    export_enabled: NotRequired[bool]
    """Whether images can be copied out. Absent: true. Tier premium without public access can forbid it."""
    tags: NotRequired[dict[str, str]]
    """Tags of the registry."""


class ContainerRegistry(pulumi.ComponentResource):
    """A container registry without an admin user: identities pull and push, by role."""

    registry_id: pulumi.Output[str]
    """ARM id of the registry."""
    login_server: pulumi.Output[str]
    """Host that images are pulled from and pushed to."""

    def __init__(self, name: str, args: ContainerRegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("ContainerRegistry"), name, {}, opts)
        spec = spec_of(ContainerRegistrySpec, f"ContainerRegistry {name}", args)
        child = pulumi.ResourceOptions(parent=self)
        if spec.existing is not None:
            registry = containerregistry.Registry.get(name, spec.existing, child)
        else:
            if args.get("resource_group") is None:
                raise InvalidArgs(f"ContainerRegistry {name} needs resource_group, or existing.")
            registry = containerregistry.Registry(
                name,
                resource_group_name=args["resource_group"],
                registry_name=args.get("name"),
                location=args.get("location"),
                sku={"name": spec.sku.capitalize()},
                admin_user_enabled=spec.admin_user_enabled,
                anonymous_pull_enabled=spec.anonymous_pull_enabled,
                public_network_access=switch(spec.public_network_access),
                data_endpoint_enabled=spec.data_endpoint_enabled,
                network_rule_set=_only_from(spec.ip_rules),
                policies=_policies(spec),
                tags=spec.tags,
                opts=child,
            )
        self.registry_id = registry.id
        self.login_server = registry.login_server
        self.register_outputs({"registry_id": self.registry_id, "login_server": self.login_server})


def _only_from(addresses: list[str] | None) -> containerregistry.NetworkRuleSetArgsDict | None:
    if addresses is None:
        return None
    rules: list[containerregistry.IPRuleArgsDict] = [
        {"action": "Allow", "i_p_address_or_range": address} for address in addresses
    ]
    return {"default_action": "Deny", "ip_rules": rules}


def _policies(spec: ContainerRegistrySpec) -> containerregistry.PoliciesArgsDict:
    """Every policy, also those that are off: Azure takes the absence of one for no change."""
    retention: containerregistry.RetentionPolicyArgsDict = {"status": _status(spec.retention_days is not None)}
    soft_delete: containerregistry.SoftDeletePolicyArgsDict = {"status": _status(spec.soft_delete_days is not None)}
    if spec.retention_days is not None:
        retention["days"] = spec.retention_days
    if spec.soft_delete_days is not None:
        soft_delete["retention_days"] = spec.soft_delete_days
    return {
        "quarantine_policy": {"status": _status(spec.quarantine_enabled)},
        "trust_policy": {"type": "Notary", "status": _status(spec.content_trust_enabled)},
        "retention_policy": retention,
        "soft_delete_policy": soft_delete,
        "export_policy": {"status": _status(spec.export_enabled)},
    }


def _status(on: bool) -> str:
    return "enabled" if on else "disabled"
