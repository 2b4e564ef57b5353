"""What Azure says of an interrupted operation, and what follows for the state.

Owns the rules by provider. azml's own resources compare themselves with Azure at each update, so only what a create
made must be found. azure-native compares inputs alone: whatever it was writing is written again. An image of docker is
named by its content, and its manifest is pushed last: half of one is nothing, and a second push adds what is missing.
Of other providers nobody here knows where their resources are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from azml_cli.recovery.interrupted import Interrupted

if TYPE_CHECKING:
    from azml.resources.work import Work

CLOCKS_S = 300.0
"""Seconds that Azure's clock and ours may differ."""
POLL_S = 1.0
"""Between two looks at a resource that Azure is still at work on."""
_IMAGE = "docker:index/image:Image"
_SETTLED = frozenset({"", "succeeded", "failed", "canceled", "cancelled"})


@dataclass(frozen=True)
class Verdict:
    """What is to be done with the state, and why.

    adopt: it is there and belongs in the state; again: the next update writes it; gone: it leaves the state;
    nothing: the state is right; unknown: only a person can tell.
    """

    then: Literal["adopt", "again", "gone", "nothing", "unknown"]
    why: str
    id: str = ""
    outputs: Mapping[str, Any] | None = None


def judge(work: "Work", one: Interrupted, subscription: str | None, began: float) -> Verdict:
    """Ask Azure. `began` is when the interrupted run did (epoch seconds, 0: not known)."""
    package = one.type.partition(":")[0]
    if package == "azml":
        return _azml(work, one)
    if package == "azure-native":
        return _azure_native(work, one, subscription, began)
    if one.type == _IMAGE:
        return Verdict("nothing", "the next update builds and pushes what is missing")
    return Verdict("unknown", f"azml does not know where resources of {package} are")


def _azml(work: "Work", one: Interrupted) -> Verdict:
    from azml.resources.handlers import HANDLERS

    if one.doing != "creating":
        return Verdict("nothing", "the next update compares it with Azure")
    handler, inputs = HANDLERS[one.type], dict(one.resource["inputs"])
    outputs = handler.left(work, inputs)
    if outputs is None:
        return Verdict("nothing", "it was not made")
    return Verdict("adopt", "it is in Azure, and taken into the state", handler.id_of(inputs, outputs), outputs)


def _azure_native(work: "Work", one: Interrupted, subscription: str | None, began: float) -> Verdict:
    from azml_local.azure_native import naming, table
    from azml_local.stand_in.errors import Refused

    inputs, id_ = one.resource["inputs"], str(one.resource.get("id") or "")
    if not id_ and subscription is None:
        return Verdict("unknown", "the subscription is not known: set ARM_SUBSCRIPTION_ID")
    try:
        row = table.resource(one.type)
        id_ = id_ or naming.resource_id(row, inputs, subscription or "")
    except Refused:
        return Verdict("unknown", f"azml does not know the id of this {one.type}")
    found = _settled(work, id_, row.version)
    if one.doing == "updating":
        return Verdict("again", "the next update writes it again")
    if one.doing == "deleting":
        if found is None:
            return Verdict("gone", "it is gone in Azure, and leaves the state", id_)
        return Verdict("again", "it is still in Azure: the next update deletes it, or writes it again")
    if found is None:
        return Verdict("nothing", "it was not made")
    if 0 < _created(found) < began - CLOCKS_S:
        return Verdict("nothing", "what is there is older than the interrupted update: it is not this stack's")
    return Verdict("adopt", "it is in Azure, and taken into the state", str(found.get("id") or id_), inputs)


def _settled(work: "Work", id_: str, version: str) -> dict[str, Any] | None:
    """What is there once Azure is done with it. What it was told to do goes on without us."""
    while True:
        found = work.arm.find(id_, version)
        state = str(((found or {}).get("properties") or {}).get("provisioningState") or "")
        if found is None or state.lower() in _SETTLED:
            return found
        work.wait(POLL_S, f"waiting for {id_.rpartition('/')[2]}, which is {state} in Azure")


def _created(found: Mapping[str, Any]) -> float:
    """When it was made, as epoch seconds; 0 where Azure does not say."""
    text = (found.get("systemData") or {}).get("createdAt")
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return 0.0
