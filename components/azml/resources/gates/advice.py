"""What a status of the endpoint probably means, and what to change.

Owns the words for statuses that speak for themselves (troubleshoot-online-endpoints, "Common error codes for managed
online endpoints"). Where only the model's log can tell, as with 424 and 5xx, there are none here: `azml.resources.
diagnosis` reads the log.
"""

from azml.facts import online_endpoints as facts

_BY_STATUS = {
    404: "The endpoint does not know the deployment (yet), or the scoring route is another one.",
    408: (
        "A request took longer than request_settings.request_timeout_ms allows "
        f"({facts.REQUEST_TIMEOUT_MS} ms unless set, {facts.MAX_REQUEST_TIMEOUT_MS} at most): make run() faster, "
        "choose a bigger instance type, or raise it."
    ),
    413: "The request is larger than an endpoint takes.",
    429: (
        "More requests came at once than the deployment takes: raise instance_count, or "
        "request_settings.max_concurrent_requests_per_instance together with WORKER_COUNT."
    ),
}


def advice_for(status: int) -> str:
    """Advice for a status; empty where the log has to tell."""
    return _BY_STATUS.get(status, "")
