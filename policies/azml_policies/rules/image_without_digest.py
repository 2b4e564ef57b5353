"""Images are named by what is in them, not by a tag that moves."""

import re
from collections.abc import Mapping
from typing import Any

from azml_policies.rule import PASS, Resource, Rule, Run, Severity, Verdict, fail, unknown
from azml_policies.serving import setting
from azml_policies.tokens import CONTAINERS, CONTAINERS_PROFILE, ENVIRONMENT, OUR_ENVIRONMENT
from azml_policies.values import UNKNOWN, Unknown, at, listed

_TEMPLATE = ("spec", "template", "spec")
_HOSTS: Mapping[str, tuple[str, ...]] = {
    CONTAINERS: (),
    CONTAINERS_PROFILE: (),
    "kubernetes:core/v1:Pod": ("spec",),
    "kubernetes:core/v1:ReplicationController": _TEMPLATE,
    "kubernetes:apps/v1:DaemonSet": _TEMPLATE,
    "kubernetes:apps/v1:Deployment": _TEMPLATE,
    "kubernetes:apps/v1:ReplicaSet": _TEMPLATE,
    "kubernetes:apps/v1:StatefulSet": _TEMPLATE,
    "kubernetes:batch/v1:Job": _TEMPLATE,
    "kubernetes:batch/v1:CronJob": ("spec", "jobTemplate", *_TEMPLATE),
}
"""What runs containers, and where its inputs list them."""
_PINNED = re.compile(r"\S+@sha256:[0-9a-f]{64}")


def judge(resource: Resource, _run: Run) -> Verdict:
    """Judge every image that a resource names."""
    images = _images(resource)
    if isinstance(images, Unknown):
        return unknown("its images are not known.")
    moving = [image for image in images if isinstance(image, str) and not _PINNED.fullmatch(image)]
    if moving:
        return fail(
            f"{', '.join(moving)} {'names' if len(moving) == 1 else 'name'} no digest.",
            f"{moving[0].partition('@')[0]}@sha256:…, the digest that a registry shows for it",
        )
    if any(image is not None and not isinstance(image, str) for image in images):
        return unknown("not every image is known.")
    return PASS


def _images(resource: Resource) -> list[Any] | Unknown:
    if (there := _HOSTS.get(resource.type)) is None:
        return [setting(resource, "image")]
    found: list[Any] = []
    for kind in ("containers", "initContainers"):
        containers = listed(resource.at(*there, kind))
        if isinstance(containers, Unknown):
            return UNKNOWN
        found += [at(each, "image") for each in containers]
    return found


RULE = Rule(
    id="image-without-digest",
    title="Images are named by their digest",
    severity=Severity.MEDIUM,
    cause=(
        "An environment version, a container group or the profile of one, or a Kubernetes workload, whose image has a"
        " tag only. What is built has none to pin."
    ),
    explanation=(
        "What a tag names changes under the same program: a restarted instance may run other code than the one beside"
        " it, and going back does not bring the old image."
    ),
    remedy="NAME@sha256:DIGEST",
    types=frozenset({ENVIRONMENT, OUR_ENVIRONMENT, *_HOSTS}),
    judge=judge,
)
