"""The class side of azml's resources: typed arguments in, registration with the engine out.

Owns names on the wire (snake_case in Python, camelCase outside, keys that users choose untouched). Deliberately does
nothing else: rules are in `azml.spec`, work is in the handlers. No `from __future__ import annotations` in modules that
define a resource: names and the package schema are read from live annotations.
"""

import importlib.metadata
import inspect
from collections.abc import Mapping
from typing import Any, Self, get_args, is_typeddict

import pulumi


def token(name: str) -> str:
    """Type token of a class of this package."""
    return f"azml:index:{name}"


def camel(name: str) -> str:
    """`scoring_uri` as `scoringUri`."""
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)


def to_wire(value: Any, annotation: Any) -> Any:
    """Keys of typed dicts in camelCase; keys of plain dicts are users' own (tags, variables) and stay."""
    if isinstance(value, Mapping) and (typed := _typed_dict(annotation)) is not None:
        kinds = _annotations(typed)
        return {camel(key): to_wire(item, kinds.get(key)) for key, item in value.items() if item is not None}
    return value


def _annotations(typed: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for base in reversed([typed, *getattr(typed, "__orig_bases__", ())]):
        if inspect.isclass(base):
            found |= inspect.get_annotations(base)
    return found


def _typed_dict(annotation: Any) -> type | None:
    """The TypedDict in an annotation, inside `NotRequired`, `Optional` or `Input`."""
    if inspect.isclass(annotation) and is_typeddict(annotation):
        return annotation
    return next((found for part in get_args(annotation) if (found := _typed_dict(part)) is not None), None)


class AzmlResource(pulumi.CustomResource):
    """A resource of azml's own provider. A subclass annotates its outputs and its `args`."""

    def __init__(self, name: str, args: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        """Register under the class's name; `args` is a TypedDict of the subclass."""
        kind = inspect.get_annotations(type(self).__init__)["args"]
        outputs = [key for key in inspect.get_annotations(type(self)) if not key.startswith("_")]
        properties = {**dict.fromkeys(map(camel, outputs)), **to_wire(args, kind)}
        # Without a version the engine would take the newest plugin that the machine has, whichever that is.
        ours = pulumi.ResourceOptions(version=importlib.metadata.version("azml"))
        super().__init__(token(type(self).__name__), name, properties, pulumi.ResourceOptions.merge(ours, opts))
        for output in outputs:
            self.__dict__[output] = self.__dict__[camel(output)]

    @classmethod
    def get(cls, name: str, id_: str, opts: pulumi.ResourceOptions | None = None) -> Self:
        """Read one that exists and that this program does not manage."""
        return cls(name, {}, pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id_)))
