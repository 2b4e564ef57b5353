"""`azml invoke`: one request to an online endpoint, and its answer.

Owns what a person sees of it; the request itself is `azml.resources.scoring`'s.
"""

from pathlib import Path
from typing import Annotated

import typer

from azml_cli import render
from azml_cli.project import LOCAL, Project

HTTP_ERROR = 400


def invoke(
    endpoint: Annotated[str, typer.Argument(help="Name of the online endpoint.")],
    *,
    request: Annotated[Path, typer.Option(help="JSON file to send.", exists=True, dir_okay=False)],
    deployment: Annotated[
        str | None, typer.Option("--deployment", "-d", help="Ask this deployment, whatever the traffic.")
    ] = None,
    stack: Annotated[str, typer.Option("--stack", "-s", help="The stack that the endpoint is in.")] = LOCAL,
    json_: Annotated[bool, typer.Option("--json", help="Status, deployment and answer as JSON.")] = False,
) -> None:
    """Send a request file to an endpoint and print the answer."""
    from azml.resources.scoring import ScoringClient
    from azml_cli import azure
    from azml_cli.releases import live_release

    there = azure.StackAzure(Project.find(), stack)
    with azure.errors():
        arm, id_ = there.arm, there.workspace.child("onlineEndpoints", endpoint)
        asked = None if deployment is None else live_release(arm, id_, deployment)
        answer = ScoringClient(arm, id_).score(request.read_bytes(), asked)
    if json_:
        render.emit_json({"status": answer.status, "deployment": answer.deployment, "body": answer.body})
    elif answer.status < HTTP_ERROR:
        render.say(answer.body)
    if answer.status >= HTTP_ERROR:
        if json_:
            raise typer.Exit(render.FAILED)
        hint = f"What the container says: azml logs {endpoint} {deployment or '<deployment>'}"
        render.fail(f"{endpoint} answered {answer.status}\n{answer.body}\n{hint}")
