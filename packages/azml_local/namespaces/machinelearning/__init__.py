"""Microsoft.MachineLearningServices: registries, workspaces and what is in them (data, assets, endpoints), usages."""

from azml_local.namespaces.machinelearning import (
    assets,
    datastores,
    deployments,
    endpoints,
    registries,
    usages,
    workspaces,
)

DECLARED = (
    *registries.DECLARED,
    *workspaces.DECLARED,
    *datastores.DECLARED,
    *assets.DECLARED,
    *endpoints.DECLARED,
    *deployments.DECLARED,
    *usages.DECLARED,
)
