"""The `azml` command: which commands there are, and that no traceback reaches a user.

Owns the list of commands and the last line of defence. Each command lives in a file of its own; those import what they
need when they run, so that `azml --help` costs what typer costs.
"""

import errno
import os
import sys
from typing import Annotated

import typer

from azml_cli import render
from azml_cli.comment import comment
from azml_cli.destroy import destroy
from azml_cli.explain import explain
from azml_cli.init import init
from azml_cli.invoke import invoke
from azml_cli.local import app as local
from azml_cli.logs import logs
from azml_cli.plugin import app as plugin
from azml_cli.preview import preview
from azml_cli.recover import recover
from azml_cli.rollout import app as rollout
from azml_cli.schema import schema
from azml_cli.services import services
from azml_cli.up import up
from azml_cli.validate import validate
from azml_cli.versions import versions

_IN_THE_WAY = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR, errno.EISDIR}
"""A file of another user or of another kind than is looked for: the user's to put right."""

app = typer.Typer(
    name="azml",
    help="An Azure ML serving estate as typed Pulumi stack config: on Azure, and on a local Azure that really scores.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: drawing it with rich takes three times as long as typer's own start
    context_settings={"help_option_names": ["-h", "--help"]},
)
_COMMANDS = (init, preview, comment, up, destroy, recover, validate, explain, versions, schema, invoke, logs, services)
for command in _COMMANDS:
    app.command()(command)
app.add_typer(rollout, name="rollout")
app.add_typer(local, name="local")
app.add_typer(plugin, name="plugin")


@app.callback(invoke_without_command=True)
def _options(
    *, version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False
) -> None:
    if version:
        from importlib.metadata import version as installed

        render.say(f"azml {installed('azml')}")
        raise typer.Exit


def main() -> None:
    """Run a command. What nobody foresaw is one line on stderr and a report in a file, exit code 70 (EX_SOFTWARE)."""
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        _say_no_more()
        sys.exit(141)
    except Exception as error:  # noqa: BLE001 - the boundary to the user
        if isinstance(error, FileNotFoundError) and _is_nowhere():
            sys.stderr.write("The folder that this shell is in was deleted or moved.\nGo to another one: cd FOLDER\n")
            sys.exit(1)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            where = f": {error.filename}" if error.filename else ""
            sys.stderr.write(f"The disk is full{where}.\nMake room, then run it again: nothing is lost.\n")
            _say_no_more()
            sys.exit(1)
        if isinstance(error, OSError) and error.filename and error.errno in _IN_THE_WAY:
            sys.stderr.write(f"{error.filename}: {error.strerror}.\nazml needs it: correct that, then run it again.\n")
            sys.exit(1)
        sys.stderr.write(f"azml: unexpected {type(error).__name__}: {error}\nThe details are in {_report()}\n")
        sys.exit(70)


def _is_nowhere() -> bool:
    """Whether the working directory is gone."""
    try:
        os.getcwd()  # noqa: PTH109 - no path is wanted
    except FileNotFoundError:
        return True
    return False


def _say_no_more() -> None:
    """What is still to be written to stdout is thrown away: nobody takes it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report() -> str:
    """Write the traceback at hand to a file of its own; its path."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="azml-", suffix=".log", delete=False, encoding="utf-8") as report:
        traceback.print_exc(file=report)
        return report.name


if __name__ == "__main__":
    main()
