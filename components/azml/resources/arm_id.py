"""ARM ids: taken apart and put together. Case never matters in them, so they are compared folded."""

from dataclasses import dataclass

from azml.resources.errors import Refused


@dataclass(frozen=True)
class ArmId:
    """`/subscriptions/S/resourceGroups/G/providers/NAMESPACE/TYPE/NAME[/TYPE/NAME…]`, one pair of the path a level."""

    text: str
    subscription: str
    resource_group: str
    namespace: str
    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> "ArmId":
        """Read an id; `Refused` says what a right one looks like."""
        parts = text.strip("/").split("/")
        keys = [part.lower() for part in parts]
        shape_is_right = (
            len(parts) >= 8
            and len(parts) % 2 == 0
            and (keys[0], keys[2], keys[4]) == ("subscriptions", "resourcegroups", "providers")
            and all(parts)
        )
        if not shape_is_right:
            raise Refused(
                f"'{text}' is not the ARM id of a resource.\n"
                "It looks like /subscriptions/<id>/resourceGroups/<name>/providers/<namespace>/<type>/<name>."
            )
        pairs = tuple(zip(parts[6::2], parts[7::2], strict=True))
        return cls("/" + "/".join(parts), parts[1], parts[3], parts[5], pairs)

    @property
    def name(self) -> str:
        """The last name."""
        return self.pairs[-1][1]

    @property
    def parent(self) -> "ArmId":
        """The resource one level up."""
        return ArmId.parse(self.text.rsplit("/", 2)[0])

    @property
    def key(self) -> str:
        """The id as a key that ignores case."""
        return self.text.lower()

    def child(self, type_: str, name: str) -> "ArmId":
        """A resource one level down."""
        return ArmId.parse(f"{self.text}/{type_}/{name}")
