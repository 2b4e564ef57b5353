"""How one block points to another thing: asset references and ARM ids.

Owns their grammar. Deliberately does not look anything up: what a name means in an estate is `StackSpec`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError, core_schema

from azml.spec.base import Finding, refusal
from azml.spec.types import Shape

_ID = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/(?P<types>[^/]+(?:/[^/]+/[^/]+)+)", re.IGNORECASE
)
_SHORT = re.compile(r"azureml:(?!/)(?P<name>[^/:@\s]+)(?::(?P<version>[^/:@\s]+)|@(?P<label>[^/:@\s]+))?")
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


def arm_id(*types: str) -> Shape:
    """Shape the ARM id of an existing resource of one of the types, such as `Microsoft.Storage/storageAccounts`."""
    form = " or ".join(_form(type_) for type_ in types)
    known = {type_.lower() for type_ in types}

    def judge(text: str) -> str:
        found = resource_type(text)
        if found is not None and found.lower() in known and not _PLACEHOLDER.search(text):
            return text
        raise refusal(_no_id(text, form, "" if found is None else f"is the id of a {found}, not of a {types[0]}"))

    return _id_shape(judge, form)


def any_arm_id() -> Shape:
    """Shape the ARM id of any existing resource."""
    form = _form("NAMESPACE/TYPE")

    def judge(text: str) -> str:
        if resource_type(text) is None or _PLACEHOLDER.search(text):
            raise refusal(_no_id(text, form))
        return text

    return _id_shape(judge, form)


def existing_id(type_: str) -> Shape:
    """Shape something to use and never change: its ARM id, as az ml writes it, or `{existing: ARM id}`."""
    shape = arm_id(type_)
    return Shape(
        core_schema.no_info_before_validator_function(_id_in_block, shape.core),
        {"anyOf": [shape.json, {"type": "object", "properties": {"existing": shape.json}}]},
    )


def _id_in_block(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    if others := sorted(str(key) for key in value if key != "existing"):
        raise refusal(
            Finding(
                "is made by azml as a workspace needs it, or is used as it is: nothing about it can be set here",
                (others[0],),
                allowed="existing: ARM id",
                fix=f"leave {', '.join(others)} out, or make it yourself and name it under existing",
            )
        )
    return value.get("existing")


def _form(type_: str) -> str:
    namespace, *types = type_.split("/")
    return f"/subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/{namespace}" + "".join(
        f"/{each}/NAME" for each in types
    )


def _no_id(text: str, form: str, what: str = "") -> Finding:
    if _PLACEHOLDER.search(text):
        return Finding("is a template that was not filled in", value=text, allowed=form)
    return Finding(what or "is not an ARM id", value=text, allowed=form)


def _id_shape(judge: Callable[[str], str], form: str) -> Shape:
    return Shape(
        core_schema.no_info_after_validator_function(judge, core_schema.str_schema()),
        {"type": "string", "pattern": "^/[sS]ubscriptions/", "description": form},
    )


Assets = Literal["models", "environments", "codes", "data"]
_WORDS = {"models": "models", "environments": "environments", "codes": "code assets", "data": "data assets"}


class AssetReference(BaseModel):
    """An asset named by text: in this estate, in the workspace, in a registry, or by its ARM id."""

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
    bare = text.removeprefix("azureml:")
    namespace, *types = (resource_type(bare) or "").lower().split("/")
    if namespace == "microsoft.machinelearningservices" and types[1:] == [kind, "versions"]:
        *_, name, _, version = bare.split("/")
        return AssetReference(text=text, name=name, version=version, arm_id=bare)
    raise _unreadable(text, kind)


def asset_id(kind: Assets) -> Shape:
    """Shape what names one version of an asset for good: its ARM id, or its URI in a registry."""

    def judge(text: str) -> str:
        found = parse(text, kind)
        if found.version is not None and (found.arm_id == text or found.registry is not None):
            return text
        allowed = f"an ARM id, or azureml://registries/REGISTRY/{kind}/NAME/versions/VERSION"
        fix = f"a deployment takes it as it is: {kind.removesuffix('s')}: {text}" if found.version is not None else None
        raise refusal(Finding("does not name one version for good", value=text, allowed=allowed, fix=fix))

    return Shape(
        core_schema.no_info_after_validator_function(judge, core_schema.str_schema()),
        {"type": "string", "pattern": "^(azureml://registries/|/[sS]ubscriptions/)"},
    )


def is_reference(value: object) -> bool:
    """Whether a value was meant as a reference and not as a path or a map."""
    if isinstance(value, AssetReference):
        return True
    return isinstance(value, str) and (value.startswith("azureml:") or resource_type(value) is not None)


def _unreadable(text: str, kind: Assets) -> PydanticCustomError:
    fix = None
    if _PLACEHOLDER.search(text):
        fix = "fill in the template"
    elif re.fullmatch(r"[\w-]+(:[\w.-]+)?", text):
        fix = f"write azureml:{text}, or a map with fields of its own"
    return refusal(
        Finding(
            f"does not name one of the {_WORDS[kind]}",
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
CodeReference = Annotated[AssetReference, reference("codes")]
DataReference = Annotated[AssetReference, reference("data")]
