"""`azml init`: a small project that works, from the template that `pulumi new` takes too.

Owns what becomes of a template: names put in, the environment at hand, no file of anybody overwritten. What a project
looks like is the template's own (`templates/online-endpoint`).
"""

import json
import math
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
import yaml

from azml_cli import render, share
from azml_cli.schema import schema_files

TEMPLATE = "online-endpoint"
NAME = re.compile(r"(?!pulumi(\.|$))[a-z0-9_.-]{1,100}", re.IGNORECASE | re.ASCII)
"""What `pulumi new` takes as the name of a project."""
_BLOCK = re.compile(r"^template:\n(?:[ \t]+.*\n?)*", re.MULTILINE)
"""What a Pulumi.yaml says of itself as a template."""
_VIRTUALENV = re.compile(r"^ *virtualenv: .*\n", re.MULTILINE)


def init(
    directory: Annotated[Path, typer.Argument(help="Folder to write to; made if it is not there.")] = Path(),
    *,
    name: Annotated[str | None, typer.Option("--name", help="Name of the project. The folder's, if none.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Begin a project: a sample model behind an online endpoint, for the local Azure and for Azure."""
    root = Path(os.path.abspath(directory))  # noqa: PTH100 - a folder keeps the name that it was given by
    project = _named_after(root) if name is None else name
    if not NAME.fullmatch(project):
        render.fail(
            f"{project!r} cannot be the name of a project.\n"
            "Allowed are 1 to 100 letters of a–z and A–Z, digits, dots, hyphens and underscores, but not `pulumi`,\n"
            "and nothing that begins with `pulumi.`: azml init --name NAME",
            render.USAGE,
        )
    files = _contents(root, project)
    if taken := sorted(path for path in files if os.path.lexists(root / path)):
        render.fail(
            "\n".join([f"There is something already in {root}, and azml overwrites nothing:", *map(_row, taken)])
            + "\nMove it away, or begin elsewhere: azml init DIRECTORY",
        )
    try:
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
    except OSError as error:
        render.fail(f"The project cannot be written to {root}: {error.strerror} ({error.filename}).")
    if json_:
        render.emit_json({"project": project, "directory": root, "files": sorted(files)})
        return
    render.say(f"The project {project} in {root}:")
    for path in sorted(files):
        render.say(_row(path))
    _next(root)


def _contents(root: Path, project: str) -> dict[Path, bytes]:
    """Every file as it is to be written, by its path in the project: the template's, and what editors need."""
    template = share.folder("templates") / TEMPLATE
    described = yaml.safe_load((template / "Pulumi.yaml").read_text(encoding="utf-8"))["template"]["description"]
    names = {"${PROJECT}": project, "${DESCRIPTION}": described}
    paths = (path for path in sorted(template.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    schemas = {Path("schemas", name): text.encode() for name, text in schema_files().items()}
    return schemas | {path.relative_to(template): _filled(path, root, names) for path in paths}


def _filled(path: Path, root: Path, names: dict[str, str]) -> bytes:
    """A file with the names in it, as `pulumi new` puts them there."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return path.read_bytes()
    if path.name == "Pulumi.yaml":
        text = _in_this_environment(_BLOCK.sub("", text), root)
    for mark, name in names.items():
        text = text.replace(mark, _scalar(name) if path.suffix == ".yaml" else name)
    return text.encode()


def _scalar(text: str) -> str:
    """A text as YAML has it, in quotes where it would be read as something else (123, yes, 1e3)."""
    plain = text[:1].isalpha() and yaml.safe_dump(text, width=math.inf).splitlines()[0]
    return plain or json.dumps(text)


def _in_this_environment(text: str, root: Path) -> str:
    """Let the engine run Python where azml is installed: a virtual environment in or above the project by its path.

    Any other is a matter of the machine, and the engine then takes the Python that comes first on PATH.
    """
    environment = Path(sys.prefix)
    if sys.prefix == sys.base_prefix or not root.is_relative_to(environment.parent):
        return _VIRTUALENV.sub("", text)
    relative = Path(os.path.relpath(environment, root)).as_posix()
    return _VIRTUALENV.sub(f"    virtualenv: {relative}\n", text)


def _named_after(root: Path) -> str:
    """The folder's name in the letters that a project's may have."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", root.name).strip("-")[:100] or "serving"


def _next(root: Path) -> None:
    azml = render.typed_command()
    render.say("\nNext", style="bold")
    if root != Path.cwd():
        render.say(f"  cd {shlex.quote(os.path.relpath(root))}")
        azml = render.typed_command(root)
    render.say(f"  {azml} up --local")


def _row(path: Path) -> str:
    return f"  {path.as_posix()}"
