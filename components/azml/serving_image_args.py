"""Arguments of `ServingImage`.

Owns their shapes. Deliberately no rule: those are `azml.spec.serving_image`'s.
"""

from typing import Any, NotRequired, TypedDict

import pulumi


class ImageCodeArgs(TypedDict):
    """The scoring code."""

    code: str
    """Folder with the code."""
    scoring_script: str
    """The file with init() and run(), relative to `code`."""


class ServingImageArgs(TypedDict):
    """Arguments of `ServingImage`. Paths start at the program's folder."""

    name: str
    """Repository of the image, once in the registry."""
    registry_id: pulumi.Input[str]
    """ARM id of the container registry."""
    login_server: pulumi.Input[str]
    """Host of the registry."""
    username: pulumi.Input[str]
    """Who pushes: a token of the registry that may push to this repository (`RegistryAccess`)."""
    password: pulumi.Input[str]
    """Its password."""
    model: NotRequired[Any]
    """A map with the path of a model: {name, version, path}."""
    models: NotRequired[list[Any]]
    """The models where there are several."""
    environment: Any
    """A map with conda_file, and image where the base is not Microsoft's."""
    code_configuration: ImageCodeArgs
    """The scoring code."""
    extra_files: NotRequired[list[str]]
    """More files that the code reads, in the folder that AZML_EXTRA_FILES names."""
    request_schema: NotRequired[str]
    """File with what a request must look like: JSON Schema, or OpenAPI. Absent: made from `sample_request`."""
    sample_request: NotRequired[str]
    """File with a request that the service answers."""
    keep: NotRequired[int]
    """How many images to keep, by number, the newest first; those in use stay anyway. Absent: all."""
    used: NotRequired[list[str]]
    """Images of this repository that are pinned elsewhere, NAME@sha256:… or NAME:TAG: they stay too."""
