"""ARM's errors: the envelope, and the errors that any resource type can give.

Texts follow Azure's where they are public; what is not emulated is one typed error, `NotImplemented`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from azml_local.arm.ids import ResourceId


class ArmError(Exception):
    """An answer that is no success: HTTP status, ARM code, message, and details of the same shape.

    `retry_after`: seconds after which the same may be asked again.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Iterable["ArmError"] = (),
        *,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.retry_after = status, code, message, retry_after
        self.details = list(details)

    def document(self, codes: Mapping[str, str] = {}) -> dict[str, Any]:
        """The `error` object, as in an answer's envelope and in an operation's status document; `codes` by others."""
        document: dict[str, Any] = {"code": codes.get(self.code, self.code), "message": self.message}
        if self.details:
            document["details"] = [detail.document(codes) for detail in self.details]
        return document


def not_found(resource: ResourceId) -> ArmError:
    """Say that a resource is not there, in ARM's words for its kind."""
    if (group := resource.group) is resource:
        return ArmError(404, "ResourceGroupNotFound", f"Resource group '{resource.name}' could not be found.")
    where = f" under resource group '{group.name}'" if group else ""
    short = "/".join([*resource.type.split("/")[:1], *_pairs(resource)])
    return ArmError(404, "ResourceNotFound", f"The Resource '{short}'{where} was not found.")


def _pairs(resource: ResourceId) -> list[str]:
    above = _pairs(resource.parent) if resource.parent is not None and resource.is_nested else []
    return [*above, resource.type.rpartition("/")[2], resource.name]


def parent_not_found(child: ResourceId, parent: ResourceId) -> ArmError:
    """Say that what a nested resource belongs to is not there."""
    path = "/".join(_pairs(parent)[1::2])
    return ArmError(
        404,
        "ParentResourceNotFound",
        f"Failed to perform 'write' on resource(s) of type '{child.type.partition('/')[2]}', because the parent "
        f"resource '{path}' could not be found.",
    )


def not_emulated(what: str, instead: str = "") -> ArmError:
    """Say that the local Azure does not have this, and what it has."""
    return ArmError(501, "NotImplemented", f"The local Azure does not emulate {what}.{' ' if instead else ''}{instead}")


def conflict(what: str, verb: str) -> ArmError:
    """Say that another operation is running."""
    return ArmError(
        409,
        "Conflict",
        f"A {verb} operation is already in progress on {what}. Wait until it has finished, then repeat the request.",
    )


def bad_request(code: str, message: str) -> ArmError:
    """Refuse in the shape of Azure Machine Learning: the reason is a detail of `BadRequest`."""
    return ArmError(400, "BadRequest", f"The request is invalid. {message}", [ArmError(400, code, message)])
