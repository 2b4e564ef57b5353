"""The body of a resource as the SDK sees it: ARM's shape, the SDK's names, and the row's say.

The rule: an SDK name is ARM's name in lower camel case unless the row renames it; members of a `properties` object
stand beside their parent unless the row keeps it; what only ARM may write is no input; a map to objects without inputs
is a list of its keys. Owns no behaviour of a single resource: that is data in `table`.
"""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from azml.facts import arm_types
from azml_local.azure_native.table import Row

Direction = Literal["input", "output"]


@dataclass(frozen=True)
class Field:
    """A property of an object, in both worlds."""

    name: str
    """In the SDK."""
    path: tuple[str, ...]
    """In the body, from the object that holds it: containers that the SDK does not have, then ARM's name."""
    node: "Node"
    required: bool


class Node:
    """A place in the body of a resource."""

    def __init__(self, shape: arm_types.Shape, place: str, row: Row) -> None:
        self.shape = shape
        self.kind = shape.kind
        self._place = place
        self._row = row

    @functools.cached_property
    def item(self) -> "Node | None":
        """Elements of a list or a map."""
        return None if self.shape.item is None else Node(self.shape.item, self._place, self._row)

    @functools.cached_property
    def inputs(self) -> Mapping[str, Field]:
        """What the SDK takes here, by its names."""
        return {field.name: field for field in self._fields("input")}

    @functools.cached_property
    def outputs(self) -> Mapping[str, Field]:
        """What the SDK gives back here, by its names; at the top also `id`, `name` and `type`."""
        found = {field.name: field for field in self._fields("output")}
        if not self._place:
            text = Node(arm_types.Shape("str", {}), "", self._row)
            found |= {name: Field(name, (name,), text, required=False) for name in ("id", "name", "type")}
        return found

    def fields(self, direction: Direction) -> Mapping[str, Field]:
        """Either `inputs` or `outputs`."""
        return self.inputs if direction == "input" else self.outputs

    @functools.cached_property
    def required_containers(self) -> tuple[str, ...]:
        """Required objects of the body that the SDK does not have: they are sent even if nothing is in them."""
        known = self.shape.properties
        return tuple(name for name in known if known[name].required and self._is_flattened(name))

    @functools.cached_property
    def is_set_of_strings(self) -> bool:
        """Whether the SDK takes a list of strings: ARM has a map to objects that nobody can write into."""
        return self.kind == "map" and self.item is not None and not self.item.has_inputs

    @functools.cached_property
    def variants(self) -> Mapping[str, "Node"]:
        """The shapes of a discriminated object, by the discriminator's value."""
        return {tag: Node(shape, self._place, self._row) for tag, shape in self.shape.variants.items()}

    @functools.cached_property
    def discriminator(self) -> Field:
        """The property that chooses among `variants`."""
        name = self.shape.facts["on"]
        return next(field for field in self.outputs.values() if field.path == (name,))

    @property
    def has_inputs(self) -> bool:
        """Whether there is anything to write here: an object of read-only properties is no input."""
        return self.kind != "obj" or bool(self.inputs) or self.shape.item is not None

    def _fields(self, direction: Direction) -> Iterator[Field]:
        for name, known in self.shape.properties.items():
            inner = Node(known.shape, self._at(name), self._row)
            if self._is_flattened(name):
                for field in inner.fields(direction).values():
                    yield Field(field.name, (name, *field.path), field.node, field.required)
            elif self._is_output(known) if direction == "output" else self._is_input(name, known, inner):
                yield Field(self._sdk_name(name), (name,), inner, known.required)

    def _is_flattened(self, name: str) -> bool:
        return name == "properties" and not (self._row.keeps_properties and not self._place)

    def _is_input(self, name: str, known: arm_types.Property, inner: "Node") -> bool:
        place = self._at(name)
        return not (known.read_only or place in self._row.read_only or place == "etag") and inner.has_inputs

    def _is_output(self, known: arm_types.Property) -> bool:
        return not known.write_only

    def _at(self, name: str) -> str:
        return f"{self._place}.{name}" if self._place else name

    def _sdk_name(self, name: str) -> str:
        return self._row.renames.get(self._at(name)) or _lower_camel(name)


@functools.cache
def body(row: Row) -> Node:
    """Look up the whole body of a resource; an API version that the facts do not have is read as the newest one."""
    try:
        known = arm_types.resource(row.type, row.version)
    except arm_types.UnknownType:
        known = arm_types.resource(row.type)
    return Node(known.body, "", row)


def sdk_path(node: Node, path: tuple[str, ...]) -> tuple[str, ...]:
    """Tell the SDK's names for a place in the body."""
    if not path:
        return ()
    field = next(field for field in node.inputs.values() if field.path == path[: len(field.path)])
    return (field.name, *sdk_path(field.node, path[len(field.path) :]))


def _lower_camel(name: str) -> str:
    """`Application_Type` is `applicationType`."""
    first, *rest = name.replace("-", "_").replace(".", "_").split("_")
    return first[:1].lower() + first[1:] + "".join(part[:1].upper() + part[1:] for part in rest)
