"""`azml up`: from a stack file to a prediction.

Owns the order of things: check the config, have an engine, start the local Azure, run `pulumi up`, score one request.
Each of these is somebody else's; stacks on Azure are `pulumi up`'s own.
"""

from pathlib import Path
from typing import Annotated

import typer

from azml_cli import render


def up(
    *,
    local: Annotated[bool, typer.Option("--local", help="On the local Azure (stack `local`).")] = False,
    request: Annotated[
        Path | None, typer.Option(help="A JSON request to score when the stack is up.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """Make the local stack true and score a request. For Azure: az login && pulumi up -s STACK."""
    if not local:
        render.fail("Say --local for the local Azure.\nOn Azure it is: az login && pulumi up -s STACK", render.USAGE)
    import azml_local
    from azml_cli.engine import LocalEngine, bin_dir
    from azml_cli.project import LOCAL, Project

    project = Project.find()
    spec = project.spec(LOCAL)
    engine_dir = bin_dir(project)
    with render.progress("Local Azure") as step:
        azml_local.start(project.local_azure, step)
    engine = LocalEngine(project, engine_dir)
    engine.ensure_stack()
    code = engine.run("up", "--yes", "--skip-preview", "--suppress-permalink")
    if code != 0:
        raise typer.Exit(code)
    if request is not None:
        _predictions(project, [endpoint.name for endpoint in spec.online_endpoints], request)
    _next(project, spec.online_endpoints, request)
