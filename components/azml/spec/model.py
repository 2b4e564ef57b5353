"""Models: what is registered and deployed.

Owns the items of `models` and the inline `model` of a deployment. Deliberately does not read the model's bytes: its
version by content is made where it is registered.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from azml.facts import names
from azml.spec.base import Finding, Spec, rule
from azml.spec.datastore import DatastoreName
from azml.spec.existing import Existing
from azml.spec.paths import LocalPathOrUri
from azml.spec.references import asset_id
from azml.spec.types import AnyCase, Tags, Version, named


class ModelSpec(Existing):
    """A model: a file or folder, and what it is called."""

    forgotten: ClassVar = Spec.forgotten | {
        *("id", "creation_context", "latest_version", "utc_time_created", "job_name", "intellectual_property"),
        "system_metadata",  # az ml reads it and sends nothing of it
    }
    elsewhere: ClassVar = {
        **dict.fromkeys(
            ("default_deployment_template", "allowed_deployment_templates"),
            "models of a registry have deployment templates, those of a workspace have none: leave it out, or register "
            "the model in a registry with `az ml` and refer to it as azureml://registries/…",
        ),
        "local_path": "write path",
        "asset_path": "write path",
        "model_uri": "write path",
        "model_format": "write type: custom_model, mlflow_model or triton_model",
    }
    name_in_id: ClassVar = -3

    name: Annotated[str, named(names.ASSET)] | None = None
    """Name of the model. Absent (inline only): that of the deployment."""
    version: Version | None = None
    """Version. Absent: made from the content, so that the same bytes are the same version."""
    existing: Annotated[str, asset_id("models")] | None = None
    """ARM id, or registry URI, of a model version to use and never change."""
    path: LocalPathOrUri | None = None
    """File or folder, relative to the file that this is written in; or where it is already: azureml://datastores/…,
    azureml://jobs/…, runs:/…, or a URI of blob storage."""
    datastore: DatastoreName | None = None
    """Datastore that local files are uploaded to: its name, or azureml:NAME. Absent: workspaceblobstore."""
    type: Annotated[Literal["custom_model", "mlflow_model", "triton_model"], AnyCase()] = "custom_model"
    """What the bytes are. MLflow and Triton models need no scoring script."""
    description: str | None = None
    """What the model does."""
    tags: Tags = {}
    """Tags of the version."""
    properties: Tags = {}
    """Properties of the version; they can be added to, never changed."""
    flavors: dict[str, dict[str, Any]] = {}
    """Flavors of an MLflow model."""
    stage: str | None = None
    """Stage of the model, such as Production."""

    @rule
    def _a_folder_with_files(self) -> Iterator[Finding]:
        path = self.path
        if isinstance(path, Path) and path.is_dir() and not any(file.is_file() for file in path.rglob("*")):
            yield Finding("there is no file in it", ("path",), str(path), fix="put the model's files there")

    @rule
    def _a_datastore_for_uploads(self) -> Iterator[Finding]:
        if self.datastore is not None and isinstance(self.path, str):
            yield Finding(
                "nothing is uploaded: the model is in the cloud already",
                ("datastore",),
                self.datastore,
                fix="leave it out",
            )

    @rule
    def _something_to_register(self) -> Iterator[Finding]:
        if self.path is None and self.existing is None:
            yield Finding("there is nothing to register", fix="add path: FILE_OR_FOLDER, or existing: ARM id")
