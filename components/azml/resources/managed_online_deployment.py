"""A managed online deployment: one release of a model behind an endpoint.

Owns its writes, scaling and its end. Scaling and tags go by PATCH, the rest is read, merged and written. The
live instance count wins unless the program changes its own: an autoscaler moves it. Deliberately never moves traffic,
and leaves what still serves to the rollout (`rollout`).
"""

from typing import Any, NotRequired, TypedDict

import pulumi

from azml.resources import deployment_body, deployment_failure, deployment_siblings, endpoint_body, quota
from azml.resources.arm_id import ArmId
from azml.resources.deployment_body import UNDER_WAY, state_of
from azml.resources.deployment_failure import DELETE, KEEP, Attempt
from azml.resources.deployment_progress import Progress
from azml.resources.errors import ArmError, Interrupted, Refused
from azml.resources.handler import GONE, ML, OWNER, Difference, Handler, Live, Values, refuse_lost_properties, require
from azml.resources.quota import Preflight, Wanted
from azml.resources.resource import AzmlResource
from azml.resources.rollout_memory import Memory, clock
from azml.resources.wire import UNKNOWN
from azml.resources.work import Work

FIXED = "fixed"
"""The release of a deployment that keeps its name and is updated in place."""
POLL_SECONDS = 2.0
"""Between two looks at a deployment that an earlier run left under way."""


class RequestSettingsArgs(TypedDict):
    """How requests are queued and timed."""

    request_timeout: NotRequired[str]
    """Longest time for a request, ISO 8601. Absent: PT5S."""
    max_concurrent_requests_per_instance: NotRequired[int]
    """Requests that one instance works on at once. Absent: 1."""
    max_queue_wait: NotRequired[str]
    """Longest time in the queue, ISO 8601. Absent: PT0.5S."""


class ProbeArgs(TypedDict):
    """When Azure asks the container how it is. Durations are ISO 8601."""

    initial_delay: NotRequired[str]
    """Before the first probe. Absent: PT10S."""
    period: NotRequired[str]
    """Between probes. Absent: PT10S."""
    timeout: NotRequired[str]
    """For an answer. Absent: PT2S."""
    success_threshold: NotRequired[int]
    """Good answers after a bad one until it counts as well. Absent: 1."""
    failure_threshold: NotRequired[int]
    """Bad answers in a row until it counts as ill. Absent: 30."""


class ManagedOnlineDeploymentArgs(TypedDict):
    """Arguments of `ManagedOnlineDeployment`."""

    endpoint_id: pulumi.Input[str]
    """ARM id of the endpoint."""
    name: pulumi.Input[str]
    """Name of the deployment in Azure."""
    deployment: NotRequired[pulumi.Input[str]]
    """Its name in the program, the same for all its releases. Absent: `name`."""
    release: NotRequired[pulumi.Input[str]]
    """Which release this is. A deployment of the same name and release that is there already is adopted."""
    model: NotRequired[pulumi.Input[str]]
    """ARM id of a model version, or its registry URI."""
    code_id: NotRequired[pulumi.Input[str]]
    """ARM id of a code version."""
    scoring_script: NotRequired[pulumi.Input[str]]
    """The script in it that has `init()` and `run()`."""
    environment_id: NotRequired[pulumi.Input[str]]
    """ARM id of an environment version, or its registry URI."""
    environment_variables: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Variables of the container."""
    instance_type: pulumi.Input[str]
    """VM size of each instance."""
    instance_count: pulumi.Input[int]
    """Instances. Sent when it is made and when this value changes: in between an autoscaler may move it."""
    request_settings: NotRequired[RequestSettingsArgs]
    """How requests are queued and timed."""
    liveness_probe: NotRequired[ProbeArgs]
    """Whether the container is alive."""
    readiness_probe: NotRequired[ProbeArgs]
    """Whether the container can take requests."""
    app_insights_enabled: NotRequired[pulumi.Input[bool]]
    """Send traces to Application Insights."""
    egress_public_network_access: NotRequired[pulumi.Input[str]]
    """Enabled or Disabled: whether the container reaches out."""
    data_collector: NotRequired[pulumi.Input[dict[str, Any]]]
    """Which requests and answers are kept, as in ARM."""
    model_mount_path: NotRequired[pulumi.Input[str]]
    """Where the model is mounted in a container that brings its own server."""
    properties: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Properties of the deployment; Azure lets them be added, never changed."""
    description: NotRequired[pulumi.Input[str]]
    """What the deployment is for."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags of the deployment. Tags of others stay."""
    on_failure: NotRequired[pulumi.Input[str]]
    """What becomes of it when it fails before it ever took requests: keep (when absent) or delete."""


class ManagedOnlineDeployment(AzmlResource):
    """A deployment behind a managed online endpoint. It takes requests once a `Rollout` gives it some."""

    name: pulumi.Output[str]
    """Name of the deployment in Azure."""
    provisioning_state: pulumi.Output[str]
    """Succeeded once it can take requests."""

    def __init__(
        self, name: str, args: ManagedOnlineDeploymentArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args, opts)


class ManagedOnlineDeploymentHandler(Handler):
    """CRUD of `ManagedOnlineDeployment`."""

    what = "online deployment"
    identity = frozenset({"endpointId", "name"})
    computed = frozenset({"provisioningState"})
    sensitive = frozenset({"environmentVariables"})
    silent = frozenset({"onFailure"})

    def __init__(self) -> None:
        self._preflight = Preflight()

    def check(self, inputs: Values) -> Values:
        """A name that says nothing of releases is a fixed one."""
        require(inputs, ["endpointId", "name", "instanceType", "instanceCount"], self.what)
        if (inputs.get("codeId") is None) != (inputs.get("scoringScript") is None):
            raise Refused("An online deployment needs codeId and scoringScript together, or neither of them.")
        if inputs.get("onFailure", KEEP) not in (KEEP, DELETE, UNKNOWN):
            raise Refused(f"onFailure of an online deployment is {KEEP} or {DELETE}, not {inputs['onFailure']!r}.")
        return {"deployment": inputs["name"], "release": FIXED, **inputs}

    def arm_id(self, inputs: Values) -> ArmId:
        """The deployment's id."""
        return ArmId.parse(inputs["endpointId"]).child("deployments", inputs["name"])

    def look(self, work: Work, id_: ArmId) -> Live | None:
        """What is there now."""
        found = work.arm.find(id_.text, ML)
        if found is None:
            return None
        return Live(deployment_body.inputs_of(id_, found), deployment_body.outputs_of(found))

    def compare(self, inputs: Values, live: Live) -> dict[str, str]:
        """As everywhere; a deployment that is not in order has drifted too. The instance count never has."""
        drifted = super().compare(inputs, live)
        drifted.pop("instanceCount", None)
        if str(inputs["instanceType"]).lower() == str(live.inputs.get("instanceType")).lower():
            drifted.pop("instanceType", None)
        state = live.outputs["provisioningState"]
        if state != "Succeeded":
            drifted["provisioningState"] = f"Deployment {inputs['name']} is {state} in Azure: it is updated."
        return drifted

    def foresee(self, work: Work, inputs: Values) -> None:
        """Whether the region's quota has room for it."""
        if deployment_siblings.is_known(inputs):
            deployment_siblings.foresee(work, self.arm_id(inputs), inputs, self._preflight)

    def create(self, work: Work, inputs: Values) -> Values:
        """Make it, or adopt the release that is there: kept warm, or left by a run that did not finish."""
        id_ = self.arm_id(inputs)
        found = work.arm.find(id_.text, ML)
        if found is not None:
            if not _made_by(work, found, inputs):
                raise Refused(
                    f"Deployment '{id_.name}' exists already on endpoint {id_.parent.name}, and it is not this stack's "
                    f"release of {inputs['deployment']}.\nGive yours another name, or delete the one that is there: "
                    f"az ml online-deployment delete --endpoint-name {id_.parent.name} --name {id_.name}"
                )
            work.say(f"Deployment {id_.name} is there already: it is used.")
        return self._bring(work, id_, found, {}, inputs)

    def left(self, work: Work, inputs: Values) -> Values | None:
        """The deployment, where its owner is this resource and it is of this release."""
        found = work.arm.find(self.arm_id(inputs).text, ML)
        if found is None or not _made_by(work, found, inputs):
            return None
        self._wanted_again(work, self.arm_id(inputs))
        return {**inputs, **deployment_body.outputs_of(found)}

    def update(self, work: Work, old: Values, inputs: Values, state: Values) -> Values:  # noqa: ARG002
        """Bring it to what is wanted; a release that is gone is made again."""
        id_ = self.arm_id(inputs)
        return self._bring(work, id_, work.arm.find(id_.text, ML), old, inputs)

    def difference(self, work: Work, old: Values, state: Values, inputs: Values) -> Difference:
        """As everywhere, and what Azure cannot change in place is said in the preview."""
        found = super().difference(work, old, state, inputs)
        is_there = not found.replaced and GONE not in found.drifted
        if is_there:
            refuse_lost_properties(self.what, inputs["name"], old, inputs)
        if is_there and "instanceType" in (found.changed | found.drifted.keys()):
            raise Refused(
                f"The instance type of deployment {inputs['name']} cannot change in place "
                f"(it is {old.get('instanceType')}, and {inputs['instanceType']} is wanted).\n"
                "Use release: auto, which makes a new deployment beside it, or give the deployment another name."
            )
        if is_there and "instanceCount" in found.changed and deployment_siblings.is_known(inputs):
            _refuse_growth(work, self.arm_id(inputs), inputs)
        return found

    def delete(self, work: Work, state: Values) -> None:
        """Delete it, unless it serves or is kept for a way back: then it is left, and the rollout deletes it later."""
        id_ = self.arm_id(state)
        if self._is_left(work, id_):
            return
        work.doing(f"deleting deployment {id_.name}")
        work.arm.delete(id_.text, ML, work)

    def _bring(self, work: Work, id_: ArmId, found: Values | None, old: Values, inputs: Values) -> Values:
        """Make one write, of the kind that changes least."""
        try:
            self._wanted_again(work, id_)
            found = self._settled(work, id_, found, inputs)
            if found is not None and deployment_body.is_current(found, old, inputs):
                found = self._patched(work, id_, found, old, inputs)
            else:
                found = self._written(work, id_, found, old, inputs)
        except (ArmError, Interrupted) as error:
            raise deployment_failure.explained(work, Attempt(id_, inputs, found), error) from error
        return {**inputs, **deployment_body.outputs_of(found)}

    def _is_left(self, work: Work, id_: ArmId) -> bool:
        """Whether nothing is to be deleted: it has to stay, which the endpoint then remembers, or is gone."""
        with work.arm.lock(id_.parent.key):
            endpoint = endpoint_body.find(work, id_.parent)
            if endpoint is None or work.arm.find(id_.text, ML) is None:
                return True
            serves, until = endpoint.serves(id_.name), endpoint.memory.previous.get(id_.name, 0)
            stays = serves or endpoint.memory.keeps(id_.name, work.arm.now())
            endpoint_body.remember(work, id_.parent, lambda memory: _told(memory, id_.name, stays=stays))
        if serves:
            work.warn(f"Deployment {id_.name} still serves: it stays until the rollout has moved its traffic away.")
        elif stays:
            why = f"until {clock(until)}, ready for a way back" if until else "until the rollout is over"
            work.say(f"Deployment {id_.name} stays {why}. The first `pulumi up` after that deletes it.")
        return stays

    def _wanted_again(self, work: Work, id_: ArmId) -> None:
        """Take it off the list of those that the rollout is to delete: it is in the program."""
        endpoint = endpoint_body.find(work, id_.parent)
        if endpoint is not None and id_.name in endpoint.memory.retired:
            endpoint_body.remember(work, id_.parent, lambda memory: memory.with_retired(id_.name, stays=False))

    def _written(self, work: Work, id_: ArmId, found: Values | None, old: Values, inputs: Values) -> Values:
        location = str(work.arm.get(id_.parent.text, ML)["location"])
        if found is None:
            deployment_siblings.make_room(work, id_, inputs, location)
            work.was_accepted = False  # of this deployment Azure has taken nothing yet
        work.doing(f"{'creating' if found is None else 'updating'} deployment {id_.name}")
        with work.watched(Progress(work, id_, inputs, was_there=found is not None)):
            return work.arm.put(id_.text, ML, deployment_body.body(location, found, old, inputs, work.urn), work)

    def _patched(self, work: Work, id_: ArmId, found: Values, old: Values, inputs: Values) -> Values:
        tags, count = deployment_body.tags(found, old, inputs), deployment_body.capacity(found, old, inputs)
        if tags == (found.get("tags") or {}) and count == deployment_body.count(found):
            return found
        work.doing(f"scaling deployment {id_.name} to {count}")
        work.arm.patch(id_.text, ML, {"tags": tags, "sku": {"name": "Default", "capacity": count}}, work)
        return work.arm.get(id_.text, ML)

    def _settled(self, work: Work, id_: ArmId, found: Values | None, inputs: Values) -> Values | None:
        """Wait for what an earlier run started: a write of our own would only start it again."""
        if found is None or state_of(found) not in UNDER_WAY:
            return found
        work.accepted()
        work.doing(f"waiting for deployment {id_.name}, which an earlier run started")
        with work.watched(Progress(work, id_, inputs, was_there=True)):
            while found is not None and state_of(found) in UNDER_WAY:
                work.wait(POLL_SECONDS)
                found = work.arm.find(id_.text, ML)
        return found


def _refuse_growth(work: Work, id_: ArmId, inputs: Values) -> None:
    """`Refused` where the quota has no room for more instances of what is there."""
    has, wanted = deployment_body.count(work.arm.get(id_.text, ML)), int(inputs["instanceCount"])
    if wanted > has:
        region = str(work.arm.get(id_.parent.text, ML)["location"])
        quota.refuse_peak(work, id_, region, Wanted(str(inputs["instanceType"]), wanted), has=has)


def _made_by(work: Work, found: Values, inputs: Values) -> bool:
    own = found["properties"].get("properties") or {}
    return bool((own.get(OWNER), own.get(deployment_body.RELEASE)) == (work.urn, inputs["release"]))


def _told(memory: Memory, name: str, *, stays: bool) -> Memory:
    """What is remembered of a deployment that leaves the program."""
    return memory.with_retired(name, stays=True) if stays else memory.without([name])
