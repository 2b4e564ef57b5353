"""The container services of an estate: beside its workspace, each with its image and the way to pull it.

Owns what an image's name means, and where a service stands when it does not say. Deliberately makes no image
(`estate_images`).
"""

from typing import Any

import pulumi

from azml.estate_images import EstateImages
from azml.spec.container_service import ContainerServiceSpec
from azml.spec.service_image import host_of, own_name
from azml.workspace import Workspace


def service_args(
    service: ContainerServiceSpec, written: dict[str, Any], workspace: Workspace, images: EstateImages | None
) -> Any:
    """A service's arguments; `written` is what the estate says of it."""
    args = {
        "location": workspace.location,
        **written,
        "resource_group_id": workspace.workspace_id.apply(lambda id_: "/".join(id_.split("/")[:5])),
        **_image(service, images),
    }
    if service.app_insights_enabled:
        args["application_insights_id"] = workspace.application_insights_id
    return args


def _image(service: ContainerServiceSpec, images: EstateImages | None) -> dict[str, pulumi.Input[str]]:
    host = host_of(service.image)
    if host is not None or images is None:
        return {"image": service.image, **({"login_server": host} if host is not None else {})}
    name, server = own_name(service.image), images.registry.login_server
    image = pulumi.Output.concat(server, "/", service.image) if name is None else images.made[name].image
    pull = images.pull
    return {"image": image, "login_server": server, "username": pull.username, "password": pull.password}
