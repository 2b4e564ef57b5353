"""Microsoft's own reader of az ml YAML (azure-ai-ml), as a witness of what it takes and refuses. It works offline."""

import json
import warnings
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    # Its schemas are built with options that marshmallow calls deprecated.
    warnings.simplefilter("ignore")
    import azure.ai.ml as official
    from azure.ai.ml.exceptions import MlException
    from marshmallow.exceptions import ValidationError


def takes(kind: str, fields: dict[str, Any], folder: Path) -> bool:
    """Whether `load_<kind>` takes a file with these fields."""
    file = folder / f"{kind}.yml"
    file.write_text(json.dumps(fields), encoding="utf-8")  # JSON is YAML
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            getattr(official, f"load_{kind}")(file)
    except (ValidationError, MlException, AttributeError, KeyError, TypeError):  # the last three: it trips over a gap
        return False
    return True


def fields_of(schema: str) -> set[str]:
    """Names that a schema of `azure.ai.ml._schema` declares, for example `workspace.WorkspaceSchema`."""
    from importlib import import_module

    module, _, name = schema.rpartition(".")
    declared = getattr(import_module(f"azure.ai.ml._schema.{module}"), name)._declared_fields
    return {field.data_key or each for each, field in declared.items()}
