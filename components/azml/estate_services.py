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

_ELSEWHERE = frozenset({"image", "resource_group"})
"""Fields of the spec that are no arguments of the component: they become others."""


def service_args(
    service: ContainerServiceSpec, written: dict[str, Any], workspace: Workspace, images: EstateImages | None
) -> Any:
    """A service's arguments; `written` is what the estate says of it."""
    said = {name: value for name, value in written.items() if name not in _ELSEWHERE}
    args = {
        "location": workspace.location,
        **said,
        "resource_group_id": workspace.workspace_id.apply(lambda id_: _group(id_, service.resource_group)),
        **_image(service, images),
    }
    if service.app_insights_enabled:
        args["application_insights_id"] = workspace.application_insights_id
    return args


def _group(workspace_id: str, name: str | None) -> str:
    """The id of the resource group: the workspace's, or another one of its subscription."""
    beside = "/".join(workspace_id.split("/")[:5])
    return beside if name is None else f"{beside.rpartition('/')[0]}/{name}"


def _image(service: ContainerServiceSpec, images: EstateImages | None) -> dict[str, pulumi.Input[str]]:
    host = host_of(service.image)
    if host is not None or images is None:
        return {"image": service.image, **({"login_server": host} if host is not None else {})}
    name, server = own_name(service.image), images.registry.login_server
    image = pulumi.Output.concat(server, "/", service.image) if name is None else images.made[name].image
    pull = images.pull
    return {"image": image, "login_server": server, "username": pull.username, "password": pull.password}
