"""Microsoft.MachineLearningServices: registries, workspaces, and what is in these: data stores, assets, endpoints."""

from azml_local.namespaces.machinelearning import assets, datastores, deployments, endpoints, registries, workspaces

DECLARED = (
    *registries.DECLARED,
    *workspaces.DECLARED,
    *datastores.DECLARED,
    *assets.DECLARED,
    *endpoints.DECLARED,
    *deployments.DECLARED,
)
