"""Counting tags of a repository: which there are, and how an image gets the next one.

A registry sets a tag without asking what it meant, so two stacks that share a repository may set one number at the same
moment. Whoever reads another image back takes the next number. One that was read back well and set by somebody else
after that is not seen here: `overtaken` tells it from a tag that somebody moved, at the next look. Deliberately deletes
nothing (`image_retention`).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from azml.resources.errors import Refused
from azml.resources.image_labels import content_tag

if TYPE_CHECKING:
    from azml.resources.registry_api import Repository

TRIES = 20
"""More writers than that at one moment there are not: the registry does not keep what it is given."""


def numbers(tags: Mapping[str, str]) -> dict[int, str]:
    """Every number and the digest that it means, in their order. Digits alone are a number, whoever set the tag."""
    found = {int(tag): digest for tag, digest in tags.items() if tag.isdecimal() and str(int(tag)) == tag}
    return dict(sorted(found.items()))


def of(tags: Mapping[str, str], digest: str) -> list[int]:
    """The numbers of an image; more than one where people gave it some."""
    return [number for number, found in numbers(tags).items() if found == digest]


def give(repository: "Repository", digest: str) -> int:
    """Let the next number mean an image that has none."""
    for _ in range(TRIES):
        number = max(numbers(repository.tags()), default=0) + 1
        repository.tag(digest, str(number))
        if repository.digest(str(number)) == digest:
            return number
    raise Refused(
        f"{repository.label}@{digest} gets no number: {TRIES} times another image had the tag after it was set.\n"
        "Run the update again when nobody else pushes to the repository."
    )


def overtaken(repository: "Repository", digest: str, number: int) -> bool:
    """Whether another image got a number of ours when it was made: azml built it, and it has no number besides."""
    tags = repository.tags()
    other = tags.get(str(number), digest)
    return other != digest and of(tags, other) == [number] and content_tag(repository.labels(other)) is not None
