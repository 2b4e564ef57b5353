"""What azml writes on an image, and how that is read from a registry.

Owns the labels' names and the form of the tag that an image's content gives it. Deliberately writes none
(`azml.image_manifest`).
"""

from collections.abc import Mapping

MANIFEST = "azml.manifest"
"""Hash of all that is in the image. An image without it is not azml's."""
MODELS = "azml.models"
"""NAME:VERSION of each model, with commas."""
CODE = "azml.code"
ENVIRONMENT = "azml.environment"
TAG_LENGTH = 20
"""Characters of the hash in a tag: 80 bits, among the images of one repository."""


def content_tag(labels: Mapping[str, str]) -> str | None:
    """The tag that azml pushes such an image under; None for one that azml did not make."""
    made = labels.get(MANIFEST)
    return None if made is None else made[:TAG_LENGTH]


def models(labels: Mapping[str, str]) -> tuple[str, ...]:
    """NAME:VERSION of each model in such an image."""
    return tuple(filter(None, labels.get(MODELS, "").split(",")))
