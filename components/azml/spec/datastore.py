"""The name of a datastore, in the spellings of `az ml`.

Owns that shape. Deliberately knows nothing of what a datastore holds.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic_core import core_schema

from azml.facts import names
from azml.spec.base import Finding, refusal
from azml.spec.references import resource_type
from azml.spec.types import Shape

_TYPE = "Microsoft.MachineLearningServices/workspaces/datastores"


def _name(text: str) -> str:
    """`azureml:NAME`, `NAME` or an ARM id as NAME."""
    bare = text.removeprefix("azureml:")
    if (resource_type(bare) or "").lower() == _TYPE.lower():
        bare = bare.rpartition("/")[2]
    if re.fullmatch(names.ASSET.pattern, bare) and names.ASSET.fits(bare):
        return bare
    raise refusal(Finding("does not name a datastore", value=text, allowed="NAME, azureml:NAME, or its ARM id"))


DatastoreName = Annotated[
    str,
    Shape(
        core_schema.no_info_after_validator_function(_name, core_schema.str_schema()),
        {"type": "string", "description": "NAME, azureml:NAME, or an ARM id"},
    ),
]
"""A datastore of the workspace; becomes its name."""
