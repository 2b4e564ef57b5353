"""Serving images: model, scoring code and environment in one image that runs anywhere.

Owns the items of `container_registry.images`. An image is made from files of this machine, so whatever it names must be
here: the estate's own models and environments, or maps with paths. Deliberately hashes, copies and builds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import Discriminator, Tag

from azml.facts import container_registries as facts
from azml.facts import names
from azml.facts.inference_images import OLDEST_PYTHON
from azml.spec import image_reference, request_schema
from azml.spec.base import At, Finding, Spec, nearest, rule
from azml.spec.environment import EnvironmentSpec
from azml.spec.errors import SpecError
from azml.spec.json_file import JsonFile
from azml.spec.model import ModelSpec
from azml.spec.online_deployment import CodeConfigurationSpec, Model, form
from azml.spec.paths import LocalFile
from azml.spec.reader import read
from azml.spec.references import AssetReference, EnvironmentReference
from azml.spec.tree import plain
from azml.spec.types import named, whole

Asset = TypeVar("Asset", ModelSpec, EnvironmentSpec)
_PYTHON = re.compile(r"python *(?:==?|<=?) *(\d+)\.(\d+)(?:\..*)?")
"""A conda dependency that settles the version, or the newest one."""
_OF_A_FILE = re.compile(
    r"(?:-[rce]|--requirement|--constraint|--editable)[ =]*+(?!\S*://)|\.{0,2}/|\.{1,2}(?:$|\[)|file:|\S+ *@ *file:"
)
"""A line of pip's that names a file or a folder of this machine."""
HERE = "an image is built from files of this machine"


class ImageEnvironmentSpec(EnvironmentSpec):
    """What the code needs to run: a conda file, and the base image that it is installed on."""

    @rule
    def _one_source(self) -> Iterator[Finding]:
        yield from _misfits(self)


class ServingImageSpec(Spec):
    """An image that answers scoring requests by itself."""

    elsewhere: ClassVar = {
        "tag": "tags are made: one by content, and NAME:1, NAME:2, … in the order of pushes",
        "conda_file": "it belongs to the environment: environment: {conda_file: …}",
        "base_image": "write environment: {image: …}",
        "execution_script": "write code_configuration: {code: FOLDER, scoring_script: FILE}",
        "dependencies": "write extra_files",
        "schema_file": "write request_schema",
        "docker_file": "the Dockerfile is azml's; what the system lacks goes into a base image: environment.image",
        "enable_gpu": "choose a base image with CUDA: environment.image",
        "image": "an image that exists is used where it runs: image: NAME:TAG of a container service",
    }

    name: Annotated[str, named(image_reference.REPOSITORY)]
    """Repository of the image, once in the registry."""
    model: Model | None = None
    """The model, as on a deployment: a map with a path, or azureml:NAME@latest for one of the estate's `models`."""
    models: list[Model] = []
    """The models where there are several. `AZUREML_MODEL_DIR` is then the folder of all: NAME/VERSION/…"""
    environment: Annotated[
        Annotated[EnvironmentReference, Tag("<reference>")] | Annotated[ImageEnvironmentSpec, Tag("<map>")],
        Discriminator(form),
    ]
    """A map with conda_file, and image where the base is not Microsoft's; or azureml:NAME@latest for one of the
    estate's `environments`."""
    code_configuration: CodeConfigurationSpec
    """The scoring code; its folder must be on this machine."""
    extra_files: list[LocalFile] = []
    """More files that the code reads, in the folder that `AZML_EXTRA_FILES` names."""
    request_schema: JsonFile | None = None
    """What a request must look like: JSON Schema, or an OpenAPI document. Absent: made from `sample_request`."""
    sample_request: JsonFile | None = None
    """A request that the service answers; kept in the image."""
    keep: Annotated[int, whole(1)] | None = None
    """How many images to keep, by number, the newest first; those in use stay anyway. Absent: all."""

    @property
    def all_models(self) -> list[AssetReference | ModelSpec]:
        """Its models, however they were written."""
        return self.models if self.model is None else [self.model]

    @rule
    def _model_or_models(self) -> Iterator[Finding]:
        if self.model is not None and self.models:
            yield Finding("model and models exclude each other", ("models",), fix="keep one of them")

    @rule
    def _several_models_have_names(self) -> Iterator[Finding]:
        for index, model in enumerate(self.models):
            if len(self.models) > 1 and isinstance(model, ModelSpec) and model.name is None:
                yield Finding(
                    "has no name: among several models a model is found by its name",
                    ("models", index),
                    fix="add name: NAME",
                )

    @rule
    def _every_model_once(self) -> Iterator[Finding]:
        first: set[tuple[str, str | None]] = set()
        for index, model in enumerate(self.models):
            key = ((model.name or "").lower(), model.version)
            if key[0] and key in first:
                yield Finding(
                    "is in the image already", ("models", index), str(model.name), fix="leave one of them out"
                )
            first.add(key)

    @rule
    def _inline_models_are_here(self) -> Iterator[Finding]:
        for at, model in self._models_at():
            if isinstance(model, ModelSpec):
                yield from _absent(model, at)

    @rule
    def _code_is_here(self) -> Iterator[Finding]:
        code = self.code_configuration.code
        if isinstance(code, AssetReference):
            yield Finding(
                f"is registered in Azure, and {HERE}",
                ("code_configuration", "code"),
                code.text,
                allowed="the path of a folder",
            )

    @rule
    def _one_file_a_name(self) -> Iterator[Finding]:
        first: dict[str, Path] = {}
        for index, file in enumerate(self.extra_files):
            if first.setdefault(file.name, file) != file:
                yield Finding(
                    f"another extra file is called {file.name} too: {first[file.name]}",
                    ("extra_files", index),
                    str(file),
                    fix="rename one of them: in the image they lie in one folder",
                )

    @rule
    def _schema_is_one(self) -> Iterator[Finding]:
        if self.request_schema is not None and (wrong := request_schema.problem(self.request_schema)) is not None:
            yield Finding(
                wrong, ("request_schema",), str(self.request_schema), allowed="JSON Schema, or an OpenAPI document"
            )

    @rule
    def _sample_is_what_the_schema_says(self) -> Iterator[Finding]:
        schema, sample = self.request_schema, self.sample_request
        if schema is None or sample is None or request_schema.problem(schema) is not None:
            return
        if (wrong := request_schema.mismatch(schema, sample)) is not None:
            yield Finding(
                f"is not what request_schema says: {wrong}",
                ("sample_request",),
                str(sample),
                fix="change one of the two files",
            )

    def problems_among(self, models: Sequence[ModelSpec], environments: Sequence[EnvironmentSpec]) -> Iterator[Finding]:
        """Find what is wrong with its references, given the estate's own models and environments."""
        for at, model in self._models_at():
            if isinstance(model, AssetReference):
                found = meant(models, model)
                yield from [_lost(model, at, models, "model")] if found is None else _absent(found, at)
        if isinstance(self.environment, AssetReference):
            environment = meant(environments, self.environment)
            if environment is None:
                yield _lost(self.environment, ("environment",), environments, "environment")
            else:
                for finding in _misfits(environment):
                    what = f"{self.environment.text} {finding.what}"
                    yield Finding(what, ("environment",), finding.value, finding.allowed, finding.fix)

    def _models_at(self) -> Iterator[tuple[At, AssetReference | ModelSpec]]:
        if self.model is not None:
            yield ("model",), self.model
        for index, model in enumerate(self.models):
            yield ("models", index), model


def meant(assets: Sequence[Asset], reference: AssetReference) -> Asset | None:
    """Return the estate's own asset that a reference means; None where it means one elsewhere."""
    if reference.registry is not None or reference.arm_id is not None:
        return None
    for asset in assets:
        if asset.name is not None and asset.name.lower() == reference.name.lower():
            ours = reference.floating or (asset.version is not None and asset.version == reference.version)
            return asset if ours else None
    return None


def _lost(reference: AssetReference, at: At, known: Sequence[Spec], kind: str) -> Finding:
    names = [str(getattr(asset, "name", None)) for asset in known]
    near = nearest(reference.name, names)
    fix = f"did you mean azureml:{near}@latest? else " if near else ""
    here = {
        "model": "download it, for example with `az ml model download`, and write a map with its path",
        "environment": "write a map with conda_file",
    }
    return Finding(
        f"is none of the estate's {kind}s, and {HERE}",
        at,
        reference.text,
        allowed=", ".join([*(f"azureml:{name}@latest" for name in names), "a map"]),
        fix=fix + here[kind],
    )


def _absent(model: ModelSpec, at: At) -> Iterator[Finding]:
    """Find what keeps a model's bytes from being put into an image."""
    if isinstance(model.path, Path):
        size = sum(file.stat().st_size for file in (model.path, *model.path.rglob("*")) if file.is_file())
        if size > facts.MAX_LAYER_GIB * 2**30:
            yield Finding(
                f"is too large: a model is one layer of the image, and has {size / 2**30:.0f} GiB",
                at,
                str(model.path),
                allowed=f"at most {facts.MAX_LAYER_GIB} GiB",
            )
        return
    place = model.path if model.path is not None else model.existing
    if place is not None:  # else it is nowhere at all, which the model itself says
        allowed = "a model with the path of a file or folder"
        fix = "download it, for example with `az ml model download`, and write its path"
        yield Finding(f"is in the cloud, and {HERE}", at, place, allowed, fix)


def _misfits(environment: EnvironmentSpec) -> Iterator[Finding]:
    """Find what keeps an environment from being put into azml's own Dockerfile."""
    if environment.existing is not None:
        yield Finding(
            f"is in Azure, and {HERE}", ("existing",), environment.existing, fix="write conda_file, and image"
        )
        return
    if environment.build is not None:
        yield Finding(
            "has a Dockerfile, and azml writes the image's own",
            ("build",),
            fix="write conda_file, and as image the one that the Dockerfile makes",
        )
    elif environment.conda_file is None:
        yield Finding("has no conda_file, so nothing says what the code needs", fix="add conda_file: FILE")
    else:
        yield from _conda_misfits(environment.conda_file)
    if environment.inference_config is not None:
        yield Finding(
            "has a server of its own, and a serving image answers through azml's",
            ("inference_config",),
            fix="leave inference_config out",
        )
    if environment.os_type != "linux":
        yield Finding("is not for Linux", ("os_type",), environment.os_type, allowed="linux")
    if environment.image is not None and image_reference.parse(environment.image) is None:
        yield Finding("is not the name of an image", ("image",), environment.image, allowed=image_reference.ALLOWED)


def _conda_misfits(conda_file: Path | dict[str, Any]) -> Iterator[Finding]:
    """Find a Python that the gateway cannot run in, and what is not in the image. No conda file is another rule's."""
    try:
        conda = conda_file if isinstance(conda_file, dict) else plain(read(conda_file))
    except SpecError:
        return
    entries = conda.get("dependencies") if isinstance(conda, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        found = _PYTHON.fullmatch(str(entry).strip())
        if found is not None and (int(found[1]), int(found[2])) < OLDEST_PYTHON:
            oldest = ".".join(map(str, OLDEST_PYTHON))
            yield Finding(
                "is too old: the gateway in the image runs in this Python",
                ("conda_file",),
                str(entry),
                allowed=f"python={oldest} or later",
            )
        lines = entry.get("pip") if isinstance(entry, dict) else None
        for line in lines if isinstance(lines, list) else ():
            if _OF_A_FILE.match(str(line).strip()):
                yield Finding(
                    "points to a file, and of all files only the conda file itself is there when the image is built",
                    ("conda_file",),
                    str(line),
                    allowed="names of packages, URLs",
                    fix="write the packages into the conda file, and code of your own into code_configuration.code",
                )
    variables = conda.get("variables") if isinstance(conda, dict) else None
    for name in variables if isinstance(variables, dict) else ():
        if not names.CONTAINER_VARIABLE.fits(str(name)):
            what = "is not a name for an environment variable"
            yield Finding(what, ("conda_file",), str(name), allowed=names.CONTAINER_VARIABLE.allowed)
