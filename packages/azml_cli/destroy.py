"""`azml destroy`: the local stack taken down, whatever state it is in."""

from typing import Annotated

import typer

from azml_cli import render
from azml_cli.project import LOCAL, Project


def destroy(
    *, local: Annotated[bool, typer.Option("--local", help="On the local Azure: the stack `local`.")] = False
) -> None:
    """Take the local stack down; what it had can be made again. On Azure: pulumi destroy -s STACK."""
    if not local:
        render.fail("Say --local for the local Azure.\nOn Azure it is: pulumi destroy -s STACK", render.USAGE)
    from azml_cli.engine import LocalEngine

    project = Project.find()
    if problems := project.unreadable(LOCAL):
        render.fail(problems)
    engine = LocalEngine(project)
    if not engine.has_stack:
        render.say(f"There is no stack {LOCAL} here: nothing to take down.")
        return
    engine.mend()
    if code := engine.run("destroy", "--yes", "--skip-preview"):
        raise typer.Exit(code)
