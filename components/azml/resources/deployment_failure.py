"""What a deployment that failed says, and what becomes of it.

Owns the message (Azure's words, both containers' last lines, the likely cause, what serves now) and `on_failure`:
`keep` leaves the failed release to be looked at, the next update repairs it, or deletes it once the program has another
release; `delete` takes it away after its logs were read. What requests reach is never deleted, nor is what was in order
before this write. Deliberately knows no causes (`diagnosis`).
"""

from typing import NamedTuple

from azml.resources import deployment_logs, endpoint_body
from azml.resources.arm_id import ArmId
from azml.resources.deployment_body import BAD, state_of
from azml.resources.diagnosis import likely_cause
from azml.resources.endpoint_body import Endpoint
from azml.resources.errors import ArmError, Incomplete, Interrupted, Refused, TooLong
from azml.resources.handler import ML, Values
from azml.resources.work import Work

KEEP, DELETE = "keep", "delete"
"""What `on_failure` may be."""


class Attempt(NamedTuple):
    """One write that failed: of what, as it was wanted, and as it was found before (None: a create)."""

    id: ArmId
    inputs: Values
    found: Values | None

    @property
    def was_good(self) -> bool:
        """Whether there was a deployment in order before."""
        return self.found is not None and state_of(self.found) not in BAD


def explained(work: Work, attempt: Attempt, error: ArmError | Interrupted) -> Exception:
    """The exception that tells it all, after `on_failure` was done."""
    text = f"Deployment {attempt.id.name}: {error}"
    if not work.was_accepted:
        return Refused(_with_cause(text))
    if isinstance(error, Interrupted) and not isinstance(error, TooLong):
        return Incomplete(text, attempt.id.text, attempt.inputs)
    text = _with_cause(text + deployment_logs.quoted(deployment_logs.last_lines(work, attempt.id), text))
    if isinstance(error, TooLong):
        return Incomplete(f"{text}\n\nThe next `pulumi up` waits for it.", attempt.id.text, attempt.inputs)
    try:
        endpoint = endpoint_body.find(work, attempt.id.parent)
        text += _serving(attempt, endpoint)
        if _may_go(attempt, endpoint):
            work.doing(f"deleting failed deployment {attempt.id.name} (on_failure: delete)")
            work.arm.delete(attempt.id.text, ML, work)
            return Refused(f"{text}\nIt was deleted (on_failure: delete).")
    except (ArmError, Interrupted) as again:
        text += f"\nWhat became of it was not to be had: {again}"
    return Incomplete(f"{text}\n{_kept(attempt)}", attempt.id.text, attempt.inputs)


def _may_go(attempt: Attempt, endpoint: Endpoint | None) -> bool:
    wanted = attempt.inputs.get("onFailure") == DELETE and not attempt.was_good
    return wanted and not (endpoint is not None and endpoint.serves(attempt.id.name))


def _with_cause(text: str) -> str:
    cause = likely_cause(text)
    return text if cause is None or "likely cause" in text.lower() else f"{text}\n\nLikely cause: {cause}"


def _serving(attempt: Attempt, endpoint: Endpoint | None) -> str:
    """Who answers requests now."""
    if endpoint is None:
        return ""
    name, shares = attempt.id.name, endpoint.traffic
    if name in shares:
        return (
            f"\n\nIt was changed in place and still gets {shares[name]} % of the requests of {endpoint.id.name}: Azure "
            "replaces 20 % of the instances at a time, and those that it has not replaced answer as before."
        )
    if not shares:
        return f"\n\nNo deployment of {endpoint.id.name} gets requests."
    others = ", ".join(f"{other} {share} %" for other, share in sorted(shares.items()))
    return f"\n\nIt got no requests. {endpoint.id.name} is served as before: {others}."


def _kept(attempt: Attempt) -> str:
    id_ = attempt.id
    text = f"It stays: `az ml online-deployment get-logs --endpoint-name {id_.parent.name} --name {id_.name}`"
    text += " shows all of its log. The next `pulumi up` updates it"
    return f"{text}." if attempt.was_good else f"{text}, or deletes it where the program has another release by then."
