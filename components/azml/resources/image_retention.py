"""Retention: which images of a repository go when newer ones are there.

Owns what stays: the newest numbers, what runs, what the stack names, and every image that people tagged. Deliberately
deletes nothing that azml did not build.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from azml.resources.errors import ArmError, Refused
from azml.resources.handler import Values
from azml.resources.image_labels import content_tag
from azml.resources.image_numbers import numbers, of
from azml.resources.images_in_use import images_in_use
from azml.resources.work import Work

if TYPE_CHECKING:
    from azml.resources.registry_api import Repository


def let_go(work: Work, repository: "Repository", inputs: Values, current: str) -> None:
    """Delete images beyond those to keep, but none that something uses; where that cannot be known, none at all."""
    tags = repository.tags()
    counted = numbers(tags)
    newest = sorted(counted, reverse=True)[: inputs["keep"]]
    stay = {current, *(counted[number] for number in newest)}
    if not {*counted.values()} - stay:
        return
    try:
        used = {*images_in_use(work, inputs["registryId"]), *(inputs.get("used") or [])}
    except ArmError as error:
        work.warn(f"No image of {repository.label} is deleted: what runs cannot be seen. {error}")
        return
    references = {_reference(text, inputs["repository"]) for text in used} - {None}
    stay |= {tags.get(str(reference), str(reference)) for reference in references}
    for number, digest in counted.items():
        if digest not in stay:
            try:
                _let_one_go(work, repository, tags, number, digest, inputs)
            except Refused as error:  # locked, for example: what is new is there all the same
                work.warn(f"{repository.label}:{number} stays, though only the newest {inputs['keep']} should. {error}")


def _let_one_go(
    work: Work, repository: "Repository", tags: Mapping[str, str], number: int, digest: str, inputs: Values
) -> None:
    """Delete an image with the two tags that azml gave it; of one with other tags only the number."""
    content = content_tag(repository.labels(digest))
    if content is None or of(tags, digest) != [number]:  # somebody else's, or which number is azml's cannot be told
        return
    name, others = f"{inputs['repository']}:{number}", _tags_of(tags, digest) - {content, str(number)}
    if others:
        repository.untag(str(number))
        work.say(f"{name} is no longer a number of its image, which stays: it has the tag {', '.join(sorted(others))}.")
    else:
        repository.delete(digest)
        work.say(f"{name} is deleted: the newest {inputs['keep']} are kept.")


def _tags_of(tags: Mapping[str, str], digest: str) -> set[str]:
    return {tag for tag, found in tags.items() if found == digest}


def _reference(image: str, repository: str) -> str | None:
    """The tag or the digest, where an image is one of this repository's; in whichever registry, to be safe."""
    name, _, digest = image.partition("@")
    path, _, tag = name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "latest")
    return (digest or tag) if path == repository or path.endswith(f"/{repository}") else None
