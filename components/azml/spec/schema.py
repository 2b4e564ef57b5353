"""JSON Schema of the estate and of a stack file, for editors.

Owns what reading knows and the models do not: layers, included files, null, which removes, and keys that are accepted
and forgotten. A file that an editor shows may be one layer of several, so nothing is required here. Deliberately holds
no constraint of a field.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from azml.spec import stages
from azml.spec.base import Spec
from azml.spec.field_docs import field_docs
from azml.spec.fields import specs_in
from azml.spec.includes import BLOCKS
from azml.spec.stack import StackSpec
from azml.spec.stack_file import KEY

DIALECT = "http://json-schema.org/draft-07/schema#"
"""What editors' YAML servers know."""

Schema = dict[str, Any]

_PATH: Schema = {"type": "string", "minLength": 1}
_NULL: Schema = {"type": "null"}
_EXTENDS: Schema = {
    "description": "Layers below this file, relative to it. Later wins, this file last; maps merge, lists of named "
    "things merge by name, null removes.",
    "anyOf": [{"type": "array", "items": _PATH}, _PATH, _NULL],
}
_FILE: Schema = {
    **_PATH,
    "description": "An az ml YAML file to take as it is, relative to this file. The keys beside `file` override it.",
}
_STAGED: Schema = {
    "type": "string",
    "pattern": r"\{stage\}",
    "description": "{stage} becomes the stage of the stack, so that one layer names things in dev, test and prod.",
}
_FORGOTTEN: Schema = {"description": "Accepted as in az ml, and not used."}


def json_schema() -> Schema:
    """Make the schema of an estate, which is that of a layer too."""
    schema = StackSpec.model_json_schema(mode="validation", ref_template="#/definitions/{model}")
    models = {model.__name__: model for model in _models(StackSpec)}
    named_by_stage = {model.__name__ for model in _within(StackSpec, stages.BLOCKS)}
    includable = {model.__name__ for model in _includable(StackSpec)}
    definitions = {}
    for name, definition in schema.pop("$defs").items():
        definitions[name] = _block(definition, models[name])
        if name in includable:
            definitions[name]["properties"]["file"] = _FILE
        if name in named_by_stage:
            for field in stages.STAGED & definitions[name]["properties"].keys():
                definitions[name]["properties"][field]["anyOf"].append(_STAGED)
    estate = _block(schema, StackSpec)
    estate["properties"] = {"extends": _EXTENDS, **estate["properties"]}
    return {"$schema": DIALECT, "title": "Estate", **estate, "definitions": definitions}


def stack_schema() -> Schema:
    """Make the schema of a stack file, `Pulumi.<stack>.yaml`, with the estate in it."""
    estate = json_schema()
    definitions = estate.pop("definitions") | {"Estate": {key: estate[key] for key in estate if key != "$schema"}}
    config = {
        "type": "object",
        "description": "Configuration of the stack by namespace and name.",
        "patternProperties": {f"^([^:]+:)?{KEY}$": {"$ref": "#/definitions/Estate"}},
    }
    return {
        "$schema": DIALECT,
        "title": "Pulumi stack file with an azml estate",
        "type": "object",
        "properties": {"config": config},
        "definitions": definitions,
    }


def _models(model: type[Spec]) -> Iterator[type[Spec]]:
    """Name a block and all blocks within it."""
    yield model
    for field in model.model_fields.values():
        for inner in specs_in(field.annotation):
            yield from _models(inner)


def _within(model: type[Spec], keys: frozenset[str]) -> Iterator[type[Spec]]:
    """Name the blocks under some keys, and under the same keys within those."""
    for name in keys & model.model_fields.keys():
        for inner in specs_in(model.model_fields[name].annotation):
            yield inner
            yield from _within(inner, keys)


def _includable(model: type[Spec]) -> Iterator[type[Spec]]:
    """Name the blocks that may stand in a file of their own."""
    for name, field in model.model_fields.items():
        for inner in specs_in(field.annotation):
            if name in BLOCKS:
                yield inner
            yield from _includable(inner)


def _block(definition: Schema, model: type[Spec]) -> Schema:
    """Describe a block as it may stand in one of several layers."""
    docs = field_docs(model)
    fields = {name: _field(field, docs.get(name, "")) for name, field in definition["properties"].items()}
    fields |= dict.fromkeys(sorted(model.forgotten), _FORGOTTEN)
    return {
        "type": "object",
        "description": " ".join((model.__doc__ or "").split()),
        "properties": fields,
        "additionalProperties": False,
    }


def _field(field: Schema, description: str) -> Schema:
    """Let a field be null, and the entries of its maps too."""
    about: Schema = {"description": description}
    if field.get("default") is not None:
        about["default"] = field["default"]
    whole = {key: part for key, part in field.items() if key != "description"}
    options = [_value(option) for option in field.get("anyOf", [whole])]
    return {**about, "anyOf": [*(option for option in options if option != _NULL), _NULL]}


def _value(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kept = {key: part for key, part in value.items() if key not in {"title", "default", "required"}}
    if "oneOf" in kept:
        kept["anyOf"] = [_value(option) for option in kept.pop("oneOf")]
    if isinstance(kept.get("additionalProperties"), dict):
        kept["additionalProperties"] = {"anyOf": [_value(kept["additionalProperties"]), _NULL]}
    if "items" in kept:
        kept["items"] = _value(kept["items"])
    return kept
