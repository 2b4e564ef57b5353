"""A trial of what a container service is about to become: a group beside the one that serves, for as long as it takes.

Owns making it, waiting for it, asking the gates, and its end; whatever happens, it is deleted, by the next `up` where
this one was killed. The serving group depends on the trial, so what does not pass never reaches it. A group has one
release and is restarted in place, so this is what Container Instances allow of a rollout. Deliberately never touches
the serving group.
"""

import hashlib
import time
from typing import Any, NotRequired, TypedDict

import pulumi

from azml.resources.arm_id import ArmId
from azml.resources.container_groups import ACI, Address, State, body, group_id, log
from azml.resources.diagnosis import likely_cause, without_telemetry
from azml.resources.errors import ArmError, Interrupted, Refused
from azml.resources.gates import ask, reporting
from azml.resources.gates.log_lines import explaining
from azml.resources.gates.verdict import Outcome
from azml.resources.handler import OWNER, Handler, Values, require
from azml.resources.resource import AzmlResource
from azml.resources.rollout_args import GoldenArgs
from azml.resources.wire import has_unknown
from azml.resources.work import Work

POLL_SECONDS = 0.5
"""Between two looks at a trial that starts."""
STARTING_SECONDS = 310.0
"""For the server in it to come up, where no readiness probe says how long (the defaults of one: 10 s, then 30 × 10)."""
OK = 200
LAST_LINES = 20
"""Lines of the log that a message ends with."""
LOG_LINES = 300
"""Lines of the log that are looked through for an explanation."""
UNTRIED = "untried"
"""Property of a trial in state that nobody saw the end of: what it tries may not go live."""


class OwnRequestGatesArgs(TypedDict):
    """What a release has to show to requests that azml sends itself."""

    smoke: NotRequired[list[str]]
    """Files with requests that are to be answered with 200."""
    golden: NotRequired[list[GoldenArgs]]
    """Requests with their answers."""
    schema: NotRequired[bool]
    """Whether answers have to conform to the OpenAPI document that the release gives of itself."""
    latency_p95_ms: NotRequired[int]
    """Most milliseconds that 95 % of the requests take."""


class ContainerTrialArgs(TypedDict):
    """Arguments of `ContainerTrial`."""

    resource_group_id: pulumi.Input[str]
    """ARM id of the resource group."""
    name: pulumi.Input[str]
    """Name of the trial's container group."""
    service: pulumi.Input[str]
    """Name of the service that it is a trial of."""
    group: dict[str, Any]
    """What the group is to be, as inputs of azure-native's `ContainerGroup`. Another one is another trial."""
    key: NotRequired[pulumi.Input[str]]
    """Key that the service takes. Absent: it asks for none."""
    cname: NotRequired[pulumi.Input[str]]
    """Name that its certificate is for. Absent: it speaks plain HTTP."""
    certificate: NotRequired[pulumi.Input[str]]
    """The certificate, PEM."""
    gates: NotRequired[OwnRequestGatesArgs]
    """What it has to show. Other gates are asked of the next trial."""


class ContainerTrial(AzmlResource):
    """A trial of a container service's next release. What serves depends on it."""

    name: pulumi.Output[str]
    """Name of the trial's container group."""

    def __init__(self, name: str, args: ContainerTrialArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)


class ContainerTrialHandler(Handler):
    """CRUD of `ContainerTrial`."""

    what = "trial of a container service"
    identity = frozenset({"resourceGroupId", "name"})
    silent = frozenset({"gates", "service"})
    sensitive = frozenset({"group", "key"})

    def check(self, inputs: Values) -> Values:
        """All that makes a group must be there."""
        require(inputs, ["resourceGroupId", "name", "service", "group"], self.what)
        if ("cname" in inputs) != ("certificate" in inputs):
            raise Refused("A trial needs cname and certificate together, or neither of them.")
        return inputs

    def arm_id(self, inputs: Values) -> ArmId:
        """The trial group's id."""
        return group_id(inputs["resourceGroupId"], inputs["name"])

    def create(self, work: Work, inputs: Values) -> Values:
        """Try it."""
        Trial(work, self.arm_id(inputs), inputs).run()
        return inputs

    def left(self, work: Work, inputs: Values) -> Values | None:
        """The group that an interrupted trial left: it belongs to the state, or no `destroy` would ever delete it."""
        return {**inputs, UNTRIED: True} if Trial(work, self.arm_id(inputs), inputs).is_there else None

    def update(self, work: Work, old: Values, inputs: Values, state: Values) -> Values:
        """Try what is new, or was never judged; where nothing is, delete what an earlier run left."""
        trial = Trial(work, self.arm_id(inputs), inputs)
        changed = any(old.get(name) != inputs.get(name) for name in (old.keys() | inputs.keys()) - self.silent)
        if changed or state.get(UNTRIED):
            trial.run()
        else:
            trial.end()
        return inputs

    def delete(self, work: Work, state: Values) -> None:
        """Delete what an earlier run left."""
        Trial(work, self.arm_id(state), state).end()

    def drift(self, work: Work, inputs: Values, state: Values) -> dict[str, str]:
        """A trial group that is there has outlived its run."""
        if state.get(UNTRIED):
            return {"name": f"The trial {inputs['name']} was interrupted before it was over: it is made again."}
        known = {name: inputs.get(name) for name in self.identity}
        if has_unknown(known) or work.arm.find(self.arm_id(inputs).text, ACI) is None:
            return {}
        return {"name": f"The trial group {inputs['name']} of an earlier run is still there: it is deleted."}

    def read(self, work: Work, id_: str, inputs: Values) -> tuple[Values, Values] | None:  # noqa: ARG002
        """A trial is over once it was made: what was tried, state knows. One whose group is there is not over."""
        return (inputs, self.left(work, inputs) or dict(inputs)) if inputs else None


class Trial:
    """One trial group, from its beginning to its end."""

    def __init__(self, work: Work, id_: ArmId, inputs: Values) -> None:
        self._work, self._id, self._inputs = work, id_, inputs
        self._service = inputs["service"]

    def run(self) -> None:
        """Make the group, ask it, delete it; `Refused` says why what was tried does not go live."""
        self.end()
        try:
            self._begin()
            self._wait_and_ask()
        finally:
            self._end_quietly()

    @property
    def is_there(self) -> bool:
        """Whether its group is there, and not somebody else's."""
        return self._is_ours(self._work.arm.find(self._id.text, ACI) or {})

    def _is_ours(self, found: Values) -> bool:
        return bool((found.get("tags") or {}).get(OWNER) == self._mark)

    def end(self) -> None:
        """Delete the group where it is there; `Refused` where it is somebody else's."""
        found = self._work.arm.find(self._id.text, ACI)
        if found is None:
            return
        if not self._is_ours(found):
            raise Refused(
                f"A container group {self._id.name} is there already, and no trial of service {self._service} in this "
                "stack made it: a trial needs the name.\nGive the service another name, or delete the group:\n"
                f"  az container delete --resource-group {self._id.resource_group} --name {self._id.name}"
            )
        self._work.doing(f"deleting the trial group {self._id.name}")
        self._work.arm.delete(self._id.text, ACI, self._work)

    def _begin(self) -> None:
        group = self._inputs["group"]
        wanted = body({**group, "tags": {OWNER: self._mark}, "restartPolicy": "Never"})
        self._work.doing(f"starting the trial group {self._id.name}")
        try:
            with self._work.watched(self._refuse_what_ended):
                self._work.arm.put(self._id.text, ACI, wanted, self._work)
        except ArmError as error:
            raise self._refused(f"Azure did not make its trial group: {error}", self._log()) from error

    def _wait_and_ask(self) -> None:
        found = self._running()
        address = Address.of(found)
        if address is None:  # a spot group, which nothing calls
            return
        from azml.resources.service_client import ServiceClient, Tls  # Azure's libraries: not when the provider starts

        cname = self._inputs.get("cname")
        tls = None if cname is None else Tls(cname, self._inputs["certificate"])
        with ServiceClient(address, self._inputs.get("key"), tls) as client:
            gates = self._inputs.get("gates") or {}
            if not self._answers(client, must=not address.private or bool(gates)):
                return
            verdicts = ask.own_requests(self._work, gates, client, self._service) if gates else []
        if any(verdict.outcome is not Outcome.PASS for verdict in verdicts):
            whole_log = f"azml logs {self._service}"
            report = reporting.explained(self._service, verdicts, self._log, whole_log)
            raise Refused(f"{self._head}\n\n{report}")

    def _running(self) -> Values:
        """The group once its container runs."""
        self._work.doing(f"waiting for the trial group {self._id.name}")
        while True:
            found = self._look()
            if State.of(found).runs:
                return found
            self._work.wait(POLL_SECONDS)

    def _answers(self, client: Any, *, must: bool) -> bool:
        """Wait until its server is up. One that need not be reached from here is taken to be after a first try."""
        from azml.resources.service_client import REFUSED_CERTIFICATE

        began = time.monotonic()
        while True:
            try:
                answer = client.health()
                if answer.status == OK:
                    return True
                last = f"it answered {answer.status}"
            except ArmError as error:
                if error.code == REFUSED_CERTIFICATE:
                    raise self._refused(f"its clients would refuse its certificate: {error.message}", "") from error
                if not must:
                    return False
                last = error.message
            self._look()
            if time.monotonic() - began >= self._patience:
                raise self._refused(
                    f"the server of its trial group was not up after {self._patience:.0f} s: {last}", self._log()
                )
            self._work.wait(POLL_SECONDS, f"waiting for the server of the trial group {self._id.name}")

    @property
    def _patience(self) -> float:
        """Seconds that the readiness probe gives the server."""
        probe = self._inputs["group"]["containers"][0].get("readinessProbe")
        if probe is None:
            return STARTING_SECONDS
        return float(probe["initialDelaySeconds"] + probe["periodSeconds"] * probe["failureThreshold"])

    def _look(self) -> Values:
        """The group as it is; `Refused` where it will not run."""
        found = self._work.arm.get(self._id.text, ACI)
        if why := State.of(found).ended:
            raise self._refused(f"in its trial group {why}", log(self._work.arm, self._id, found, LOG_LINES))
        return found

    def _refuse_what_ended(self) -> None:
        if self._work.arm.find(self._id.text, ACI) is not None:
            self._look()

    def _log(self) -> str:
        found = self._work.arm.find(self._id.text, ACI)
        return "" if found is None else log(self._work.arm, self._id, found, LOG_LINES)

    @property
    def _mark(self) -> str:
        """Value of the tag that says whose trial it is. A urn may be longer than the 256 characters of a tag."""
        return hashlib.sha256(self._work.urn.encode()).hexdigest()

    @property
    def _head(self) -> str:
        image = self._inputs["group"]["containers"][0]["image"]
        return f"Image {image} does not go live: the container group of service {self._service} was not touched."

    def _refused(self, why: str, said: str) -> Refused:
        text = f"{self._head}\n\nWhy: {why}"
        said = without_telemetry(said)
        reasons, last = explaining(said), said.splitlines()[-LAST_LINES:]
        if not all(line in last for line in reasons):  # further up, and the log ends with the trial
            text += _quoted("What its container raised:", reasons)
        text += _quoted("The last lines of its container:", last)
        cause = likely_cause("\n".join([text, *reasons]))
        return Refused(text if cause is None else f"{text}\n\nLikely cause: {cause}")

    def _end_quietly(self) -> None:
        """Whatever the trial said must not get lost behind what its end says."""
        try:
            self.end()
        except Interrupted:  # Azure has the delete; nobody waits for it
            pass
        except (ArmError, Refused) as error:
            self._work.warn(f"The trial group {self._id.name} is still there, and the next `up` deletes it: {error}")


def _quoted(heading: str, lines: list[str]) -> str:
    return "".join(["\n\n", heading, *(f"\n  {line}" for line in lines)]) if lines else ""
