"""`azml invoke`: one request to an online endpoint or a container service, and its answer.

Owns what a person sees of it; the request itself is `azml.resources.scoring`'s and `azml.resources.service_client`'s.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azml_cli import render
from azml_cli.project import LOCAL, Project

if TYPE_CHECKING:
    from azml.resources.scoring import Answer


def invoke(
    endpoint: Annotated[str, typer.Argument(help="Name of the online endpoint, or of the container service.")],
    *,
    request: Annotated[Path, typer.Option(help="JSON file to send.", exists=True, dir_okay=False)],
    deployment: Annotated[
        str | None, typer.Option("--deployment", "-d", help="Ask this deployment of an endpoint, whatever the traffic.")
    ] = None,
    stack: Annotated[str, typer.Option("--stack", "-s", help="The stack that it is in.")] = LOCAL,
    json_: Annotated[bool, typer.Option("--json", help="Status, deployment and answer as JSON.")] = False,
) -> None:
    """Send a request file to an endpoint or a container service and print the answer."""
    from azml.resources.scoring import ScoringClient
    from azml_cli import azure
    from azml_cli.container_services import service
    from azml_cli.releases import endpoint_id, live_release, recent_logs

    there = azure.StackAzure(Project.find(), stack)
    with azure.errors():
        if (found := service(there, endpoint)) is not None:
            if deployment is not None:
                render.fail(f"{endpoint} is a container service: it has no deployments.", render.USAGE)
            with found.client() as asking:
                answer = asking.score(request.read_bytes())
            _told(endpoint, answer, found.recent_log, json_=json_)
            return
        id_ = endpoint_id(there, endpoint)
        asked = None if deployment is None else live_release(there.arm, id_, deployment)
        with ScoringClient(there.arm, id_) as client:
            answer = client.score(request.read_bytes(), asked)
        _told(endpoint, answer, lambda: recent_logs(there.arm, id_, answer.deployment or asked), json_=json_)


def _told(name: str, answer: "Answer", log: Callable[[], str], *, json_: bool) -> None:
    if json_:
        render.emit_json(vars(answer))
    elif answer.succeeded:
        render.say(answer.body)
    if not answer.succeeded:
        render.fail(f"{name} answered {answer}{'' if json_ else log()}")
