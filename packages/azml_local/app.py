"""The HTTP face of the local Azure: who may come in, and whether a request is for ARM, the authority, a vault or blobs.

Owns the host, the first path segment and the check of bearer tokens for ARM. Deliberately knows no resource type.
"""

import json
import logging
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from azml_local import disk, tokens, vaults
from azml_local.arm.call import Answer, Call
from azml_local.arm.errors import ArmError
from azml_local.arm.router import Router
from azml_local.azure import Azure
from azml_local.blobs import server as blob_server

ARM_ROOTS = ("subscriptions", "providers", "tenants")
_BODY_MAX = 4 << 20
"""ARM's limit of a request body (azure-resource-manager: request limits)."""
_log = logging.getLogger(__name__)
_TOKEN_ERRORS = {
    "expired": ("ExpiredAuthenticationToken", "The access token has expired."),
    "foreign": ("InvalidAuthenticationToken", "The access token is invalid."),
    "audience": (
        "InvalidAuthenticationTokenAudience",
        (
            "The access token has been obtained for wrong audience or resource '{}'. It should exactly match with one "
            "of the allowed audiences '{}'."
        ),
    ),
}


class AnswerLost(Exception):  # noqa: N818 - the word for what happens to it
    """The request was answered, and its client must not learn it."""


class App:
    """Answers every request of one local Azure."""

    def __init__(self, azure: Azure, router: Router) -> None:
        self._azure, self._router = azure, router
        port = azure.url.rpartition(":")[2]
        self._audiences = (*tokens.ARM, azure.url, f"https://localhost:{port}")

    async def answer(self, request: Request) -> Response:
        """Answer; what nobody foresaw is ARM's envelope too, and the traceback goes to the log."""
        try:
            return await self._answer(request)
        except AnswerLost:
            return _CutOff()
        except Exception as problem:  # noqa: BLE001 - the boundary to the client
            if disk.is_full(problem):
                error = ArmError(409, disk.CODE, disk.MESSAGE)
            else:
                _log.exception("%s %s", request.method, request.url.path)
                error = ArmError(500, "InternalServerError", "The local Azure failed; its logs/server.log says why.")
            return JSONResponse({"error": error.document()}, error.status, {"x-ms-error-code": error.code})

    async def _answer(self, request: Request) -> Response:
        """Choose by host and first path segment."""
        segments = request.url.path.strip("/").split("/")
        host = request.headers.get("host", "")
        account, dot, _ = host.partition(".blob.")
        if dot:
            return await self._blob(request, account, request.scope["raw_path"])
        vault, dot, _ = host.partition(".vault.")
        if dot:
            return await vaults.answer(self._azure, request, vault)
        first = segments[0].lower()
        if first in ARM_ROOTS:
            return _response(await self._arm(request))
        if first == "metadata" and segments[1:] == ["endpoints"]:
            return JSONResponse(self._metadata())
        if len(segments) > 1 and segments[1:] == ["v2.0", ".well-known", "openid-configuration"]:
            return JSONResponse(tokens.openid_configuration(self._base(request), segments[0]))
        if segments[1:] == ["oauth2", "v2.0", "token"] and request.method == "POST":
            return await self._token(request, segments[0])
        raw = request.scope["raw_path"].removeprefix(b"/").partition(b"/")
        return await self._blob(request, unquote(raw[0].decode("latin-1")), raw[2])

    def _metadata(self) -> list[dict[str, Any]]:
        """Build what ARM_CLOUD_METADATA_URL leads to: every key is needed by a client."""
        return [
            {
                "name": "LocalAzure",
                "portal": "https://portal.azure.com",
                "resourceManager": f"{self._azure.url}/",
                "authentication": {
                    "loginEndpoint": f"{self._azure.url}/",
                    "audiences": [f"{self._azure.url}/"],
                    "tenant": self._azure.identity.tenant_id,
                },
                "suffixes": {"storage": f"core.azlocal.test:{self._azure.url.rpartition(':')[2]}"},
            }
        ]

    async def _token(self, request: Request, tenant: str) -> Response:
        form = dict(_form(await request.body()))
        status, body = tokens.grant(self._azure.tokens, self._azure.identity, tenant, form)
        return JSONResponse(body, status, {"Cache-Control": "no-store"})

    async def _arm(self, request: Request) -> Answer:
        try:
            caller = self._caller(request)
            body = await _body(request)
        except ArmError as error:
            headers = {"WWW-Authenticate": self._challenge()} if error.status == 401 else {}
            return Answer(error.status, {"error": error.document()}, headers)
        call = Call(
            method=request.method,
            url=f"{self._base(request)}{request.url.path}",
            query={name.lower(): value for name, value in request.query_params.items()},
            headers=dict(request.headers.items()),
            body=body,
            caller=caller,
        )
        return await self._faulty(request.scope["raw_path"].decode("latin-1"), call)

    async def _faulty(self, path: str, call: Call) -> Answer:
        """Answer, unless the chosen lifecycle has a fault here."""
        fault = self._azure.faults.refusal(call.method, path)
        if fault is not None:
            wait = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return Answer(fault.status, {"error": fault.error().document()}, wait)
        answer = await self._router.answer(path, call)
        if self._azure.faults.loses(call.method, path):
            raise AnswerLost
        return answer

    def _caller(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise ArmError(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        try:
            return str(self._azure.tokens.verify(token, *self._audiences)["appid"])
        except tokens.BadToken as error:
            code, text = _TOKEN_ERRORS[error.reason]
            raise ArmError(401, code, text.format(error.audience, ", ".join(self._audiences))) from error

    def _challenge(self) -> str:
        authority = f"{self._azure.url}/{self._azure.identity.tenant_id}"
        return f'Bearer authorization_uri="{authority}", error="invalid_token"'

    async def _blob(self, request: Request, account: str, raw: bytes) -> Response:
        container, _, blob = raw.decode("latin-1").strip("/").partition("/")
        return await blob_server.answer(self._azure, request, account, unquote(container), unquote(blob))

    def _base(self, request: Request) -> str:
        return f"https://{request.headers.get('host', self._azure.authority)}"


def make(azure: Azure, router: Router) -> ASGIApp:
    """Make the ASGI application. It has no routes: a route does not match every path that a client can send."""
    app = App(azure, router)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        response = await app.answer(Request(scope, receive))
        await response(scope, receive, send)

    return application


class _CutOff(Response):
    """A head and nothing after it: the server ends the connection, as when it breaks."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send what makes the client wait for more than there is."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})


def _response(answer: Answer) -> Response:
    headers = {"x-ms-request-id": _request_id(), "Cache-Control": "no-cache", **answer.headers}
    if answer.body is None:
        return Response(status_code=answer.status, headers=headers)
    return JSONResponse(answer.body, answer.status, headers)


def _request_id() -> str:
    import uuid

    return str(uuid.uuid4())


async def _body(request: Request) -> Any:
    if request.method not in ("PUT", "PATCH", "POST"):
        return None
    content = await request.body()
    if len(content) > _BODY_MAX:
        raise ArmError(
            413, "RequestEntityTooLarge", f"The request has {len(content)} bytes; the maximum is {_BODY_MAX}."
        )
    if not content:
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ArmError(
            400,
            "InvalidRequestContent",
            f"The request content was invalid and could not be deserialized: '{error}'.",
        ) from error


def _form(content: bytes) -> list[tuple[str, str]]:
    from urllib.parse import parse_qsl

    return parse_qsl(content.decode("utf-8", "replace"), keep_blank_values=True)
