"""A name that something deleted may still hold: looked at before a key vault or a workspace is made under it.

Owns what `on_soft_deleted` says: fail and name the twin, recover it, or purge it. azure-native does not see a
soft-deleted twin (its GET answers 404) and then fails in its PUT. Deliberately makes neither: that is azure-native's,
which depends on the claim. A claim is nothing in Azure; on refresh it is gone with what it was made for, so that it
looks again before that is made again.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NotRequired, TypedDict

import pulumi

from azml.resources.arm_id import ArmId
from azml.resources.authorization import DENIED
from azml.resources.errors import ArmError, Refused
from azml.resources.handler import ML, Handler, Values, require
from azml.resources.resource import AzmlResource
from azml.resources.wire import has_unknown
from azml.resources.work import Work

VAULT = "2024-11-01"
"""API version of Microsoft.KeyVault: the one of azure-native 3.29."""
RECOVERY = "2022-01-01-preview"
"""API version of Microsoft.MachineLearningServices whose workspaces have `allowRecoverSoftDeletedWorkspace`, which az
ml's own template sends. No later one shows how to recover."""
ACTIVITY = "2015-04-01"
"""API version of the activity log (Microsoft.Insights/eventtypes)."""
WORKSPACE_DAYS = 14
"""Days that a deleted workspace keeps its name (concept-soft-delete.md, 2025-10-31)."""
KEPT_MODE, RECOVER_MODE = "default", "recover"
"""`createMode` of a key vault."""

BAD_REQUEST = 400

CHOICES = "Set workspace.on_soft_deleted: recover to have it back with its contents, or purge to lose it for good"


class NameClaimArgs(TypedDict):
    """Arguments of `NameClaim`."""

    resource_id: pulumi.Input[str]
    """ARM id of the key vault or the workspace that is going to be made."""
    location: pulumi.Input[str]
    """Its Azure region."""
    on_soft_deleted: pulumi.Input[str]
    """fail, recover or purge."""
    revision: NotRequired[pulumi.Input[str]]
    """Changes when what depends on the claim does, so that its `create_mode` fits a vault that exists by then."""


class NameClaim(AzmlResource):
    """A look at what was deleted under a name, before something new is made under it."""

    create_mode: pulumi.Output[str]
    """How a key vault is to be made: recover, or default."""

    def __init__(self, name: str, args: NameClaimArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)


class NameClaimHandler(Handler):
    """CRUD of `NameClaim`."""

    what = "name"
    identity = frozenset({"resourceId"})
    silent = frozenset({"location", "onSoftDeleted"})
    computed = frozenset({"createMode"})

    def check(self, inputs: Values) -> Values:
        """Everything that decides must be there."""
        require(inputs, ["resourceId", "location", "onSoftDeleted"], self.what)
        return inputs

    def arm_id(self, inputs: Values) -> ArmId:
        """That of what it is claimed for."""
        return ArmId.parse(inputs["resourceId"])

    def foresee(self, work: Work, inputs: Values) -> None:
        """Say in a preview what an update will do."""
        if not has_unknown(inputs) and not self._is_there(work, inputs):
            self._look(work, inputs, act=False)

    def create(self, work: Work, inputs: Values) -> Values:
        """Look, and do what was asked for."""
        mode = KEPT_MODE if self._is_there(work, inputs) else self._look(work, inputs, act=True)
        return {**inputs, "createMode": mode}

    def left(self, work: Work, inputs: Values) -> Values | None:  # noqa: ARG002
        """Nothing: it looks again."""
        return None

    def update(self, work: Work, old: Values, inputs: Values, state: Values) -> Values:  # noqa: ARG002
        """Look again: what was recovered then exists now."""
        return self.create(work, inputs)

    def delete(self, work: Work, state: Values) -> None:
        """Nothing is there."""

    def drift(self, work: Work, inputs: Values, state: Values) -> dict[str, str]:
        """What the name was claimed for is not there: an update before got no further, or somebody deleted it.

        A claim that only looks does so again, and one that was told otherwise since then. Without refresh it is not
        sure that anything will be made, so nothing else is done twice.
        """
        again = inputs["onSoftDeleted"] == "fail" or inputs["onSoftDeleted"] != state.get("onSoftDeleted")
        if not again or has_unknown(inputs) or self._is_there(work, inputs):
            return {}
        return {"resourceId": f"{self.arm_id(inputs).name} is not there: its name is looked at again."}

    def read(self, work: Work, id_: str, inputs: Values) -> tuple[Values, Values] | None:
        """Gone with what it was made for."""
        wanted = inputs or {"resourceId": id_, "onSoftDeleted": "fail"}
        return (wanted, {**wanted, "createMode": KEPT_MODE}) if self._is_there(work, wanted) else None

    def preview(self, inputs: Values, state: Values) -> Values:
        """An update finds what was made."""
        return super().preview(inputs, {**state, "createMode": KEPT_MODE} if state else {})

    def _is_there(self, work: Work, inputs: Values) -> bool:
        id_ = self.arm_id(inputs)
        return work.arm.find(id_.text, VAULT if _is_vault(id_) else ML) is not None

    def _look(self, work: Work, inputs: Values, *, act: bool) -> str:
        id_, wanted = self.arm_id(inputs), inputs["onSoftDeleted"]
        if _is_vault(id_):
            return _vault(work, id_, inputs["location"], wanted, act=act)
        _workspace(work, id_, inputs["location"], wanted, act=act)
        return KEPT_MODE


def _is_vault(id_: ArmId) -> bool:
    return id_.namespace.lower() == "microsoft.keyvault"


def _vault(work: Work, id_: ArmId, location: str, wanted: str, *, act: bool) -> str:
    place = location.replace(" ", "").lower()
    at = f"/subscriptions/{id_.subscription}/providers/Microsoft.KeyVault/locations/{place}/deletedVaults/{id_.name}"
    found = _deleted_vault(work, at, wanted)
    if found is None:
        return KEPT_MODE
    about = found["properties"]
    twin = f"A key vault {id_.name} was deleted on {_day(about['deletionDate'])}"
    frees = f"Azure frees its name on {_day(about['scheduledPurgeDate'])}"
    if str(about["vaultId"]).lower() != id_.key:
        raise Refused(f"{twin}: {about['vaultId']}. {frees}. Purge it there, or recover it, to use its name here.")
    if wanted == "fail":
        raise Refused(f"{twin} and can still be recovered; {frees}.\n{CHOICES}.")
    if wanted == "recover":
        work.say(f"{twin}: it {_tense(act)} recovered with its secrets.")
        return RECOVER_MODE
    if about.get("purgeProtectionEnabled"):
        raise Refused(
            f"{twin}, and its purge protection forbids to purge it; {frees}.\n"
            "Set workspace.on_soft_deleted: recover, or give the workspace another name or resource group."
        )
    work.say(f"{twin}: it {_tense(act)} purged, with its secrets, for good.")
    if act:
        work.arm.act(f"{at}/purge", VAULT, work)
    return KEPT_MODE


def _deleted_vault(work: Work, at: str, wanted: str) -> Values | None:
    """What is known of it. Deleted vaults belong to the subscription: who is let into a group alone sees none."""
    try:
        return work.arm.find(at, VAULT)
    except ArmError as error:
        if error.code not in DENIED:
            raise
        if wanted == "fail":  # azure-native's PUT then says it, in Azure's words
            return None
        subscription = at.split("/")[2]
        raise Refused(
            f"{error.message}\nWhich key vaults were deleted is for those to see who have a role on the whole "
            f"subscription {subscription}, such as Reader; to {wanted} one takes Contributor.\n"
            "Get the role, or set workspace.on_soft_deleted: fail, which goes on without a look."
        ) from None


def _workspace(work: Work, id_: ArmId, location: str, wanted: str, *, act: bool) -> None:
    """Azure shows deleted workspaces to nobody but its portal: the activity log tells that one was deleted."""
    deleted = _deletion(work, id_)
    twin = f"A workspace {id_.name} was deleted on {_day(deleted[0])} by {deleted[1]}" if deleted else ""
    if wanted == "fail" and deleted:
        frees = _day(datetime.fromisoformat(deleted[0]) + timedelta(days=WORKSPACE_DAYS))
        work.warn(
            f"{twin}. If Azure kept it, it frees the name on {frees} and refuses a new one until then.\n{CHOICES}."
        )
    if wanted == "purge":
        if twin:
            work.say(f"{twin}: what Azure kept of it {_tense(act)} purged for good.")
        if act:
            work.arm.delete(f"{id_.text}", ML, work, {"forceToPurge": "true"})
    if wanted == "recover" and act and _recovered(work, id_, location):
        raise Refused(
            f"The deleted workspace {id_.name} is recovered, with what was in it.\n{_adoption(work.urn, id_)}"
        )
    if wanted == "recover" and not act and twin:
        work.say(f"{twin}: if Azure kept it, it will be recovered, and the update ends by saying how to take it over.")


def _recovered(work: Work, id_: ArmId, location: str) -> bool:
    """Recover a deleted workspace. Without what a new one needs, Azure can take the request for nothing else."""
    body = {"location": location, "properties": {"allowRecoverSoftDeletedWorkspace": "True"}}
    try:
        work.doing("recovering what was deleted under this name")
        work.arm.put(id_.text, RECOVERY, body, work)
    except ArmError as error:
        if error.status != BAD_REQUEST:
            raise
        if "soft-deleted" in error.message.lower():
            where = "Azure recovers it in its portal only: Azure Machine Learning, Recently deleted. Do it there."
            raise Refused(f"{error.message}\n{where}\n{_adoption(work.urn, id_)}") from None
        return False
    return True


def _adoption(urn: str, id_: ArmId) -> str:
    """Say how the recovered workspace gets into the stack: azure-native never takes over what exists."""
    head, types, name = urn.rsplit("::", 2)
    parent = f"{head}::{types.rpartition('$')[0]}::{name.removesuffix('-name')}"
    return (
        "Pulumi takes over what exists by import only:\n"
        f"  pulumi import azure-native:machinelearningservices:Workspace {name.removesuffix('-name')} \\\n"
        f"    {id_.text} \\\n"
        f"    --parent 'parent={parent}' --protect=false --generate-code=false --yes\n"
        "Then run `pulumi up` again."
    )


def _deletion(work: Work, id_: ArmId) -> tuple[str, str] | None:
    """When a workspace was deleted last, and by whom, as far as its name can be held; None where nobody knows."""
    since = datetime.now(UTC) - timedelta(days=WORKSPACE_DAYS)
    asked = f"eventTimestamp ge '{since:%Y-%m-%dT%H:%M:%SZ}' and resourceUri eq '{id_.text}'"
    try:
        events = work.arm.get(
            f"/subscriptions/{id_.subscription}/providers/Microsoft.Insights/eventtypes/management/values",
            ACTIVITY,
            {"$filter": asked},
        )["value"]
    except ArmError:  # who may make a workspace may not always read the log: then only Azure's own words are left
        return None
    done = [
        (str(event["eventTimestamp"]), str(event.get("caller") or "somebody"))
        for event in events
        if str(event["operationName"]["value"]).lower() == "microsoft.machinelearningservices/workspaces/delete"
        and event["status"]["value"] == "Succeeded"
    ]
    return max(done, default=None)


def _day(time: Any) -> str:
    return str(time)[:10]


def _tense(act: bool) -> str:
    return "is" if act else "will be"
