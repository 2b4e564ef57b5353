"""What every spec model is made of: the base class and the way its rules speak.

Owns `Spec`, `rule` and `Finding`. Deliberately knows no field of any block, no file and no position: a finding names a
place relative to its own model, and `problems.py` finds the line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import CodeType
from typing import Any, ClassVar, LiteralString, Protocol, Self

from pydantic import BaseModel, ConfigDict, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

REFUSED = "azml_refused"
"""Type of the pydantic error of a field that carries a finding."""
BROKEN_RULES = "azml_rules"
"""Type of the pydantic error of a block that carries the findings of its rules."""
WITHOUT_RULES = object()
"""Validation context in which only fields are judged."""

At = tuple[str | int, ...]


@dataclass(frozen=True)
class Finding:
    """What a rule found: what is wrong, the value, what is allowed, what to change; `at` is relative to the model."""

    what: str
    at: At = ()
    value: Any = None
    allowed: str | None = None
    fix: str | None = None


def refusal(finding: Finding) -> PydanticCustomError:
    """Make the error that the validator of a single field raises."""
    return PydanticCustomError(REFUSED, _text((finding,)), {"findings": (finding,)})


def _text(findings: tuple[Finding, ...]) -> LiteralString:
    return "; ".join(f.what for f in findings).replace("{", "{{").replace("}", "}}")


class Rule(Protocol):
    """A method that yields what is wrong between fields; it runs once all fields of its model are valid."""

    __code__: CodeType

    def __call__(self, block: Any, /) -> Iterator[Finding]:
        """Judge a block."""


def rule(method: Callable[[Any], Iterator[Finding]]) -> Rule:
    """Mark a method as a rule."""
    method.is_rule = True  # type: ignore[attr-defined]
    return method


def nearest(word: str, known: list[str]) -> str | None:
    """Return the known word that was probably meant."""
    by_case = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), by_case, n=1, cutoff=0.6)
    return by_case[found[0]] if found else None


class Spec(BaseModel):
    """A frozen block of the estate. Unknown keys are refused; what only Azure writes is accepted and forgotten."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    forgotten: ClassVar[frozenset[str]] = frozenset({"$schema"})
    """Keys that `az ml` accepts and that say nothing about what is wanted."""
    elsewhere: ClassVar[Mapping[str, str]] = {}
    """Keys that people write here by mistake, and what to do instead."""
    rules: ClassVar[tuple[Rule, ...]] = ()
    """What must hold between fields; collected from the methods that are marked so."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        members = {name: member for base in reversed(cls.__mro__) for name, member in vars(base).items()}
        cls.rules = tuple(member for member in members.values() if hasattr(member, "is_rule"))

    @model_validator(mode="before")
    @classmethod
    def _forget(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and not cls.forgotten.isdisjoint(data):
            return {key: value for key, value in data.items() if key not in cls.forgotten}
        return data

    @model_validator(mode="after")
    def _judge(self, info: ValidationInfo) -> Self:
        if info.context is not WITHOUT_RULES:
            findings = tuple(finding for rule in self.rules for finding in rule(self))
            if findings:
                raise PydanticCustomError(BROKEN_RULES, _text(findings), {"findings": findings})
        return self

    def _settle(self, **values: Any) -> None:
        """Fill in what follows from other fields. Not counted as set: it was not written by anyone."""
        self.__dict__.update(values)

    @classmethod
    def from_args(cls, args: Mapping[str, Any]) -> Self:
        """Make the block from wire values: snake_case keys, numbers as floats, paths relative to the working folder.

        None is as good as absent. Raises `SpecError` with the path of every problem; there is no file to point to.
        """
        from azml.spec.validation import judged

        return judged(cls, _present(args))


def _present(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _present(child) for key, child in value.items() if child is not None}
    return [_present(child) for child in value] if isinstance(value, list) else value


def blocks(spec: Spec, at: At = ()) -> Iterator[tuple[At, Spec]]:
    """Go through a block and all blocks within it, each with its path."""
    yield at, spec
    for name in type(spec).model_fields:
        value = getattr(spec, name)
        entries: Iterable[tuple[Any, Any]] = ()
        if isinstance(value, Spec):
            yield from blocks(value, (*at, name))
        elif isinstance(value, list):
            entries = enumerate(value)
        elif isinstance(value, dict):
            entries = value.items()
        for key, child in entries:
            if isinstance(child, Spec):
                yield from blocks(child, (*at, name, key))


def twins(field: str, names: Iterable[str | None]) -> Iterator[Finding]:
    """Find things of a list that Azure would take for one: it compares names without case."""
    first: dict[str, str] = {}
    for index, name in enumerate(names):
        if name is None:
            continue
        if name.lower() in first:
            yield Finding(
                f"two things here are called {first[name.lower()]}: Azure compares names without case",
                (field, index, "name"),
                name,
                fix="rename one of them",
            )
        first.setdefault(name.lower(), name)
