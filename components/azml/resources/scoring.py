"""An online endpoint as its clients see it: where it is, what it asks of them, what it answers.

Owns the credential for each auth mode and the request. Deliberately keeps no key: it is asked for when it is needed and
never stored or shown.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

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

    def __str__(self) -> str:
        """The status in words, and the body."""
        model = f" (the model itself: {self.model_status})" if self.model_status else ""
        return f"{self.status}{model}\n{self.body}"


class ScoringClient:
    """Sends requests to one endpoint. `ArmError` where the endpoint is not there or not reached."""

    def __init__(self, arm: Arm, endpoint: ArmId) -> None:
        self._arm, self._endpoint = arm, endpoint

    @cached_property
    def properties(self) -> dict[str, object]:
        """The endpoint's ARM properties."""
        found: dict[str, object] = self._arm.get(self._endpoint.text, ML)["properties"]
        return found

    @property
    def uri(self) -> str:
        """Where to send requests to."""
        return str(self.properties["scoringUri"])

    def score(self, body: bytes, deployment: str | None = None) -> Answer:
        """Send one JSON request; `deployment` (its physical name) asks past the traffic split."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._credential()}"}
        if deployment is not None:
            headers[DEPLOYMENT_HEADER] = deployment
        request = HttpRequest("POST", self.uri, headers=headers, content=body)
        try:
            with PipelineClient[HttpRequest, Any](self.uri, policies=[]) as client:
                response = client.send_request(
                    request, read_timeout=TIMEOUT_SECONDS, connection_timeout=TIMEOUT_SECONDS
                )
                headers = response.headers
                return Answer(
                    response.status_code,
                    headers.get(MODEL_STATUS_HEADER),
                    headers.get(DEPLOYMENT_HEADER),
                    response.text(),
                )
        except AzureError as error:
            raise ArmError("NoAnswer", f"{self.uri} gave no answer: {error}") from error

    def _credential(self) -> str:
        mode = str(self.properties["authMode"]).lower()
        if mode == "key":
            return str(self._arm.post(f"{self._endpoint.text}/listKeys", ML)["primaryKey"])
        if mode == "amltoken":
            return str(self._arm.post(f"{self._endpoint.text}/token", ML)["accessToken"])
        return self._arm.credential.get_token(TOKEN_SCOPE).token
