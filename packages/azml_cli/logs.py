"""`azml logs`: what the containers of a deployment or of a container service say."""

from enum import StrEnum
from typing import Annotated

import typer

from azml_cli import render
from azml_cli.project import LOCAL, Project


class Container(StrEnum):
    """The containers of a deployment, as `az ml online-deployment get-logs --container` names them."""

    INFERENCE_SERVER = "inference-server"
    STORAGE_INITIALIZER = "storage-initializer"


ARM_NAMES = {Container.INFERENCE_SERVER: "InferenceServer", Container.STORAGE_INITIALIZER: "StorageInitializer"}


def logs(
    endpoint: Annotated[str, typer.Argument(help="Name of the online endpoint, or of the container service.")],
    deployment: Annotated[
        str | None, typer.Argument(help="Name of the deployment; a container service has none.")
    ] = None,
    *,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many, from the end.")] = 50,
    container: Annotated[Container, typer.Option("--container", "-c")] = Container.INFERENCE_SERVER,
    stack: Annotated[str, typer.Option("--stack", "-s", help="The stack that it is in.")] = LOCAL,
    json_: Annotated[bool, typer.Option("--json", help="The lines as JSON.")] = False,
) -> None:
    """Print the last log lines of a deployment or of a container service."""
    from azml_cli import azure
    from azml_cli.container_services import service
    from azml_cli.releases import endpoint_id, live_release, log_lines

    there = azure.StackAzure(Project.find(), stack)
    with azure.errors():
        if (found := service(there, endpoint)) is not None:
            if deployment is not None:
                render.fail(f"{endpoint} is a container service: it has no deployments.", render.USAGE)
            content, whose = found.log(lines), {"service": endpoint}
        else:
            id_ = endpoint_id(there, endpoint)
            if deployment is None:
                render.fail(f"Which deployment? azml logs {endpoint} DEPLOYMENT", render.USAGE)
            id_ = id_.child("deployments", live_release(there.arm, id_, deployment))
            content = log_lines(there.arm, id_, ARM_NAMES[container], lines)
            whose = {"deployment": id_.name, "container": container}
    if json_:
        render.emit_json({**whose, "lines": content.splitlines()})
    else:
        render.say(content)
