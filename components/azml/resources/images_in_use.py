"""Which images run: what retention must not delete.

Owns asking Azure's hosts of containers. Every kind of host that azml can run an image on is asked here.
"""

from azml.resources.arm_id import ArmId
from azml.resources.work import Work

ACI = "2023-05-01"
"""API version of Microsoft.ContainerInstance: the one of azure-mgmt-containerinstance 10.1 and azure-native 3.29."""


def images_in_use(work: Work, registry_id: str) -> set[str]:
    """References of images that container groups of the registry's subscription were given. Raises `ArmError`."""
    subscription = ArmId.parse(registry_id).subscription
    groups = work.arm.list_all(
        f"/subscriptions/{subscription}/providers/Microsoft.ContainerInstance/containerGroups", ACI
    )
    return {
        str(container["properties"]["image"])
        for group in groups
        for container in [*group["properties"].get("containers", []), *group["properties"].get("initContainers", [])]
        if container["properties"].get("image")
    }
