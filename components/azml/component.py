"""What azml's components share: how arguments become a spec, and how questions to a provider fail.

Owns those two steps alone. Deliberately no base class: a component is a `pulumi.ComponentResource` like any other.
"""

from collections.abc import Collection, Mapping
from importlib.metadata import version
from typing import Any, TypeVar

import pulumi

from azml.spec.base import Spec
from azml.spec.errors import SpecError

S = TypeVar("S", bound=Spec)
T = TypeVar("T")


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


def asked(
    function: str, args: Mapping[str, Any], answer: type[T], parent: pulumi.Resource | None, refused: str
) -> pulumi.Output[T]:
    """Ask a function of azure-native. Where it has no answer, `refused` and its reason end the program.

    The SDK's own form of a function with outputs ends it with a traceback.
    """
    options = pulumi.InvokeOptions(parent=parent, version=version("pulumi-azure-native"))

    async def wait() -> T:
        try:
            found: T = await pulumi.runtime.invoke_async(function, dict(args), options, answer)
        except Exception as error:  # noqa: BLE001 - the SDK raises no type of its own
            reason = str(error).rpartition("returned an error: ")[2]
            raise pulumi.RunError(f"{refused}\n{reason}") from None
        return found

    return pulumi.Output.from_input(wait())
