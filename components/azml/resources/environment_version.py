"""An environment: an image, with what conda adds to it, or a Dockerfile that makes one.

Owns the version's body and the upload of a build context. Deliberately builds nothing: Azure does, on first use.
"""

from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi

from azml.resources.arm_id import ArmId
from azml.resources.asset import AssetHandler
from azml.resources.content import digest, digest_of
from azml.resources.errors import Refused
from azml.resources.handler import Values, present
from azml.resources.resource import AzmlResource
from azml.resources.upload import upload
from azml.resources.work import Work

DEFAULT_OS = "Linux"
DEFAULT_DOCKERFILE = "Dockerfile"


class RouteArgs(TypedDict):
    """A path and port of the container."""

    path: str
    """Path, for example /score."""
    port: int
    """Port that the container listens on."""


class InferenceConfigArgs(TypedDict):
    """How Azure reaches a container that brings its own server."""

    liveness_route: RouteArgs
    """Where the container says that it is alive."""
    readiness_route: RouteArgs
    """Where the container says that it is ready."""
    scoring_route: RouteArgs
    """Where requests go."""


class BuildArgs(TypedDict):
    """A Dockerfile and what it needs."""

    path: NotRequired[str]
    """Absolute path of a local folder to upload. Either this or `uri`."""
    uri: NotRequired[str]
    """URL of the folder where it is already: a Git repository or a blob. Either this or `path`."""
    dockerfile_path: NotRequired[str]
    """The Dockerfile, relative to the folder. Absent: Dockerfile."""


class EnvironmentVersionArgs(TypedDict):
    """Arguments of `EnvironmentVersion`."""

    workspace_id: pulumi.Input[str]
    """ARM id of the workspace."""
    name: pulumi.Input[str]
    """Name of the environment."""
    version: NotRequired[pulumi.Input[str]]
    """Version. Absent: named by the content, so that the same environment is the same version."""
    image: NotRequired[pulumi.Input[str]]
    """Image to start from. Either this or `build`."""
    conda_file: NotRequired[pulumi.Input[str]]
    """Text of a conda environment file, installed over the image."""
    build: NotRequired[BuildArgs]
    """A Dockerfile to build the image from. Either this or `image`."""
    datastore: NotRequired[pulumi.Input[str]]
    """Datastore to upload the build's folder to. Absent: workspaceblobstore."""
    inference_config: NotRequired[InferenceConfigArgs]
    """Routes of an image that brings its own server."""
    os_type: NotRequired[pulumi.Input[str]]
    """Linux (when absent) or Windows."""
    content_hash: NotRequired[pulumi.Input[str]]
    """What `environment_content` gives for it. Absent: computed."""
    description: NotRequired[pulumi.Input[str]]
    """What the environment is for."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags of the version. Tags of others stay."""


class EnvironmentVersion(AzmlResource):
    """A version of an environment in a workspace; archived when it leaves the program, and brought back with it."""

    name: pulumi.Output[str]
    """Name of the environment."""
    version: pulumi.Output[str]
    """Version of the environment."""

    def __init__(self, name: str, args: EnvironmentVersionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)


def environment_content(definition: Values) -> str:
    """What identifies an environment, from wire values: image, conda file (lines, not line ends), build, routes, OS."""
    build = definition.get("build")
    context: Any = None
    if build is not None:
        source = build["uri"] if "path" not in build else digest(Path(build["path"]))
        context = [source, build.get("dockerfilePath", DEFAULT_DOCKERFILE)]
    conda = definition.get("condaFile")
    lines = None if conda is None else conda.splitlines()
    routes, os_type = definition.get("inferenceConfig"), definition.get("osType", DEFAULT_OS)
    return digest_of([definition.get("image"), lines, context, routes, os_type])


class EnvironmentVersionHandler(AssetHandler):
    """CRUD of `EnvironmentVersion`."""

    what = "environment version"
    collection = "environments"
    silent = frozenset({"build", "datastore"})
    """A folder lies elsewhere on another machine; `contentHash` says what is in it. What is uploaded stays there."""

    def check(self, inputs: Values) -> Values:
        """Exactly one origin of the image."""
        build = inputs.get("build")
        if (inputs.get("image") is None) == (build is None):
            raise Refused("An environment version needs either image or build.")
        if build is not None and ("path" in build) == ("uri" in build):
            raise Refused("A build needs either path (a local folder) or uri (where it is already).")
        return super().check({"osType": DEFAULT_OS, **inputs})

    def content(self, inputs: Values) -> str:
        """From all that makes the image."""
        return environment_content(inputs)

    def body(self, work: Work, inputs: Values) -> Values:
        """Upload the build context where there is one, then the definition as text."""
        build, context = inputs.get("build"), None
        if build is not None:
            dockerfile = build.get("dockerfilePath", DEFAULT_DOCKERFILE)
            context = {"contextUri": self._context(work, build, inputs), "dockerfilePath": dockerfile}
        same = {name: inputs.get(name) for name in ("image", "condaFile", "inferenceConfig", "osType")}
        return present({**same, "build": context})

    def _context(self, work: Work, build: Values, inputs: Values) -> str:
        if "path" not in build:
            return str(build["uri"])
        uploaded = upload(work, ArmId.parse(inputs["workspaceId"]), Path(build["path"]), inputs.get("datastore"))
        return f"{uploaded.blob_url}/"

    def seen(self, properties: Values) -> Values:
        """All but a build context, which lies in the workspace's storage."""
        return present({name: properties.get(name) for name in ("image", "condaFile", "inferenceConfig", "osType")})
