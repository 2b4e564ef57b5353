"""How a long-running operation is shown to clients: headers of the first answer, status document, result.

How long to wait grows with the operation's age, in milliseconds: `Retry-After: 0` would count as absent (official
clients then wait 30 s), and azure-mgmt-storage 25.3.0 reads it as a whole number, so there is no such header at all.
"""

import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from azml_local.arm.call import Answer, Call
from azml_local.arm.ids import SUBSCRIPTION, ResourceId
from azml_local.arm.operations import DELETE
from azml_local.arm.store import Operation
from azml_local.arm.types import Reply, Types

STATUSES, RESULTS = "operationStatuses", "operationResults"
_FASTEST, _SLOWEST, _PART_OF_AGE = 0.05, 1.0, 0.1


def accepted(call: Call, reply: Reply, status: int, operation: Operation, body: Any, location: str) -> Answer:
    """Answer a request whose work goes on."""
    where = RESULTS if reply.follow == "Location" else STATUSES
    headers = {
        str(reply.follow): _url(call, operation, where, location),
        **_wait(operation),
        "x-ms-async-operation-timeout": "PT2H",
    }
    return Answer(status, None if status == 202 else body, headers)


def followed(call: Call, kind: str, operation: Operation, types: Types, location: str) -> Answer:
    """Answer a poll: `kind` is the collection it asks (`operationStatuses` or `operationResults`)."""
    if kind.lower() == STATUSES.lower():
        wait = _wait(operation) if operation.status == "InProgress" else {}
        return Answer(200, _document(call, operation), wait)
    if operation.status == "InProgress":
        return Answer(
            202,
            None,
            {"Location": _url(call, operation, RESULTS, location), **_wait(operation)},
        )
    if operation.error is not None:
        return Answer(409, {"error": operation.error})
    type_ = types.get(operation.resource.type)
    resource = None if operation.verb == DELETE or type_ is None else type_.find(operation.resource)
    if resource is None or type_ is None:
        return Answer(204)
    return Answer(200, type_.present(resource))


def _document(call: Call, operation: Operation) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": urlsplit(call.url).path,
        "name": operation.id,
        "status": operation.status,
        "startTime": _time(operation.started),
        "percentComplete": 0.0 if operation.ended is None else 100.0,
    }
    if operation.progress:
        document["properties"] = {"progress": operation.progress}
    if operation.ended is not None:
        document["endTime"] = _time(operation.ended)
    if operation.error is not None:
        document["error"] = operation.error
    return document


def _url(call: Call, operation: Operation, where: str, location: str) -> str:
    parts = urlsplit(call.url)
    subscription = operation.resource.ancestor(SUBSCRIPTION)
    namespace = operation.resource.type.partition("/")[0]
    at = ResourceId(
        f"{namespace}/locations/{where}",
        operation.id,
        ResourceId(f"{namespace}/locations", location, subscription),
    )
    return f"{parts.scheme}://{parts.netloc}{at}?api-version={call.query['api-version']}"


def _wait(operation: Operation) -> dict[str, str]:
    age = time.time() - operation.started
    return {"retry-after-ms": f"{min(_SLOWEST, max(_FASTEST, age * _PART_OF_AGE)) * 1000:.0f}"}


def _time(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
