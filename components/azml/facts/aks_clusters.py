"""AKS clusters that serve models: the 12-vCPU floor of Azure ML, and what a node pool counts for.

Owns numbers and names. Deliberately does not decide what to do about them (policies).

Sources: how-to-deploy-azure-kubernetes-service.md (2020-01-16), for the floor: "if you pick custom values for
agent_count and vm_size, and cluster_purpose is not DEV_TEST, then you need to make sure agent_count multiplied by
vm_size is greater than or equal to 12 virtual CPUs", and for attached clusters: without cluster_purpose, or with
FAST_PROD, "the cluster must have at least 12 virtual CPUs available"; "We recommend at least 2 virtual CPUs for
dev/test." how-to-create-attach-kubernetes.md (2022-04-21), for nodes: a production cluster "must contain at least 3
nodes". azure-mgmt-containerservice 41.8.0, for a pool's default count. AML-Kubernetes (2024-08-15), for the extension.
how-to-deploy-fpga-web-service.md (2020-03-05), for the sample. Read in August 2026.
"""

from __future__ import annotations

MIN_VCPUS = 12
"""Of a cluster that is not for development and test."""
MIN_NODES = 3
"""Nodes that Microsoft's later documents ask of such a cluster."""
DEV_TEST_VCPUS = 2
"""Recommended for a cluster for development and test."""

DEFAULT_PURPOSE = "FastProd"
"""A cluster's purpose where none is given. Others: DenseProd, DevTest."""
DEV_TEST = "DevTest"

DEFAULT_POOL_COUNT = 1
"""Nodes of a pool that gives no count."""

EXTENSION_TYPE = "Microsoft.AzureML.Kubernetes"
"""The cluster extension by which Azure ML serves on Kubernetes."""

FPGA_SAMPLE = ("Standard_PB6s", 1)
"""Size and count of the cluster in Microsoft's own FPGA sample, which gives no purpose: 6 vCPU."""
