"""A stack over a model of ARM, and gates that say what a test wants."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from azml.resources import endpoint_body, rollout_memory
from azml.resources.arm_id import ArmId
from azml.resources.gates.verdict import Outcome, Verdict
from azml.resources.handler import OWNER
from azml.resources.rollout_memory import Maps, Memory
from azml.resources.work import Work
from tests.support.arm_model import ArmModel
from tests.support.tiny_engine import STACK, WORKSPACE, Stack

ENDPOINT = ArmId.parse(f"{WORKSPACE}/onlineEndpoints/ep")
Say = Callable[[str], Outcome]


@dataclass
class Gates:
    """Answers in the place of `gates.ask`. What was asked: the question, about whom, at which share."""

    before: Say = lambda _: Outcome.PASS
    figures_: Say = lambda _: Outcome.PASS
    asked: list[tuple[str, str, int]] = field(default_factory=list)
    gates: list[dict[str, Any]] = field(default_factory=list)
    since: list[float] = field(default_factory=list)
    """From when on figures were asked for."""
    rivals: list[str | None] = field(default_factory=list)
    """With whom they were compared."""

    def before_live(
        self, _work: Work, gates: dict[str, Any], _id: ArmId, name: str, _live: str | None, _until: float
    ) -> list[Verdict]:
        self.asked.append(("before", name, 0))
        self.gates.append(gates)
        return [_verdict("smoke[0]", name, self.before(name))]

    def figures(
        self, _work: Work, _gates: Any, _id: ArmId, name: str, live: str | None, since: datetime, share: int
    ) -> list[Verdict]:
        assert since.tzinfo is not None
        self.rivals.append(live)
        self.since.append(since.timestamp())
        self.asked.append(("figures", name, share))
        return [_verdict("max_error_rate", name, self.figures_(name))]

    def copies(
        self, _work: Work, _gates: Any, _id: ArmId, name: str, _live: str | None, _since: datetime, share: int
    ) -> list[Verdict]:
        self.asked.append(("copies", name, share))
        return [_verdict("max_error_rate", name, self.figures_(name))]

    def report(
        self, _w: Work, _g: Any, _id: ArmId, name: str, verdicts: list[Verdict], since: datetime | None = None
    ) -> str:
        assert all(verdict.deployment == name for verdict in verdicts)
        return f"the report on {name}{' since its first share' if since else ''}"


def _verdict(gate: str, name: str, outcome: Outcome) -> Verdict:
    return Verdict(gate, name, outcome, "what is wanted", f"what {name} shows")


class Estate:
    """An endpoint of the stack in a model of ARM."""

    def __init__(self, owner: str = STACK) -> None:
        self.arm = ArmModel()
        self.stack = Stack(self.arm)
        own = {OWNER: f"{owner}::azml:index:ManagedOnlineEndpoint::ep"}
        properties = {"authMode": "Key", "properties": own, "provisioningState": "Succeeded"}
        self.arm.there[ENDPOINT.key] = {
            "id": ENDPOINT.text, "name": "ep", "location": "westeurope",
            "tags": {"team": "x"}, "properties": properties,
        }  # fmt: skip

    @property
    def endpoint(self) -> endpoint_body.Endpoint:
        return endpoint_body.Endpoint(ENDPOINT, self.arm.get(ENDPOINT.text, ""))

    @property
    def live(self) -> dict[str, int]:
        return self.endpoint.traffic

    @property
    def memory(self) -> Memory:
        return self.endpoint.memory

    @property
    def deployments(self) -> set[str]:
        return {body["name"] for key, body in self.arm.there.items() if "/deployments/" in key}

    @property
    def been(self) -> list[dict[str, int]]:
        """Every traffic map that was sent, without zeros."""
        bodies = [body for verb, id_, body in self.arm.writes if verb == "PUT" and id_ == ENDPOINT.text]
        return [endpoint_body.shares(body["properties"].get("traffic")) for body in bodies]

    def tamper(self, maps: Maps) -> None:
        """Somebody else moves traffic."""
        properties = self.arm.there[ENDPOINT.key]["properties"]
        properties["traffic"], properties["mirrorTraffic"] = dict(maps.traffic), dict(maps.mirror)

    def remember(self, change: Callable[[Memory], Memory]) -> None:
        """Memory as a test wants it."""
        there = self.arm.there[ENDPOINT.key]
        there["tags"] = rollout_memory.written(there["tags"], change(self.memory))

    def told(self, severity: str) -> str:
        return "\n".join(text for how, text in self.stack.said if how == severity)
