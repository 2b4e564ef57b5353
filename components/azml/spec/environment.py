"""Environments: the image that a model runs in.

Owns the items of `environments` and the inline `environment` of a deployment. Deliberately does not build anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Tag

from azml.facts import names
from azml.spec.base import Finding, Spec, rule
from azml.spec.datastore import DatastoreName
from azml.spec.errors import SpecError
from azml.spec.existing import Existing
from azml.spec.paths import LocalFile, LocalFolderOrUrl
from azml.spec.reader import read
from azml.spec.references import asset_id
from azml.spec.tree import plain
from azml.spec.types import AnyCase, Tags, Version, named, whole


class BuildSpec(Spec):
    """A Dockerfile and its context."""

    elsewhere: ClassVar = {
        "local_path": "write path",
        "context_uri": "write path",
        "dockerfile": "write dockerfile_path",
    }

    path: LocalFolderOrUrl
    """Folder that is sent to the build, or the URL of one: a Git repository (`https://…#BRANCH:FOLDER`) or a blob."""
    dockerfile_path: str = "Dockerfile"
    """The Dockerfile, relative to `path`."""

    @rule
    def _dockerfile_is_there(self) -> Iterator[Finding]:
        if isinstance(self.path, Path) and not Path(self.path, self.dockerfile_path).is_file():
            yield Finding(
                "there is no such file", ("dockerfile_path",), self.dockerfile_path, allowed=f"a file in {self.path}"
            )


class RouteSpec(Spec):
    """Where the container answers."""

    path: str
    """Path, such as /score."""
    port: Annotated[int, whole(1, 65535)]
    """TCP port."""


class InferenceConfigSpec(Spec):
    """Routes of a container that is not Azure ML's own inference server: all three."""

    liveness_route: RouteSpec
    """Answers 200 while the server lives."""
    readiness_route: RouteSpec
    """Answers 200 once the model is loaded."""
    scoring_route: RouteSpec
    """Takes the requests."""


@lru_cache(maxsize=256)
def _conda_problem(file: Path, _mtime: int) -> str | None:
    """Say what is wrong with a conda file; many deployments share one, so each state of it is read once."""
    try:
        return _conda_problem_of(plain(read(file)))
    except SpecError as error:
        return f"is no conda file: {error.problems[0].place}: {error.problems[0].what}"


def _conda_problem_of(conda: Any) -> str | None:
    if not isinstance(conda, dict):
        return "is no conda file: it holds no map"
    return None if isinstance(conda.get("dependencies"), list) else "is no conda file: it has no list `dependencies`"


def _form(value: Any) -> str:
    return "<file>" if isinstance(value, str | Path) else "<map>"


CondaFile = Annotated[
    Annotated[LocalFile, Tag("<file>")] | Annotated[dict[str, Any], Tag("<map>")], Discriminator(_form)
]


class EnvironmentSpec(Existing):
    """An environment: a base image with a conda file, a ready image, or a Dockerfile."""

    forgotten: ClassVar = Spec.forgotten | {"id", "creation_context", "latest_version", "intellectual_property"}
    elsewhere: ClassVar = {
        "docker": "write image, or build",
        "path": "write conda_file, or build.path",
        **dict.fromkeys(("channels", "dependencies"), "it belongs in the conda file: write conda_file"),
        "auto_delete_setting": "az ml sends nothing of it, and Azure's API has no such setting: leave it out",
    }
    name_in_id: ClassVar = -3

    name: Annotated[str, named(names.ASSET)] | None = None
    """Name of the environment. Absent (inline only): that of the deployment."""
    version: Version | None = None
    """Version. Absent: made from the content, so that the same definition is the same version."""
    existing: Annotated[str, asset_id("environments")] | None = None
    """ARM id, or registry URI, of an environment version to use and never change."""
    image: str | None = None
    """Image, or the base image that a conda file builds on."""
    conda_file: CondaFile | None = None
    """Conda environment: the path of its file, relative to the file that this is written in, or the map itself."""
    build: BuildSpec | None = None
    """Dockerfile to build instead of an image."""
    datastore: DatastoreName | None = None
    """Datastore that the build's folder is uploaded to: its name, or azureml:NAME. Absent: workspaceblobstore."""
    inference_config: InferenceConfigSpec | None = None
    """Routes of a container with a server of its own."""
    os_type: Annotated[Literal["linux", "windows"], AnyCase()] = "linux"
    """Operating system of the image."""
    description: str | None = None
    """What the environment is for."""
    tags: Tags = {}
    """Tags of the version."""

    @rule
    def _one_source(self) -> Iterator[Finding]:
        if self.image is not None and self.build is not None:
            yield Finding("image and build exclude each other", ("build",), fix="keep one of them")
        if self.image is None and self.build is None and self.existing is None:
            fix = (
                "add image, the base image that the conda file builds on" if self.conda_file else "add image, or build"
            )
            yield Finding("there is no image", fix=fix)

    @rule
    def _a_datastore_for_uploads(self) -> Iterator[Finding]:
        if self.datastore is not None and self.build is not None and isinstance(self.build.path, str):
            yield Finding("nothing is uploaded", ("datastore",), self.datastore, fix="leave it out")

    @rule
    def _conda_file_is_one(self) -> Iterator[Finding]:
        if isinstance(self.conda_file, Path):
            wrong = _conda_problem(self.conda_file, self.conda_file.stat().st_mtime_ns)
        else:
            wrong = None if self.conda_file is None else _conda_problem_of(self.conda_file)
        if wrong is not None:
            yield Finding(
                wrong,
                ("conda_file",),
                str(self.conda_file),
                allowed="a conda environment: a map with the list `dependencies`",
            )

    @rule
    def _conda_builds_on_an_image(self) -> Iterator[Finding]:
        if self.conda_file is not None and self.build is not None:
            yield Finding(
                "a conda file is not used where there is a Dockerfile",
                ("conda_file",),
                fix="install it in the Dockerfile, or use image instead of build",
            )
