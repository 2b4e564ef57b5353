"""Azure Container Instances: sizes, ports, spot, what is updated in place.

Owns numbers and lists. Deliberately not names (`azml.facts.names`), and not what to do about a limit (`azml.spec`).

Sources, read in November 2026: container-instances-resource-and-quota-limits.md and container-instances-faq.yml
(2025-11-17) for sizes and reserved ports; container-instances-container-groups.md (2025-11-17) for the least of a group
and what is released with it; container-instances-spot-containers-overview.md (2025-11-17) for spot;
container-instances-virtual-network-concepts.md (2026-07-25) for subnets; container-instances-troubleshooting.md
(2026-07-25) for ports and restart policies; container-instances-gpu.md for the end of GPUs;
container-instances-update.md for what is updated in place. Where two of them differ (the FAQ has 32 CPUs and 256 GB),
what both allow.
"""

from __future__ import annotations

from azml.facts import inference_images

MIN_CPU = 1.0
"""CPU cores of a group at least; a container in it may have less, and a service is one container."""
MAX_CPU = 31.0
MIN_MEMORY_GB = 1.0
MAX_MEMORY_GB = 240.0

SPOT_MAX_CPU = 4.0
SPOT_MAX_MEMORY_GB = 16.0
SPOT_REGIONS = ("eastus2", "westeurope", "westus")
"""Regions that have spot groups."""

PORTS = (1, 65535)
RESERVED_PORTS = (
    range(22, 23),
    range(1025, 1028),
    range(3389, 3400),
    range(9999, 10000),
    range(19000, 19001),
    range(19080, 19081),
    range(19100, 19101),
    range(19390, 19391),
    range(20000, 30001),
    range(49152, 65535),
)
"""Ports that the service keeps for itself (22, 1025-1027, 3389-3399, 9999, 19000, …, 20000-30000, 49152-65534)."""

ROOT_PORTS = range(1, 1024)
"""Ports that only root may listen on there, and serving images run as another user (seen by others: pull request 16 of
caddyserver/caddy-docker, 2019-12; issue 39082 of dotnet/docs, 2024-01). There is no port mapping to get around it."""

GPU_RETIRED = "2025-07-14"
"""Until then groups could have V100s (K80 and P100 before)."""

PORT, TLS_PORT = inference_images.PORT, 8443
"""What a service listens on where nothing is said. There is no port mapping: group and container have the same."""

DOMAIN = "azurecontainer.io"
"""A group with a DNS label is LABEL.REGION.azurecontainer.io."""

MAX_PORTS = 5
"""Ports of a group's IP address."""
MAX_CONTAINERS = 60
MAX_VOLUMES = 20
MAX_GROUPS = 100
"""Groups of a subscription in a region, where nobody asked for more."""
STANDARD_CORES = 100
"""Cores of a subscription's groups in a region, where nobody asked for more."""
MAX_WRITES_PER_HOUR, MAX_WRITES_PER_5_MINUTES = 300, 100
"""Groups of a subscription that are made in a region, and as many that are deleted, where nobody asked for more."""
