"""The content of a serving image as one hash, and the build context that is made of it.

What must hold: any changed byte, path or mode of what goes into the image is another hash, and nothing else is.
"""

import json
import os
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azml import image_manifest
from azml.image_context import folder_of, stage
from azml.image_dockerfile import dockerfile
from azml.image_manifest import Manifest, manifest_of
from azml.image_schema import schema_of
from azml.spec.serving_image import ServingImageSpec

ROOT = Path(__file__).parents[3]
CONDA = "name: sk\ndependencies: [python=3.11, pip]\n"
FILES = {
    "code/score.py": b"def init(): pass\n",
    "code/lib/help.py": b"x = 1\n",
    "model/weights/a.bin": b"a" * 100,
    "model/b.bin": b"b",
    "conda.yml": CONDA.encode(),
    "labels.txt": b"cat\ndog\n",
    "sample.json": b'{"data": [[1, 2.5]]}',
}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return write(tmp_path / "clone")


def write(folder: Path) -> Path:
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def manifest(clone: Path, **changes: Any) -> Manifest:
    args = {
        "name": "churn",
        "models": [{"name": "churn", "path": str(clone / "model")}],
        "environment": {"conda_file": str(clone / "conda.yml"), "image": "base:1"},
        "code_configuration": {"code": str(clone / "code"), "scoring_script": "score.py"},
        "extra_files": [str(clone / "labels.txt")],
        "sample_request": str(clone / "sample.json"),
        **changes,
    }
    return manifest_of(ServingImageSpec.from_args(args))


def test_another_clone_at_another_time_is_the_same(clone: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "elsewhere" / "deeper")
    for file in other.rglob("*"):
        os.utime(file, (1, 1))
        if file.is_file():
            file.chmod(0o600)  # another umask: whether it may be executed is all that counts
    assert manifest(other).hash == manifest(clone).hash
    assert {path: file.digest for path, file in manifest(other).context().items()} == {
        path: file.digest for path, file in manifest(clone).context().items()
    }


@settings(max_examples=30)
@given(name=st.sampled_from(sorted(FILES)), data=st.data())
def test_any_other_byte_is_another_image(
    name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    clone = write(tmp_path_factory.mktemp("clone"))
    before = manifest(clone).hash
    content = bytearray((clone / name).read_bytes())
    if name.endswith((".json", ".yml")):
        content += b"\n " if name.endswith(".json") else b"# a comment\n"
    else:
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] ^= data.draw(st.integers(1, 255))
    (clone / name).write_bytes(content)
    assert manifest(clone).hash != before
    (clone / name).write_bytes(FILES[name])
    assert manifest(clone).hash == before


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith(("code/", "model/"))])
def test_another_path_or_mode_is_another_image(clone: Path, name: str) -> None:
    before = manifest(clone).hash
    (clone / name).chmod(0o755)
    executable = manifest(clone).hash
    assert executable != before
    (clone / name).chmod(0o640)
    assert manifest(clone).hash == before
    if name != "code/score.py":
        (clone / name).rename(clone / f"{name}.other")
        assert manifest(clone).hash not in {before, executable}


def changes(clone: Path) -> Iterator[dict[str, Any]]:
    yield {"environment": {"conda_file": str(clone / "conda.yml"), "image": "base:2"}}
    yield {"environment": {"conda_file": str(clone / "conda.yml")}}
    yield {"models": [{"name": "other", "path": str(clone / "model")}]}
    yield {"models": [{"name": "churn", "version": "1", "path": str(clone / "model")}]}
    yield {"models": []}
    yield {"code_configuration": {"code": str(clone / "code"), "scoring_script": "lib/help.py"}}
    yield {"extra_files": []}
    yield {"sample_request": None}


def test_every_setting_of_an_image_is_another_image(clone: Path) -> None:
    found = [manifest(clone).hash, *(manifest(clone, **change).hash for change in changes(clone))]
    assert len({*found}) == len(found)


def test_another_azml_that_writes_another_dockerfile_makes_another_image(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = manifest(clone).hash
    monkeypatch.setattr(image_manifest, "dockerfile", lambda *given: dockerfile(*given) + "STOPSIGNAL SIGTERM\n")
    assert manifest(clone).hash != before


def test_what_says_nothing_of_the_content_is_the_same_image(clone: Path) -> None:
    assert manifest(clone, keep=3).hash == manifest(clone).hash
    model = {"name": "churn", "path": str(clone / "model"), "description": "d", "tags": {"a": "b"}}
    assert manifest(clone, models=[model]).hash == manifest(clone).hash
    (clone / "code" / "__pycache__").mkdir()
    (clone / "code" / "__pycache__" / "score.pyc").write_bytes(b"x")
    assert manifest(clone).hash == manifest(clone).hash


def test_the_order_of_models_is_none(clone: Path) -> None:
    two = [{"name": "a", "path": str(clone / "model")}, {"name": "b", "path": str(clone / "labels.txt")}]
    assert manifest(clone, models=two).hash == manifest(clone, models=two[::-1]).hash


def test_the_dockerfile(clone: Path) -> None:
    made = manifest(clone)
    text = made.context()["Dockerfile"].source
    assert isinstance(text, bytes)
    lines = text.decode().splitlines()
    (number,) = {path.split("/")[3] for path in made.files if path.startswith("models/")}
    assert lines[0] == "FROM base:1"
    assert f'ENV AZUREML_MODEL_DIR="/var/azureml-app/azureml-models/churn/{number}"' in lines
    assert f"models/0/churn/{number}/model/weights/a.bin" in made.files
    assert lines[-1] == 'ENTRYPOINT ["/opt/azml/env/bin/python", "-m", "azml_gateway.container"]'
    assert f'LABEL azml.manifest="{made.hash}"' in lines
    assert not any("revision" in line or "created" in line for line in lines)


def test_words_that_docker_would_read_otherwise_are_quoted(clone: Path) -> None:
    odd = 'a $HOME "b\\.py'
    (clone / "code" / odd).write_text("")
    code = {"code": str(clone / "code"), "scoring_script": odd}
    text = manifest(clone, code_configuration=code).context()["Dockerfile"].source
    assert isinstance(text, bytes)
    assert 'ENV AZUREML_ENTRY_SCRIPT="a \\$HOME \\"b\\\\.py"\n' in text.decode()


def test_variables_of_the_conda_file_are_the_container_s_own(clone: Path) -> None:
    """`conda env create` keeps them for who activates the environment, and the entry is started without."""
    (clone / "conda.yml").write_text(f'{CONDA}variables: {{OMP_NUM_THREADS: 1, PRICE: "5 $", AZML_PORT: 99}}\n')
    text = manifest(clone).context()["Dockerfile"].source
    assert isinstance(text, bytes)
    lines = text.decode().splitlines()
    assert {'ENV OMP_NUM_THREADS="1"', 'ENV PRICE="5 \\$"'} < {*lines}
    assert [line for line in lines if "AZML_PORT" in line] == ['ENV AZML_PORT="5001"']  # the image's own win


def test_the_gateway_brings_what_it_needs(clone: Path) -> None:
    files = manifest(clone).files
    assert "gateway/azml_gateway/container.py" in files
    requirements = files["environment/requirements.txt"].source
    assert isinstance(requirements, bytes)
    lines = requirements.decode().splitlines()
    for library in ("httptools", "uvloop"):
        assert f"{library}=={version(library)}" in lines  # as tested: the versions of the lock
    assert any(line.startswith("azureml-inference-server-http==") for line in lines)
    (clone / "conda.yml").write_text("dependencies: [python=3.11, {pip: [azureml-inference-server-http==1.4.0]}]")
    own = manifest(clone).files["environment/requirements.txt"].source
    assert isinstance(own, bytes)
    assert b"azureml" not in own


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        file.relative_to(folder).as_posix(): (stat.S_IMODE(file.stat().st_mode), file.read_bytes())
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_the_context_is_what_the_manifest_says(clone: Path, tmp_path: Path) -> None:
    (clone / "code" / "run.sh").write_bytes(b"#!/bin/sh\n")
    (clone / "code" / "run.sh").chmod(0o770)
    folder = folder_of(tmp_path, "team/churn", manifest(clone).tag)
    before = os.umask(0o077)
    try:
        stage(manifest(clone).context(), folder)
    finally:
        os.umask(before)
    staged = tree(folder)
    assert staged["code/score.py"] == (0o644, FILES["code/score.py"])
    assert staged["code/run.sh"] == (0o755, b"#!/bin/sh\n")
    assert staged["azml/extra/labels.txt"] == (0o644, FILES["labels.txt"])
    assert all(stat.S_IMODE(each.stat().st_mode) == 0o755 for each in folder.rglob("*") if each.is_dir())
    document = json.loads(staged["azml/manifest.json"][1])
    assert document["manifest"] == manifest(clone).hash
    assert document["files"].keys() == staged.keys() - {"Dockerfile", "azml/manifest.json"}
    assert str(clone) not in json.dumps(document)
    assert not [each for each in folder.parent.iterdir() if each != folder]


def test_what_is_too_much_goes_and_what_is_there_stays(clone: Path, tmp_path: Path) -> None:
    folder = tmp_path / "image" / "tag"
    stage(manifest(clone).context(), folder)
    kept = folder.stat().st_ino
    stage(manifest(clone).context(), folder)
    assert folder.stat().st_ino == kept
    whole = tree(folder)
    (folder / "code" / "lib" / "stale").mkdir()
    (folder / "code" / "lib" / "stale" / "file").touch()
    (folder / "link").symlink_to(clone)
    (folder / "code" / "lib" / "help.py").write_bytes(b"x = 2\n")
    (folder / "labels").write_bytes(b"")
    shutil.rmtree(folder / "gateway")
    stage(manifest(clone).context(), folder)
    assert tree(folder) == whole
    assert not (folder / "code" / "lib" / "stale").exists()
    assert [each.name for each in folder.parent.iterdir()] == ["tag"]
    assert (clone / "conda.yml").exists()  # what a link led to


@pytest.mark.parametrize("wrong", ["mode", "empty folder"])
def test_a_folder_that_would_be_another_image_is_made_again(clone: Path, tmp_path: Path, wrong: str) -> None:
    folder = tmp_path / "image" / "tag"
    stage(manifest(clone).context(), folder)
    kept = folder.stat().st_ino
    if wrong == "mode":
        (folder / "code").chmod(0o700)
    else:
        (folder / "code" / "empty").mkdir()
    stage(manifest(clone).context(), folder)
    assert folder.stat().st_ino != kept
    assert stat.S_IMODE((folder / "code").stat().st_mode) == 0o755


def test_another_content_leaves_what_an_update_builds_from(clone: Path, tmp_path: Path) -> None:
    """Two stacks of one project, or a preview beside an update, name one image and mean two."""
    first = manifest(clone)
    building = folder_of(tmp_path, "churn", first.tag)
    stage(first.context(), building)
    before = tree(building)
    (clone / "code" / "score.py").write_bytes(b"def init(): ...\n")
    second = manifest(clone)
    stage(second.context(), folder_of(tmp_path, "churn", second.tag))
    assert tree(building) == before
    assert tree(folder_of(tmp_path, "churn", second.tag))["code/score.py"] == (0o644, b"def init(): ...\n")


def test_several_at_once_make_one_whole_and_touch_no_original(clone: Path, tmp_path: Path) -> None:
    for name in "ab":
        (clone / "model" / f"{name}.large").write_bytes(name.encode() * 2**20)
        (clone / "model" / f"{name}.large").chmod(0o644)
    context = manifest(clone).context()
    alone = tmp_path / "alone" / "tag"
    stage(context, alone)
    start = threading.Barrier(4)

    def one(folder: Path) -> None:
        start.wait()
        stage(context, folder)

    for turn in range(5):
        folder = tmp_path / f"together-{turn}" / "tag"
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(one, [folder] * 4))
        assert tree(folder) == tree(alone)
        assert [each.name for each in folder.parent.iterdir()] == ["tag"]
    assert {(clone / "model" / f"{name}.large").read_bytes()[:1] for name in "ab"} == {b"a", b"b"}


def test_contexts_of_yesterday_go(clone: Path, tmp_path: Path) -> None:
    for name, age in (("old", 2 * 86400), (".killed", 2 * 86400), ("other", 3600)):
        folder = tmp_path / "churn" / name
        stage(manifest(clone).context(), folder)
        os.utime(folder, (time.time() - age, time.time() - age))
    stage(manifest(clone).context(), tmp_path / "churn" / "tag")
    assert {each.name for each in (tmp_path / "churn").iterdir()} == {"tag", "other"}


def test_images_that_left_the_program_go(clone: Path, tmp_path: Path) -> None:
    context = manifest(clone).context()
    images = tmp_path / ".azml" / "images"
    for name, age in (("gone", 2 * 86400), ("team/gone", 2 * 86400), ("of-another-stack", 3600)):
        folder = folder_of(tmp_path, name, "tag")
        stage(context, folder)
        os.utime(folder, (time.time() - age, time.time() - age))
    (images / "notes.txt").touch()
    stage(context, folder_of(tmp_path, "churn", "tag"))
    assert {each.name for each in images.iterdir()} == {"of-another-stack", "churn", "notes.txt"}


def test_a_folder_that_is_cleaned_away_meanwhile_is_made_again(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, make, cleaned = folder_of(tmp_path, "churn", "tag"), tempfile.TemporaryDirectory, [True]

    def after_cleaning(prefix: str, dir: Path) -> Any:  # noqa: A002 - the library's name
        if cleaned:
            cleaned.pop()
            dir.rmdir()
        return make(prefix=prefix, dir=dir)

    monkeypatch.setattr(tempfile, "TemporaryDirectory", after_cleaning)
    stage(manifest(clone).context(), folder)
    assert not cleaned
    assert tree(folder)


def test_large_files_are_linked_and_their_modes_left_alone(clone: Path, tmp_path: Path) -> None:
    for name, mode in (("plain.bin", 0o644), ("private.bin", 0o600)):
        (clone / "model" / name).write_bytes(b"x" * 2**20)
        (clone / "model" / name).chmod(mode)
    folder = tmp_path / "churn" / "tag"
    stage(manifest(clone).context(), folder)
    staged = {name: next(folder.rglob(name)).stat() for name in ("plain.bin", "private.bin")}
    assert os.path.samestat(staged["plain.bin"], (clone / "model" / "plain.bin").stat())
    assert stat.S_IMODE(staged["private.bin"].st_mode) == 0o644
    assert stat.S_IMODE((clone / "model" / "private.bin").stat().st_mode) == 0o600
    (clone / "code" / "score.py").write_bytes(b"# changed\n")
    after = tmp_path / "churn" / "after"
    stage(manifest(clone).context(), after)
    assert os.path.samestat(next(after.rglob("private.bin")).stat(), staged["private.bin"])  # no second copy of it


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)


@given(JSON)
def test_a_sample_is_an_example_of_its_schema(sample: object) -> None:
    schema = schema_of(sample)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(sample)


def test_a_schema_says_what_inference_schema_says_of_the_diabetes_sample() -> None:
    """As Microsoft's server has it of the sample's score.py: an object with data, an array of arrays of numbers."""
    schema = schema_of(json.loads((ROOT / "samples" / "diabetes" / "sample-request.json").read_text()))
    numbers = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}
    assert schema["properties"] == {"data": numbers}
    assert (schema["type"], schema["required"]) == ("object", ["data"])
    jsonschema.validate({"data": [[0.5]]}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"data": ["x"]}, schema)
