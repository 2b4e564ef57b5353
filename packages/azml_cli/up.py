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
    if code := engine.run("up", "--yes", "--skip-preview", "--suppress-outputs"):
        _still_serving(project)
        raise typer.Exit(code)
    if request is not None and spec.online_endpoints:
        _score(project, spec.online_endpoints, request)


def _score(project: Project, endpoints: "list[OnlineEndpointSpec]", request: Path) -> None:
    from azml.resources.scoring import ScoringClient
    from azml_cli import azure
    from azml_cli.releases import recent_logs

    there = azure.StackAzure(project, LOCAL)
    shown = os.path.relpath(request)
    width = max(len(endpoint.name) for endpoint in endpoints)
    render.say(f"\n{shown}", style="bold")
    with azure.errors():
        ids = {endpoint.name: there.workspace.child("onlineEndpoints", endpoint.name) for endpoint in endpoints}
        clients = {name: ScoringClient(there.arm, id_) for name, id_ in ids.items()}
        for name, client in clients.items():
            answer = client.score(request.read_bytes())
            if not answer.succeeded:
                render.fail(f"{name} answered {answer}{recent_logs(there.arm, ids[name], answer.deployment)}")
            render.say(f"  {name:{width}}  {answer.body}", style="green")
        render.say("\nScoring URI", style="bold")
        for name, client in clients.items():
            render.say(f"  {name:{width}}  {client.uri}")
    _next(endpoints[0], shown)


def _next(endpoint: "OnlineEndpointSpec", request: str) -> None:
    azml = _typed_command()
    render.say("\nNext", style="bold")
    render.say(f"  {azml} invoke {endpoint.name} --request {request}")
    for deployment in endpoint.deployments[:1]:
        render.say(f"  {azml} logs {endpoint.name} {deployment.name}")
    render.say(f"  {azml} local status")


def _still_serving(project: Project) -> None:
    """After a failed update: what answers all the same, and where to look."""
    import azml_local

    render.note("\nThe update failed; the reason is above.", style="bold red")
    for endpoint in azml_local.status(project.local_azure).endpoints:
        deployments = endpoint["deployments"]
        if answering := [one["name"] for one in deployments if one["traffic"]]:
            render.note(f"  {endpoint['name']} keeps answering from {', '.join(answering)}", style=None)
        for one in deployments:
            if one["state"] == "Failed":
                render.note(
                    f"  {one['name']} failed: {_typed_command()} logs {endpoint['name']} {one['name']}", style=None
                )


def _typed_command() -> str:
    """How azml was started, so that the next commands can be copied as they are."""
    import shutil
    import sys

    command = Path(sys.argv[0])
    return "azml" if shutil.which("azml") == str(command) else os.path.relpath(command)
