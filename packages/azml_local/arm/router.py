"""From a request to the resource, collection or action that it names.

Owns what every request must have (an api-version) and the choice of the path. Deliberately does not check tokens:
`azml_local.app` lets nobody in without one.
"""

from typing import Any

from azml_local.arm import replies
from azml_local.arm.call import Answer, Call, Started
from azml_local.arm.crud import Crud, location_of
from azml_local.arm.errors import ArmError, not_emulated, not_found
from azml_local.arm.ids import ResourceId, Target, parse
from azml_local.arm.store import Resource
from azml_local.arm.types import Reply
from azml_local.azure import Azure

_ACTION = Reply(created=202, updated=202, follow="Location")


class Router:
    """Answers every ARM request of one local Azure."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self._crud = Crud(azure)

    async def answer(self, path: str, call: Call) -> Answer:
        """Answer a request; what goes wrong comes out as ARM's error envelope."""
        try:
            _refuse_without_version(call)
            return await self._answer(parse(path), call)
        except ArmError as error:
            wait = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
            return Answer(error.status, {"error": error.document(self._azure.settings.error_codes)}, wait)

    async def _answer(self, target: Target, call: Call) -> Answer:
        if target.tail is None and target.namespace is None and target.at is not None:
            return await self._resource(target.at, call)
        if call.method == "GET":
            if target.tail is None:
                return self._crud.get(ResourceId("Microsoft.Resources/providers", str(target.namespace), target.at))
            return self._crud.list(target.at, target.tail_type, call)
        if call.method == "POST":
            return await self._action(target, call)
        raise ArmError(405, "MethodNotAllowed", f"{call.method} is not allowed here: the path names no resource.")

    async def _resource(self, id_: ResourceId, call: Call) -> Answer:
        kind = id_.type.rpartition("/")[2].lower()
        if kind in (replies.STATUSES.lower(), replies.RESULTS.lower()):
            return self._operation(id_, kind, call)
        match call.method:
            case "GET":
                return self._crud.get(id_, call.api_version)
            case "HEAD":
                return self._crud.head(id_)
            case "PUT":
                return await self._crud.put(id_, call)
            case "PATCH":
                return await self._crud.patch(id_, call)
            case "DELETE":
                return await self._crud.delete(id_, call)
        raise ArmError(405, "MethodNotAllowed", f"{call.method} is not allowed on a resource.")

    def _operation(self, id_: ResourceId, kind: str, call: Call) -> Answer:
        operation = self._azure.operations.find(id_.name)
        if operation is None:
            raise ArmError(404, "NotFound", f"The operation '{id_.name}' was not found.")
        location = id_.parent.name if id_.parent is not None else "global"
        return replies.followed(call, kind, operation, self._azure.types, location)

    async def _action(self, target: Target, call: Call) -> Answer:
        name, at = str(target.tail), target.at
        if target.namespace is not None:
            at = ResourceId("Microsoft.Resources/providers", target.namespace, at)
        if at is None:
            raise not_emulated(f"the action '{name}' of the tenant")
        type_, id_ = self._crud.locate(at)
        action = type_.actions.get(name.lower())
        if action is None:
            known = ", ".join(sorted(type_.actions)) or "none"
            raise not_emulated(f"the action '{name}' of {type_.type}", f"Actions it has: {known}.")
        resource = type_.find(id_)
        if resource is None and name.lower() in type_.unborn_actions:
            resource = Resource(id_, {})
        if resource is None:
            raise not_found(id_)
        result: Any = action(type_, resource, call)
        if isinstance(result, Started):
            return replies.accepted(call, _ACTION, 202, result.operation, None, location_of(resource))
        return result if isinstance(result, Answer) else Answer(200, result)


def _refuse_without_version(call: Call) -> None:
    if not call.query.get("api-version"):
        raise ArmError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
