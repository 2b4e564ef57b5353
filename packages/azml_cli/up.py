"""`azml up`: from a stack file to a prediction.

Owns the order of things: check the config, have an engine, start the local Azure, run `pulumi up`, score one request.
Each of these is somebody else's; stacks on Azure are `pulumi up`'s own.
"""

import os
from contextlib import ExitStack
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from azml_cli import render
from azml_cli.project import LOCAL, Project

if TYPE_CHECKING:
    from azml.resources.scoring import Answer
    from azml.spec import OnlineEndpointSpec, StackSpec
    from azml_cli.azure import StackAzure
    from azml_cli.failures import Failure


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
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document; all else goes to stderr.")] = False,
) -> None:
    """Make the local stack true and score a request. On Azure: az login && pulumi up -s STACK."""
    project = Project.find()
    if not local:
        render.fail("Say --local for the local Azure.\nOn Azure it is: az login && pulumi up -s STACK", render.USAGE)
    from azml_cli import failures
    from azml_cli.engine import LocalEngine

    spec = _spec(project)
    engine = LocalEngine(project)
    engine.ensure_stack()
    code = engine.run("up", "--yes", "--skip-preview", "--suppress-outputs", machine=json_)
    asked = [] if code else _requests(project, spec.online_endpoints, request)
    if json_:
        _document(project, code, failures.of_run(engine.journal) if code else [], asked)
    elif code:
        _failed(project, failures.of_run(engine.journal))
    elif asked or spec.container_services:
        _answering(project, spec, asked)
    if code:
        raise typer.Exit(code)


def _spec(project: Project) -> "StackSpec":
    """The estate, of which nothing is known to fail; ends the command with every problem there is."""
    from azml.spec import SpecError
    from azml_cli.validate import judged

    try:
        _, spec, wrong = judged(project.stacks, LOCAL)
    except SpecError as error:
        render.fail(error.problems)
    if wrong:
        render.fail(wrong)
    return spec


def _requests(
    project: Project, endpoints: "list[OnlineEndpointSpec]", request: Path | None
) -> "list[tuple[OnlineEndpointSpec, Path]]":
    """What each endpoint is asked: the request given, or the project's own for it. Empty where there is none."""
    if request is not None:
        return [(endpoint, request) for endpoint in endpoints]
    own = [(endpoint, project.root / "requests" / f"{endpoint.name}.json") for endpoint in endpoints]
    return [(endpoint, file) for endpoint, file in own if file.is_file()]


def _answering(project: Project, spec: "StackSpec", asked: "list[tuple[OnlineEndpointSpec, Path]]") -> None:
    """What the endpoints that are asked say, where they and the container services are, and what to type next."""
    from azml_cli import azure

    there = azure.StackAzure(project, LOCAL)
    services = [service.name for service in spec.container_services]
    width = max(len(name) for name in (*services, *(endpoint.name for endpoint, _ in asked)))
    with azure.errors():
        uris = _score(there, asked, width)
        if services:
            known = there.output("scoring_uris") or {}
            uris |= {name: known[name] for name in services if name in known}
    if uris:
        render.say("\nScoring URI", style="bold")
    for name, uri in uris.items():
        render.say(f"  {name:{width}}  {uri}")
    _next(asked, services)


def _score(there: "StackAzure", asked: "list[tuple[OnlineEndpointSpec, Path]]", width: int) -> dict[str, str]:
    """Ask each endpoint and show its answer; where each of them is."""
    from azml.resources.scoring import ScoringClient
    from azml_cli.releases import recent_logs

    with ExitStack() as opened:
        ids = {endpoint.name: there.workspace.child("onlineEndpoints", endpoint.name) for endpoint, _ in asked}
        clients = {name: opened.enter_context(ScoringClient(there.arm, id_)) for name, id_ in ids.items()}
        for request, together in groupby(asked, key=lambda one: one[1]):
            render.say(f"\n{os.path.relpath(request)}", style="bold")
            for name in (endpoint.name for endpoint, _ in together):
                answer = clients[name].score(request.read_bytes())
                if not answer.succeeded:
                    render.fail(f"{name} answered {answer}{recent_logs(there.arm, ids[name], answer.deployment)}")
                render.say(f"  {name:{width}}  {answer.body}", style="green")
        return {name: client.uri for name, client in clients.items()}


def _next(asked: "list[tuple[OnlineEndpointSpec, Path]]", services: list[str]) -> None:
    azml = render.typed_command()
    render.say("\nNext", style="bold")
    if asked:
        endpoint, request = asked[0]
        render.say(f"  {azml} invoke {endpoint.name} --request {os.path.relpath(request)}")
        for deployment in endpoint.deployments[:1]:
            render.say(f"  {azml} logs {endpoint.name} {deployment.name}")
    else:
        render.say(f"  {azml} invoke {services[0]} --request FILE\n  {azml} logs {services[0]}")
    render.say(f"  {azml} local status")


def _document(
    project: Project, code: int, failed: "list[Failure]", asked: "list[tuple[OnlineEndpointSpec, Path]]"
) -> None:
    """What became of it, for machines. Exit code 1 also where an answer is an error."""
    import azml_local

    answers = _answers(project, asked)
    succeeded = code == 0 and all(answer.succeeded for _, _, answer in answers)
    render.emit_json(
        {
            "stack": LOCAL,
            "succeeded": succeeded,
            "failures": [asdict(one) for one in failed],
            "answers": [{"endpoint": name, "request": request, **vars(answer)} for name, request, answer in answers],
            "endpoints": azml_local.status(project.local_azure).endpoints,
        }
    )
    if not succeeded:
        raise typer.Exit(code or render.FAILED)


def _answers(project: Project, asked: "list[tuple[OnlineEndpointSpec, Path]]") -> "list[tuple[str, Path, Answer]]":
    from azml.resources.scoring import ScoringClient
    from azml_cli import azure

    found: list[tuple[str, Path, Answer]] = []
    if not asked:  # nothing can be asked after a failure, not even where the workspace is
        return found
    there = azure.StackAzure(project, LOCAL)
    with azure.errors():
        for name, request in ((endpoint.name, request) for endpoint, request in asked):
            with ScoringClient(there.arm, there.workspace.child("onlineEndpoints", name)) as client:
                found.append((name, request, client.score(request.read_bytes())))
    return found


def _failed(project: Project, failed: "list[Failure]") -> None:
    """After the engine's own report: what failed, in a line each, what answers all the same, and where to look."""
    import azml_local

    render.note("\nThe update failed; the whole reason is above.", style="bold red")
    for one in failed:
        render.note(f"  {one.name}: {one.headline}", style=None)
    status = azml_local.status(project.local_azure)
    if not status.running:
        again = f"{render.typed_command()} up --local"
        render.note(f"  The local Azure does not run any more. Start it and go on: {again}", style=None)
        return
    for endpoint in status.endpoints:
        _still_serving(endpoint)


def _still_serving(endpoint: dict[str, Any]) -> None:
    typed, deployments = render.typed_command(), endpoint["deployments"]
    if answering := [f"{one['name']} ({one['traffic']} %)" for one in deployments if one["traffic"]]:
        render.note(f"  {endpoint['name']} keeps answering from {', '.join(answering)}", style=None)
    for one in deployments:
        if one["state"] == "Failed":
            render.note(f"  {one['name']} failed: {typed} logs {endpoint['name']} {one['name']}", style=None)
