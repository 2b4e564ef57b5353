"""The Pulumi package `azml`: what it holds, and its schema for programs in any language.

Owns the list of components and the inferred schema. Imported by the provider only when it is asked for one of them.
"""

import json
from typing import Any

from pulumi.errors import InputPropertiesError
from pulumi.provider.experimental.analyzer import Analyzer
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.experimental.schema import generate_schema
from pulumi.provider.provider import ConstructResult
from pulumi.provider.server import ComponentInitError

from azml.component import InvalidArgs
from azml.container_registry import ContainerRegistry
from azml.container_service import ContainerService
from azml.online_endpoint import OnlineEndpoint
from azml.registry import Registry
from azml.registry_access import RegistryAccess
from azml.resources.handlers import RESOURCES
from azml.resources.resource import token
from azml.serving_image import ServingImage
from azml.workspace import Workspace

NAME = "azml"
COMPONENTS = [
    ContainerRegistry,
    ContainerService,
    OnlineEndpoint,
    Registry,
    RegistryAccess,
    ServingImage,
    Workspace,
]


class Components(ComponentProvider):
    """Makes components for programs in other languages. Wrong arguments come back as text, without stack frames."""

    def __init__(self) -> None:
        super().__init__(COMPONENTS, NAME)

    def construct(self, *args: Any, **kwargs: Any) -> ConstructResult:
        """Make one."""
        try:
            return super().construct(*args, **kwargs)
        except ComponentInitError as error:
            if isinstance(error.inner, InvalidArgs):
                raise InputPropertiesError(str(error.inner), []) from None
            raise


class _Analyzer(Analyzer):
    """Reads classes; the SDK's own does not see what a class of arguments has from another one."""

    def get_docstring(self, typ: type, name: str) -> str | None:
        """Give the text below a property, here or where it comes from."""
        places = [typ, *getattr(typ, "__orig_bases__", ())]
        return next((text for place in places if (text := super(_Analyzer, self).get_docstring(place, name))), None)


def schema(version: str) -> dict[str, Any]:
    """Infer the package schema from the classes: components and azml's own resources."""
    # The SDK infers schemas of components only; a resource of ours has the same shape and goes the same way.
    found = _Analyzer(NAME).analyze([*COMPONENTS, *RESOURCES])  # type: ignore[list-item]
    whole: dict[str, Any] = generate_schema(
        NAME, version, None, found["component_definitions"], found["type_definitions"], [*found["dependencies"]]
    ).to_json()
    for resource in RESOURCES:
        whole["resources"][token(resource.__name__)]["isComponent"] = False
    return _renamed(whole)


def _renamed(whole: dict[str, Any]) -> dict[str, Any]:
    """Take `Args` off the names of nested types: Pulumi's generators put one on, where the language wants it."""
    text = json.dumps(whole)
    for name in whole["types"]:
        short = name.removesuffix("Args")
        if short not in whole["resources"]:
            text = text.replace(f'{name}"', f'{short}"')
    renamed: dict[str, Any] = json.loads(text)
    return renamed
