"""What can go wrong in a way that is told, not traced."""


class Refused(Exception):  # noqa: N818 - the provider's refusal; the text is all there is to it
    """Something the provider says no to; the text is the message."""


class ArmError(Refused):
    """ARM's error answer, told as the provider tells it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        code = f' Code="{code}"' if code else ""
        super().__init__(f'Status={status}{code} Message="{message}"')

    @property
    def is_not_found(self) -> bool:
        """Whether ARM said 404."""
        return self.status == 404


class Stopped(Refused):
    """The update was cancelled, or took longer than it may."""


class TimedOut(Stopped):
    """It took longer than it may: told so, whatever else went wrong then."""


class OperationFailed(Refused):
    """ARM had accepted a write and could not finish it; the resource is there."""
