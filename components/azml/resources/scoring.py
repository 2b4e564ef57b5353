"""An online endpoint as its clients see it: where it is, what it asks of them, what it answers.

Owns the credential for each auth mode, the connection and the request. A key is asked for when it is needed, kept while
the client is open, and never shown. Deliberately judges no answer.
"""

from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from azure.core import PipelineClient
from azure.core.exceptions import AzureError
from azure.core.rest import HttpRequest

from azml.resources.arm import Arm
from azml.resources.arm_id import ArmId
from azml.resources.errors import ArmError
from azml.resources.handler import ML

DEPLOYMENT_HEADER = "azureml-model-deployment"
"""Names the deployment that is to answer, past the traffic split (docs: how-to-safely-rollout-online-endpoints)."""
TOKEN_SCOPE = "https://ml.azure.com/.default"  # noqa: S105 - a scope; azure-ai-ml asks for the same one
MODEL_STATUS_HEADER = "ms-azureml-model-error-statuscode"
"""With 424: what the model answered (docs: how-to-troubleshoot-online-endpoints)."""
HTTP_ERROR = 400
TIMEOUT_SECONDS = 190.0
"""A managed endpoint answers within 180 s or with 408."""
CONNECT_SECONDS = 20.0
"""For a connection to be made: who is not let through to a private endpoint often gets no refusal, just silence."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    """HTTP status of the endpoint."""
    model_status: str | None
    """HTTP status of the model itself, where the endpoint reports that it failed (424)."""
    deployment: str | None
    """The deployment that answered, where the endpoint says so."""
    body: str
    """The answer as it came."""

    @property
    def succeeded(self) -> bool:
        """Whether it is an answer of the model, and not an error."""
        return self.status < HTTP_ERROR

    @property
    def status_words(self) -> str:
        """The status, and the model's own where it is another."""
        return f"{self.status} (the model itself: {self.model_status})" if self.model_status else str(self.status)

    def __str__(self) -> str:
        """The status in words, and the body."""
        return f"{self.status_words}\n{self.body}"


class ScoringClient:
    """Sends requests to one endpoint, over one connection for as long as it is open.

    `ArmError` where the endpoint is not there, does not let us in, or is not reached (code `NoAnswer`).
    """

    what = "endpoint"
    lets_in = (
        "Whoever runs this may not call the endpoint: give them the role AzureML Data Scientist on the workspace, or "
        "one with onlineEndpoints/score/action and onlineEndpoints/listkeys/action."
    )
    """What it means that it does not let us in."""

    def __init__(self, arm: Arm, endpoint: ArmId) -> None:
        self._arm, self._endpoint = arm, endpoint
        self._client = PipelineClient[HttpRequest, Any]("", policies=[])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    @cached_property
    def properties(self) -> dict[str, object]:
        """The endpoint's ARM properties."""
        found: dict[str, object] = self._arm.get(self._endpoint.text, ML)["properties"]
        return found

    @property
    def uri(self) -> str:
        """Where to send requests to."""
        return str(self.properties["scoringUri"])

    def in_between(self) -> str:
        """What may keep a request from arriving."""
        try:
            closed = str(self.properties.get("publicNetworkAccess")).lower() == "disabled"
        except ArmError:
            return "Azure Resource Manager is not reached from here either."
        if closed:
            return "The endpoint is closed to the internet (public_network_access: disabled)."
        return "A firewall, a proxy or a private network may be between here and the endpoint."

    def score(self, body: bytes, deployment: str | None = None) -> Answer:
        """Send one JSON request; `deployment` (its physical name) asks past the traffic split."""
        return self._send("POST", self.uri, deployment, body)

    def swagger(self, deployment: str | None = None, version: str | None = None) -> Answer:
        """The OpenAPI document that a deployment gives of itself: in the `version` asked for, or its first one.

        It is at the address that the endpoint names, or beside `/score` where it names none.
        """
        named = self.properties.get("swaggerUri")
        uri = str(named) if named else urlunsplit(urlsplit(self.uri)._replace(path="/swagger.json"))
        return self._send("GET", f"{uri}?version={version}" if version else uri, deployment)

    def _send(self, method: str, uri: str, deployment: str | None, body: bytes | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {self._credential}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if deployment is not None:
            headers[DEPLOYMENT_HEADER] = deployment
        request = HttpRequest(method, uri, headers=headers, content=body)
        try:
            response = self._client.send_request(
                request, read_timeout=TIMEOUT_SECONDS, connection_timeout=CONNECT_SECONDS
            )
        except AzureError as error:
            raise ArmError("NoAnswer", f"{uri} gave no answer: {error}") from error
        headers = response.headers
        return Answer(
            response.status_code, headers.get(MODEL_STATUS_HEADER), headers.get(DEPLOYMENT_HEADER), response.text()
        )

    @cached_property
    def _credential(self) -> str:
        mode = str(self.properties["authMode"]).lower()
        if mode == "key":
            return str(self._arm.post(f"{self._endpoint.text}/listKeys", ML)["primaryKey"])
        if mode == "amltoken":
            return str(self._arm.post(f"{self._endpoint.text}/token", ML)["accessToken"])
        return self._arm.credential.get_token(TOKEN_SCOPE).token
