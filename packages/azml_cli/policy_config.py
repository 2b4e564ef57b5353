"""The configuration of policy packs, before the engine has it: what it would refuse, with the line.

Owns that the file is what the engine takes, and of azml's own pack that the settings fit their schemas, which are the
rules'. Rules and settings that there are not stay the pack's own findings: they have a level.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azml_cli import render

if TYPE_CHECKING:
    from azml.spec import Problem

LEVELS = ("advisory", "disabled", "mandatory", "remediate")
"""The engine's (sdk/go/common/apitype/policy.go)."""
_LEVEL = "enforcementLevel"
_KINDS = {"object": "a map", "array": "a list", "string": "text", "integer": "a whole number"}
_DATE = "YYYY-MM-DD, as 2027-03-31"

At = tuple[str | int, ...]
Found = tuple[At, str, Any, str | None, str | None]
"""Where, what is wrong, the value, what is allowed, what to change."""


def refuse_bad(files: Iterable[Path], packs: Sequence[str]) -> None:
    """End the command with all that is wrong in the files. The engine takes one for each pack, in their order."""
    problems: list[Problem] = []
    for number, file in enumerate(files):
        config = _object(file)
        ours = number < len(packs) and is_ours(Path(packs[number]))
        found = [*_levels(config), *(_settings(config) if ours else ())]
        problems += _placed(file, found) if found else ()
    if problems:
        render.fail(sorted(problems, key=lambda each: (str(each.file), each.line or 0)), render.USAGE)


def is_ours(pack: Path) -> bool:
    """Whether a pack is azml's: the program, or a folder that starts it."""
    start = pack / "__main__.py"
    return pack.name == "azml-policies" or (start.is_file() and "azml_policies" in start.read_text(errors="replace"))


def _object(config: Path) -> dict[str, Any]:
    """Read it; ends the command where it is no JSON object: the engine would not say which file, or where."""
    try:
        found = json.loads(config.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        render.fail(f"{config}:{error.lineno}:{error.colno}: this is no JSON: {error.msg}.", render.USAGE)
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        render.fail(f"{config} cannot be read: {error}", render.USAGE)
    if not isinstance(found, dict):
        render.fail(f"{config} is no JSON object.\nIt has settings by rule: docs/policies/README.md", render.USAGE)
    return found


def _levels(config: Mapping[str, Any]) -> Iterator[Found]:
    """What no pack's configuration may say: each entry is a level, or a map of settings that may have one."""
    for name, entry in config.items():
        if name == "environments":  # of Pulumi's own service
            continue
        if isinstance(entry, dict):
            if _LEVEL in entry and entry[_LEVEL] not in LEVELS:
                yield _no_level((name, _LEVEL), entry[_LEVEL])
        elif isinstance(entry, str):
            if entry not in LEVELS:
                yield _no_level((name,), entry)
        else:
            yield (name,), "is neither a level nor a map of settings", entry, ", ".join(LEVELS), None


def _no_level(at: At, value: Any) -> Found:
    return at, "is no level", value, ", ".join(LEVELS), _meant(value, LEVELS)


def _settings(config: Mapping[str, Any]) -> Iterator[Found]:
    """What the schemas of azml's own pack refuse."""
    from jsonschema import Draft202012Validator

    from azml_policies.pack import PACK, WAIVERS
    from azml_policies.rules import RULES
    from azml_policies.waivers import schema

    schemas: dict[str, Mapping[str, Any]] = {rule.id: rule.schema for rule in RULES}
    schemas[PACK] = {WAIVERS: schema(rule.id for rule in RULES)}
    for name, properties in schemas.items():
        entry = config.get(name)
        if isinstance(entry, dict):
            validator = Draft202012Validator(
                {"type": "object", "properties": properties}, format_checker=Draft202012Validator.FORMAT_CHECKER
            )
            for error in validator.iter_errors(entry):
                yield from _said((name, *error.absolute_path), error)


def _said(at: At, error: Any) -> Iterator[Found]:
    """One error of jsonschema, in the words that problems of the estate have."""
    value, wanted = error.instance, error.validator_value
    match error.validator:
        case "type":
            yield at, f"must be {_KINDS.get(wanted, wanted)}", value, None, None
        case "required":  # the library has one error for each
            name = next(name for name in wanted if name not in value and f"'{name}'" in error.message)
            yield (*at, name), "is missing", None, None, f"add {name}"
        case "additionalProperties":
            known = list(error.schema["properties"])
            for name in set(value) - set(known):
                yield (*at, name), "there is no such key", None, ", ".join(known), _meant(name, known)
        case "enum":
            yield at, "is not known here", value, ", ".join(wanted), _meant(value, wanted)
        case "minimum":
            yield at, "is too small", value, f"{wanted} or more", None
        case "minLength":
            yield at, "is empty", value, None, "write who, what or why"
        case "pattern" | "format":
            yield at, "is no date", value, _DATE, None
        case _:
            yield at, error.message, value, None, None


def _meant(value: Any, known: Iterable[str]) -> str | None:
    from azml.spec import nearest

    near = nearest(value, list(known)) if isinstance(value, str) else None
    return None if near is None else f"did you mean {near}?"


def _placed(file: Path, found: Sequence[Found]) -> "Iterator[Problem]":
    """Say once where in the file each stands. Its places are YAML's, which has JSON in it but for a few escapes."""
    from azml.spec import Problem, SpecError
    from azml.spec.reader import read
    from azml.spec.tree import follow, spoken

    try:
        tree = read(file)
    except SpecError:
        tree = None
    for number, (at, what, value, allowed, fix) in enumerate(found):
        if found[number] in found[:number]:
            continue
        line = column = None
        if tree is not None:
            node, steps = follow(tree, at)
            by_key = node.key is not None and (steps < len(at) or isinstance(node.value, dict | list) or value is None)
            line, column = node.key if by_key and node.key is not None else node.at
        yield Problem(what, file, line, column, spoken(None, at), value, allowed, fix)
