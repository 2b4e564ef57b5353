"""What Pulumi's engine does with deployments and their rollout, and nothing else: order, state, pending operations.

The order is the engine's own, as it was seen (a release as a new resource): deployments that are new, the rollout that
depends on them, then what left the program. A handler's end by `Killed` is the end of the engine too.
"""

import threading
from dataclasses import dataclass, field
from typing import Any

from azml.resources.errors import Incomplete
from azml.resources.handler import Handler
from azml.resources.managed_online_deployment import ManagedOnlineDeploymentHandler
from azml.resources.rollout import RolloutHandler
from azml.resources.work import Work
from tests.support.arm_model import ArmModel, Killed

WORKSPACE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
STACK = "urn:pulumi:dev::p"
Values = dict[str, Any]

_HANDLERS: dict[str, Handler] = {"Deployment": ManagedOnlineDeploymentHandler(), "Rollout": RolloutHandler()}


def program(traffic: dict[str, int], mirror: dict[str, int] | None = None, *, idle: tuple[str, ...] = (),
            name: str = "rollout", endpoint: str = "ep", **settings: Any) -> dict[str, Values]:  # fmt: skip
    """Resources by `Kind::name`: a deployment for each share, and the rollout over them."""
    id_ = f"{WORKSPACE}/onlineEndpoints/{endpoint}"
    deployment = {"endpointId": id_, "instanceType": "Standard_DS3_v2", "instanceCount": 1, "model": f"{WORKSPACE}/m/1"}
    made = {
        f"Deployment::{each}": {**deployment, "name": each, "release": each, "deployment": each.split("-")[0]}
        for each in {**traffic, **(mirror or {}), **dict.fromkeys(idle)}
    }
    mirrored = {"mirrorTraffic": mirror} if mirror else {}
    return {**made, f"Rollout::{name}": {"endpointId": id_, "traffic": traffic, **mirrored, **settings}}


@dataclass
class Stack:
    """A stack's state, over a model of ARM."""

    arm: ArmModel
    state: dict[str, tuple[Values, Values]] = field(default_factory=dict)
    pending: set[str] = field(default_factory=set)
    incomplete: set[str] = field(default_factory=set)
    """Whose create failed after Azure took something: the next update comes to it whatever its Diff says."""
    said: list[tuple[str, str]] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)
    urn: str = STACK

    def up(self, wanted: dict[str, Values]) -> list[str]:
        """Run an update; what was done, as `verb Kind::name`. An interrupted one is recovered first."""
        self._recover()
        done = [operation for key, inputs in wanted.items() if (operation := self._bring(key, inputs))]
        left = [key for key in self.state if key not in wanted]
        return [*done, *(self._delete(key) for key in sorted(left, reverse=True))]

    def destroy(self) -> list[str]:
        return self.up({})

    def changes(self, wanted: dict[str, Values]) -> dict[str, set[str]]:
        """What a preview shows: changed and drifted properties, of those that have any."""
        found = {}
        for key, inputs in wanted.items():
            if key in self.state:
                handler, (old, outputs) = self._handler(key), self.state[key]
                difference = handler.difference(self.work(key), old, outputs, handler.check(inputs))
                if names := difference.changed | difference.drifted.keys():
                    found[key] = names
        return found

    def work(self, key: str) -> Work:
        kind, name = key.split("::")
        urn = f"{self.urn}::azml:index:{kind}::{name}"
        return Work(lambda: self.arm, urn, self.cancelled, self._log, 30)  # type: ignore[arg-type, return-value]

    def _log(self, _urn: str, severity: str, text: str) -> None:
        self.said.append((severity, text))

    @staticmethod
    def _handler(key: str) -> Handler:
        return _HANDLERS[key.split("::", maxsplit=1)[0]]

    def _bring(self, key: str, inputs: Values) -> str:
        handler, work = self._handler(key), self.work(key)
        inputs = handler.check(inputs)
        if key not in self.state:
            self.pending.add(key)
            self._pending_inputs = inputs
            try:
                outputs = handler.create(work, inputs)
            except Killed:
                raise
            except Incomplete as error:
                self.pending.discard(key)
                self.state[key] = inputs, error.outputs
                self.incomplete.add(key)
                raise
            except BaseException:
                self.pending.discard(key)
                raise
            self.pending.discard(key)
            self.state[key] = inputs, outputs
            return f"create {key}"
        old, outputs = self.state[key]
        found = handler.difference(work, old, outputs, inputs)
        if not (found.changed or found.drifted or key in self.incomplete):
            self.state[key] = inputs, outputs
            return ""
        self.state[key] = inputs, handler.update(work, old, inputs, outputs)
        self.incomplete.discard(key)
        return f"update {key}"

    def _delete(self, key: str) -> str:
        self._handler(key).delete(self.work(key), self.state[key][1] | self.state[key][0])
        del self.state[key]
        return f"delete {key}"

    def _recover(self) -> None:
        """What `azml recover` does with a pending create: what is there is taken into state."""
        for key in self.pending:
            left = self._handler(key).left(self.work(key), self._pending_inputs)
            if left is not None:
                self.state[key] = self._pending_inputs, left
        self.pending.clear()
