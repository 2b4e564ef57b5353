"""What can go wrong with ARM in a way that is told, not traced."""

from azml_local.stand_in.errors import Refused


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
