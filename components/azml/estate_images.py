"""The serving images of an estate: built from its own models and environments, pushed by one token.

Owns the token that pushes all of them, the one that services pull with, and what retention must know of the estate.
Deliberately knows no service (`build`).
"""

from collections.abc import Iterable
from functools import cached_property, partial
from typing import Any

import pulumi

from azml import naming
from azml.component import InvalidArgs, asked
from azml.container_registry import ContainerRegistry
from azml.image_parts import parts
from azml.registry_access import RegistryAccess
from azml.serving_image import ServingImage
from azml.spec import StackSpec
from azml.spec.environment import EnvironmentSpec
from azml.spec.image_reference import parse
from azml.spec.service_image import own_name
from azml.spec.serving_image import ServingImageSpec
from azml.spec.subscription import AT, FIX, WHAT, is_in, registry_with_tokens


class EstateImages:
    """Makes the images. `made` are the components by name."""

    def __init__(self, estate: StackSpec, registry: ContainerRegistry) -> None:
        self._estate, self.registry = estate, registry
        images = estate.container_registry.images if estate.container_registry is not None else []
        self._repositories = [image.name for image in images]
        self.made = {image.name: ServingImage(image.name, self._args(image, self._push)) for image in images}

    @cached_property
    def pull(self) -> RegistryAccess:
        """What services pull with: the estate's images, and those of its registry that exist."""
        used = [parse(service.image) for service in self._estate.container_services]
        own = {found.path for found in used if found is not None and found.host is None}
        return self._access("pull", {*self._repositories, *own})

    @cached_property
    def _used(self) -> list[str]:
        """Images that exist and that the estate names: retention asks Azure what containers run, and these besides."""
        estate = self._estate
        services = [each.image for each in estate.container_services if own_name(each.image) is None]
        deployments = [each for endpoint in estate.online_endpoints for each in endpoint.deployments]
        images = [] if estate.container_registry is None else estate.container_registry.images
        environments = [
            *estate.environments,
            *(each.environment for each in deployments),
            *(each.environment for each in images),
        ]
        bases = [each.image for each in environments if isinstance(each, EnvironmentSpec) and each.image is not None]
        return sorted({*services, *bases})

    @cached_property
    def _push(self) -> RegistryAccess:
        return self._access("push", self._repositories)

    @cached_property
    def _registry_id(self) -> pulumi.Output[str]:
        """The registry's id. Of one that exists only once it is known to be where tokens can be made."""
        existing = registry_with_tokens(self._estate)
        if existing is None:
            return self.registry.registry_id
        from pulumi_azure_native import authorization

        who = asked(
            "azure-native:authorization:getClientConfig",
            {},
            authorization.GetClientConfigResult,
            None,
            "Which subscription the stack is in cannot be found out.",
        )
        return who.subscription_id.apply(partial(_in_reach, existing))

    def _access(self, does: str, repositories: Iterable[str]) -> RegistryAccess:
        name = naming.registry_token(does, f"{pulumi.get_project()}/{pulumi.get_stack()}")
        return RegistryAccess(
            f"images-{does}",
            {
                "registry_id": self._registry_id,
                "name": name,
                "repositories": sorted(repositories),
                "push": does == "push",
            },
        )

    def _args(self, image: ServingImageSpec, access: RegistryAccess) -> Any:
        return {
            **parts(image, self._estate),
            "registry_id": self.registry.registry_id,
            "login_server": self.registry.login_server,
            "username": access.username,
            "password": access.password,
            "used": self._used,
        }


def _in_reach(registry: str, own: str) -> str:
    if is_in(registry, own):
        return registry
    raise InvalidArgs(f"{AT}: {registry} {WHAT}.\nThe stack's subscription: {own}\nTo change: {FIX}")
