"""Plugins where the engine looks for them, and `azml plugin install`.

Owns one kind of folder, `PULUMI_HOME/plugins/resource-NAME-vVERSION/`, with one program in it that runs a module in the
environment it was installed from. It is what `pulumi plugin install --file` makes too, without an engine to make it.
Deliberately knows nothing of what a plugin does.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from azml_cli import render

app = typer.Typer(help="azml as the engine finds it.", no_args_is_help=True)


@dataclass(frozen=True)
class Installed:
    """What `install` found and did."""

    folder: Path
    python: Path
    """The interpreter that runs the plugin."""
    instead_of: Path | None
    """The interpreter that ran it before: the same where nothing was to be done, None where there was no plugin."""
    removed: list[Path]
    """Folders of other versions that would have run this one, or nothing at all."""


@dataclass(frozen=True)
class Plugin:
    """A provider in Python: the engine starts it by name and version, and it is a module of this environment."""

    name: str
    version: str
    module: str

    def install(self, pulumi_home: Path) -> Installed:
        """Make the engines that use this home find the plugin. Writes nothing where all is as it should be."""
        folder, text, python = self._folder(pulumi_home), self._program(), Path(sys.executable)
        program = folder / f"pulumi-resource-{self.name}"
        before = _interpreter(program)
        if before is None or program.read_text(encoding="utf-8") != text:
            folder.mkdir(parents=True, exist_ok=True)
            partial = folder / f".{program.name}.{os.getpid()}"
            partial.write_text(text, encoding="utf-8")
            partial.chmod(0o755)
            partial.replace(program)
        stale = list(self._stale(pulumi_home))
        for other in stale:
            shutil.rmtree(other, ignore_errors=True)
        return Installed(folder, python, before, stale)

    def _folder(self, pulumi_home: Path) -> Path:
        return pulumi_home / "plugins" / f"resource-{self.name}-v{self.version}"

    def _program(self) -> str:
        # -P: a file of the project must not stand in for a module of ours or of the standard library.
        python = shlex.quote(sys.executable)
        gone = shlex.quote(
            f"The plugin {self.name} {self.version} belongs to an environment that is gone: {sys.executable}\n"
            "Install it from the one you use now: azml plugin install"
        )
        return f'#!/bin/sh\n[ -x {python} ] || {{ echo {gone} >&2; exit 1; }}\nexec {python} -P -m {self.module} "$@"\n'

    def _stale(self, pulumi_home: Path) -> Iterator[Path]:
        """Other versions whose environment is this one, which has moved on, or is gone."""
        for folder in sorted((pulumi_home / "plugins").glob(f"resource-{self.name}-v*/")):
            python = _interpreter(folder / f"pulumi-resource-{self.name}")
            if folder == self._folder(pulumi_home) or python is None:
                continue
            if python == Path(sys.executable) or not python.exists():
                yield folder


def azml() -> Plugin:
    """The provider of this package: components and azml's own resources."""
    return Plugin("azml", version("azml"), "azml")


def azure_native_stand_in() -> Plugin:
    """What takes the place of azure-native on the local Azure, in the version of the SDK that the program uses.

    Only for the home of one project: in a user's own home every other project would get it, too.
    """
    return Plugin("azure-native", version("pulumi_azure_native"), "azml_local.azure_native")


def docker_stand_in() -> Plugin:
    """What takes the place of docker on the local Azure; only for the home of one project, as azure-native's."""
    return Plugin("docker", version("pulumi_docker"), "azml_local.docker")


@app.command()
def install(*, json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Let `pulumi up` on Azure, and programs in other languages, find azml. On the local Azure azml does it itself."""
    try:
        home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    except RuntimeError:  # neither HOME nor an entry for this user
        render.fail("Nobody says where your home folder is.\nSet HOME, or PULUMI_HOME to the folder of your engine.")
    plugin = azml()
    try:
        done = plugin.install(home)
    except OSError as error:
        render.fail(
            f"The plugin cannot be put into {home}: {error.strerror}.\n"
            "Make the folder one that you can write to, or set PULUMI_HOME to another.",
        )
    if json_:
        render.emit_json(
            {
                "name": plugin.name, "version": plugin.version, "folder": done.folder, "python": done.python,
                "instead_of": done.instead_of, "removed": done.removed,
            }
        )  # fmt: skip
        return
    render.say(f"{_deed(done)} azml {plugin.version} at {done.folder}")
    render.say(f"It runs in {done.python}")
    for folder in done.removed:
        render.say(f"Removed {folder}: its environment is gone, or has another version now.")


def _deed(done: Installed) -> str:
    if done.instead_of is None:
        return "Installed"
    return "Already there:" if done.instead_of == done.python else f"Installed, instead of {done.instead_of}:"


def _interpreter(program: Path) -> Path | None:
    """The interpreter that an installed program runs; None where there is none, or somebody else made it."""
    try:
        last = program.read_text(encoding="utf-8").splitlines()[-1]
        exec_, python, *_ = shlex.split(last)
    except (OSError, ValueError, IndexError, UnicodeDecodeError):
        return None
    return Path(python) if exec_ == "exec" else None
