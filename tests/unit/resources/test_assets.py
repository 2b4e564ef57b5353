"""Asset versions: one upload for one content, nothing deleted, nothing overwritten."""

import hashlib
import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from azml.resources import upload
from azml.resources.arm_id import ArmId
from azml.resources.asset import AssetHandler
from azml.resources.code_version import CodeVersionHandler
from azml.resources.data_version import DataVersionHandler
from azml.resources.environment_version import EnvironmentVersionHandler
from azml.resources.errors import Refused
from azml.resources.model_version import ModelVersionHandler
from azml.resources.wire import UNKNOWN
from tests.unit.resources.conftest import Azure

MODEL = ModelVersionHandler()


def model(azure: Azure, path: Path, **inputs: Any) -> dict[str, Any]:
    name = inputs.pop("name", f"m-{uuid4().hex[:8]}")
    return MODEL.check({"workspaceId": azure.workspace, "name": name, "path": str(path), **inputs})


def live(azure: Azure, handler: AssetHandler, inputs: dict[str, Any]) -> dict[str, Any]:
    return dict(azure.get(handler.arm_id(inputs).text)["properties"])


def blobs(azure: Azure, inputs: dict[str, Any]) -> dict[str, bytes]:
    """What lies in the workspace's container under the version's place, by name."""
    store = azure.get(f"{azure.workspace}/datastores/workspaceblobstore")["properties"]
    files = azure.theirs.running.azure.blobs
    root = files.path(store["accountName"], store["containerName"], "LocalUpload")
    place = live(azure, MODEL, inputs)["modelUri"].partition("/paths/LocalUpload/")[2].split("/")[0]
    folder = root / place
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_model_is_uploaded_and_registered(azure: Azure, folder: Path) -> None:
    inputs = model(azure, folder, description="d", tags={"a": "1"})
    assert MODEL.create(azure.work(), inputs)["version"] == inputs["version"]
    properties = live(azure, MODEL, inputs)
    assert properties["modelType"] == "custom_model"
    assert (properties["description"], properties["tags"]) == ("d", {"a": "1"})
    ws = ArmId.parse(azure.workspace)
    assert properties["modelUri"].startswith(
        f"azureml://subscriptions/{ws.subscription}/resourceGroups/{ws.resource_group}/workspaces/{ws.name}"
        "/datastores/workspaceblobstore/paths/LocalUpload/"
    )
    assert blobs(azure, inputs) == {
        "model/model.bin": (folder / "model.bin").read_bytes(),
        "model/weights/1.bin": b"weights",
    }


def test_a_single_file_keeps_its_name(azure: Azure, folder: Path) -> None:
    inputs = model(azure, folder / "model.bin")
    MODEL.create(azure.work(), inputs)
    assert live(azure, MODEL, inputs)["modelUri"].endswith("/model.bin")
    assert set(blobs(azure, inputs)) == {"model.bin"}


def test_the_version_is_the_content(azure: Azure, folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy" / "model"))
    one, other = model(azure, folder, name="m"), model(azure, copy, name="m")
    assert one["version"] == other["version"]
    assert MODEL.difference(azure.work(), one, one, {**other, "name": "m2"}).replaced == {"name"}
    (copy / "model.bin").write_bytes(b"other")
    assert model(azure, copy, name="m")["version"] != one["version"]
    assert model(azure, folder, name="m", type="mlflow_model")["version"] != one["version"]


def test_another_path_is_no_difference(azure: Azure, folder: Path, tmp_path: Path) -> None:
    inputs = model(azure, folder)
    MODEL.create(azure.work(), inputs)
    moved = {**inputs, "path": str(tmp_path / "elsewhere")}
    found = MODEL.difference(azure.work(), inputs, inputs, moved)
    assert (found.changed, found.replaced, found.drifted) == (set(), set(), {})


def test_what_is_registered_is_not_uploaded_again(azure: Azure, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = model(azure, folder)
    MODEL.create(azure.work(), inputs)
    monkeypatch.setattr("azml.resources.model_version.upload", None)
    assert MODEL.create(azure.work(), inputs)["archived"] is False


def test_an_interrupted_upload_goes_on(azure: Azure, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second run sends only what the first one did not."""
    inputs = model(azure, folder)
    sent: list[str] = []
    copy = upload._copy

    def watched(work: Any, client: Any, prefix: str, files: Any) -> None:
        put = client.upload_blob

        def one(name: str, *args: Any, **kwargs: Any) -> None:
            if sent and len(sent) < 2:
                sent.append("stopped")
                raise OSError("pulled the plug")
            sent.append(name.rsplit("/", 1)[1])
            put(name, *args, **kwargs)

        client.upload_blob = one
        copy(work, client, prefix, files)

    monkeypatch.setattr(upload, "_copy", watched)
    with pytest.raises(OSError, match="plug"):
        MODEL.create(azure.work(), inputs)
    MODEL.create(azure.work(), inputs)
    assert sent == ["model.bin", "stopped", "1.bin"]
    assert set(blobs(azure, inputs)) == {"model/model.bin", "model/weights/1.bin"}


def test_deleting_archives_and_creating_brings_back(azure: Azure, folder: Path) -> None:
    inputs = model(azure, folder)
    state = MODEL.create(azure.work(), inputs)
    MODEL.delete(azure.work(), state)
    assert live(azure, MODEL, inputs)["isArchived"] is True
    assert live(azure, MODEL, inputs)["modelUri"]
    MODEL.create(azure.work(), inputs)
    assert live(azure, MODEL, inputs)["isArchived"] is False


def test_deleting_without_its_workspace_is_no_error(azure: Azure, folder: Path) -> None:
    group = azure.theirs.group()
    workspace = azure.theirs.workspace(group, "gone")
    inputs = MODEL.check({"workspaceId": workspace, "name": "m", "path": str(folder)})
    state = MODEL.create(azure.work(), inputs)
    azure.theirs.ok("DELETE", workspace)
    MODEL.delete(azure.work(), state)


def test_what_others_archived_is_a_difference(azure: Azure, folder: Path) -> None:
    inputs = model(azure, folder)
    state = MODEL.create(azure.work(), inputs)
    MODEL.delete(azure.work(), state)
    found = MODEL.difference(azure.work(), inputs, state, inputs)
    assert found.drifted.keys() == {"archived"}
    MODEL.update(azure.work(), inputs, inputs, state)
    assert live(azure, MODEL, inputs)["isArchived"] is False


def test_tags_change_in_place_and_others_stay(azure: Azure, folder: Path) -> None:
    inputs = model(azure, folder, tags={"a": "1", "b": "1"})
    state = MODEL.create(azure.work(), inputs)
    path = MODEL.arm_id(inputs).text
    body = azure.get(path)
    body["properties"]["tags"]["theirs"] = "x"
    azure.theirs.ok("PUT", path, {"properties": body["properties"]})
    wanted = {**inputs, "tags": {"a": "2"}}
    assert MODEL.difference(azure.work(), inputs, state, wanted).changed == {"tags"}
    MODEL.update(azure.work(), inputs, wanted, state)
    assert live(azure, MODEL, inputs)["tags"] == {"a": "2", "theirs": "x"}


def test_a_version_with_other_content_is_refused(azure: Azure, folder: Path) -> None:
    inputs = model(azure, folder, version="7")
    MODEL.create(azure.work(), inputs)
    (folder / "model.bin").write_bytes(b"other")
    other = model(azure, folder, version="7", name=inputs["name"])
    with pytest.raises(Refused, match="never changes"):
        MODEL.create(azure.work(), other)
    with pytest.raises(Refused, match="other content now"):
        MODEL.difference(azure.work(), inputs, inputs, other)


def test_a_version_of_someone_else_is_refused(azure: Azure, folder: Path) -> None:
    with pytest.raises(Refused, match="not made by azml"):
        MODEL.create(azure.work(), model(azure, folder, name="m", version="1"))


def test_a_file_that_changes_meanwhile_is_noticed(azure: Azure, folder: Path) -> None:
    inputs = model(azure, folder)
    (folder / "model.bin").write_bytes(b"later")
    with pytest.raises(Refused, match="changed while"):
        MODEL.create(azure.work(), inputs)


def test_what_is_gone_is_made_again(azure: Azure, folder: Path) -> None:
    inputs = model(azure, folder)
    assert MODEL.difference(azure.work(), inputs, inputs, inputs).drifted.keys() == {"gone"}
    MODEL.update(azure.work(), inputs, inputs, inputs)
    assert live(azure, MODEL, inputs)["modelUri"]


def test_a_workspace_without_keys_is_written_to_as_who_we_are(azure: Azure, folder: Path) -> None:
    workspace = azure.theirs.workspace(
        azure.theirs.group(), "keyless", {"allowSharedKeyAccess": False}, systemDatastoresAuthMode="identity"
    )
    inputs = MODEL.check({"workspaceId": workspace, "name": "m", "path": str(folder)})
    MODEL.create(azure.work(), inputs)
    assert live(azure, MODEL, inputs)["modelUri"]


def test_refresh_and_import(azure: Azure, folder: Path) -> None:
    inputs = model(azure, folder, description="d")
    MODEL.create(azure.work(), inputs)
    id_ = MODEL.arm_id(inputs).text
    refreshed = MODEL.read(azure.work(), id_, inputs)
    assert refreshed is not None
    assert refreshed[0] == inputs
    imported = MODEL.read(azure.work(), id_, {})
    assert imported is not None
    for key in ("name", "version", "contentHash", "description", "type"):
        assert imported[0][key] == inputs[key]
    assert MODEL.read(azure.work(), f"{id_}x", inputs) is None


def test_what_is_unknown_stays_unknown() -> None:
    checked = MODEL.check({"workspaceId": UNKNOWN, "name": "m", "path": UNKNOWN})
    assert checked["version"] is UNKNOWN
    assert MODEL.preview_id(checked) == ""


def test_a_model_is_somewhere() -> None:
    for inputs in ({}, {"path": "/a", "uri": "azureml://b"}):
        with pytest.raises(Refused, match=r"either path .* or uri"):
            MODEL.check({"workspaceId": "w", "name": "m", **inputs})


@pytest.mark.parametrize("elsewhere", [False, True])
def test_uploads_go_to_the_datastore_that_is_named(azure: Azure, folder: Path, elsewhere: bool) -> None:
    store = azure.get(f"{azure.workspace}/datastores/workspaceblobstore")["properties"]
    place = {"accountName": store["accountName"], "containerName": "models"}
    account = azure.theirs.storage(azure.workspace.partition("/providers/")[0]) if elsewhere else None
    if account is not None:
        _, _, subscription, _, group, *_, name = account.split("/")
        place |= {"accountName": name, "subscriptionId": subscription, "resourceGroup": group}
    owner = account or azure.get(azure.workspace)["properties"]["storageAccount"]
    azure.theirs.ok("PUT", f"{owner}/blobServices/default/containers/models", {"properties": {}})
    properties = {"datastoreType": "AzureBlob", **place, "credentials": {"credentialsType": "None"}}
    datastore = f"own{elsewhere:d}"
    azure.theirs.ok("PUT", f"{azure.workspace}/datastores/{datastore}", {"properties": properties})
    inputs = model(azure, folder, datastore=datastore)
    MODEL.create(azure.work(), inputs)
    uri = live(azure, MODEL, inputs)["modelUri"]
    assert f"/datastores/{datastore}/paths/LocalUpload/" in uri
    files = azure.theirs.running.azure.blobs
    path = files.path(place["accountName"], "models", uri.partition("/paths/")[2])
    assert (path / "model.bin").read_bytes() == (folder / "model.bin").read_bytes()
    moved = MODEL.difference(azure.work(), inputs, inputs, {**inputs, "datastore": "another"})
    assert not moved.changed, "what is uploaded stays where it is"


def test_a_build_is_uploaded_or_named(azure: Azure, folder: Path) -> None:
    (folder / "Dockerfile").write_text("FROM scratch\n")
    handler = EnvironmentVersionHandler()

    def build(**fields: str) -> Any:
        name = f"e-{uuid4().hex[:8]}"
        inputs = handler.check({"workspaceId": azure.workspace, "name": name, "build": fields})
        handler.create(azure.work(), inputs)
        return live(azure, handler, inputs)["build"]

    local = build(path=str(folder))
    assert local["dockerfilePath"] == "Dockerfile"
    assert "/LocalUpload/" in local["contextUri"]
    url = "https://github.com/team/images.git#main:serving"
    assert build(uri=url, dockerfilePath="Serving") == {"contextUri": url, "dockerfilePath": "Serving"}
    for fields in ({}, {"path": str(folder), "uri": url}):
        with pytest.raises(Refused, match=r"either path .* or uri"):
            handler.check({"workspaceId": azure.workspace, "name": "e", "build": fields})


def test_data_is_a_name_for_a_place(azure: Azure) -> None:
    handler = DataVersionHandler()
    uri = "azureml://datastores/workspaceblobstore/paths/collected"
    base = {"workspaceId": azure.workspace, "name": f"d-{uuid4().hex[:8]}", "version": "1"}
    inputs = handler.check({**base, "uri": uri})
    state = handler.create(azure.work(), inputs)
    shown = live(azure, handler, inputs)
    assert (shown["dataType"], shown["dataUri"], shown["isArchived"]) == ("uri_folder", uri, False)
    again = handler.difference(azure.work(), inputs, state, inputs)
    assert (again.changed, again.drifted) == (set(), {})
    with pytest.raises(Refused, match="a version never changes"):
        handler.difference(azure.work(), inputs, state, handler.check({**base, "uri": f"{uri}/other"}))
    handler.delete(azure.work(), state)
    assert live(azure, handler, inputs)["isArchived"] is True
    handler.create(azure.work(), inputs)
    assert live(azure, handler, inputs)["isArchived"] is False
    with pytest.raises(Refused, match="uri"):
        handler.check(base)


def test_a_model_of_a_job_is_not_uploaded(azure: Azure) -> None:
    uri = "azureml://jobs/j/outputs/artifacts/model"
    inputs = MODEL.check({"workspaceId": azure.workspace, "name": f"m-{uuid4().hex[:6]}", "uri": uri})
    MODEL.create(azure.work(), inputs)
    assert live(azure, MODEL, inputs)["modelUri"] == uri


def test_code_is_uploaded_as_a_folder(azure: Azure, folder: Path) -> None:
    handler = CodeVersionHandler()
    inputs = handler.check({"workspaceId": azure.workspace, "name": "code", "path": str(folder)})
    handler.create(azure.work(), inputs)
    uri = live(azure, handler, inputs)["codeUri"]
    assert uri.startswith(f"{azure.theirs.running.url}/")
    assert uri.endswith("/model")


def test_an_environment_is_its_lines(azure: Azure) -> None:
    handler = EnvironmentVersionHandler()
    base = {"workspaceId": azure.workspace, "name": "env", "image": "mcr.microsoft.com/x:1"}
    unix = handler.check({**base, "condaFile": "name: e\nchannels: []\n"})
    assert handler.check({**base, "condaFile": "name: e\r\nchannels: []\r\n"})["version"] == unix["version"]
    assert handler.check({**base, "condaFile": "name: f\nchannels: []\n"})["version"] != unix["version"]
    handler.create(azure.work(), unix)
    properties = live(azure, handler, unix)
    assert properties["condaFile"] == unix["condaFile"]
    assert properties["osType"] == "Linux"


def test_a_build_context_is_content_too(azure: Azure, folder: Path) -> None:
    handler = EnvironmentVersionHandler()
    (folder / "Dockerfile").write_text("FROM scratch\n")
    base = {"workspaceId": azure.workspace, "name": "built", "build": {"path": str(folder)}}
    inputs = handler.check(base)
    handler.create(azure.work(), inputs)
    build = live(azure, handler, inputs)["build"]
    assert build["dockerfilePath"] == "Dockerfile"
    assert build["contextUri"].endswith("/model/")
    (folder / "Dockerfile").write_text("FROM other\n")
    assert handler.check(base)["version"] != inputs["version"]


def test_progress_is_shown_for_what_takes_time(azure: Azure, folder: Path) -> None:
    (folder / "model.bin").write_bytes(hashlib.sha256(uuid4().bytes).digest() * 40_000)
    MODEL.create(azure.work(), model(azure, folder))
    assert any("of 1.3 MB" in text for severity, text in azure.said if severity == "status")


FLAVORS = {"python_function": {"python_version": "3.11"}}


def test_a_stage_changes_in_place(azure: Azure, folder: Path) -> None:
    inputs = model(azure, folder, stage="Staging", description="d", flavors=FLAVORS)
    state = MODEL.create(azure.work(), inputs)
    wanted = {**inputs, "stage": "Production", "properties": {"added": "1"}}
    assert MODEL.difference(azure.work(), inputs, state, wanted).changed == {"stage", "properties"}
    MODEL.update(azure.work(), inputs, wanted, state)
    properties = live(azure, MODEL, inputs)
    assert properties["stage"] == "Production"
    assert properties["properties"] == {"added": "1", "azml.content": inputs["contentHash"]}
    assert properties["flavors"] == {"python_function": {"data": {"python_version": "3.11"}}}
    assert MODEL.difference(azure.work(), wanted, wanted, wanted).drifted == {}
    without = {key: value for key, value in wanted.items() if key not in {"stage", "description"}}
    MODEL.update(azure.work(), wanted, without, wanted)
    assert live(azure, MODEL, inputs).keys().isdisjoint({"stage", "description"})


@pytest.mark.parametrize("theirs", ["Archived", None])
def test_another_stage_is_drift_and_mended(azure: Azure, folder: Path, theirs: str | None) -> None:
    inputs = model(azure, folder, stage="Production")
    state = MODEL.create(azure.work(), inputs)
    path = MODEL.arm_id(inputs).text
    properties = {key: value for key, value in live(azure, MODEL, inputs).items() if key != "stage"}
    azure.theirs.ok("PUT", path, {"properties": {**properties, **({} if theirs is None else {"stage": theirs})}})
    assert MODEL.difference(azure.work(), inputs, state, inputs).drifted.keys() == {"stage"}
    refreshed = MODEL.read(azure.work(), path, inputs)
    assert refreshed is not None
    assert refreshed[0].get("stage") == theirs
    MODEL.update(azure.work(), inputs, inputs, state)
    assert live(azure, MODEL, inputs)["stage"] == "Production"


def test_a_property_that_was_never_sent_is_drift(azure: Azure, folder: Path) -> None:
    inputs = model(azure, folder)
    MODEL.create(azure.work(), inputs)
    recorded = {**inputs, "properties": {"late": "1"}}
    assert MODEL.difference(azure.work(), recorded, recorded, recorded).drifted.keys() == {"properties"}
    MODEL.update(azure.work(), recorded, recorded, recorded)
    assert live(azure, MODEL, inputs)["properties"]["late"] == "1"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"flavors": {"python_function": {"python_version": "3.12"}}}, "another flavors"),
        ({"flavors": None}, "another flavors"),
        ({"properties": {"a": "2", "b": "1"}}, "another property a,"),
        ({"properties": {"a": "1"}}, "another property b,"),
        ({"properties": {}, "flavors": None}, "another flavors, property a, property b,"),
    ],
)
def test_what_never_changes_is_refused(azure: Azure, folder: Path, change: dict[str, Any], said: str) -> None:
    inputs = model(azure, folder, flavors=FLAVORS, properties={"a": "1", "b": "1"})
    state = MODEL.create(azure.work(), inputs)
    wanted = {key: value for key, value in {**inputs, **change}.items() if value is not None}
    with pytest.raises(Refused, match=said):
        MODEL.difference(azure.work(), inputs, state, wanted)
    assert MODEL.difference(azure.work(), inputs, state, {**wanted, "version": "2"}).replaced == {"version"}


@pytest.mark.parametrize("change", [{"flavors": {"sklearn": {}}}, {"properties": {"a": "2"}}])
def test_adopting_what_was_made_otherwise_is_refused(azure: Azure, folder: Path, change: dict[str, Any]) -> None:
    inputs = model(azure, folder, flavors=FLAVORS, properties={"a": "1"})
    MODEL.create(azure.work(), inputs)
    MODEL.create(azure.work(), inputs)
    with pytest.raises(Refused, match="never changes"):
        MODEL.create(azure.work(), {**inputs, **change})
