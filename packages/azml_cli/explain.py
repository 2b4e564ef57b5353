"""`azml explain`: every value of a stack's estate, and the file and line that it comes from."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from azml_cli import render
from azml_cli.project import Project

if TYPE_CHECKING:
    from azml.spec import Value


def explain(
    stack: Annotated[str, typer.Argument(help="Name of the stack.")],
    path: Annotated[str, typer.Argument(help="Only this part, such as online_endpoints.churn.traffic.")] = "",
    *,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show what a stack deploys: each value with its file and line, or that it is a default."""
    from azml.spec import SpecError, trace

    try:
        values = trace(Project.find().stacks, stack)
    except SpecError as error:
        render.fail(error.problems)
    chosen = [value for value in values if not path or value.path == path or value.path.startswith(f"{path}.")]
    if not chosen:
        render.fail(_unknown(path, stack, values), render.USAGE)
    if json_:
        render.emit_json([{"path": v.path, "value": v.value, "file": v.file, "line": v.line} for v in chosen])
        return
    rows = [(value.path, _text(value.value), _origin(value)) for value in chosen]
    paths, texts = (min(max(len(row[column]) for row in rows), 72) for column in (0, 1))
    for where, text, origin in rows:
        render.say(f"{where:<{paths}}  {text:<{texts}}  {origin}", style="dim" if origin == DEFAULT else None)


DEFAULT = "default"


def _origin(value: "Value") -> str:
    from azml.spec import shown

    return DEFAULT if value.file is None else f"{shown(value.file)}:{value.line}"


def _text(value: object) -> str:
    """A value as YAML would have it, on one line."""
    return value.replace("\n", "\\n") if isinstance(value, str) else json.dumps(value)


def _unknown(path: str, stack: str, values: "list[Value]") -> str:
    from azml.spec import nearest

    parts = dict.fromkeys(value.path[: len(value.path) - cut] for value in values for cut in _cuts(value.path))
    near = nearest(path, list(parts))
    hint = f"Did you mean {near}?" if near else f"`azml explain {stack}` shows every path."
    return f"There is nothing at {path} in the stack {stack}.\n{hint}"


def _cuts(path: str) -> list[int]:
    """Where a path may end: after each of its parts, counted from the end."""
    return [len(path) - place for place, letter in enumerate(path) if letter == "."] + [0]
