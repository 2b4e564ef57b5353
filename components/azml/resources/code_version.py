"""Scoring code: one version in a workspace, made from a local folder.

Owns the upload. Deliberately not which script of it runs: that is the deployment's.
"""

from pathlib import Path
from typing import NotRequired, TypedDict

import pulumi

from azml.resources.arm_id import ArmId
from azml.resources.asset import AssetHandler
from azml.resources.content import digest
from azml.resources.handler import Values, require
from azml.resources.resource import AzmlResource
from azml.resources.upload import upload
from azml.resources.work import Work


class CodeVersionArgs(TypedDict):
    """Arguments of `CodeVersion`."""

    workspace_id: pulumi.Input[str]
    """ARM id of the workspace."""
    name: pulumi.Input[str]
    """Name of the code asset."""
    version: NotRequired[pulumi.Input[str]]
    """Version. Absent: named by the content, so that the same bytes are the same version."""
    path: pulumi.Input[str]
    """Absolute path of a local folder to upload."""
    content_hash: NotRequired[pulumi.Input[str]]
    """What `azml.resources.content.digest` gives for it. Absent: computed from `path`."""
    description: NotRequired[pulumi.Input[str]]
    """What the code does."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags of the version. Tags of others stay."""


class CodeVersion(AzmlResource):
    """A version of scoring code in a workspace, uploaded once; archived when it leaves the program."""

    name: pulumi.Output[str]
    """Name of the code asset."""
    version: pulumi.Output[str]
    """Version of the code."""

    def __init__(self, name: str, args: CodeVersionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)


class CodeVersionHandler(AssetHandler):
    """CRUD of `CodeVersion`."""

    what = "code version"
    collection = "codes"

    def check(self, inputs: Values) -> Values:
        """Code is always local."""
        require(inputs, ["path"], self.what)
        return super().check(inputs)

    def content(self, inputs: Values) -> str:
        """From the files."""
        return digest(Path(inputs["path"]))

    def body(self, work: Work, inputs: Values) -> Values:
        """Upload, then say where it is."""
        uploaded = upload(work, ArmId.parse(inputs["workspaceId"]), Path(inputs["path"]))
        return {"codeUri": uploaded.blob_url}

    def seen(self, properties: Values) -> Values:  # noqa: ARG002 - the local folder cannot be read back
        """Nothing that an input says."""
        return {}
