"""Microsoft.ContainerInstance: container groups, the logs of their containers, what a region gives."""

from azml_local.namespaces.containerinstance import containers, groups, locations

DECLARED = (*groups.DECLARED, *containers.DECLARED, *locations.DECLARED)
