"""What is seen while Azure creates or updates a deployment, as far as ARM shows it.

Owns the phases: ARM has the deployment's and the environment's provisioning states and the containers' logs; that an
image is built, or that probes are tried, is known only by what is there already and what is not. A new phase is told at
once; a new log line waits until the status line is due again, as outside of a terminal every status is a line.
Deliberately waits for nothing and decides nothing (`Work.watched`).
"""

from azml.resources import deployment_logs
from azml.resources.arm_id import ArmId
from azml.resources.deployment_logs import CONTAINERS
from azml.resources.handler import ML, Values
from azml.resources.work import Work

PREPARING = "preparing image and instances"
ROLLING = "replacing instances, 20 % of them at a time"
PHASES = {
    "StorageInitializer": "an instance fetches model and code",
    "InferenceServer": "the container starts, until it answers its probes",
}
"""By the container that wrote last."""


class Progress:
    """Looks at one deployment, each time it is called. `was_there`: an update, whose old instances have logs."""

    def __init__(self, work: Work, id_: ArmId, inputs: Values, *, was_there: bool) -> None:
        self._work, self._id, self._environment = work, id_, inputs.get("environmentId")
        self._lines = {name: deployment_logs.last_line(work, id_, name) if was_there else "" for name in CONTAINERS}
        self._first = ROLLING if was_there else PREPARING
        self._phase, self._container = "", ""

    def __call__(self) -> None:
        """Look, and say what is new."""
        state = self._state(self._id.text) or "accepted"
        for name in CONTAINERS:
            if (line := deployment_logs.last_line(self._work, self._id, name)) not in ("", self._lines[name]):
                self._lines[name], self._container = line, name
        phase = PHASES[self._container] if self._container else self._before_any_log()
        tail = f" | {self._lines[self._container]}" if self._container else ""
        text = f"{state}: {phase}"
        self._work.doing(text + tail, at_once=text != self._phase)
        self._phase = text

    def _before_any_log(self) -> str:
        """A new environment is made ready first: until it is, nothing else happens."""
        if not str(self._environment).startswith("/"):  # a registry's, or none
            return self._first
        state = self._state(str(self._environment))
        if state in ("", "Succeeded"):
            self._environment = None
            return self._first
        name = ArmId.parse(str(self._environment)).parent.name
        return f"environment {name} is {state}"

    def _state(self, id_: str) -> str:
        properties = self._work.arm.glance("GET", id_, ML).get("properties") or {}
        return str(properties.get("provisioningState") or "")
