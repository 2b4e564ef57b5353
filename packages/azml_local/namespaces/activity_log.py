"""Microsoft.Insights/eventtypes: the activity log, as far as it tells of deletions that took their time."""

import re
from datetime import UTC, datetime

from azml_local.arm.call import Call
from azml_local.arm.errors import ArmError
from azml_local.arm.ids import ResourceId
from azml_local.arm.operations import DELETE
from azml_local.arm.store import Operation, Resource
from azml_local.arm.types import ResourceType

_FILTER = re.compile(
    r"eventTimestamp ge '(?P<since>[^']+)'(?: and eventTimestamp le '[^']+')?(?: and resourceUri eq '(?P<id>[^']+)')?"
)


class EventTypes(ResourceType):
    """What the log is about: `management` alone."""

    type = "Microsoft.Insights/eventtypes"
    operations = ()

    def find(self, id_: ResourceId) -> Resource | None:
        """Find `management`."""
        return Resource(id_, {}) if id_.name.lower() == "management" else None


class Events(ResourceType):
    """What happened, the newest last."""

    type = "Microsoft.Insights/eventtypes/values"
    evidence = "REST reference of the activity log, API version 2015-04-01; deletions alone are told"
    operations = ("LIST",)

    def members(self, scope: ResourceId | None, call: Call) -> list[Resource]:
        """List deletions since a time, of one resource where the filter names it."""
        asked = _FILTER.fullmatch(call.query.get("$filter", ""))
        if asked is None:
            raise ArmError(
                400,
                "BadRequest",
                "The $filter must begin with eventTimestamp ge 'TIME'; here only resourceUri may follow.",
            )
        since, about = datetime.fromisoformat(asked["since"]).timestamp(), (asked["id"] or "").lower()
        return [
            self._event(done, scope)
            for done in self.azure.store.ended(DELETE)
            if (done.ended or 0) >= since and about in ("", done.resource.key)
        ]

    def _event(self, done: Operation, scope: ResourceId | None) -> Resource:
        body = {
            "operationName": {"value": f"{done.resource.type}/delete"},
            "status": {"value": done.status},
            "eventTimestamp": datetime.fromtimestamp(done.ended or 0, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "caller": self.azure.identity.object_id,
            "resourceId": str(done.resource),
        }
        return Resource(ResourceId(self.type, done.id, scope), body)


DECLARED = (EventTypes, Events)
