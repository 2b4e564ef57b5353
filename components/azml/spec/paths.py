"""Local paths: relative to the file that they are written in, absolute from here on, and really there.

Owns the shapes of files and folders, and of places that may also be remote: those stay the text that they are.
Deliberately opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated

from pydantic_core import core_schema

from azml.spec.base import Finding, nearest, refusal
from azml.spec.references import resource_type
from azml.spec.types import Shape
from azml.spec.written import Written

_REMOTE = re.compile(r"([a-z][a-z0-9+.-]*://|azureml:|runs:/?).*", re.IGNORECASE | re.DOTALL)
_TEMPLATE = re.compile(r"<[^<>/]*>|\s")
_CLOUD = tuple(f"{scheme}://" for scheme in ("azureml", "https", "http", "wasbs", "wasb", "abfss", "abfs", "adl"))


def resolve(text: str | Path) -> Path:
    """Make the absolute path that a text means; text of no file starts at the working folder."""
    folder = text.folder if isinstance(text, Written) else Path.cwd()
    return Path(folder, Path(text).expanduser()).resolve()


def missing(kind: str, text: str, path: Path) -> Finding:
    """Say what a path means that leads to no such file or folder, and what lies near it."""
    if path.exists():
        return Finding(f"is not a {kind}", value=text, allowed=f"a {kind}", fix=f"look at {path}")
    parent = next(folder for folder in path.parents if folder.is_dir())
    near = nearest(path.name, [entry.name for entry in parent.iterdir()]) if parent == path.parent else None
    hint = f"did you mean {near}? " if near else ""
    return Finding(
        f"there is no such {kind}",
        value=text,
        fix=f"{hint}a path starts at the folder of the file that it is written in; this one means {path}",
    )


def not_a_path(kind: str, text: str, error: Exception) -> Finding:
    """Say what keeps a text from being a path at all: its length, its characters, links that go in circles."""
    reason = getattr(error, "strerror", None) or str(error)
    return Finding(f"is not a path: {reason}", value=text, allowed=f"the path of a {kind}")


def _local(kind: str, exists: Callable[[Path], bool], schemes: Collection[str] = ()) -> Shape:
    """Shape a path; with schemes also their URIs, which stay text and are not looked into."""

    def find(value: object) -> Path | str:
        if not isinstance(value, str | Path):
            raise refusal(Finding("must be a path", value=value, allowed=f"the path of a {kind}, as text"))
        if not str(value):
            raise refusal(Finding("is empty", value="''", allowed=f"the path of a {kind}"))
        if (remote := _REMOTE.fullmatch(str(value))) is not None:
            return _uri(kind, str(value), remote[1].lower(), schemes)
        try:
            path = resolve(value)
            found = exists(path)
        except (OSError, ValueError, RuntimeError) as error:
            raise refusal(not_a_path(kind, str(value), error)) from None
        if not found:
            raise refusal(missing(kind, str(value), path))
        return path

    return Shape(core_schema.no_info_plain_validator_function(find), {"type": "string", "minLength": 1})


def _uri(kind: str, text: str, scheme: str, schemes: Collection[str]) -> str:
    """Return a URI of one of the schemes. Raises a validator's error."""
    if scheme not in schemes:
        allowed = f"the path of a {kind}" + "".join(f", {known}…" for known in schemes)
        fix = "download it, or register it with `az ml` and refer to it as azureml:NAME:VERSION"
        meant, rest = next((s for s in schemes if s.rstrip("/") == scheme.rstrip("/")), None), text[len(scheme) :]
        if meant is not None and "/" in rest and resource_type(rest) is None:
            fix = f"did you mean {meant}{rest.lstrip('/')}?"
        raise refusal(Finding(f"is not a {kind} on this machine", value=text, allowed=allowed, fix=fix))
    if _TEMPLATE.search(text):
        raise refusal(Finding("is a template that was not filled in", value=text, allowed="the URI itself"))
    return text


LocalFile = Annotated[Path, _local("file", Path.is_file)]
LocalFolder = Annotated[Path, _local("folder", Path.is_dir)]
LocalFolderOrUrl = Annotated[Path | str, _local("folder", Path.is_dir, ("https://", "http://"))]
LocalPathOrUri = Annotated[Path | str, _local("file or folder", Path.exists, (*_CLOUD, "runs:/"))]
"""Also where Azure ML reads models from: datastores, outputs of jobs, runs of MLflow, storage accounts."""
