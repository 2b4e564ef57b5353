"""`azml up`: from a stack file to a prediction.

Owns the order of things: check the config, have an engine, start the local Azure, run `pulumi up`, score one request.
Each of these is somebody else's; stacks on Azure are `pulumi up`'s own.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azml_cli import render
from azml_cli.project import LOCAL, Project

if TYPE_CHECKING:
    from azml.spec import OnlineEndpointSpec


def up(
    *,
    local: Annotated[bool, typer.Option("--local", help="On the local Azure: the stack `local`.")] = False,
    request: Annotated[
        Path | None, typer.Option(help="JSON file to score when the stack is up.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """Make the local stack true and score a request. On Azure: az login && pulumi up -s STACK."""
    if not local:
        render.fail("Say --local for the local Azure.\nOn Azure it is: az login && pulumi up -s STACK", render.USAGE)
    from azml_cli.engine import LocalEngine

    project = Project.find()
    spec = project.spec(LOCAL)
    engine = LocalEngine(project)
    engine.ensure_stack()
    if code := engine.run("up", "--yes", "--skip-preview"):
        raise typer.Exit(code)
    if request is not None and spec.online_endpoints:
        _score(project, spec.online_endpoints, request)


def _score(project: Project, endpoints: "list[OnlineEndpointSpec]", request: Path) -> None:
    from azml.resources.scoring import ScoringClient
    from azml_cli import azure
    from azml_cli.invoke import HTTP_ERROR

    there = azure.StackAzure(project, LOCAL)
    shown = os.path.relpath(request)
    width = max(len(endpoint.name) for endpoint in endpoints)
    render.say(f"\n{shown}", style="bold")
    with azure.errors():
        arm, workspace = there.arm, there.workspace
        clients = {e.name: ScoringClient(arm, workspace.child("onlineEndpoints", e.name)) for e in endpoints}
        for name, client in clients.items():
            answer = client.score(request.read_bytes())
            if answer.status >= HTTP_ERROR:
                render.fail(f"{name} answered {answer.status}\n{answer.body}")
            render.say(f"  {name:{width}}  {answer.body}", style="green")
        render.say("\nScoring URI", style="bold")
        for name, client in clients.items():
            render.say(f"  {name:{width}}  {client.uri}")
    first = endpoints[0]
    azml = _typed_command()
    render.say("\nNext", style="bold")
    render.say(f"  {azml} invoke {first.name} --request {shown}")
    render.say(f"  {azml} logs {first.name} {first.deployments[0].name}")
    render.say(f"  {azml} local status")


def _typed_command() -> str:
    """How azml was started, so that the next commands can be copied as they are."""
    import shutil
    import sys

    command = Path(sys.argv[0])
    return "azml" if shutil.which("azml") == str(command) else os.path.relpath(command)
