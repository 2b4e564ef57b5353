"""The one client of Azure Resource Manager that azml's handlers use.

Owns where ARM is (discovered as the official clients do), who we are (`DefaultAzureCredential`), retries, waiting for
long-running operations, and the shape of errors. The same code speaks to Azure and to the local Azure: only the
environment differs. Deliberately knows no resource type. The one module of `azml.resources` that imports Azure's
libraries when it is imported: the provider does so on the first call, not at start.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core import PipelineClient
from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError
from azure.core.pipeline.policies import HeadersPolicy, RedirectPolicy, RequestIdPolicy, RetryPolicy, UserAgentPolicy
from azure.core.rest import HttpRequest, HttpResponse
from azure.identity import DefaultAzureCredential
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy, ARMHttpLoggingPolicy
from azure.mgmt.core.polling.arm_polling import ARMPolling

from azml.resources import authorization
from azml.resources.errors import ArmError

if TYPE_CHECKING:
    from azml.resources.work import Work

PUBLIC = "https://management.azure.com"
PUBLIC_AUTHORITIES = frozenset(
    {
        "login.microsoftonline.com",
        "login.microsoftonline.us",
        "login.chinacloudapi.cn",
        "login.partner.microsoftonline.cn",
    }
)
"""Authorities that Microsoft's instance discovery knows. Any other one would make azure-identity ask the public cloud
about it first, and no variable turns that off."""

POLL_SECONDS = 5.0
"""Between two looks at an operation where the answer has no Retry-After (azure-ai-ml looks at deployments as often)."""
CONNECT_RETRIES = 3
"""How often a connection that cannot be made is tried again: 5 s in all. azure-core's ten take several minutes, which
helps where a service is overloaded (answers keep its own ten) and not where nobody listens."""
SAME_TIME_SECONDS = 3.0
"""Clocks that are no further apart count as one: a Date header is of whole seconds, and made once in a second."""
BUSY_SECONDS = (0.5, 15.0)
"""Pause before a request that met a running operation is repeated: from the first to the second, doubling."""


def resource_manager(environ: Mapping[str, str]) -> str:
    """Base URL of ARM: from the document at `ARM_CLOUD_METADATA_URL` where that is set, else the public cloud."""
    url = environ.get("ARM_CLOUD_METADATA_URL")
    if not url:
        return PUBLIC
    client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(
        url, policies=[RetryPolicy(retry_connect=CONNECT_RETRIES)]
    )
    try:
        with client:
            response = client.send_request(HttpRequest("GET", url))
            response.raise_for_status()
            document = response.json()
    except AzureError as error:
        raise ArmError("NoAnswer", f"{url} (ARM_CLOUD_METADATA_URL) gave no answer: {error}") from error
    host = urlsplit(url).netloc
    clouds = [
        cloud["resourceManager"].rstrip("/") for cloud in (document if isinstance(document, list) else [document])
    ]
    for cloud in clouds:
        if urlsplit(cloud).netloc == host:
            return str(cloud)
    raise ArmError("UnknownCloud", f"{url} describes no cloud whose resourceManager is on {host}. It names: {clouds}")


def credential(environ: Mapping[str, str]) -> DefaultAzureCredential:
    """Who we are: variables, workload or managed identity, `az login`, in the order of `DefaultAzureCredential`."""
    authority = environ.get("AZURE_AUTHORITY_HOST", "")
    host = urlsplit(authority if "://" in authority else f"https://{authority}").netloc
    return DefaultAzureCredential(disable_instance_discovery=bool(host) and host not in PUBLIC_AUTHORITIES)


Body = Mapping[str, Any] | Callable[[], Mapping[str, Any]]
"""What a change sends. A function is asked at each sending: while another operation is waited for, what the body was
made from may change."""


class Arm:
    """Requests to ARM, safe to use from many threads. Bodies and answers are what JSON makes of them."""

    def __init__(self) -> None:
        self.credential = credential(os.environ)
        self._base = base = resource_manager(os.environ)
        self._client: ARMPipelineClient[Any, Any] = ARMPipelineClient(
            base,
            policies=[
                RequestIdPolicy(),
                HeadersPolicy({"Accept": "application/json"}),
                UserAgentPolicy("azml"),
                RedirectPolicy(),
                RetryPolicy(retry_connect=CONNECT_RETRIES),
                ARMChallengeAuthenticationPolicy(self.credential, f"{base}/.default"),
                ARMHttpLoggingPolicy(),
            ],
        )
        self._ahead = 0.0
        self._locks: dict[str, threading.RLock] = {}
        self._locks_guard = threading.Lock()

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()
        self.credential.close()

    def now(self) -> float:
        """The time as Azure has it, in seconds since 1970: what is remembered there, and its figures, go by its clock.

        Ours counts until an answer shows that it is wrong; how far is known to a second or two.
        """
        return time.time() + self._ahead

    def lock(self, key: str) -> threading.RLock:
        """The lock of one resource, for read-change-write sequences that handlers of one run might mix up."""
        with self._locks_guard:
            return self._locks.setdefault(key, threading.RLock())

    def token(self) -> str:
        """The token that requests to ARM carry."""
        return self.credential.get_token(f"{self._base}/.default").token

    def find(self, id_: str, version: str) -> dict[str, Any] | None:
        """What is there, or nothing (also where its parent is gone)."""
        try:
            return self.get(id_, version)
        except ArmError as error:
            if error.gone:
                return None
            raise

    def get(self, id_: str, version: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What is there; `ArmError` where nothing is."""
        return _body(self._send("GET", id_, version, query=query))

    def list_all(self, id_: str, version: str) -> list[dict[str, Any]]:
        """Everything in a collection, all pages; `id_` ends in its name."""
        page, found = self.get(id_, version), []
        while True:
            found += page["value"]
            if not (further := page.get("nextLink")):
                return found
            page = _body(self._answer(HttpRequest("GET", further)))

    def glance(self, method: str, id_: str, version: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What is only shown, and not worth a second try: empty where there is no answer."""
        try:
            return _body(self._send(method, id_, version, body, retry_total=0))
        except ArmError:
            return {}

    def post(self, id_: str, version: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """An action; `id_` ends in its name."""
        return _body(self._send("POST", id_, version, body if body is not None else {}))

    def act(self, id_: str, version: str, work: "Work", body: Body | None = None) -> dict[str, Any]:
        """An action that takes its time, and wait until it is done; `id_` ends in its name."""
        return self._change("POST", id_, version, body, work)

    def put(self, id_: str, version: str, body: Body, work: "Work") -> dict[str, Any]:
        """Create or replace, and wait until it is done."""
        return self._change("PUT", id_, version, body, work)

    def patch(self, id_: str, version: str, body: Body, work: "Work") -> dict[str, Any]:
        """Change what the type's PATCH allows, and wait until it is done."""
        return self._change("PATCH", id_, version, body, work)

    def delete(self, id_: str, version: str, work: "Work", query: Mapping[str, str] | None = None) -> None:
        """Delete, and wait until it is gone. What is gone already is no error."""
        try:
            self._change("DELETE", id_, version, None, work, query)
        except ArmError as error:
            if not error.gone:
                raise

    def _change(
        self,
        method: str,
        id_: str,
        version: str,
        body: Body | None,
        work: "Work",
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        role, scope = authorization.role_for(id_)
        send = partial(self._send_when_free, method, id_, version, body, work, query)
        initial = authorization.patient(work, scope, role, send)
        work.accepted()
        polling = _Polling(work)
        try:
            polling.initialize(self._client, initial, lambda response: response)
            polling.run()
        except HttpResponseError as error:
            raise _arm_error(error) from error
        except AzureError as error:
            raise ArmError("NoAnswer", str(error)) from error
        last = polling.resource()
        return {} if last is None else _body(last)

    def _send_when_free(
        self,
        method: str,
        id_: str,
        version: str,
        body: Body | None,
        work: "Work",
        query: Mapping[str, str] | None,
    ) -> Any:
        pause, longest = BUSY_SECONDS
        while True:
            try:
                return self._send(method, id_, version, body() if callable(body) else body, query)
            except ArmError as error:
                if not error.busy:
                    raise
                work.wait(pause, "waiting for another operation on it to finish")
                pause = min(pause * 2, longest)

    def _send(
        self,
        method: str,
        id_: str,
        version: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Any:
        url = self._client.format_url(id_)
        request = HttpRequest(method, url, params={"api-version": version, **(query or {})}, json=body)
        return self._answer(request, **options)

    def _answer(self, request: HttpRequest, **options: Any) -> Any:
        try:
            response = self._client.send_request(request, _return_pipeline_response=True, **options)
            response.http_response.raise_for_status()
        except ClientAuthenticationError as error:
            raise ArmError("AuthenticationFailed", str(error.message), _status(error)) from error
        except HttpResponseError as error:
            raise _arm_error(error) from error
        except AzureError as error:
            raise ArmError("NoAnswer", f"{self._base} gave no answer: {error}") from error
        self._ahead = _ahead(response.http_response.headers.get("Date"), time.time())
        return response


def _ahead(date: str | None, now: float) -> float:
    """Seconds that who wrote the header `Date` is ahead of us; 0 where that may be its coarseness or the way here."""
    try:
        apart = parsedate_to_datetime(date or "").timestamp() - now
    except ValueError:
        return 0.0
    return apart if abs(apart) > SAME_TIME_SECONDS else 0.0


class _Polling(ARMPolling):
    """ARM's polling, with pauses that end at once on Ctrl-C and show how long it has been."""

    def __init__(self, work: "Work") -> None:
        super().__init__(timeout=POLL_SECONDS)
        self._work = work

    def _sleep(self, delay: float) -> None:
        self._work.wait(delay)


def _body(response: Any) -> dict[str, Any]:
    text = response.http_response.text()
    body = json.loads(text) if text else {}
    return body if isinstance(body, dict) else {}


def _status(error: HttpResponseError) -> int:
    return error.status_code or 0


def _arm_error(error: HttpResponseError) -> ArmError:
    """Azure's own code and text, the reasons it nests included."""
    try:
        document = json.loads(error.response.text()) if error.response is not None else {}
    except ValueError:
        document = {}
    inner = document.get("error") if isinstance(document, dict) else None
    if not isinstance(inner, dict):
        return ArmError(f"HTTP {_status(error)}", str(error.message), _status(error))
    reasons = [inner, *(detail for detail in inner.get("details") or [] if isinstance(detail, dict))]
    message = ""
    for reason in reasons:
        text = str(reason.get("message") or "").strip()
        if text not in message:
            message += f"\n{text}"
    return ArmError(str(inner.get("code") or "Unknown"), message.strip() or str(error.message), _status(error))
