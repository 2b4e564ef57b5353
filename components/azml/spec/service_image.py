"""How a service names its image: one that the estate builds, by its name, or one that exists, by a full reference.

Owns what a service may write. Deliberately neither the grammar (`image_reference`) nor what the estate has
(`service_rules`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic_core import core_schema

from azml.spec.base import Finding, refusal
from azml.spec.image_reference import parse
from azml.spec.types import Shape

ALLOWED = (
    "the name of one of container_registry.images; or of an image that exists, NAME:TAG or NAME@sha256:DIGEST in the "
    "estate's registry, and with HOST/ before it in another one"
)


def own_name(image: str) -> str | None:
    """The name of the estate's image that is meant; None for an image that exists."""
    found = parse(image)
    said = found is not None and (found.host or found.tag or found.digest)
    return None if found is None or said else found.path


def host_of(image: str) -> str | None:
    """The registry that an image is in; None where that is the estate's own."""
    found = parse(image)
    return None if found is None else found.host


def _judge(text: str) -> str:
    found = parse(text)
    if found is None:
        fix = f"did you mean {text.lower()}? names of images are in lower case" if parse(text.lower()) else None
        raise refusal(Finding("names no image", value=text, allowed=ALLOWED, fix=fix))
    if found.host is not None and found.tag is None and found.digest is None:
        fix = f"write {text}:TAG, or {text}@sha256:DIGEST, which stays the same image"
        raise refusal(Finding("names no tag and no digest", value=text, allowed=ALLOWED, fix=fix))
    return text


ServiceImage = Annotated[
    str,
    Shape(
        core_schema.no_info_after_validator_function(_judge, core_schema.str_schema()),
        {"type": "string", "pattern": r"^[^\s]+$", "description": ALLOWED},
    ),
]
"""An image: the name of one that the estate builds, or a full reference."""
