"""A registered model: one version in a workspace, made from a local file or folder or from where it is already.

Owns the upload and the type. Deliberately not who deploys it.
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

DEFAULT_TYPE = "custom_model"


class ModelVersionArgs(TypedDict):
    """Arguments of `ModelVersion`."""

    workspace_id: pulumi.Input[str]
    """ARM id of the workspace."""
    name: pulumi.Input[str]
    """Name of the model."""
    version: NotRequired[pulumi.Input[str]]
    """Version. Absent: named by the content, so that the same bytes are the same version."""
    path: NotRequired[pulumi.Input[str]]
    """Absolute path of a local file or folder to upload. Either this or `uri`."""
    uri: NotRequired[pulumi.Input[str]]
    """Where the model is already, for example the output of a job: `azureml://…`, `runs:/…`. Either this or `path`."""
    datastore: NotRequired[pulumi.Input[str]]
    """Datastore to upload to. Absent: workspaceblobstore."""
    type: NotRequired[pulumi.Input[str]]
    """custom_model (when absent), mlflow_model or triton_model."""
    content_hash: NotRequired[pulumi.Input[str]]
    """What `model_content` gives for it. Absent: computed from `path`."""
    description: NotRequired[pulumi.Input[str]]
    """What the model is."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags of the version. Tags of others stay."""
    properties: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Properties of the version; Azure lets them be added, never changed."""
    flavors: NotRequired[dict[str, Any]]
    """Flavors of an MLflow model, by name; they never change."""
    stage: NotRequired[pulumi.Input[str]]
    """Stage of the model, such as Production. Changes in place."""


class ModelVersion(AzmlResource):
    """A version of a model in a workspace, uploaded once; archived when it leaves the program."""

    name: pulumi.Output[str]
    """Name of the model."""
    version: pulumi.Output[str]
    """Version of the model."""

    def __init__(self, name: str, args: ModelVersionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)


def model_content(path: Path | None, uri: str | None, type_: str | None) -> str:
    """What identifies a model: the bytes (or the place) and how they are to be read."""
    source: Any = uri if path is None else digest(path)
    return digest_of([type_ or DEFAULT_TYPE, source])


class ModelVersionHandler(AssetHandler):
    """CRUD of `ModelVersion`."""

    what = "model version"
    collection = "models"
    texts = ("description", "stage")
    fixed = ("flavors",)
    silent = frozenset({"path", "datastore"})
    """The same content lies elsewhere; what is uploaded stays where it is."""

    def check(self, inputs: Values) -> Values:
        """Exactly one source."""
        if (inputs.get("path") is None) == (inputs.get("uri") is None):
            raise Refused("A model version needs either path (a local file or folder) or uri (where it is already).")
        return super().check({"type": DEFAULT_TYPE, **inputs})

    def content(self, inputs: Values) -> str:
        """From the files, or from the URI."""
        path = inputs.get("path")
        return model_content(None if path is None else Path(path), inputs.get("uri"), inputs["type"])

    def body(self, work: Work, inputs: Values) -> Values:
        """Upload, then say where it is."""
        uri = inputs.get("uri")
        if uri is None:
            uri = upload(
                work, ArmId.parse(inputs["workspaceId"]), Path(inputs["path"]), inputs.get("datastore")
            ).datastore_uri
        flavors = {name: {"data": data} for name, data in (inputs.get("flavors") or {}).items()}
        return present({"modelUri": uri, "modelType": inputs["type"], "flavors": flavors or None})

    def seen(self, properties: Values) -> Values:
        """An imported model is where it is."""
        flavors = {name: flavor.get("data") or {} for name, flavor in (properties.get("flavors") or {}).items()}
        own = {"uri": properties.get("modelUri"), "type": properties.get("modelType"), "flavors": flavors or None}
        return present(own)
