"""What a rule is: who it judges, what it may say, and what people read about it.

Owns the shapes only. A rule file makes one `Rule`; `pack` runs it and decides what its verdict comes to.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from azml_policies import values
from azml_policies.values import Unknown


class Stage(StrEnum):
    """How much a finding weighs: in dev it advises, in test it warns, in prod it refuses."""

    DEV = "dev"
    TEST = "test"
    PROD = "prod"


class Severity(StrEnum):
    """How bad it is where it happens. It changes no level."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Outcome(StrEnum):
    """What a rule found. What it could not find out is never a pass."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Resource:
    """A resource of the program: its token without an API version, its name there, and its inputs."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    protect: bool = False
    """Whether the engine refuses to delete or replace it."""
    secrets: frozenset[str] = frozenset()
    """Texts that no finding may show."""

    @property
    def parents(self) -> list[str]:
        """Tokens of the components that it is a part of, the outermost first."""
        return self.urn.split("::")[2].split("$")[:-1]

    def at(self, *path: str) -> Any:
        """The input at a path: None where absent, UNKNOWN where not known."""
        return values.at(self.inputs, *path)

    def text(self, *path: str) -> str | Unknown | None:
        """The input at a path as text."""
        return values.text(self.at(*path))

    def whole(self, *path: str) -> int | Unknown | None:
        """The input at a path as a whole number."""
        return values.whole(self.at(*path))


@dataclass(frozen=True)
class Stack:
    """All resources of the program, once it has run to its end, and what depends on what."""

    resources: Mapping[str, Resource]
    """By URN."""
    depends: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """URNs that a resource waits for."""
    uses: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    """URNs whose outputs an input is made of, by resource and input."""


@dataclass(frozen=True)
class Run:
    """What a rule may know beside the resource."""

    stage: Stage
    config: Mapping[str, Any]
    """The rule's own, with its defaults."""
    today: date
    preview: bool
    """Whether values may still be missing that the update will have."""
    seen: Mapping[str, Resource]
    """Resources registered before this one, and this one, of the types that rules ask for."""


@dataclass(frozen=True)
class Verdict:
    """What a rule says of one resource."""

    outcome: Outcome
    what: str = ""
    """The finding with its values. A pass may have one too: a remark that changes nothing."""
    remedy: str = ""
    """What to change here; empty: the rule's own."""
    later: bool = False
    """Of what is unknown: whether the update will know it."""


PASS = Verdict(Outcome.PASS)
Judge = Callable[[Resource, Run], Verdict]
StackJudge = Callable[[Stack, Run], Iterable[tuple[Resource, Verdict]]]


def fail(what: str, remedy: str = "") -> Verdict:
    """It is against the rule."""
    return Verdict(Outcome.FAIL, what, remedy)


def unknown(what: str, remedy: str = "", *, later: bool = True) -> Verdict:
    """It cannot be told. `later` where an input is not known yet."""
    return Verdict(Outcome.UNKNOWN, what, remedy, later)


def remark(what: str, remedy: str = "") -> Verdict:
    """It keeps to the rule, and there is something to be said."""
    return Verdict(Outcome.PASS, what, remedy)


@dataclass(frozen=True)
class Rule:
    """One rule."""

    id: str
    title: str
    """What must hold, as a sentence without its period."""
    severity: Severity
    cause: str
    """When it finds something."""
    explanation: str
    """Why that matters, and on what evidence."""
    remedy: str
    """What to change."""
    types: frozenset[str]
    """Tokens of the resources that it judges."""
    judge: Judge
    judge_stack: StackJudge | None = None
    """For what only the whole program tells."""
    remembers: frozenset[str] = frozenset()
    """Tokens of other resources that it looks at."""
    schema: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """JSON Schema of its settings, by name."""
    stages: frozenset[Stage] = frozenset(Stage)
    """Where it judges at all."""
    strict: bool = False
    """Whether what stays unknown weighs as much as a failure."""
