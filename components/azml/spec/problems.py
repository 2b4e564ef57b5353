"""From pydantic's errors and our rules' findings to problems a person can act on.

Owns the words, and the search for what was probably meant. Deliberately knows no rule and no field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from azml.spec.base import BROKEN_RULES, REFUSED, At, Finding, Spec, nearest
from azml.spec.errors import Problem
from azml.spec.field_docs import field_docs
from azml.spec.fields import path_to, spec_at, specs_in
from azml.spec.tree import Node, follow, spoken

_TEXT = "must be text"
_WORDS = {
    **dict.fromkeys(("string_type",), (_TEXT, None)),
    **dict.fromkeys(
        ("int_type", "int_parsing", "int_from_float", "int_parsing_size"), ("must be a whole number", None)
    ),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), ("must be a number", None)),
    **dict.fromkeys(("bool_type", "bool_parsing"), ("must be true or false", None)),
    **dict.fromkeys(
        ("dict_type", "model_type", "model_attributes_type"), ("must be a map", "write its fields below it, indented")
    ),
    "list_type": ("must be a list", "begin each item with a dash"),
}


@dataclass(frozen=True)
class Source:
    """What was judged: the model, the plain data, and the tree that says where it was written (None for arguments)."""

    model: type[Spec]
    data: Any
    tree: Node | None = None

    def problem(self, at: At, finding: Finding, *, key: bool = False) -> Problem:
        """Put a finding in its place; `key` points to the key and not to its value."""
        path = spoken(self.data, at)
        if self.tree is None:
            return Problem(finding.what, path=path, value=finding.value, allowed=finding.allowed, fix=finding.fix)
        node, steps = follow(self.tree, at)
        exact = steps == len(at)
        line, column = node.at if exact and not key and not isinstance(node.value, dict | list) else node.key or node.at
        value, fix = finding.value, finding.fix
        if exact and node.written is not None and not key:
            value = node.written
            if finding.what.startswith(_TEXT) or isinstance(node.value, str):
                fix = f'put it in quotes: "{node.written}"'
        return Problem(finding.what, node.file, line, column, path, value, finding.allowed, fix)


def field_errors(error: ValidationError, source: Source) -> Iterator[tuple[At, str, Problem]]:
    """Say what is wrong with single fields: path, pydantic's type of error, problem."""
    for detail in error.errors(include_url=False):
        kind, at = detail["type"], path_to(source.data, detail["loc"])
        if kind == BROKEN_RULES:
            continue
        finding = detail["ctx"]["findings"][0] if kind == REFUSED else _finding(kind, detail, at, source)
        yield at, kind, source.problem((*at, *finding.at), finding, key=kind == "extra_forbidden")


def rule_errors(error: ValidationError, source: Source) -> Iterator[Problem]:
    """Say what the rules found that ran at the first look."""
    for detail in error.errors(include_url=False):
        if detail["type"] == BROKEN_RULES:
            at = path_to(source.data, detail["loc"])
            for finding in detail["ctx"]["findings"]:
                yield source.problem((*at, *finding.at), finding)


def _finding(kind: str, detail: Mapping[str, Any], at: At, source: Source) -> Finding:
    context, value = detail.get("ctx", {}), detail["input"]
    match kind:
        case "missing":
            return _missing(at, source)
        case "extra_forbidden":
            return _unknown(at, source)
        case "literal_error":
            options = [option.strip("'") for option in context["expected"].replace(" or ", ", ").split("', '")]
            near = nearest(value, options) if isinstance(value, str) else None
            fix = f"did you mean {near}?" if near else None
            return Finding("is not known here", value=value, allowed=", ".join(options), fix=fix)
        case "greater_than_equal":
            return Finding("is too small", value=value, allowed=f"{context['ge']:g} or more")
        case "less_than_equal":
            return Finding("is too large", value=value, allowed=f"at most {context['le']:g}")
        case "string_pattern_mismatch":
            return Finding("is not of the form that is allowed here", value=value, allowed=context["pattern"])
        case "string_too_long":
            return Finding(
                f"is too long: {len(value)} characters",
                value=value,
                allowed=f"at most {context['max_length']} characters",
            )
    what, fix = _WORDS.get(kind, (detail["msg"], None))
    if kind == "list_type" and isinstance(value, dict) and value:
        fix = f"begin each item with a dash and its name: - name: {next(iter(value))}"
    return Finding(what, value=value, fix=fix)


def _missing(at: At, source: Source) -> Finding:
    block = spec_at(source.model, source.data, at[:-1])
    about = None if block is None else field_docs(block).get(str(at[-1]))
    return Finding("is missing", allowed=about, fix=f"add {at[-1]}")


def _unknown(at: At, source: Source) -> Finding:
    """Say what an unknown key was probably meant to be, or where it belongs."""
    *above, key = at
    model = spec_at(source.model, source.data, above)
    what, key = "there is no such key", str(key)
    if model is None:
        return Finding(what)
    fields = list(model.model_fields)
    if key in model.elsewhere:
        return Finding(f"{what}: {model.elsewhere[key]}")
    if (home := _home(key, above, model, source)) is not None:
        return Finding(f"{what} here", fix=home)
    if (near := nearest(key, fields)) is not None:
        return Finding(what, fix=f"did you mean {near}?")
    return Finding(what, allowed=", ".join(fields))


def _home(key: str, above: Sequence[str | int], model: type[Spec], source: Source) -> str | None:
    """Find a block around this one, or within it, that has the key."""
    for length in range(len(above) - 1, -1, -1):
        outer = spec_at(source.model, source.data, above[:length])
        if outer is not None and outer is not model and key in outer.model_fields:
            place = spoken(source.data, above[:length])
            return f"it belongs to {place}, further out" if place else "it belongs at the top, further out"
    inner = [name for name in model.model_fields if _holds(model, name, key)]
    return f"it belongs in {inner[0]}, further in" if len(inner) == 1 else None


def _holds(model: type[Spec], field: str, key: str) -> bool:
    return any(key in inner.model_fields for inner in specs_in(model.model_fields[field].annotation))
