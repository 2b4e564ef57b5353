"""The wheel holds the product, all of it and nothing else, wherever it is built."""

import hashlib
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path, PurePosixPath

import pytest

from tests.support.clone import ROOT, Clone
from tests.support.elsewhere import build

ROOMS = {
    "components/azml": "azml",
    "packages/azml_cli": "azml_cli",
    "packages/azml_change": "azml_change",
    "packages/azml_gateway": "azml_gateway",
    "packages/azml_local": "azml_local",
    "packages/azml_protocol": "azml_protocol",
    "policies/azml_policies": "azml_policies",
    "engine": "azml_cli/share/engine",
    "templates": "azml_cli/share/templates",
}
"""Folder of the tree, and where a wheel has it."""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, engine: Path) -> Path:
    """What git would hand out."""
    return Clone.make(tmp_path_factory.mktemp("clone"), engine).root


@pytest.fixture(scope="module")
def wheel(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", clone, tmp_path_factory.mktemp("wheel") / "dist")


def expected(clone: Path) -> dict[str, bytes]:
    """Every file of the rooms that go into a wheel, under its name there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=clone, capture_output=True, check=True).stdout.decode()
    names = [name for name in filter(None, listed.split("\0")) if not (clone / name).is_symlink()]
    found: dict[str, bytes] = {}
    for name in names:
        for room, place in ROOMS.items():
            if PurePosixPath(name).is_relative_to(room) and not name.endswith("_test.go"):
                found[f"{place}/{PurePosixPath(name).relative_to(room)}"] = (clone / name).read_bytes()
    return found


def test_it_holds_every_file_of_the_packages_and_no_other(clone: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    wanted = expected(clone)
    assert sorted(held) == sorted(wanted)
    assert held == wanted
    for name in ("azml/pulumi-plugin.json", "azml/facts/azure_vm_sizes.csv", "azml_local/lifecycle/fast/azure.yaml"):
        assert name in held
    for name in ("engine/go.sum", "engine/build.py", "templates/online-endpoint/.gitignore"):
        assert f"azml_cli/share/{name}" in held


def test_a_tree_that_was_worked_in_makes_the_same(clone: Path, wheel: Path, tmp_path: Path) -> None:
    """What commands leave behind is not delivered."""
    for name in (".azml/local/azure.db", "components/azml/__pycache__/x.pyc", "engine/__pycache__/x.pyc", ".venv/x"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_bytes(b"left behind")
    assert digest(build("wheel", clone, tmp_path / "dist")) == digest(wheel)


def test_the_source_distribution_makes_the_same(clone: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(build("sdist", clone, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    assert not list(source.rglob("test_*.py"))
    assert digest(build("wheel", source, tmp_path / "dist")) == digest(wheel)


def test_an_editor_install_of_this_clone_finds_the_same_data(clone: Path) -> None:
    """What a wheel has as files, a clone has as links: one place to look, and no second copy."""
    code = "from azml_cli import share; print(share.folder('engine').resolve(), share.folder('templates').resolve())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert found == [str(ROOT / "engine"), str(ROOT / "templates")]


def test_its_version_is_one_for_python_and_for_the_engine(wheel: Path) -> None:
    """A plugin's version is a semantic one; a Python version need not be."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        headers = message_from_bytes(archive.read(metadata))
    assert headers["Name"] == "azml"
    parts = headers["Version"].split(".")
    assert len(parts) == 3
    assert all(part.isdigit() and part == str(int(part)) for part in parts)


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
