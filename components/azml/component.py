"""What azml's components share: how arguments become a spec.

Owns that step alone. Deliberately no base class: a component is a `pulumi.ComponentResource` like any other.
"""

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import pulumi

from azml.spec.base import Spec
from azml.spec.errors import SpecError

S = TypeVar("S", bound=Spec)


class InvalidArgs(pulumi.RunError):
    """A component's arguments break the spec's rules. The engine prints the text without a traceback."""


def spec_of(model: type[S], component: str, args: Mapping[str, Any], besides: Collection[str] = ()) -> S:
    """Judge a component's arguments by the same rules as the estate.

    `besides` are arguments that the spec does not know. An Output is left out too: its value comes from Azure, which
    has judged it. Raises `InvalidArgs` with every problem.
    """
    known = {
        key: value
        for key, value in args.items()
        if key not in besides and value is not None and not isinstance(value, pulumi.Output)
    }
    try:
        return model.from_args(known)
    except SpecError as error:
        raise InvalidArgs(f"{component} cannot be made:\n{error}") from None


def given(args: Mapping[str, Any]) -> Any:
    """Arguments without those that are absent or empty. `Any`: which TypedDict it is, the caller knows."""
    return {key: value for key, value in args.items() if value is not None and value != {}}
