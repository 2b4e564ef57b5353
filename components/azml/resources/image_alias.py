"""The number of an image in its repository: NAME:1, NAME:2, … in the order of pushes.

Owns giving one to an image that was pushed (the one that it has already, else the next), and recording beside it which
commit it was made from. The commit is an artifact that refers to the image: as a label it would make another image of
equal content. pulumi-docker never looks at the registry again, so what was deleted or retagged there is noticed here.
Which number is the next is `image_numbers`', which images go `image_retention`'s. Deliberately pushes no image and
deletes none on destroy: what was pushed is history, as versions of models are.
"""

from typing import TYPE_CHECKING, NotRequired, TypedDict

import pulumi

from azml.resources import image_numbers
from azml.resources.errors import Refused
from azml.resources.handler import Handler, Values, require
from azml.resources.image_retention import let_go
from azml.resources.resource import AzmlResource
from azml.resources.wire import UNKNOWN, has_unknown
from azml.resources.work import Work

if TYPE_CHECKING:
    from azml.resources.registry_api import Repository

MADE_FROM = "application/vnd.azml.made-from.v1"
"""Type of the artifact that says what an image was made from."""


class ImageAliasArgs(TypedDict):
    """Arguments of `ImageAlias`."""

    registry_id: pulumi.Input[str]
    """ARM id of the registry."""
    image: pulumi.Input[str]
    """The image that was pushed: SERVER/REPOSITORY@sha256:DIGEST."""
    repository: pulumi.Input[str]
    """Name of the repository."""
    username: pulumi.Input[str]
    """Name of a token of the registry that may write to the repository."""
    password: pulumi.Input[str]
    """Its password."""
    keep: NotRequired[pulumi.Input[int]]
    """How many numbers stay, the newest first; images in use stay anyway. Absent: all."""
    used: NotRequired[list[str]]
    """Images that services pin, REPOSITORY@sha256:… or REPOSITORY:TAG: they stay too."""
    revision: NotRequired[pulumi.Input[str]]
    """Commit that the image was made from."""


class ImageAlias(AzmlResource):
    """The number of an image in its repository."""

    alias: pulumi.Output[str]
    """REPOSITORY:NUMBER."""

    def __init__(self, name: str, args: ImageAliasArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)


class ImageAliasHandler(Handler):
    """CRUD of `ImageAlias`. Its id is the repository with its registry: SERVER/REPOSITORY."""

    what = "image alias"
    identity = frozenset({"repository", "registryId"})
    silent = frozenset({"username", "password", "revision", "used"})
    computed = frozenset({"alias"})
    sensitive = frozenset({"password"})

    def check(self, inputs: Values) -> Values:
        """Everything that decides must be there."""
        require(inputs, ["registryId", "image", "repository", "username", "password"], self.what)
        return inputs

    def preview(self, inputs: Values, state: Values) -> Values:
        """Another image gets another number, and which one only the registry knows."""
        known = {} if has_unknown(inputs["image"]) else state
        return {"alias": known.get("alias", UNKNOWN), **inputs}

    def preview_id(self, inputs: Values) -> str:
        """Unknown with the image."""
        return "" if has_unknown(inputs["image"]) else self.id_of(inputs, {})

    def id_of(self, inputs: Values, outputs: Values) -> str:  # noqa: ARG002
        """The repository with its registry."""
        return str(inputs["image"]).partition("@")[0]

    def drift(self, work: Work, inputs: Values, state: Values) -> dict[str, str]:
        """The number means another image, or none, or the image is gone. A registry that does not answer is told of."""
        if has_unknown(inputs) or inputs["image"] != state.get("image"):
            return {}
        alias = state["alias"]
        try:
            with _repository(inputs) as repository:
                return _amiss(repository, inputs["image"], alias)
        except Refused as error:
            work.warn(f"Whether {alias} is still there cannot be seen. {error}")
            return {}

    def create(self, work: Work, inputs: Values) -> Values:
        """Give it its number, and let go of old ones."""
        _, digest = _parts(inputs["image"])
        with _repository(inputs) as repository:
            if repository.digest(digest) is None:
                raise _deleted(work, inputs["image"])
            number = next(iter(image_numbers.of(repository.tags(), digest)), None)
            if number is None:
                if (revision := inputs.get("revision")) is not None:
                    repository.attach(digest, MADE_FROM, {"org.opencontainers.image.revision": revision})
                number = image_numbers.give(repository, digest)
            if inputs.get("keep") is not None:
                let_go(work, repository, inputs, digest)
        return {**inputs, "alias": f"{inputs['repository']}:{number}"}

    def left(self, work: Work, inputs: Values) -> Values | None:  # noqa: ARG002
        """Its number, where it got that far."""
        _, digest = _parts(inputs["image"])
        with _repository(inputs) as repository:
            number = next(iter(image_numbers.of(repository.tags(), digest)), None)
        return None if number is None else {**inputs, "alias": f"{inputs['repository']}:{number}"}

    def update(self, work: Work, old: Values, inputs: Values, state: Values) -> Values:  # noqa: ARG002
        """As for a new one; a tag that somebody moved is given back to its image."""
        before = str(state.get("alias", "")).rpartition(":")[2]
        _, digest = _parts(inputs["image"])
        if inputs["image"] == state.get("image") and before:
            with _repository(inputs) as repository:
                if repository.digest(digest) is None:
                    raise _deleted(work, inputs["image"])
                moved = repository.digest(before) != digest
                if moved and not image_numbers.overtaken(repository, digest, int(before)):
                    repository.tag(digest, before)
        return self.create(work, inputs)

    def delete(self, work: Work, state: Values) -> None:
        """Nothing: what was pushed stays."""

    def read(self, work: Work, id_: str, inputs: Values) -> tuple[Values, Values] | None:  # noqa: ARG002
        """The number that the image has now; gone where it has none."""
        if not inputs:
            raise Refused("An image alias cannot be imported: an image that has a number keeps it when it is made.")
        found = self.left(work, inputs)
        return None if found is None else (inputs, found)


def _repository(inputs: Values) -> "Repository":
    from azml.resources.registry_api import Repository

    server, _, _ = _parts(inputs["image"])[0].partition("/")
    return Repository(server, inputs["repository"], inputs["username"], inputs["password"])


def _amiss(repository: "Repository", image: str, alias: str) -> dict[str, str]:
    """What is not as it was left, with a remark."""
    _, digest = _parts(image)
    number = alias.rpartition(":")[2]
    live = repository.digest(number)
    if live == digest:
        return {}
    if repository.digest(digest) is None:
        return {"alias": f"{image} was deleted from the registry."}
    if image_numbers.overtaken(repository, digest, int(number)):
        return {"alias": f"{alias} went to another image at the same moment: this one gets the next number."}
    return {"alias": f"{alias} means {live or 'nothing'} in the registry: it is set again."}


def _parts(image: str) -> tuple[str, str]:
    """Server and repository; the digest."""
    name, _, digest = image.partition("@")
    return name, digest


def _deleted(work: Work, image: str) -> Refused:
    """Say how an image comes back that pulumi-docker takes for pushed."""
    head, types, name = work.urn.rsplit("::", 2)
    urn = f"{head}::{types.rpartition('$')[0]}$docker:index/image:Image::{name.removesuffix('-alias')}"
    return Refused(
        f"{image} was deleted from the registry, and pulumi-docker does not look there.\n"
        f"To build and push it again: pulumi up --replace '{urn}'"
    )
