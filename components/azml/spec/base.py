"""What every spec model is made of: the base class and the way its rules speak.

Owns `Spec`, `rule` and `Finding`. Deliberately knows no field of any block, no file and no position: a finding names a
place relative to its own model, and `problems.py` finds the line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

REFUSED = "azml"
"""Type of the pydantic error that carries findings."""

At = tuple[str | int, ...]


@dataclass(frozen=True)
class Finding:
    """What a rule found: what is wrong, the value, what is allowed, what to change; `at` is relative to the model."""

    what: str
    at: At = ()
    value: Any = None
    allowed: str | None = None
    fix: str | None = None


def refusal(*findings: Finding) -> PydanticCustomError:
    """Make the error that a validator raises to report findings."""
    text = "; ".join(f.what for f in findings).replace("{", "{{").replace("}", "}}")
    return PydanticCustomError(REFUSED, text, {"findings": findings})


Method = TypeVar("Method", bound=Callable[..., Iterator[Finding]])


def rule(method: Method) -> Method:
    """Mark a method as a rule between fields. It yields findings, and runs once all fields of its model are valid."""
    method.is_rule = True  # type: ignore[attr-defined]
    return method


class Spec(BaseModel):
    """A frozen block of the estate. Unknown keys are refused; what only Azure writes is accepted and forgotten."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    forgotten: ClassVar[frozenset[str]] = frozenset({"$schema"})
    """Keys that `az ml` accepts and that say nothing about what is wanted."""
    elsewhere: ClassVar[Mapping[str, str]] = {}
    """Keys that people write here by mistake, and what to do instead."""
    _rules: ClassVar[tuple[Callable[[Any], Iterator[Finding]], ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        members = {name: member for base in reversed(cls.__mro__) for name, member in vars(base).items()}
        cls._rules = tuple(member for member in members.values() if hasattr(member, "is_rule"))

    @model_validator(mode="before")
    @classmethod
    def _forget(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and not cls.forgotten.isdisjoint(data):
            return {key: value for key, value in data.items() if key not in cls.forgotten}
        return data

    @model_validator(mode="after")
    def _judge(self) -> Self:
        findings = [finding for found in self._rules for finding in found(self)]
        if findings:
            raise refusal(*findings)
        return self

    def _settle(self, **values: Any) -> None:
        """Fill in what follows from other fields. Not counted as set: it was not written by anyone."""
        self.__dict__.update(values)

    @classmethod
    def from_args(cls, args: Mapping[str, Any]) -> Self:
        """Make the block from wire values: snake_case keys, numbers as floats, paths relative to the working folder.

        Raises `SpecError` with the path of every problem; there is no file to point to.
        """
        from azml.spec.problems import located

        try:
            return cls.model_validate(args)
        except ValidationError as error:
            raise located(error, cls, args) from None
