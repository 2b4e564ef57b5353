"""Local files that hold JSON: what a gate sends, and what it expects.

Owns that they can be read. Deliberately not what is in them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from azml.spec.base import Finding, refusal
from azml.spec.errors import shown
from azml.spec.paths import LocalFile


def _holds_json(file: Path) -> Path:
    try:
        json.loads(file.read_bytes())
    except json.JSONDecodeError as error:
        wrong = f"is no JSON: {shown(file)}:{error.lineno}:{error.colno}: {error.msg}"
    except (OSError, ValueError, RecursionError) as error:
        wrong = f"cannot be read as JSON: {shown(file)}: {error}"
    else:
        return file
    raise refusal(Finding(wrong, value=str(file), allowed="a file that holds one JSON value"))


JsonFile = Annotated[LocalFile, AfterValidator(_holds_json)]
