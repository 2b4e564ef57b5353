"""The one path of a write, a read, a list and a deletion, for every resource type.

Owns the order of ARM's checks (parents, running operations, body, location, what cannot change) and of what is filled
in. Rules of one type are in its declaration.
"""

import logging
import uuid
from datetime import UTC, datetime
from typing import Any

from azml_local.arm import bodies, replies
from azml_local.arm.call import Answer, Call
from azml_local.arm.errors import ArmError, not_emulated, not_found, parent_not_found
from azml_local.arm.ids import GROUP, SUBSCRIPTION, ResourceId
from azml_local.arm.locations import normal, refuse_bad_location, refuse_no_location
from azml_local.arm.managed_identity import fill_identity
from azml_local.arm.operations import DELETE
from azml_local.arm.store import Resource
from azml_local.arm.types import ResourceType, Write
from azml_local.azure import Azure

_log = logging.getLogger(__name__)


class Crud:
    """Reads and writes resources of one local Azure."""

    def __init__(self, azure: Azure) -> None:
        self._azure, self._types, self._operations = azure, azure.types, azure.operations

    def locate(self, id_: ResourceId) -> tuple[ResourceType, ResourceId]:
        """Find the type of a resource, and write its id as ARM does. Raises 404 where what it is in does not exist."""
        type_ = self.type(id_.type)
        if id_.parent is None:
            return type_, ResourceId(type_.type, id_.name)
        if type_.makes_parent:
            above, parent = self.locate(id_.parent)
            found = above.find(parent)
            return type_, ResourceId(type_.type, id_.name, found.id if found else parent)
        return type_, ResourceId(type_.type, id_.name, self.existing(id_.parent, id_))

    def type(self, name: str) -> ResourceType:
        """Look up a declared type; 501 where the local Azure has none."""
        type_ = self._types.get(name)
        if type_ is None:
            raise not_emulated(f"the resource type '{name}'", f"It has: {', '.join(self._types.names)}.")
        return type_

    def existing(self, id_: ResourceId, child: ResourceId | None = None) -> ResourceId:
        """Write the id of something that must exist as ARM does. Raises 404, about a nested `child` if there is one."""
        if id_.type == SUBSCRIPTION and id_.name.lower() != self._azure.identity.subscription_id:
            raise ArmError(404, "SubscriptionNotFound", f"The subscription '{id_.name}' could not be found.")
        type_, place = self.locate(id_)
        found = type_.find(place)
        if found is None and child is not None and child.is_nested and id_.type != GROUP:
            raise parent_not_found(child, place)
        if found is None:
            raise not_found(place)
        return found.id

    def get(self, id_: ResourceId, api_version: str = "") -> Answer:
        """Show a resource as the API version has it."""
        type_, place = self.locate(id_)
        _refuse_undeclared(type_, "GET")
        return Answer(200, type_.present_in(self._found(type_, place), api_version))

    def head(self, id_: ResourceId) -> Answer:
        """Say whether a resource is there: 204 or 404, without a body."""
        try:
            self.get(id_)
        except ArmError as error:
            return Answer(error.status)
        return Answer(204)

    def list(self, scope: ResourceId | None, type_name: str, call: Call) -> Answer:
        """Show a page of the resources of a type in a scope."""
        type_ = self.type(type_name)
        _refuse_undeclared(type_, "LIST")
        place = None if scope is None else self.locate(ResourceId(type_.type, "", scope))[1].parent
        return type_.listed(place, call)

    async def put(self, id_: ResourceId, call: Call) -> Answer:
        """Create a resource or replace it as a whole."""
        type_, place = self.locate(id_)
        _refuse_undeclared(type_, "PUT")
        return await self._write(type_, place, type_.find(place), _object(call.body), call, patch=False)

    async def patch(self, id_: ResourceId, call: Call) -> Answer:
        """Change what the type allows a PATCH to change."""
        type_, place = self.locate(id_)
        _refuse_undeclared(type_, "PATCH")
        existing = self._found(type_, place)
        body = _without_same_location(_object(call.body), existing)
        if odd := sorted(set(body) - set(type_.patchable)):
            raise ArmError(
                400,
                "InvalidRequestContent",
                f"A PATCH of {type_.type} cannot hold {', '.join(odd)}; it can hold {', '.join(type_.patchable)}.",
            )
        whole = "tags" if self._azure.settings.patch_tags == "replaces" else ""
        return await self._write(type_, place, existing, bodies.merge(existing.body, body, whole), call, patch=True)

    async def delete(self, id_: ResourceId, call: Call) -> Answer:
        """Delete a resource with everything in it; 204 where it is not there."""
        type_, place = self.locate(id_)
        _refuse_undeclared(type_, "DELETE")
        resource = type_.find(place)
        if resource is None:
            type_.delete_absent(place, call)
            return Answer(204)
        self._operations.refuse_conflict(type_, place)
        type_.check_delete(resource, call)
        options = {"query": dict(call.query)}
        if type_.deletes.follow is None:
            shown = type_.present(resource) if type_.deletes.shows else None
            await self._operations.erase(resource, options)
            return Answer(type_.deletes.updated, shown)
        with self._azure.store.transaction():
            operation = self._operations.begin(type_, resource.id, DELETE, options)
        reply = type_.deletes
        return replies.accepted(call, reply, reply.updated, operation, None, location_of(resource))

    async def _write(
        self, type_: ResourceType, id_: ResourceId, existing: Resource | None, sent: Any, call: Call, *, patch: bool
    ) -> Answer:
        self._operations.refuse_conflict(type_, id_)
        _refuse_condition(existing, call)
        write = self._checked(type_, id_, existing, sent, call, patch=patch)
        resource = Resource(existing.id if existing else id_, write.body, write.hidden)
        if type_.makes_parent and id_.parent is not None:
            self._make_parent(id_.parent, type_.parent_body(write), call)
        reply = type_.patches if patch else type_.puts
        status = reply.created if existing is None else reply.updated
        if reply.follow is None or (reply.follow == "Location" and status != 202):  # a Location goes with a 202
            await self._apply(type_, resource, existing)
            return Answer(status, type_.present(resource))
        with self._azure.store.transaction():
            self._azure.store.put(resource)
            operation = self._operations.begin(type_, resource.id, type_.verb(write))
        stored = self._azure.store.get(resource.id) or resource
        return replies.accepted(call, reply, status, operation, type_.present(stored), location_of(resource))

    def _checked(
        self, type_: ResourceType, id_: ResourceId, existing: Resource | None, sent: Any, call: Call, *, patch: bool
    ) -> Write:
        shape = type_.facts.body
        sent = type_.read(sent)
        refuse_no_location(type_, sent)
        bodies.refuse_bad_body(type_.facts, sent, id_.name, call.api_version)
        write = Write(
            id_,
            asked=sent,
            sent=bodies.canonical(sent, shape, write_only=True),
            body=bodies.canonical(sent, shape),
            hidden={} if existing is None else dict(existing.hidden),
            existing=existing,
            patch=patch,
        )
        _refuse_bad_name(type_, write)
        bodies.refuse_bad_tags(write.body.get("tags") or {})
        refuse_bad_location(type_, write)
        if existing is not None:
            _keep_fixed(type_, write, existing)
            bodies.carry_read_only(write.body, existing.body, shape)
        type_.check(write)
        bodies.add_defaults(write.body, type_.defaults)
        fill_identity(
            write.body, existing.body if existing else None, self._azure.identity.tenant_id, self._azure.store
        )
        type_.fill(write)
        _stamp(type_, write, call.caller)
        return write

    async def _apply(self, type_: ResourceType, resource: Resource, existing: Resource | None) -> None:
        if type_.has_state:
            resource.properties["provisioningState"] = "Succeeded"
        self._azure.store.put(resource)
        try:
            await type_.apply(resource, lambda line: _log.info("%s: %s", resource.id.name, line))
        except BaseException:
            if existing is None:
                self._azure.store.remove(resource.id)
            else:
                self._azure.store.put(existing)
            raise
        self._azure.store.put(resource)

    def _make_parent(self, id_: ResourceId, body: dict[str, Any], call: Call) -> None:
        type_ = self.type(id_.type)
        if type_.find(id_) is None:
            write = self._checked(type_, id_, None, body, call, patch=False)
            if type_.has_state:
                write.properties["provisioningState"] = "Succeeded"
            self._azure.store.put(Resource(id_, write.body, write.hidden))

    def _found(self, type_: ResourceType, id_: ResourceId) -> Resource:
        resource = type_.find(id_)
        if resource is None:
            raise not_found(id_)
        return resource


def _refuse_undeclared(type_: ResourceType, operation: str) -> None:
    if operation not in type_.operations:
        known = ", ".join(type_.operations) or "nothing"
        raise ArmError(405, "MethodNotAllowed", f"{operation} is not allowed for {type_.type}; it has {known}.")


def location_of(resource: Resource) -> str:
    """Name the region an operation's address speaks of."""
    return str(resource.body.get("location", "global"))


def _refuse_bad_name(type_: ResourceType, write: Write) -> None:
    rule = type_.rule
    if write.existing is None and rule is not None and not rule.fits(write.id.name):
        text = f"'{write.id.name}' is not the name of {rule.what}: {rule.allowed}."
        raise ArmError(400, "InvalidResourceName", text)
    if write.existing is None and type_.name_taken is not None and type_.is_taken(write.id.name):
        code, text = type_.name_taken
        raise ArmError(409, code, text.format(name=write.id.name))


def _refuse_condition(existing: Resource | None, call: Call) -> None:
    """Hold a write to its If-Match (of types that have an etag) and If-None-Match headers."""
    etag = None if existing is None else existing.body.get("etag")
    wanted = call.headers.get("if-match")
    changed = wanted is not None and (existing is None or (etag is not None and wanted not in ("*", etag)))
    if changed or (existing is not None and call.headers.get("if-none-match") == "*"):
        raise ArmError(
            412, "PreconditionFailed", "The condition of the request's If-Match or If-None-Match is not met."
        )


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise ArmError(400, "InvalidRequestContent", "The request content must be a JSON object.")
    return body


def _without_same_location(body: dict[str, Any], existing: Resource) -> dict[str, Any]:
    """Take a location that stays as it is out of a PATCH: azure-native sends the whole body when an identity goes."""
    here = existing.body.get("location")
    return {
        name: value
        for name, value in body.items()
        if name != "location" or not isinstance(value, str) or normal(value) != here
    }


def _keep_fixed(type_: ResourceType, write: Write, existing: Resource) -> None:
    """Keep what only a creation sets; refuse another value."""
    for name in type_.fixed:
        old, new = existing.properties.get(name), write.properties.get(name)
        if new is None and old is not None:
            write.properties[name] = old
        elif new is not None and not _same(old, new):
            raise ArmError(
                400,
                "PropertyChangeNotAllowed",
                f"Changing property 'properties.{name}' of {type_.type} is not allowed: it is '{old}', the request "
                f"says '{new}'. Create another resource instead.",
            )


def _same(old: Any, new: Any) -> bool:
    """Compare two values; ids count in any case."""
    if isinstance(old, str) and isinstance(new, str) and new.startswith("/"):
        return old.lower() == new.lower()
    return bool(old == new)


def _stamp(type_: ResourceType, write: Write, caller: str) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if "systemData" in type_.facts.top_level:
        data = write.body.setdefault(
            "systemData", {"createdBy": caller, "createdByType": "Application", "createdAt": now}
        )
        data |= {"lastModifiedBy": caller, "lastModifiedByType": "Application", "lastModifiedAt": now}
    if "etag" in type_.facts.top_level:
        write.body["etag"] = f'"{uuid.uuid4()}"'
