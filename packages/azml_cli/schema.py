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
    from azml.spec import json_schema

    if out is None:
        render.emit_json(json_schema())
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in schema_files().items():
            (out / name).write_text(text, encoding="utf-8")
            render.note(f"Wrote {out / name}")
    except OSError as error:
        render.fail(f"The schemas cannot be written to {out}: {error.strerror} ({error.filename}).")


def schema_files() -> dict[str, str]:
    """Both schemas as an editor wants them, by the names of their files."""
    from azml.spec import json_schema, stack_schema

    documents = {"estate": json_schema(), "stack": stack_schema()}
    return {f"{name}.schema.json": json.dumps(document, indent=2) + "\n" for name, document in documents.items()}
