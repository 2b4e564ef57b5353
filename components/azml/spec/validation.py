"""Validation, with everything that is wrong at once.

Owns the second look. Rules between fields run only on blocks in which everything is valid; so that one wrong field, or
one broken rule of a block within, does not hide what the rules would say, wrong fields are taken out, the rest is
validated again, and every rule that does not depend on what was taken out has its say. Deliberately owns no words
(`problems.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any, TypeVar

from pydantic import ValidationError

from azml.spec.base import WITHOUT_RULES, At, Finding, Spec, blocks
from azml.spec.errors import Problem, SpecError
from azml.spec.fields import field_of
from azml.spec.problems import Source, field_errors, rule_errors
from azml.spec.tree import Node

Block = TypeVar("Block", bound=Spec)

_STAND_INS = {"name": "stand-in-{}", "stage": "dev", "instance_type": "Standard_DS3_v2", "image": "stand-in:1"}
"""Values for required fields that were taken out, so that the block around them can still be judged."""
_NAMED = frozenset({"name", "images"})
"""What rules further out look for below a field that they read: what things are called. `images` is a list of things
two levels down, which is gone as a whole where one of them is not to be judged."""
_ROUNDS = 3


def judged(model: type[Block], data: Mapping[str, Any], tree: Node | None = None) -> Block:
    """Validate plain data. Raises `SpecError` with every problem, located where there is a tree."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        source = Source(model, data, tree)
        raise SpecError(_problems(error, source)) from None


def _problems(error: ValidationError, source: Source) -> list[Problem]:
    wrong = list(field_errors(error, source))
    found = [problem for _, _, problem in wrong]
    found += rule_errors(error, source)  # of blocks whose fields are all valid, so they stand
    later = _second_look(error, source) or ()
    return [*found, *(problem for problem in later if problem not in found)]


def _second_look(error: ValidationError, source: Source) -> list[Problem] | None:
    """Ask the rules about what is left without the wrong fields; None if that cannot be validated either."""
    rest, gone, strange = _copy(source.data), list[At](), list[At]()
    for _ in range(_ROUNDS):
        for at, kind, _ in list(field_errors(error, Source(source.model, rest))):
            if not at:
                return None
            if _container(rest, at) is None:
                continue
            if kind == "extra_forbidden":
                strange.append(at)
                _container(rest, at).pop(at[-1])
            elif went := _take_out(rest, at, source.model):
                gone.append(went)
            else:
                return None
        try:
            spec = source.model.model_validate(rest, context=WITHOUT_RULES)
        except ValidationError as again:
            error = again
        else:
            return [
                source.problem((*at, *finding.at), finding)
                for at, block in blocks(spec)
                for rule in type(block).rules
                for finding in rule(block)
                if _independent(at, finding, _reads(type(block), rule.__code__), gone, strange)
            ]
    return None


def _copy(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _copy(value) for key, value in data.items()}
    return [_copy(value) for value in data] if isinstance(data, list) else data


def _container(data: Any, at: At) -> Any:
    """Return the map or list that holds a place, None if it went with something around it."""
    for part in at[:-1]:
        try:
            data = data[part]
        except (KeyError, IndexError):
            return None
    return data


def _take_out(data: Any, at: At, model: type[Spec]) -> At:
    """Take a wrong value out, or what is around it where it cannot be missing; returns the path of what went.

    Empty: what it is part of is the whole.
    """
    if not at:
        return ()
    container, key = _container(data, at), at[-1]
    if isinstance(key, int):
        return _take_out(data, at[:-1], model)
    field = field_of(model, data, at)
    if field is None or not field.is_required():
        container.pop(key, None)
    elif key in _STAND_INS:
        container[key] = _STAND_INS[key].format(abs(hash(at)) % 10**6)
    else:
        return _take_out(data, at[:-1], model)
    return at


def _independent(block: At, finding: Finding, reads: set[str], gone: list[At], strange: list[At]) -> bool:
    """Tell whether a finding stands whatever the wrong values were meant to be."""
    about = (*block, *finding.at)
    for at in gone:
        if at[: len(about)] == about:
            return False
        within = at[len(block) :] if at[: len(block)] == block else ()
        if within and within[0] in reads and (len(within) == 1 or within[-1] in _NAMED):
            return False
    return bool(finding.at) or not any(at[:-1] == block for at in strange)


def _reads(model: type[Spec], code: CodeType) -> set[str]:
    """Name the fields that a rule looks at: those that its code names, and the code of what it calls on itself."""
    names = {*code.co_names, *(word for word in _words(code.co_consts))}
    called = [member.__code__ for name in names if isinstance(member := vars(model).get(name), FunctionType)]
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    return names.intersection(model.model_fields).union(*(_reads(model, part) for part in (*called, *inner)))


def _words(constants: Iterable[object]) -> Iterator[str]:
    for constant in constants:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, tuple):
            yield from _words(constant)
