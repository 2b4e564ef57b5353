"""Somebody else in Azure: changes resources through Microsoft's own ARM client, and knows nothing of azml."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from azure.core.pipeline.policies import RequestIdPolicy
from azure.core.polling import LROPoller
from azure.core.rest import HttpRequest
from azure.identity import ClientSecretCredential
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
from azure.mgmt.core.polling.arm_polling import ARMPolling

_POLL_SECONDS = 0.1


class ThirdParty:
    """Reads and changes by ARM id, as `az resource` does."""

    def __init__(self, client: ARMPipelineClient[Any, Any], url: str) -> None:
        self._client, self._url = client, url

    def get(self, id_: str, version: str) -> dict[str, Any]:
        return self.send("GET", id_, version)

    def send(self, method: str, id_: str, version: str, body: Any = None) -> dict[str, Any]:
        """Send a request and wait for its operation."""
        request = HttpRequest(method, f"{self._url}{id_}", params={"api-version": version}, json=body)
        answer = self._client.send_request(request, _return_pipeline_response=True)
        answer.http_response.raise_for_status()
        if method != "GET":
            LROPoller(self._client, answer, lambda _: None, ARMPolling(timeout=_POLL_SECONDS)).result()
        content = answer.http_response.content
        return dict(answer.http_response.json()) if content else {}

    def change(self, id_: str, version: str, sets: Mapping[str, Any], unsets: list[str]) -> None:
        """Read, change, PUT: `az resource update --set … --remove …`."""
        body = copy.deepcopy(self.get(id_, version))
        for path, value in sets.items():
            *outer, last = path.split(".")
            inner = body
            for step in outer:
                inner = inner.setdefault(step, {})
            inner[last] = value
        for path in unsets:
            *outer, last = path.split(".")
            found = at(body, ".".join(outer))
            found.pop(last)
        self.send("PUT", id_, version, body)


def at(body: Any, path: str) -> Any:
    """What is at a path; None where nothing is."""
    for step in path.split("."):
        body = body.get(step) if isinstance(body, dict) else None
    return body


@contextmanager
def third_party(server: Mapping[str, Any]) -> Iterator[ThirdParty]:
    """Sign in to a local Azure by what it tells its clients."""
    sign_in = ClientSecretCredential(
        server["tenant_id"], server["client_id"], server["client_secret"],
        authority=server["url"], disable_instance_discovery=True, connection_verify=server["ca"],
    )  # fmt: skip
    policies = [RequestIdPolicy(), ARMChallengeAuthenticationPolicy(sign_in, f"{server['url']}/.default")]
    with sign_in, ARMPipelineClient(server["url"], policies=policies, connection_verify=server["ca"]) as client:
        yield ThirdParty(client, server["url"])
