"""Access to repositories of a container registry: a token, what it may do, and its password.

Owns the three. The registry's admin user, who may do everything, stays off. Deliberately knows no image.
"""

from typing import NotRequired, TypedDict

import pulumi
from pulumi_azure_native import containerregistry

from azml.facts.container_registries import PULL_ACTIONS, PUSH_ACTIONS
from azml.resources.registry_credential import RegistryCredential
from azml.resources.resource import token


class RegistryAccessArgs(TypedDict):
    """Arguments of `RegistryAccess`."""

    registry_id: pulumi.Input[str]
    """ARM id of the container registry."""
    name: str
    """Name of the token and of its scope map, once in the registry: 5 to 50 letters, digits and dashes."""
    repositories: list[str]
    """Repositories that it reaches; they need not exist."""
    push: NotRequired[bool]
    """Whether it may push, count and clean up there, too. Absent: false, it pulls."""


class RegistryAccess(pulumi.ComponentResource):
    """A token of a container registry with its password."""

    username: pulumi.Output[str]
    """Name of the token."""
    password: pulumi.Output[str]
    """Its password, a secret."""

    def __init__(self, name: str, args: RegistryAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("RegistryAccess"), name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        parts = pulumi.Output.from_input(args["registry_id"]).apply(lambda id_: id_.split("/"))
        group, registry = parts.apply(lambda found: found[4]), parts.apply(lambda found: found[-1])
        verbs = PUSH_ACTIONS if args.get("push") else PULL_ACTIONS
        scope = containerregistry.ScopeMap(
            name,
            resource_group_name=group,
            registry_name=registry,
            scope_map_name=args["name"],
            actions=[f"repositories/{each}/{verb}" for each in sorted(args["repositories"]) for verb in verbs],
            opts=child,
        )
        made = containerregistry.Token(
            name,
            resource_group_name=group,
            registry_name=registry,
            token_name=args["name"],
            scope_map_id=scope.id,
            status="enabled",
            opts=child,
        )
        credential = RegistryCredential(name, {"token_id": made.id}, child)
        self.username = credential.username
        self.password = credential.password
        self.register_outputs({"username": self.username, "password": self.password})
