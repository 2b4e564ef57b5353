"""`azml logs`: what a deployment's containers say."""

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
    endpoint: Annotated[str, typer.Argument(help="Name of the online endpoint.")],
    deployment: Annotated[str, typer.Argument(help="Name of the deployment.")],
    *,
    lines: Annotated[int, typer.Option("--lines", "-l", min=1, help="How many, from the end.")] = 50,
    container: Annotated[Container, typer.Option("--container", "-c")] = Container.INFERENCE_SERVER,
    stack: Annotated[str, typer.Option("--stack", "-s", help="The stack that the endpoint is in.")] = LOCAL,
    json_: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Print the last log lines of a deployment."""
    from azml.resources.handler import ML
    from azml_cli import azure
    from azml_cli.releases import live_release

    there = azure.StackAzure(Project.find(), stack)
    with azure.errors():
        arm, id_ = there.arm, there.workspace.child("onlineEndpoints", endpoint)
        id_ = id_.child("deployments", live_release(arm, id_, deployment))
        body = {"containerType": ARM_NAMES[container], "tail": lines}
        content = str(arm.post(f"{id_.text}/getLogs", ML, body)["content"])
    if json_:
        render.emit_json({"deployment": id_.name, "container": container, "lines": content.splitlines()})
    else:
        render.say(content.rstrip("\n"))
