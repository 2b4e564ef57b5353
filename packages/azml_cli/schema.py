"""`azml schema`: JSON Schema of the config, for editors."""

import json
from pathlib import Path
from typing import Annotated

import typer

from azml_cli import render


def schema(
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write estate and stack schema to.")] = None,
) -> None:
    """Print the JSON Schema of an estate, or write it and that of a stack file to a folder."""
    from azml.spec import json_schema, stack_schema

    if out is None:
        render.emit_json(json_schema())
        return
    out.mkdir(parents=True, exist_ok=True)
    for name, document in {"estate": json_schema(), "stack": stack_schema()}.items():
        file = out / f"{name}.schema.json"
        file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        render.note(f"Wrote {file}")
