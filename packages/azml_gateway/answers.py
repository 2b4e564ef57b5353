"""The gateway's own answers: status, Azure's word for it, and what to do about it.

Statuses: troubleshoot-online-endpoints, "Common error codes for managed online endpoints" (401, 404, 408, 424, 429).
Values of `ms-azureml-model-error-reason`: the filters of Azure's front end (Envoy), public in the inference images:
`model_error` with the model's status beside it and the body passed on; `too_many_pending_request` with 429;
`model_not_ready`. Words of 401: what clients report (`key_auth_access_denied`, `key_auth_bad_header_forbidden`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

REASON = b"ms-azureml-model-error-reason"
MODEL_STATUS = b"ms-azureml-model-error-statuscode"


@dataclass(frozen=True)
class Refusal(Exception):  # noqa: N818 - an answer, not a fault of the program
    """A request that is answered here. `text` is the plain text body."""

    status: int
    text: str
    headers: Sequence[tuple[bytes, bytes]] = ()


def bad_header() -> Refusal:
    """Refuse a request without a usable Authorization header."""
    text = "key_auth_bad_header_forbidden: send the header 'Authorization: Bearer <key or token of this endpoint>'"
    return Refusal(401, text, [(b"www-authenticate", b"Bearer")])


def denied(mode: str) -> Refusal:
    """Refuse a key or token that does not open this endpoint."""
    hints = {"key": "not one of this endpoint's two keys", "token": "not a valid, unexpired token for this endpoint"}
    text = f"key_auth_access_denied: the {mode} is {hints[mode]}"
    return Refusal(401, text, [(b"www-authenticate", b'Bearer error="invalid_token"')])


def no_traffic() -> Refusal:
    """Refuse where traffic is zero everywhere, or goes to deployments that are not there."""
    return Refusal(404, "The endpoint doesn't have any valid deployment with positive weight.")


def no_deployment(name: str, known: Sequence[str]) -> Refusal:
    """Refuse a deployment header that names none of this endpoint's."""
    has = ", ".join(sorted(known)) or "none"
    return Refusal(404, f"This endpoint has no deployment {name!r} (header azureml-model-deployment). It has: {has}.")


def too_large(limit: int) -> Refusal:
    """Refuse a body over the limit."""
    return Refusal(413, f"The request body is larger than {limit} bytes.")


def timed_out(seconds: float, deployment: str) -> Refusal:
    """Give up on a model that takes longer than its deployment allows."""
    return Refusal(
        408, f"upstream request timeout: {deployment!r} did not answer within {seconds:g} s (request_timeout_ms)"
    )


def too_many(deployment: str, waited_s: float | None) -> Refusal:
    """Refuse beyond the limit of concurrent requests; `waited_s`: the request queued that long and got no turn."""
    why = (
        "2 * max_concurrent_requests_per_instance * instance_count requests are in progress"
        if waited_s is None
        else f"no instance was free within {waited_s:g} s (max_queue_wait_ms)"
    )
    return Refusal(429, f"too many pending requests for {deployment!r}: {why}", [(REASON, b"too_many_pending_request")])


def not_ready(deployment: str) -> Refusal:
    """Refuse where no instance of the deployment answers."""
    text = f"No instance of {deployment!r} is serving: it is starting, or it ended (see the deployment's logs)."
    return Refusal(503, text, [(REASON, b"model_not_ready")])


def model_error(status: int) -> Sequence[tuple[bytes, bytes]]:
    """Make the headers that go with 424: the model answered, but not 200."""
    return [(REASON, b"model_error"), (MODEL_STATUS, b"%d" % status)]
