"""azml's own requests to a deployment, past the traffic split.

Owns sending, timing, trying again where that is right, and what it means that nobody answered. Deliberately judges no
answer: gates do.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from azml.resources.errors import ArmError
from azml.resources.work import Work

if TYPE_CHECKING:
    from azml.resources.scoring import Answer, ScoringClient
    from azml.resources.service_client import ServiceClient

BUSY_STATUS = 429
REFUSED_STATUSES = frozenset({401, 403})
"""The endpoint's front end did not let us in; what the model itself answers comes as 424."""
NO_ANSWER = "NoAnswer"
"""Code of the error where nobody answered; any other is an answer of Azure's, and no gate's business."""
TRIES = 3
"""How often a request is sent that met a busy deployment, or a connection that broke."""
PAUSE_SECONDS = 0.5
"""Between two tries: the queue of a deployment is that long unless its settings say otherwise."""

_ELSEWHERE = (
    "This says nothing about the model. Run it from where the endpoint can be called (a build agent or jump host in "
    "its network), or judge live and mirrored requests only: max_error_rate, without smoke and golden."
)


class Unreachable(Exception):  # noqa: N818 - a state of things, not a fault of the program
    """The endpoint is not reached from here, or does not let us in. That says nothing about any model."""

    def __init__(self, seen: str, advice: str) -> None:
        super().__init__(f"{seen}\n{advice}")
        self.seen, self.advice = seen, advice


@dataclass
class OwnRequests:
    """Asks the deployments of one endpoint, or the one release of a service, over one open connection."""

    work: Work
    client: "ScoringClient | ServiceClient"
    until: float
    """When the run's time is over, by the monotonic clock: what takes long looks at it."""
    answers: dict[tuple[str, Path], "Answer"] = field(default_factory=dict)
    """What was asked once for several gates, by deployment and request file."""

    def once(self, deployment: str, request: Path) -> "Answer":
        """The answer to a request file; a second gate that asks for it gets the same one."""
        if (deployment, request) not in self.answers:
            self.answers[deployment, request] = self.score(deployment, request.read_bytes())[0]
        return self.answers[deployment, request]

    def score(self, deployment: str, body: bytes) -> "tuple[Answer, float]":
        """An answer and the milliseconds it took; `Unreachable` where there is none."""
        return self._patient(lambda: self.client.score(body, deployment))

    def swagger(self, deployment: str, version: str | None) -> "Answer":
        """The OpenAPI document of a deployment; `Unreachable` where there is no answer."""
        return self._patient(lambda: self.client.swagger(deployment, version))[0]

    def _patient(self, send: "Callable[[], Answer]") -> "tuple[Answer, float]":
        tried = 0
        while True:
            self.work.wait(PAUSE_SECONDS if tried else 0)
            tried += 1
            started = time.perf_counter()
            try:
                answer = send()
            except ArmError as error:
                if error.code != NO_ANSWER and error.status not in REFUSED_STATUSES:
                    raise
                if error.code == NO_ANSWER and tried < TRIES:
                    continue
                raise self._unreachable(error) from error
            took = (time.perf_counter() - started) * 1000
            if answer.status in REFUSED_STATUSES:
                raise self._locked_out(answer)
            if answer.status != BUSY_STATUS or tried == TRIES:
                return answer, took

    def _unreachable(self, error: ArmError) -> Unreachable:
        if error.status in REFUSED_STATUSES:
            return Unreachable(str(error), f"{self.client.lets_in} {_ELSEWHERE}")
        return Unreachable(str(error), f"{self.client.in_between()} {_ELSEWHERE}")

    def _locked_out(self, answer: "Answer") -> Unreachable:
        return Unreachable(f"{answer.status_words}: {answer.body.strip()[:200]}", f"{self.client.lets_in} {_ELSEWHERE}")
