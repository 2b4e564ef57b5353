"""What a serving image of an estate is made of: its references followed to the estate's own models and environments.

Owns what a reference means here: an image holds bytes, so it is given paths. Deliberately makes nothing and hashes
nothing (`image_manifest`).
"""

from typing import Any

from azml.spec import StackSpec
from azml.spec.environment import EnvironmentSpec
from azml.spec.model import ModelSpec
from azml.spec.references import AssetReference
from azml.spec.serving_image import ServingImageSpec

_MODEL = {"name", "version", "path", "type"}
_ENVIRONMENT = {"name", "version", "image", "conda_file"}


def parts(image: ServingImageSpec, estate: StackSpec) -> dict[str, Any]:
    """An image's arguments, with maps in the place of references."""
    written = image.model_dump(mode="json", exclude_unset=True, exclude={"model", "models", "environment"})
    return {
        **written,
        "models": [_model(model, estate) for model in image.all_models],
        "environment": _environment(image.environment, estate),
    }


def _model(model: AssetReference | ModelSpec, estate: StackSpec) -> dict[str, Any]:
    found = estate.find_model(model) if isinstance(model, AssetReference) else model
    assert found is not None  # noqa: S101 - the spec has followed every reference
    return found.model_dump(mode="json", include=_MODEL, exclude_unset=True)


def _environment(environment: AssetReference | EnvironmentSpec, estate: StackSpec) -> dict[str, Any]:
    found = estate.find_environment(environment) if isinstance(environment, AssetReference) else environment
    assert found is not None  # noqa: S101 - as above
    return found.model_dump(mode="json", include=_ENVIRONMENT, exclude_unset=True)
