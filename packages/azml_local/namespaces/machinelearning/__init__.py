"""Microsoft.MachineLearningServices: workspaces with their datastores, assets, online endpoints and deployments."""

from azml_local.namespaces.machinelearning import assets, datastores, deployments, endpoints, workspaces

DECLARED = (
    *workspaces.DECLARED,
    *datastores.DECLARED,
    *assets.DECLARED,
    *endpoints.DECLARED,
    *deployments.DECLARED,
)
