"""Request bodies against ARM's types: what is refused, what is dropped, what is kept from before.

Owns the walk over a body and its shape. Deliberately knows no rule of a service.
"""

import copy
from typing import Any

from azml.facts.arm_types import ArmType, Shape
from azml_local.arm.errors import ArmError

_TAGS_MAX, _TAG_NAME_MAX, _TAG_VALUE_MAX = 50, 512, 256  # azure-resource-manager: tag-resources, limitations
_TAG_NAME_FORBIDDEN = set("<>%&\\?/")


def refuse_bad_body(type_: ArmType, body: Any, name: str, api_version: str) -> None:
    """Raise 400 `InvalidRequestContent` that names every path at fault.

    ARM's types are those of one API version: a property they do not know is dropped where a client asks for another.
    """
    other = api_version.lower() != type_.version.lower()
    problems = [
        problem
        for problem in type_.problems(body, name=name)
        if problem.level == "error" and not (other and problem.code == "unknown")
    ]
    if not problems:
        return
    details = [
        ArmError(400, "InvalidResourceName" if p.path == "name" else "InvalidProperty", f"{p.path}: {p.message}")
        for p in problems
    ]
    listed = "; ".join(detail.message for detail in details)
    raise ArmError(400, "InvalidRequestContent", f"The request content for {type_.type} is invalid: {listed}.", details)


def refuse_bad_tags(tags: dict[str, str]) -> None:
    """Raise ARM's errors about tags: at most 50, names ≤ 512, values ≤ 256 characters."""
    if len(tags) > _TAGS_MAX:
        raise ArmError(400, "InvalidTagsCount", f"There are {len(tags)} tags; a resource can have {_TAGS_MAX}.")
    for name, value in tags.items():
        if not 0 < len(name) <= _TAG_NAME_MAX or _TAG_NAME_FORBIDDEN & set(name):
            raise ArmError(
                400,
                "InvalidTagName",
                f"The tag name '{name[:80]}' is invalid: 1 to {_TAG_NAME_MAX} characters without <>%&\\?/.",
            )
        if len(value) > _TAG_VALUE_MAX:
            raise ArmError(
                400,
                "InvalidTagValueLength",
                f"The value of tag '{name}' has {len(value)} characters; the maximum is {_TAG_VALUE_MAX}.",
            )


def canonical(value: Any, shape: Shape, *, write_only: bool = False) -> Any:
    """Copy a body as ARM writes it.

    Property names and enum values are in their own case; nulls, read-only values, unknown properties and (unless asked
    for) write-only values are left out.
    """
    if isinstance(value, dict) and shape.kind in ("obj", "disc"):
        return _members(value, shape.variant(value), write_only)
    if isinstance(value, dict) and shape.kind == "map" and shape.item is not None:
        item = shape.item
        given = {key: element for key, element in value.items() if element is not None}
        return {key: canonical(element, item, write_only=write_only) for key, element in given.items()}
    if isinstance(value, list) and shape.kind == "arr" and shape.item is not None:
        item = shape.item
        return [canonical(element, item, write_only=write_only) for element in value]
    if isinstance(value, str) and shape.kind == "enum":
        return next((known for known in shape.facts["v"] if known.lower() == value.lower()), value)
    if shape.kind == "int" and isinstance(value, float):
        return int(value)
    return value


def _members(value: dict[str, Any], shape: Shape, write_only: bool) -> dict[str, Any]:
    copy: dict[str, Any] = {}
    for key, element in value.items():
        found = shape.find(key)
        if element is None:
            continue
        if found is None:
            if shape.item is not None:
                copy[key] = element
            continue
        name, declared = found
        if not declared.read_only and (write_only or not declared.write_only):
            copy[name] = canonical(element, declared.shape, write_only=write_only)
    return copy


def carry_read_only(new: dict[str, Any], old: dict[str, Any], shape: Shape) -> None:
    """Keep the read-only values of the resource as it was, within the objects that the new body has."""
    chosen = shape.variant(new)
    for name, declared in chosen.properties.items():
        if name not in old:
            continue
        if declared.read_only:
            new[name] = old[name]
        elif isinstance(old[name], dict) and isinstance(new.get(name), dict) and declared.shape.kind in ("obj", "disc"):
            carry_read_only(new[name], old[name], declared.shape)


def add_defaults(body: dict[str, Any], defaults: Any) -> None:
    """Fill in what a body does not say, at any depth."""
    for name, value in defaults.items():
        if isinstance(value, dict):
            inner = body.setdefault(name, {})
            if isinstance(inner, dict):
                add_defaults(inner, value)
        else:
            body.setdefault(name, copy.copy(value))


def merge(old: dict[str, Any], patch: dict[str, Any], whole: str = "") -> dict[str, Any]:
    """Merge a PATCH into a body (RFC 7396), except that the top-level name `whole` is replaced."""
    merged = dict(old)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict) and isinstance(merged.get(name), dict) and name != whole:
            merged[name] = merge(merged[name], value)
        else:
            merged[name] = value
    return merged
