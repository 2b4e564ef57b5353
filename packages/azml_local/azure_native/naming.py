"""Names: the path of a resource, and the name it gets when the program gives none.

Owns ids from inputs, inputs from ids, and autonaming with its three kinds and the project's `autonaming` option.
"""

import enum
import hashlib
import re
import secrets
import urllib.parse
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from azml_local.azure_native.table import Row
from azml_local.stand_in.errors import Refused

CREATE_BEFORE_DELETE = "__createBeforeDelete"
"""Hidden input of a resource that was randomly named: its replacement may exist beside it."""
_PARAMETER = re.compile(r"\{(\w+)\}")
_WHOLE_PATHS = ("scope", "resourceUri", "resourceId")
"""Parameters that stand for a path of their own."""


class Mode(enum.IntEnum):
    """The project's `autonaming` option; numbers as in the provider protocol."""

    PROPOSE = 0
    ENFORCE = 1
    DISABLE = 2


@dataclass(frozen=True)
class Proposal:
    """What the project's `autonaming` option says about this resource."""

    mode: Mode
    name: str


def parameters(row: Row) -> tuple[str, ...]:
    """Inputs that are part of the path, outermost first."""
    return tuple(_input(name) for name in _PARAMETER.findall(row.path) if name != "subscriptionId")


def resource_id(row: Row, inputs: Mapping[str, Any], subscription_id: str) -> str:
    """Make the id from inputs. Raises `Refused` where a part of the path is not a string."""

    def fill(match: re.Match[str]) -> str:
        name = _input(match.group(1))
        value = subscription_id if name == "subscriptionId" else inputs.get(name)
        if not isinstance(value, str):
            raise Refused(f"expected string value for path parameter '{name}', got {type(value).__name__}")
        return value.strip("/") if name in _WHOLE_PATHS else urllib.parse.quote(value, safe="")

    return _PARAMETER.sub(fill, row.path)


def from_id(row: Row, id_: str) -> dict[str, str]:
    """Read the inputs that are in an id. Raises `Refused` where it is not an id of this type."""
    parts = [
        f"(?P<{name}>.*?)" if (name := part.strip("{}")) != part else re.escape(part) for part in row.path.split("/")
    ]
    match = re.fullmatch("/".join(parts), id_, re.IGNORECASE)
    if match is None:
        raise Refused(f"failed to parse '{id_}' against the path '{row.path}'")
    return {_input(name): value for name, value in match.groupdict().items() if name != "subscriptionId"}


def kind(row: Row) -> Literal["random", "copy", "uuid"]:
    """Tell how a resource is named: role assignments by a UUID, what is unique beyond its parent at random."""
    if row.path.endswith(("{roleAssignmentName}", "{roleDefinitionId}")):
        return "uuid"
    own = row.path.lower().rpartition("microsoft.")[2]
    return "random" if "microsoft." not in row.path.lower() or own.count("{") == 1 else "copy"


def complete(
    row: Row, inputs: dict[str, Any], old: Mapping[str, Any], urn: str, seed: bytes, proposal: Proposal | None
) -> None:
    """Put a name where the inputs have none: the old one, else one of the resource's kind."""
    name = parameters(row)[-1]
    if name in inputs:
        return
    if name in old:
        inputs[name] = old[name]
        random = old.get(CREATE_BEFORE_DELETE) is True
    elif proposal is not None and proposal.mode is Mode.DISABLE:
        return
    elif proposal is not None and (proposal.mode is Mode.ENFORCE or kind(row) != "uuid"):
        inputs[name], random = proposal.name, True
    else:
        inputs[name], random = _new(kind(row), urn.rpartition("::")[2], seed)
    if random:
        inputs[CREATE_BEFORE_DELETE] = True


def _new(kind_: str, logical: str, seed: bytes) -> tuple[str, bool]:
    """A new name, and whether it is random: the same for the same seed, as preview and update must agree."""
    digits = hashlib.sha256(seed + logical.encode()).hexdigest() if seed else secrets.token_hex(32)
    if kind_ == "uuid":
        return str(uuid.UUID(digits[:32])), True
    return (logical, False) if kind_ == "copy" else (logical + digits[:8], True)


def _input(parameter: str) -> str:
    return parameter[0].lower() + parameter[1:]
