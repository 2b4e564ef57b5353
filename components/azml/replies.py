"""What the provider answers: differences, and failures in the forms that the engine understands.

Owns the protocol's messages for them. Deliberately decides nothing: what differs and what failed is said by handlers.
"""

import tempfile
import traceback
from typing import Any

import grpc
from pulumi.runtime import proto
from pulumi.runtime.proto import provider_pb2, status_pb2

from azml.resources.errors import Incomplete
from azml.resources.handler import GONE, Difference, Handler, Values
from azml.resources.wire import to_struct


def difference(handler: Handler, found: Difference, old: Values, new: Values) -> proto.DiffResponse:
    """Say what differs, property by property, so that a preview can show it."""
    kinds = provider_pb2.PropertyDiff
    details = {}
    for name in found.changed:
        suffix = "_REPLACE" if name in found.replaced else ""
        kind = "ADD" if name not in old else "DELETE" if name not in new else "UPDATE"
        details[name] = kinds(kind=kinds.Kind.Value(kind + suffix), inputDiff=True)
    drifted = handler.computed if GONE in found.drifted else found.drifted.keys()
    details.update({name: kinds(kind=kinds.UPDATE, inputDiff=False) for name in drifted})
    something = bool(details) or bool(found.drifted)
    return proto.DiffResponse(
        changes=proto.DiffResponse.DIFF_SOME if something else proto.DiffResponse.DIFF_NONE,
        replaces=sorted(found.replaced),
        diffs=sorted(details),
        detailedDiff=details,
        hasDetailedDiff=True,
        deleteBeforeReplace=bool(found.replaced) and handler.in_the_way(old, new),
    )


def incomplete(request: Any, error: Incomplete) -> grpc.Status:
    """Give the status that keeps the resource in state, as failed: the next update tries again."""
    inputs = request.news if isinstance(request, provider_pb2.UpdateRequest) else request.properties
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.id, properties=to_struct(error.outputs, secrets_of=inputs), reasons=[str(error)], inputs=inputs
    )
    message = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    message.details.add().Pack(detail)
    status = grpc.Status()
    status.code, status.details = grpc.StatusCode.UNKNOWN, str(error)
    status.trailing_metadata = (("grpc-status-details-bin", message.SerializeToString()),)
    return status


def unexpected(error: Exception) -> str:
    """Give one line for the user; the traceback goes to a file of its own, which only they can read."""
    with tempfile.NamedTemporaryFile("w", prefix="azml-", suffix=".log", delete=False, encoding="utf-8") as file:
        file.write("".join(traceback.format_exception(error)))
    what = str(error).partition("\n")[0]
    return (
        f"azml failed unexpectedly: {type(error).__name__}: {what}. This is a bug in azml; details are in {file.name}"
    )
