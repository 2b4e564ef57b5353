"""What a resource type declares, and which types there are.

Owns the defaults of a declaration: a type that says nothing is stored as it was sent, answered 201 or 200, and deleted
at once. Deliberately holds no behaviour of one type.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, TypeVar

from azml.facts import arm_types
from azml.facts.names import NameRule
from azml_local.arm.call import Answer, Call, Started
from azml_local.arm.ids import ResourceId
from azml_local.arm.pages import page
from azml_local.arm.store import Resource
from azml_local.azure import Azure

Action = Callable[[Any, Resource, Call], "dict[str, Any] | Started | Answer | None"]
_Action = TypeVar("_Action", bound=Callable[..., Any])
"""A POST action: (type, resource, call) to the answer's body, to an answer of another status, or to an
operation that goes on. Bodies are dicts."""


_MARK = "_azml_action"


def action(name: str) -> Callable[[_Action], _Action]:
    """Mark a method of a type as the POST action of that name."""

    def mark(method: _Action) -> _Action:
        setattr(method, _MARK, name)
        return method

    return mark


@dataclass(frozen=True)
class Reply:
    """How a verb is answered: status where the resource is new, and where it was there.

    `follow` names the header of a long-running operation; `shows` is for a deletion whose answer is what was deleted.
    No single rule holds: official clients refuse other codes than those of their type.
    """

    created: int = 201
    updated: int = 200
    follow: Literal["Azure-AsyncOperation", "Location"] | None = None
    shows: bool = False


@dataclass
class Write:
    """A PUT or PATCH on its way to the store; hooks change `body` and `hidden` in place.

    `asked` is the request's body as it came, `sent` the same as ARM's types write it, with write-only values; `body`
    what will be shown.
    """

    id: ResourceId
    asked: dict[str, Any]
    sent: dict[str, Any]
    body: dict[str, Any]
    hidden: dict[str, Any]
    existing: Resource | None
    patch: bool

    @property
    def properties(self) -> dict[str, Any]:
        """The body's `properties`, made if absent."""
        found: dict[str, Any] = self.body.setdefault("properties", {})
        return found


class ResourceType:
    """A resource type; one subclass each, one instance for a local Azure."""

    type: ClassVar[str]
    """As ARM writes it."""
    rule: ClassVar[NameRule | None] = None
    """What names must look like, where ARM's types say less."""
    operations: ClassVar[Sequence[str]] = ("PUT", "PATCH", "GET", "LIST", "DELETE")
    """What can be done beside the actions. A type without PUT is made up on reading (`find`, `members`)."""
    evidence: ClassVar[str] = ""
    """Where the behaviour is documented, with the document's date; shown on the coverage page."""
    not_enforced: ClassVar[str] = ""
    """What is kept and shown, and decides nothing here; shown on the coverage page."""
    puts: ClassVar[Reply] = Reply()
    patches: ClassVar[Reply] = Reply()
    deletes: ClassVar[Reply] = Reply(updated=200)
    patchable: ClassVar[Sequence[str]] = ("tags",)
    """Top-level names that a PATCH may hold."""
    defaults: ClassVar[Mapping[str, Any]] = {}
    """What Azure fills in where the body says nothing, in the shape of a body."""
    create_only: ClassVar[Sequence[str]] = ()
    """Names within `properties` that cannot change after creation."""
    actions: ClassVar[dict[str, Action]] = {}
    """POST actions by lower-case name; collected from the methods marked with `action`."""

    unborn_actions: ClassVar[Sequence[str]] = ()
    """Those that work before the resource is there."""
    name_taken: ClassVar[tuple[str, str] | None] = None
    """Of types whose names are global: code and text (with `{name}`) of the refusal of a name that somebody has."""
    name_bad: ClassVar[str] = "AccountNameInvalid"
    """What checkNameAvailability calls a bad name."""
    makes_parent: ClassVar[bool] = False
    """Whether a PUT makes the parent where it is not there yet, as asset versions do."""
    comes_back: ClassVar[bool] = False
    """Whether it is soft-deleted, and recovered, with what it is in."""

    def __init_subclass__(cls) -> None:
        own = {name.lower(): method for method in vars(cls).values() if (name := getattr(method, _MARK, None))}
        cls.actions = {**cls.actions, **own}

    def __init__(self, azure: Azure) -> None:
        self.azure = azure

    @cached_property
    def facts(self) -> arm_types.ArmType:
        """The shape of the body, from ARM's own types."""
        return arm_types.resource(self.type)

    @cached_property
    def has_state(self) -> bool:
        """Whether the type shows a provisioningState."""
        properties = self.facts.body.find("properties")
        return properties is not None and properties[1].shape.find("provisioningState") is not None

    @property
    def fixed(self) -> Sequence[str]:
        """`create_only`, unless the settings say otherwise."""
        return self.create_only

    def find(self, id_: ResourceId) -> Resource | None:
        """Look a resource up."""
        return self.azure.store.get(id_)

    def members(self, scope: ResourceId | None, _call: Call) -> list[Resource]:
        """List the resources of this type in a scope or below a parent."""
        return self.azure.store.below(scope, self.type)

    def listed(self, scope: ResourceId | None, call: Call) -> Answer:
        """Answer a LIST: a page of the members."""
        return page([self.present(found) for found in self.members(scope, call)], call)

    def lock(self, id_: ResourceId) -> ResourceId:
        """Name the resource on which only one operation may run at a time."""
        return id_

    def is_taken(self, name: str) -> bool:
        """Tell whether somebody has a global name."""
        return bool(self.azure.store.named(self.type, name))

    def read(self, body: dict[str, Any]) -> dict[str, Any]:
        """Read a request's body the way the service does, before it is checked against ARM's types."""
        return body

    def check(self, write: Write) -> None:
        """Refuse what ARM's types allow and the service does not (`ArmError`)."""

    def fill(self, write: Write) -> None:
        """Add what the service adds. Read-only values of an existing resource are there already."""

    def parent_body(self, _write: Write) -> dict[str, Any]:
        """Say what a PUT makes the parent of, where it makes one."""
        return {"properties": {}}

    def verb(self, write: Write) -> str:
        """Name what a write does, in the lifecycle's words."""
        return "create" if write.existing is None else "update"

    def check_delete(self, resource: Resource, call: Call) -> None:
        """Refuse a deletion (`ArmError`)."""

    def delete_absent(self, id_: ResourceId, call: Call) -> None:
        """Do what a DELETE of something that is not there does; by default nothing (the answer is 204)."""

    def soft_delete(self, _resource: Resource, _options: Mapping[str, Any]) -> float:
        """Tell for how many seconds a deleted resource keeps its name; 0: it is gone at once."""
        return 0

    async def apply(self, resource: Resource, report: Callable[[str], None]) -> None:
        """Make true what was written (processes, folders).

        Runs as the operation where there is one, and again after a restart that interrupted it. Raises `ArmError`.
        Changes to `resource` are stored.
        """

    async def removed(self, resource: Resource) -> None:
        """Take away what `apply` made. Runs again after a restart that interrupted it."""

    def present_in(self, resource: Resource, api_version: str) -> dict[str, Any]:  # noqa: ARG002
        """Show a resource with what only another API version than ours has; by default there is nothing of the kind."""
        return self.present(resource)

    def present(self, resource: Resource) -> dict[str, Any]:
        """Show a resource the way ARM does."""
        return {"id": str(resource.id), "name": resource.id.name, "type": self.type, **resource.body}


def action_names(type_: "ResourceType | type[ResourceType]") -> list[str]:
    """Name the POST actions of a type as ARM writes them."""
    return sorted(getattr(method, _MARK) for method in type_.actions.values())


class Types:
    """The declared types of one local Azure, by name in any case."""

    def __init__(self, azure: Azure, declared: Sequence[type[ResourceType]]) -> None:
        self._types = {type_.type.lower(): type_(azure) for type_ in declared}

    def get(self, type_: str) -> ResourceType | None:
        """Look up a declaration; None where the type is not emulated."""
        return self._types.get(type_.lower())

    def of(self, resource: Resource) -> ResourceType:
        """Look up the declaration of a stored resource."""
        return self._types[resource.id.type.lower()]

    @property
    def names(self) -> list[str]:
        """Every declared type as ARM writes it."""
        return sorted(type_.type for type_ in self._types.values())
