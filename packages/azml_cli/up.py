"""`azml up`: from a stack file to a prediction.

Owns the order of things: check the config, have an engine, start the local Azure, run `pulumi up`, score one request.
Each of these is somebody else's; stacks on Azure are `pulumi up`'s own.
"""

import os
from contextlib import ExitStack
from itertools import groupby
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
        Path | None,
        typer.Option(
            help="JSON file to score when the stack is up. Without it each endpoint is asked its own, "
            "requests/ENDPOINT.json, if the project has one.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
) -> None:
    """Make the local stack true and score a request. On Azure: az login && pulumi up -s STACK."""
    project = Project.find()
    if not local:
        render.fail("Say --local for the local Azure.\nOn Azure it is: az login && pulumi up -s STACK", render.USAGE)
    from azml_cli.engine import LocalEngine

    spec = project.spec(LOCAL)
    engine = LocalEngine(project)
    engine.ensure_stack()
    if code := engine.run("up", "--yes", "--skip-preview", "--suppress-outputs"):
        _still_serving(project)
        raise typer.Exit(code)
    if asked := _requests(project, spec.online_endpoints, request):
        _score(project, asked)


def _requests(
    project: Project, endpoints: "list[OnlineEndpointSpec]", request: Path | None
) -> "list[tuple[OnlineEndpointSpec, Path]]":
    """What each endpoint is asked: the request given, or the project's own for it. Empty where there is none."""
    if request is not None:
        return [(endpoint, request) for endpoint in endpoints]
    own = [(endpoint, project.root / "requests" / f"{endpoint.name}.json") for endpoint in endpoints]
    return [(endpoint, file) for endpoint, file in own if file.is_file()]


def _score(project: Project, asked: "list[tuple[OnlineEndpointSpec, Path]]") -> None:
    from azml.resources.scoring import ScoringClient
    from azml_cli import azure
    from azml_cli.releases import recent_logs

    there = azure.StackAzure(project, LOCAL)
    width = max(len(endpoint.name) for endpoint, _ in asked)
    with azure.errors(), ExitStack() as opened:
        ids = {endpoint.name: there.workspace.child("onlineEndpoints", endpoint.name) for endpoint, _ in asked}
        clients = {name: opened.enter_context(ScoringClient(there.arm, id_)) for name, id_ in ids.items()}
        for request, together in groupby(asked, key=lambda one: one[1]):
            render.say(f"\n{os.path.relpath(request)}", style="bold")
            for name in (endpoint.name for endpoint, _ in together):
                answer = clients[name].score(request.read_bytes())
                if not answer.succeeded:
                    render.fail(f"{name} answered {answer}{recent_logs(there.arm, ids[name], answer.deployment)}")
                render.say(f"  {name:{width}}  {answer.body}", style="green")
        render.say("\nScoring URI", style="bold")
        for name, client in clients.items():
            render.say(f"  {name:{width}}  {client.uri}")
    _next(*asked[0])


def _next(endpoint: "OnlineEndpointSpec", request: Path) -> None:
    azml = render.typed_command()
    render.say("\nNext", style="bold")
    render.say(f"  {azml} invoke {endpoint.name} --request {os.path.relpath(request)}")
    for deployment in endpoint.deployments[:1]:
        render.say(f"  {azml} logs {endpoint.name} {deployment.name}")
    render.say(f"  {azml} local status")


def _still_serving(project: Project) -> None:
    """After a failed update: what answers all the same, and where to look."""
    import azml_local

    render.note("\nThe update failed; the reason is above.", style="bold red")
    status = azml_local.status(project.local_azure)
    if not status.running:
        again = f"{render.typed_command()} up --local"
        render.note(f"  The local Azure does not run any more. Start it and go on: {again}", style=None)
        return
    for endpoint in status.endpoints:
        deployments = endpoint["deployments"]
        if answering := [one["name"] for one in deployments if one["traffic"]]:
            render.note(f"  {endpoint['name']} keeps answering from {', '.join(answering)}", style=None)
        for one in deployments:
            if one["state"] == "Failed":
                render.note(
                    f"  {one['name']} failed: {render.typed_command()} logs {endpoint['name']} {one['name']}",
                    style=None,
                )
