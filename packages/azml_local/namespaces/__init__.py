"""The resource types of the local Azure: one module a namespace, one declaration a type."""

from collections.abc import Sequence

from azml_local.arm.types import ResourceType


def declared() -> Sequence[type[ResourceType]]:
    """Every declared type."""
    from azml_local.namespaces import (
        activity_log,
        authorization,
        containerinstance,
        containerregistry,
        insights,
        keyvault,
        machinelearning,
        managedidentity,
        metrics,
        resources,
        storage,
    )

    modules = (
        resources,
        storage,
        keyvault,
        insights,
        activity_log,
        metrics,
        containerregistry,
        containerinstance,
        managedidentity,
        authorization,
        machinelearning,
    )
    return [type_ for module in modules for type_ in module.DECLARED]
