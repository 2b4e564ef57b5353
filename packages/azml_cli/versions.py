"""`azml versions`: what a stack's files would deploy, by content, and whether that is what another stage runs."""

import json
from typing import Annotated

import typer

from azml_cli import render
from azml_cli.project import Project


def versions(
    stack: Annotated[str, typer.Argument(help="Name of the stack.")],
    *,
    same_as: Annotated[
        str | None,
        typer.Option(help="Fail where they differ from these: `pulumi stack output versions` of another stage."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the version and content of every model, environment, code and image that a stack's files deploy."""
    from azml.versions import versions as of

    found = of(Project.find().spec(stack))
    if json_:
        render.emit_json(found)
    else:
        for line in found:
            render.say(line)
    if same_as is not None:
        _compare(stack, found, _read(same_as))


def _read(same_as: str) -> list[str]:
    try:
        read = json.loads(same_as)
    except ValueError:
        read = None
    if not isinstance(read, list):
        render.fail(
            f"--same-as is no list in JSON: {same_as[:200]!r}\nGive it what the other stage runs: "
            "pulumi stack output versions --stack STAGE",
            render.USAGE,
        )
    return [str(line) for line in read]


def _compare(stack: str, found: list[str], before: list[str]) -> None:
    missing, new = sorted({*before} - {*found}), sorted({*found} - {*before})
    if missing or new:
        render.fail(
            "\n".join(
                [
                    f"Stack {stack} is not what the stage before runs:",
                    *(f"  there      {line}" for line in missing),
                    *(f"  in {stack:7} {line}" for line in new),
                    "Let all stages have one model, environment, code and image: in a layer that they share (extends).",
                ]
            )
        )
