"""Models, code, environments and data: containers and their versions.

Owns what cannot change in a version, the container that comes with it, lists of versions, and where code is uploaded.
"""

import asyncio
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

from azml_local.arm.call import Call
from azml_local.arm.errors import ArmError, bad_request, not_found
from azml_local.arm.ids import ResourceId
from azml_local.arm.store import Resource
from azml_local.arm.types import ResourceType, Write, action
from azml_local.namespaces import storage
from azml_local.namespaces.machinelearning.datastores import Datastores, account_of, container_token

_ML = "Microsoft.MachineLearningServices/workspaces"
_UPLOAD_LIFETIME = timedelta(hours=1)


class AssetContainer(ResourceType):
    """What holds the versions of one asset."""

    comes_back = True
    operations = ("PUT", "GET", "LIST", "DELETE")
    defaults: ClassVar = {"properties": {"isArchived": False, "tags": {}, "properties": {}}}

    def members(self, scope: ResourceId | None, call: Call) -> list[Resource]:
        """List those that are not archived, unless asked."""
        return _of_view(super().members(scope, call), call)

    def present(self, resource: Resource) -> dict[str, Any]:
        """Newest and next version."""
        shown = super().present(resource)
        versions = [found.id.name for found in self.azure.store.below(resource.id)]
        numbers = [int(version) for version in versions if version.isdigit()]
        newest = {"latestVersion": versions[-1]} if versions else {}
        shown["properties"] = {**resource.properties, **newest, "nextVersion": str(max(numbers, default=0) + 1)}
        return shown


class AssetVersion(ResourceType):
    """One version of an asset; what it is made of never changes."""

    comes_back = True
    operations = ("PUT", "GET", "LIST", "DELETE")
    defaults: ClassVar = {"properties": {"isArchived": False, "isAnonymous": False, "tags": {}, "properties": {}}}
    makes_parent = True

    def read(self, body: dict[str, Any]) -> dict[str, Any]:
        """Numbers in `properties.properties` are texts: azure-ai-ml 1.35.2 sends `hash_version` as one."""
        made = body.get("properties")
        given = made.get("properties") if isinstance(made, dict) else None
        if not isinstance(made, dict) or not isinstance(given, dict):
            return body
        texts = {name: str(value) if type(value) in (int, float) else value for name, value in given.items()}
        return {**body, "properties": {**made, "properties": texts}}

    def members(self, scope: ResourceId | None, call: Call) -> list[Resource]:
        """List versions: `$orderBy` (createdtime), `listViewType`, `version`, `hash` of the content."""
        found = _of_view(super().members(scope, call), call)
        if (version := call.query.get("version")) is not None:
            found = [one for one in found if one.id.name == version]
        if (digest := call.query.get("hash")) is not None:
            found = [one for one in found if digest in (one.properties.get("properties") or {}).values()]
        order = call.query.get("$orderby", "").lower().split()
        if order and order[0] not in ("createdtime", "createtime", "createdat", "version"):
            raise ArmError(400, "InvalidQueryParameterValue", f"$orderBy '{order[0]}' is not emulated: createdtime.")
        return list(reversed(found)) if order[1:] == ["desc"] else found


class Models(AssetContainer):
    """A model."""

    type = f"{_ML}/models"
    evidence = "ARM's types 2025-12-01; as azure-ai-ml 1.35.2 uses it"


class Codes(AssetContainer):
    """A code asset."""

    type = f"{_ML}/codes"
    evidence = "ARM's types 2025-12-01; as azure-ai-ml 1.35.2 uses it"


class Environments(AssetContainer):
    """An environment."""

    type = f"{_ML}/environments"
    evidence = "ARM's types 2025-12-01; as azure-ai-ml 1.35.2 uses it"


class Data(AssetContainer):
    """A data asset."""

    type = f"{_ML}/data"
    evidence = "ARM's types 2025-12-01"


class ModelVersions(AssetVersion):
    """A model's version."""

    type = f"{_ML}/models/versions"
    evidence = "ARM's types 2025-12-01; as azure-ai-ml 1.35.2 uses it"
    defaults: ClassVar = {
        "properties": {**AssetVersion.defaults["properties"], "modelType": "custom_model", "flavors": {}}
    }
    create_only = ("modelUri", "modelType", "isAnonymous", "jobName")

    def check(self, write: Write) -> None:
        """A model must be somewhere."""
        if not write.properties.get("modelUri"):
            raise bad_request("RequiredValueMissing", "properties.modelUri is missing: say where the model is.")
        stage = None if write.existing is None else write.existing.properties.get("stage")
        if stage is not None and self.azure.settings.model_put_without_stage == "keeps":
            write.properties.setdefault("stage", stage)


class EnvironmentVersions(AssetVersion):
    """An environment's version."""

    type = f"{_ML}/environments/versions"
    evidence = "ARM's types 2025-12-01; as azure-ai-ml 1.35.2 uses it"
    not_enforced = "the image: only its conda file counts"
    defaults: ClassVar = {
        "properties": {**AssetVersion.defaults["properties"], "osType": "Linux", "autoRebuild": "Disabled"},
    }
    create_only = ("image", "condaFile", "build", "inferenceConfig", "osType", "autoRebuild", "isAnonymous")

    def __init__(self, azure: Any) -> None:
        super().__init__(azure)
        self._builds: set[asyncio.Task[None]] = set()

    def check(self, write: Write) -> None:
        """An environment is an image or a build, not both."""
        image, build = write.properties.get("image"), write.properties.get("build")
        if (image is None) == (build is None):
            raise bad_request("BadArgument", "An environment has either properties.image or properties.build.")

    def fill(self, write: Write) -> None:
        """Made by a user."""
        write.properties["environmentType"] = "UserCreated"

    async def apply(self, resource: Resource, _report: Callable[[str], None]) -> None:
        """Build early, beside whatever comes next; a deployment that needs it waits for it."""
        conda = resource.properties.get("condaFile")
        if conda is not None:
            work = self.azure.plane.prepare_environment(resource.properties.get("image"), conda)
            build = asyncio.get_running_loop().create_task(work)
            self._builds.add(build)
            build.add_done_callback(self._builds.discard)


class CodeVersions(AssetVersion):
    """A version of code."""

    type = f"{_ML}/codes/versions"
    evidence = "ARM's types 2025-12-01; as azure-ai-ml 1.35.2 uses it"
    create_only = ("codeUri", "isAnonymous")

    def check(self, write: Write) -> None:
        """Code must be somewhere."""
        if not write.properties.get("codeUri"):
            raise bad_request("RequiredValueMissing", "properties.codeUri is missing: say where the code is.")

    @action("startPendingUpload")
    def start_pending_upload(self, resource: Resource, _call: Call) -> dict[str, Any]:
        """Make a container for the code, and a SAS to write it."""
        datastore_id = ResourceId(Datastores.type, "workspaceblobstore", resource.id.ancestor(_ML))
        datastore = self.azure.store.get(datastore_id)
        if datastore is None:
            raise not_found(resource.id)
        account = account_of(self.azure, datastore)
        upload = str(uuid.uuid4())
        storage.make_container(self.azure, account.id, upload)
        uri = f"{self.azure.url}/{account.id.name}/{upload}"
        token = container_token(self.azure, account, upload, _UPLOAD_LIFETIME)
        return {
            "pendingUploadId": upload,
            "pendingUploadType": "TemporaryBlobReference",
            "blobReferenceForConsumption": {
                "blobUri": uri,
                "storageAccountArmId": str(account.id),
                "credential": {"credentialType": "SAS", "sasUri": f"{uri}?{token}"},
            },
        }

    unborn_actions = ("startpendingupload",)


class DataVersions(AssetVersion):
    """A data asset's version: the name of a place, which nobody looks at here."""

    type = f"{_ML}/data/versions"
    evidence = "ARM's types 2025-12-01"
    not_enforced = "whether there is anything at the address"
    create_only = ("dataType", "dataUri", "isAnonymous")

    def check(self, write: Write) -> None:
        """All versions of a data asset are of one type."""
        container = self.azure.store.get(write.id.parent) if write.id.parent is not None else None
        if container is not None and container.properties["dataType"] != write.properties["dataType"]:
            raise bad_request(
                "BadArgument",
                f"The data asset '{container.id.name}' is of type {container.properties['dataType']}, "
                f"the version of type {write.properties['dataType']}.",
            )

    def parent_body(self, write: Write) -> dict[str, Any]:
        """Make the container of the version's type."""
        return {"properties": {"dataType": write.properties["dataType"]}}


def _of_view(found: list[Resource], call: Call) -> list[Resource]:
    view = call.query.get("listviewtype", "ActiveOnly").lower()
    if view == "all":
        return found
    return [one for one in found if one.properties.get("isArchived", False) == (view == "archivedonly")]


DECLARED = (
    *(Models, ModelVersions),
    *(Codes, CodeVersions),
    *(Environments, EnvironmentVersions),
    *(Data, DataVersions),
)
