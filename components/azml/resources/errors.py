"""How a handler fails: Azure said no, azml says no, Azure accepted and then failed, or the user pressed Ctrl-C.

Owns the exception types. Deliberately not how they are shown (`azml.provider`).
"""

from typing import Any


class ArmError(Exception):
    """An answer of Azure that is no success: its code, its text, its HTTP status (0 = none was received)."""

    def __init__(self, code: str, message: str, status: int = 0) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status

    @property
    def gone(self) -> bool:
        """Whether what was asked for, or what it belongs to, is not there."""
        return self.status == 404

    @property
    def busy(self) -> bool:
        """Whether another operation holds the resource: wait and repeat.

        A 409 also means "that name is taken", which no waiting mends; only Azure's text tells the two apart.
        """
        return self.status == 409 and "progress" in self.message.lower()


class Refused(Exception):  # noqa: N818 - named after what happened, as Azure's own are
    """azml does not do what was asked. Nothing changed in Azure."""


class Interrupted(Refused):
    """The run was cancelled, or took longer than it may, while azml waited."""


class TooLong(Interrupted):
    """Azure took longer than it may, and is still at work."""


class Incomplete(Exception):  # noqa: N818
    """Azure accepted a create or an update, and then it failed.

    The resource exists: it stays in state with what is known of it, and the next `pulumi up` updates it.
    """

    def __init__(self, text: str, id_: str, outputs: dict[str, Any]) -> None:
        super().__init__(text)
        self.id, self.outputs = id_, outputs
