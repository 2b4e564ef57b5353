"""How one block points to another thing: asset references and ARM ids.

Owns their grammar. Deliberately does not look anything up: what a name means in an estate is `StackSpec`'s business.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError, core_schema

from azml.spec.base import Finding, refusal
from azml.spec.types import Shape

_ID = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/(?P<types>[^/]+(?:/[^/]+/[^/]+)+)", re.IGNORECASE
)
_SHORT = re.compile(r"azureml:(?P<name>[^/:@\s]+)(?::(?P<version>[^/:@\s]+)|@(?P<label>[^/:@\s]+))?")
_REGISTRY = re.compile(
    r"azureml://registries/(?P<registry>[^/\s]+)/(?P<kind>[a-z]+)/(?P<name>[^/\s]+)"
    r"/(?:versions/(?P<version>[^/\s]+)|labels/(?P<label>[^/\s]+))"
)
_PLACEHOLDER = re.compile(r"<[^<>/]*>")

LATEST = "latest"


def resource_type(arm_id: str) -> str | None:
    """`Microsoft.Storage/storageAccounts` of an ARM id, or None where the text is no ARM id."""
    found = _ID.fullmatch(arm_id)
    if found is None:
        return None
    namespace, *rest = found["types"].split("/")
    return "/".join([namespace, *rest[::2]])


def arm_id(type_: str) -> Shape:
    """Shape the ARM id of an existing resource of a type such as `Microsoft.Storage/storageAccounts`."""
    namespace, *types = type_.split("/")
    form = f"/subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/{namespace}" + "".join(
        f"/{t}/NAME" for t in types
    )

    def judge(text: str) -> str:
        found = resource_type(text)
        if found is not None and found.lower() == type_.lower() and not _PLACEHOLDER.search(text):
            return text
        if _PLACEHOLDER.search(text):
            what = "is a template that was not filled in"
        else:
            what = "is not an ARM id" if found is None else f"is the id of a {found}, not of a {type_}"
        raise refusal(Finding(what, value=text, allowed=form))

    return Shape(
        core_schema.no_info_after_validator_function(judge, core_schema.str_schema()),
        {"type": "string", "pattern": "^/[sS]ubscriptions/", "description": form},
    )


Assets = Literal["models", "environments"]


class AssetReference(BaseModel):
    """A model or environment named by text: in this estate, in the workspace, in a registry, or by its ARM id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    """As it was written."""
    name: str
    version: str | None = None
    label: str | None = None
    registry: str | None = None
    arm_id: str | None = None

    @property
    def floating(self) -> bool:
        """Whether it means what this estate defines under the name: no version, or `@latest`."""
        return self.version is None and self.registry is None and self.label in {None, LATEST}

    def __str__(self) -> str:
        return self.text


def parse(text: str, kind: Assets) -> AssetReference:
    """Read the reference that a text means. Raises a validator's error."""
    if found := _SHORT.fullmatch(text):
        return AssetReference(text=text, **found.groupdict())
    if (found := _REGISTRY.fullmatch(text)) and found["kind"] == kind:
        return AssetReference(text=text, **{key: part for key, part in found.groupdict().items() if key != "kind"})
    namespace, *types = (resource_type(text) or "").lower().split("/")
    if namespace == "microsoft.machinelearningservices" and types[1:] == [kind, "versions"]:
        *_, name, _, version = text.split("/")
        return AssetReference(text=text, name=name, version=version, arm_id=text)
    raise _unreadable(text, kind)


def _unreadable(text: str, kind: Assets) -> PydanticCustomError:
    thing = kind.removesuffix("s")
    fix = None
    if _PLACEHOLDER.search(text):
        fix = "fill in the template"
    elif re.fullmatch(r"[\w-]+(:[\w.-]+)?", text):
        fix = f"write azureml:{text}, or a map with the {thing}'s own fields"
    return refusal(
        Finding(
            f"does not name one of the {kind}",
            value=text,
            allowed=f"azureml:NAME:VERSION, azureml:NAME@latest for one of this estate, "
            f"azureml://registries/REGISTRY/{kind}/NAME/versions/VERSION, a full ARM id, or a map",
            fix=fix,
        )
    )


def reference(kind: Assets) -> Shape:
    """Shape a reference to one of the models or environments."""

    def read(value: Any) -> AssetReference:
        return value if isinstance(value, AssetReference) else parse(str(value), kind)

    return Shape(
        core_schema.no_info_plain_validator_function(read),
        {
            "type": "string",
            "pattern": "^(azureml:|/[sS]ubscriptions/)",
            "description": "azureml:NAME:VERSION, azureml:NAME@latest, azureml://registries/… or an ARM id",
        },
    )


ModelReference = Annotated[AssetReference, reference("models")]
EnvironmentReference = Annotated[AssetReference, reference("environments")]
