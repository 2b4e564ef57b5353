"""An image's configuration and manifest, as the OCI image specification has them. Equal recipes make equal digests."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from azml_local.docker.layers import MEDIA_TYPE, Layer
from azml_local.docker.recipe import Recipe

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
BASE_ABSENT = "azml.local.base-absent"
"""Label that names the base image whose layers are left out."""
_CREATED = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Blob:
    """Content by its digest."""

    content: bytes

    @property
    def digest(self) -> str:
        """Its digest."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"


@dataclass(frozen=True)
class Image:
    """An image: its layers lowest first, what it is configured as, and the manifest that names both."""

    layers: tuple[Layer, ...]
    config: Blob
    manifest: Blob


def make(recipe: Recipe, layers: Sequence[Layer], platform: str) -> Image:
    """Make the image of a recipe; `platform` is `os/architecture`."""
    config = _json(_config(recipe, layers, platform))
    described = [{"mediaType": MEDIA_TYPE, "digest": each.digest, "size": each.size} for each in layers]
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": _CONFIG, "digest": config.digest, "size": len(config.content)},
        "layers": described,
    }
    return Image(tuple(layers), config, _json(manifest))


def _config(recipe: Recipe, layers: Sequence[Layer], platform: str) -> dict[str, Any]:
    system, _, architecture = platform.partition("/")
    settings: dict[str, Any] = {
        "User": recipe.user,
        "ExposedPorts": {port: {} for port in recipe.ports},
        "Env": [f"{name}={value}" for name, value in recipe.env.items()],
        "Entrypoint": recipe.entrypoint,
        "Cmd": recipe.command,
        "WorkingDir": recipe.folder,
        "Labels": recipe.labels | {BASE_ABSENT: recipe.base},
    }
    return {
        "created": _CREATED,
        "architecture": architecture,
        "os": system,
        "config": {name: value for name, value in settings.items() if value},
        "rootfs": {"type": "layers", "diff_ids": [each.digest for each in layers]},
        "history": [
            {"created": _CREATED, "created_by": step.text} | ({} if step.layer else {"empty_layer": True})
            for step in recipe.steps
        ],
    }


def _json(document: Any) -> Blob:
    return Blob(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())
