"""A data asset: one version that names a folder in the cloud, such as what a deployment collects.

Owns the name for the place. Deliberately makes nothing there and moves no data.
"""

from typing import NotRequired, TypedDict

import pulumi

from azml.resources.asset import AssetHandler
from azml.resources.content import digest_of
from azml.resources.handler import Values, present, require
from azml.resources.resource import AzmlResource
from azml.resources.work import Work

TYPE = "uri_folder"
"""The kind of data asset that `az ml` makes for collected data."""


class DataVersionArgs(TypedDict):
    """Arguments of `DataVersion`."""

    workspace_id: pulumi.Input[str]
    """ARM id of the workspace."""
    name: pulumi.Input[str]
    """Name of the data asset."""
    version: NotRequired[pulumi.Input[str]]
    """Version. Absent: named by the place, so that the same folder is the same version."""
    uri: pulumi.Input[str]
    """The folder: `azureml://datastores/NAME/paths/FOLDER`, or a URI of blob storage."""
    content_hash: NotRequired[pulumi.Input[str]]
    """What stands for the place. Absent: computed from `uri`."""
    description: NotRequired[pulumi.Input[str]]
    """What the data is."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags of the version. Tags of others stay."""


class DataVersion(AzmlResource):
    """A version of a data asset in a workspace; archived when it leaves the program. The data stays where it is."""

    name: pulumi.Output[str]
    """Name of the data asset."""
    version: pulumi.Output[str]
    """Version of the data asset."""

    def __init__(self, name: str, args: DataVersionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)


class DataVersionHandler(AssetHandler):
    """CRUD of `DataVersion`."""

    what = "data version"
    collection = "data"
    silent = frozenset()

    def check(self, inputs: Values) -> Values:
        """A place is all there is to it."""
        require(inputs, ["uri"], self.what)
        return super().check(inputs)

    def content(self, inputs: Values) -> str:
        """From the place."""
        return digest_of([TYPE, inputs["uri"]])

    def body(self, work: Work, inputs: Values) -> Values:  # noqa: ARG002 - nothing is uploaded
        """Say where it is."""
        return {"dataType": TYPE, "dataUri": inputs["uri"]}

    def seen(self, properties: Values) -> Values:
        """Where it is."""
        return present({"uri": properties.get("dataUri")})
