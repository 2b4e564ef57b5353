"""What holds between the services of an estate and the rest of it.

Owns rules about container services that one of them alone cannot judge. Deliberately knows no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from azml.facts import container_instances as facts
from azml.spec.base import At, Finding, nearest
from azml.spec.container_service import ContainerServiceSpec, no_spot
from azml.spec.service_image import host_of, own_name

TRIAL = "-trial"
"""What the name of a service's trial group ends in."""
FIELD = "container_services"


def images_are_there(
    services: Sequence[ContainerServiceSpec], images: Sequence[str], *, has_registry: bool
) -> Iterator[Finding]:
    """Each service names one of the estate's images, or one that exists."""
    for index, service in enumerate(services):
        at: At = (FIELD, index, "image")
        name = own_name(service.image)
        if name is not None and name not in images:
            near = nearest(name, [*images])
            yield Finding(
                "is no image of container_registry.images, and names no tag or digest of another one",
                at,
                name,
                allowed=", ".join(images) or None,
                fix=f"did you mean {near}?" if near else f"add it there, or write {name}:TAG",
            )
        elif name is None and host_of(service.image) is None and not has_registry:
            yield Finding(
                "names no registry, and the estate has none",
                at,
                service.image,
                fix=f"write HOST/{service.image}, or add container_registry",
            )


def spot_has_its_regions(services: Sequence[ContainerServiceSpec], region: str | None) -> Iterator[Finding]:
    """A spot service without a location of its own is where the workspace is."""
    for index, service in enumerate(services):
        if service.priority == "spot" and service.location is None and region not in (None, *facts.SPOT_REGIONS):
            yield no_spot((FIELD, index, "priority"), str(region))


def names_are_free(services: Sequence[ContainerServiceSpec], endpoints: Sequence[str]) -> Iterator[Finding]:
    """Nothing else has a service's name: not an endpoint, which is invoked by it too, not another's trial."""
    taken = {name.lower(): f"online endpoint {name}" for name in endpoints}
    trials = {f"{service.name}{TRIAL}": f"the trial of service {service.name}" for service in services}
    for index, service in enumerate(services):
        other = taken.get(service.name) or trials.get(service.name)
        if other is not None:
            yield Finding(
                f"is the name of {other} too", (FIELD, index, "name"), service.name, fix="choose another name"
            )
