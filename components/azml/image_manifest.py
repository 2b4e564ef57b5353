"""What a serving image holds, as one hash: equal content, equal hash, in every clone and on every machine.

Owns the build context as a list of files (path, mode, content) and the hash over it. Neither the clone's path nor times
nor owners count, and of modes only whether a file may be executed. Files are read one block at a time. Deliberately
writes nothing (`image_context`).
"""

import hashlib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from azml import release
from azml.facts.inference_images import BASE_IMAGE, BRINGS_SERVER, SERVER
from azml.image_dockerfile import dockerfile
from azml.image_schema import schema_of
from azml.resources import image_labels
from azml.resources.content import VERSION_LENGTH, digest, digest_of, file_digest, files
from azml.spec.environment import EnvironmentSpec
from azml.spec.model import ModelSpec
from azml.spec.serving_image import ServingImageSpec

PLAIN, EXECUTABLE = 0o644, 0o755


@dataclass(frozen=True)
class File:
    """A file of the build context: one of this machine, or bytes that were made."""

    source: Path | bytes
    mode: int = PLAIN

    @classmethod
    def of(cls, path: Path) -> "File":
        """A file of this machine."""
        return cls(path, EXECUTABLE if path.stat().st_mode & 0o100 else PLAIN)

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size

    @property
    def digest(self) -> str:
        """SHA-256 of its bytes."""
        source = self.source
        return hashlib.sha256(source).hexdigest() if isinstance(source, bytes) else file_digest(source)


@dataclass(frozen=True)
class Manifest:
    """An image's content. `files` are by path in the build context; the Dockerfile and the manifest itself besides."""

    base: str
    script: str
    models: tuple[tuple[str, str], ...]
    folders: tuple[str, ...]
    files: Mapping[str, File]
    variables: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def hash(self) -> str:
        """SHA-256 over all of it, in hexadecimal."""
        return digest_of(self._content)

    @property
    def tag(self) -> str:
        """The image's tag."""
        return self.hash[: image_labels.TAG_LENGTH]

    def context(self) -> dict[str, File]:
        """Every file of the build context by its path."""
        document = json.dumps({"manifest": self.hash, **self._content}, indent=1, sort_keys=True)
        labels = {**self.labels, image_labels.MANIFEST: self.hash}
        return {
            **self.files,
            "azml/manifest.json": File(document.encode()),
            "Dockerfile": File(self._dockerfile(labels).encode()),
        }

    @cached_property
    def _content(self) -> dict[str, Any]:
        return {
            "base": self.base,
            "models": [{"name": name, "version": version} for name, version in self.models],
            "entry_script": self.script,
            "dockerfile": digest_of(self._dockerfile(self.labels)),
            "files": {path: [f"{file.mode:o}", file.size, file.digest] for path, file in sorted(self.files.items())},
        }

    def _dockerfile(self, labels: Mapping[str, str]) -> str:
        return dockerfile(self.base, self.script, self.models, self.folders, self.variables, labels)


def manifest_of(spec: ServingImageSpec) -> Manifest:
    """What an image holds whose references are resolved: models and environment are maps."""
    environment, code = spec.environment, spec.code_configuration.code
    assert isinstance(environment, EnvironmentSpec)  # noqa: S101 - resolved: no reference
    assert isinstance(code, Path)  # noqa: S101 - the spec lets no registered code through
    base = environment.image or BASE_IMAGE
    conda = "".join(f"{line}\n" for line in str(release.conda_text(environment)).splitlines())
    models = _models(spec)
    found: dict[str, File] = {
        "environment/conda.yml": File(conda.encode()),
        "environment/requirements.txt": File(_requirements(conda).encode()),
        **{f"gateway/azml_gateway/{path.name}": File(path) for path in sorted(_gateway().glob("*.py"))},
        **{f"code/{name}": File.of(path) for name, path in files(code).items()},
        **{f"azml/extra/{path.name}": File.of(path) for path in spec.extra_files},
        **_requests(spec),
    }
    folders = []
    for index, (asset, path) in enumerate(models):
        folders.append(f"models/{index}")
        inside = f"{folders[-1]}/{asset.name}/{asset.version}"
        found |= {f"{inside}/{name}": File.of(file) for name, file in _model_files(path).items()}
    names = tuple((asset.name, asset.version) for asset, _ in models)
    name = environment.name or spec.name
    version = environment.version or digest_of([base, conda])[:VERSION_LENGTH]
    script = spec.code_configuration.scoring_script
    labels = {
        "org.opencontainers.image.title": spec.name,
        "org.opencontainers.image.base.name": base,
        image_labels.MODELS: ",".join(f"{model}:{number}" for model, number in names),
        image_labels.CODE: f"{digest(code)[:VERSION_LENGTH]}/{script}",
        image_labels.ENVIRONMENT: f"{name}:{version}",
    }
    return Manifest(
        base, spec.code_configuration.scoring_script, names, tuple(folders), found, _variables(conda), labels
    )


def _models(spec: ServingImageSpec) -> list[tuple[release.Asset, Path]]:
    """Its models by name, in an order that does not depend on how they were written down."""
    found = [
        (release.model(model, spec.name.replace("/", "-")), model.path)
        for model in spec.all_models
        if isinstance(model, ModelSpec) and isinstance(model.path, Path)
    ]
    return sorted(found, key=lambda model: (model[0].name, model[0].version))


def _model_files(path: Path) -> dict[str, Path]:
    """A folder keeps its name, as where Azure ML mounts it."""
    below = f"{path.name}/" if path.is_dir() else ""
    return {f"{below}{name}": file for name, file in files(path).items()}


def _requests(spec: ServingImageSpec) -> dict[str, File]:
    """Sample and schema; where only a sample is given, the schema that it is an example of."""
    found = {}
    if spec.sample_request is not None:
        found["azml/sample-request.json"] = File(spec.sample_request)
    if spec.request_schema is not None:
        found["azml/request-schema.json"] = File(spec.request_schema)
    elif spec.sample_request is not None:
        schema = schema_of(json.loads(spec.sample_request.read_bytes()))
        found["azml/request-schema.json"] = File(json.dumps(schema, indent=1).encode())
    return found


def _requirements(conda: str) -> str:
    """What the image needs besides the conda file: the gateway's own, and the scoring server unless it is in there."""
    own = (_gateway() / "requirements.txt").read_text(encoding="utf-8")
    entries = yaml.safe_load(conda)["dependencies"]
    lines = [line for entry in entries for line in (entry.get("pip") or [] if isinstance(entry, dict) else [entry])]
    return own if any(BRINGS_SERVER.match(str(line)) for line in lines) else f"{own}{SERVER}\n"


def _variables(conda: str) -> dict[str, str]:
    """What conda would set where somebody activates the environment."""
    return {str(name): str(value) for name, value in (yaml.safe_load(conda).get("variables") or {}).items()}


def _gateway() -> Path:
    """The folder of the gateway's source, which is copied and not imported."""
    found = importlib.util.find_spec("azml_gateway")
    assert found is not None  # noqa: S101 - one distribution holds both
    assert found.origin is not None  # noqa: S101
    return Path(found.origin).parent
