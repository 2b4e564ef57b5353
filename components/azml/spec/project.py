"""The Pulumi project that a folder belongs to: its name, and the folder of its stack files.

Owns what is read of `Pulumi.yaml`. Deliberately judges nothing else in it: that is the engine's.
"""

from __future__ import annotations

from pathlib import Path

from azml.spec.errors import Problem, SpecError
from azml.spec.reader import read
from azml.spec.tree import Node, plain

FILE = "Pulumi.yaml"


def project(directory: Path) -> str:
    """Name the project of a folder. Raises `SpecError`."""
    root = project_file(directory)
    if root.name is None:
        raise SpecError([Problem("the project has no name", root.file, *root.at, fix="add name: PROJECT")])
    return root.name


def stack_folder(directory: Path) -> Path:
    """Find the folder that the stack files of a folder's project are in: `stackConfigDir`. Raises `SpecError`."""
    root = project_file(directory)
    given = root.map.get("stackConfigDir")
    if given is None:
        return root.file.parent
    if not isinstance(given.value, str):
        problem = Problem(
            "must be a folder", root.file, *given.at, path="stackConfigDir", fix="write it relative to this file"
        )
        raise SpecError([problem])
    folder = root.file.parent / given.value
    if not _is_folder(folder):
        problem = Problem(
            "there is no such folder",
            root.file,
            *given.at,
            path="stackConfigDir",
            value=given.value,
            fix="make it, or correct the name: stack files are looked for there",
        )
        raise SpecError([problem])
    return folder


def refuse_unreadable(directory: Path, stack: str) -> None:
    """Raise `SpecError` with what keeps the engine from reading a stack's file: it names no line, or no file.

    Cheaper than judging the estate, of which it says nothing. A stack without a file is no fault.
    """
    file = stack_folder(directory) / f"Pulumi.{stack}.yaml"
    root = read(file) if file.exists() else None
    config = None if root is None else root.map.get("config")
    for node, path in ((root, ""), (config, "config")):
        if node is not None and node.value is not None and not isinstance(node.value, dict):
            wrong = Problem("must be a map", node.file, *node.at, path=path, value=plain(node))
            raise SpecError([wrong])


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # too long, or no path at all
        return False


def project_file(directory: Path) -> Node:
    """Read the folder's own `Pulumi.yaml`, or the nearest one above."""
    here = directory.resolve()
    for folder in (here, *here.parents):
        file = folder / FILE
        if file.is_file():
            return read(file)
    raise SpecError([Problem("there is no Pulumi.yaml here or above", here, fix="begin a project with `azml init`")])
