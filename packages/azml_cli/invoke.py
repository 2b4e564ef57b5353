"""`azml invoke`: one request to an online endpoint, and its answer.

Owns what a person sees of it; the request itself is `azml.resources.scoring`'s.
"""

from pathlib import Path
from typing import Annotated

import typer

from azml_cli import render
from azml_cli.project import LOCAL, Project


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
    from azml_cli.releases import endpoint_id, live_release, recent_logs

    there = azure.StackAzure(Project.find(), stack)
    with azure.errors():
        id_ = endpoint_id(there, endpoint)
        asked = None if deployment is None else live_release(there.arm, id_, deployment)
        with ScoringClient(there.arm, id_) as client:
            answer = client.score(request.read_bytes(), asked)
        if json_:
            render.emit_json(vars(answer))
        elif answer.succeeded:
            render.say(answer.body)
        if not answer.succeeded:
            log = "" if json_ else recent_logs(there.arm, id_, answer.deployment or asked)
            render.fail(f"{endpoint} answered {answer}{log}")
