"""Container groups that really run: images pulled from a registry, their content run as supervised processes.

Owns everything between "this group is wanted" and processes that listen on loopback. Deliberately knows nothing of ARM:
bodies, limits and operations belong to `namespaces.containerinstance`, which speaks to `ContainerPlane` alone. There is
no kernel isolation here: no root privileges, so no chroot, no cgroups, no network of its own.
"""

from azml_local.containers.contract import (
    Container,
    Credential,
    Group,
    GroupFailed,
    HttpGet,
    Mount,
    Probe,
    PullIdentity,
    Volume,
)
from azml_local.containers.plane import ContainerPlane

__all__ = [
    "Container",
    "ContainerPlane",
    "Credential",
    "Group",
    "GroupFailed",
    "HttpGet",
    "Mount",
    "Probe",
    "PullIdentity",
    "Volume",
]
