"""A model of ARM in this process: endpoints and deployments, Azure's rules of traffic, and a kill at any write.

For tests of handlers that need hundreds of runs; what the rules are is known from the local Azure's own tests.
"""

import copy
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from azml.resources.errors import ArmError
from azml.resources.work import Work

Body = dict[str, Any]
Sent = Mapping[str, Any] | Callable[[], Mapping[str, Any]]


class Killed(BaseException):
    """The process ends here: nothing of ours runs after it."""


class ArmModel:
    """What handlers use of `azml.resources.arm.Arm`. Bodies are copied on the way in and out."""

    def __init__(self) -> None:
        self.there: dict[str, Body] = {}
        self.writes: list[tuple[str, str, Body]] = []
        self.before_write: Callable[[int], None] = lambda _: None
        self.after_write: Callable[[int], None] = lambda _: None
        self.ahead = 0.0
        """Seconds that Azure's clock is ahead of ours."""
        self.fail_deletes = False
        self.merges = False
        """Whether a PUT changes a map of traffic where it is named, instead of replacing it."""
        self._lock = threading.RLock()

    def now(self) -> float:
        return time.time() + self.ahead

    def lock(self, _key: str) -> threading.RLock:
        return self._lock

    def find(self, id_: str, _version: str) -> Body | None:
        return copy.deepcopy(self.there.get(id_.lower()))

    def get(self, id_: str, version: str) -> Body:
        found = self.find(id_, version)
        if found is None:
            raise ArmError("ResourceNotFound", f"no {id_}", 404)
        return found

    def list_all(self, id_: str, _version: str) -> list[Body]:
        below = f"{id_.lower()}/"
        return [copy.deepcopy(body) for key, body in self.there.items() if key.startswith(below)]

    def post(self, _id: str, _version: str, _body: Mapping[str, Any] | None = None) -> Body:
        return {"content": ""}

    def put(self, id_: str, _version: str, body: Sent, work: Work) -> Body:
        return self._write("PUT", id_, body, work)

    def patch(self, id_: str, _version: str, body: Sent, work: Work) -> Body:
        return self._write("PATCH", id_, body, work)

    def delete(self, id_: str, _version: str, work: Work) -> None:
        if id_.lower() in self.there:
            self._write("DELETE", id_, {}, work)

    def _write(self, verb: str, id_: str, sent: Sent, work: Work) -> Body:
        number = len(self.writes) + 1
        self.before_write(number)
        body, key = copy.deepcopy(dict(sent() if callable(sent) else sent)), id_.lower()
        endpoint = key.split("/deployments/")[0]
        if verb == "DELETE" and self.fail_deletes:
            raise ArmError("Conflict", "locked", 409)
        if verb == "DELETE":
            if key != endpoint and _serves(self.there[endpoint], id_):
                raise ArmError("BadRequest", f"{id_} has traffic", 400)
            for gone in [other for other in self.there if other == key or other.startswith(f"{key}/")]:
                del self.there[gone]
        elif verb == "PATCH":
            self.there[key] |= body
        else:
            if key == endpoint:
                self._keep_the_rules(key, body)
            body["properties"] = {**body["properties"], "provisioningState": "Succeeded"}
            self.there[key] = {**body, "id": id_, "name": id_.rpartition("/")[2]}
        self.writes.append((verb, id_, body))
        work.accepted()
        self.after_write(number)
        return copy.deepcopy(self.there.get(key, {}))

    def _keep_the_rules(self, key: str, body: Body) -> None:
        self._merge_traffic(self.there[key]["properties"], body["properties"])
        self._refuse_bad_traffic(key, body)

    def _merge_traffic(self, live: Body, sent: Body) -> None:
        for name in ("traffic", "mirrorTraffic") if self.merges else ():
            sent[name] = {**(live.get(name) or {}), **(sent.get(name) or {})}

    def _refuse_bad_traffic(self, key: str, body: Body) -> None:
        traffic, mirror = (_without_zeros(body["properties"].get(name)) for name in ("traffic", "mirrorTraffic"))
        missing = [name for name in {*traffic, *mirror} if f"{key}/deployments/{name}".lower() not in self.there]
        if missing or sum(traffic.values()) not in (0, 100) or len(mirror) > 1 or traffic.keys() & mirror.keys():
            raise ArmError("BadRequest", f"traffic {traffic}, mirror {mirror}, not there: {missing}", 400)


def _without_zeros(shares: Mapping[str, int] | None) -> dict[str, int]:
    return {name: share for name, share in (shares or {}).items() if share}


def _serves(endpoint: Body, id_: str) -> bool:
    name = id_.rpartition("/")[2]
    both = ({**(endpoint["properties"].get(which) or {})} for which in ("traffic", "mirrorTraffic"))
    return any(shares.get(name) for shares in both)
