"""ARM ids: what a path names, in any case.

Owns the grammar (subscription, resource group, provider blocks, extension resources) and the canonical way to write an
id. Deliberately does not know which types exist.
"""

from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote

SUBSCRIPTION = "Microsoft.Resources/subscriptions"
GROUP = "Microsoft.Resources/resourceGroups"


@dataclass(frozen=True)
class ResourceId:
    """A resource, with its parent (or, for the first of a provider block, its scope). No parent: the tenant's own."""

    type: str
    name: str
    parent: "ResourceId | None" = None

    def __str__(self) -> str:
        above = "" if self.parent is None else str(self.parent)
        if self.type in (SUBSCRIPTION, GROUP):
            return f"{above}/{self.type.rpartition('/')[2]}/{self.name}"
        if self.is_nested:
            return f"{above}/{self.type.rpartition('/')[2]}/{self.name}"
        namespace, _, rest = self.type.partition("/")
        return f"{above}/providers/{namespace}/{rest}/{self.name}"

    @cached_property
    def key(self) -> str:
        """What the id is compared by: ids are case-insensitive."""
        return str(self).lower()

    @property
    def is_nested(self) -> bool:
        """Whether the parent is the resource that this one belongs to, not just the scope it is in."""
        return self.parent is not None and self.type.lower().startswith(self.parent.type.lower() + "/")

    def ancestor(self, type_: str) -> "ResourceId | None":
        """The nearest resource of a type on the way up, this one included."""
        here: ResourceId | None = self
        while here is not None and here.type.lower() != type_.lower():
            here = here.parent
        return here

    @property
    def subscription(self) -> str | None:
        """Id of the subscription it is in."""
        found = self.ancestor(SUBSCRIPTION)
        return found.name if found else None

    @property
    def group(self) -> "ResourceId | None":
        """The resource group it is in."""
        return self.ancestor(GROUP)


@dataclass(frozen=True)
class Target:
    """What a request's path names: the resource `at`, or below it (or the tenant) a collection or an action.

    `namespace` is set where the path stops inside a provider block (`…/providers/Microsoft.Storage/storageAccounts`).
    """

    at: ResourceId | None
    tail: str | None = None
    namespace: str | None = None

    @property
    def tail_type(self) -> str:
        """Full type of the members, the tail read as a collection."""
        if self.namespace is not None:
            return f"{self.namespace}/{self.tail}"
        if self.at is None or self.at.type in (SUBSCRIPTION, GROUP):
            return f"Microsoft.Resources/{self.tail}"
        return f"{self.at.type}/{self.tail}"


def parse(path: str) -> Target:
    """Read a URL path. Any even chain is a resource; one segment more is a collection or an action."""
    segments = [unquote(segment) for segment in path.strip("/").split("/") if segment]
    at: ResourceId | None = None
    namespace: str | None = None
    index = 0
    while index < len(segments):
        word, rest = segments[index], len(segments) - index
        if word.lower() == "providers" and rest >= 2:
            namespace, index = segments[index + 1], index + 2
            if index == len(segments):
                return Target(at, None, namespace)
            continue
        if rest == 1:
            return Target(at, word, namespace)
        at = ResourceId(_type(word, namespace, at), segments[index + 1], at)
        namespace, index = None, index + 2
    return Target(at)


def parse_id(text: str) -> ResourceId | None:
    """Read the id of a resource; None where the text is not one."""
    if not text.startswith("/"):
        return None
    target = parse(text)
    return target.at if target.tail is None and target.namespace is None else None


def _type(word: str, namespace: str | None, at: ResourceId | None) -> str:
    if namespace is not None:
        return f"{namespace}/{word}"
    if at is None:
        return SUBSCRIPTION if word.lower() == "subscriptions" else f"Microsoft.Resources/{word}"
    if at.type == SUBSCRIPTION:
        return GROUP if word.lower() == "resourcegroups" else f"Microsoft.Resources/{word}"
    return f"{at.type}/{word}"
