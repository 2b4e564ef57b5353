"""What a local Azure was asked in a test, by whom, and whether each answer fits ARM's own types.

Owns the reading of requests and answers on their way. Expects nothing of its own: shapes come from `azml.facts`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from azml.facts import arm_types
from azml_local.app import ARM_ROOTS
from azml_local.arm import replies
from azml_local.arm.ids import ResourceId, Target, parse
from azml_local.arm.types import action_names
from azml_local.azure import Azure
from azml_local.settings import Settings

_CLIENT = re.compile(r"azsdk-python-(?:azure-)?([a-z-]+)/")
_ML_CLIENT = "azure-ai-ml"
_LEVELS = {0: "account", 1: "container", 2: "blob"}


@dataclass(frozen=True)
class Seen:
    """One request that was answered: `operation` is a method, LIST, or POST and an action."""

    client: str
    """The official client, by its own words; empty: another one."""
    type: str
    operation: str
    status: int
    settings: Mapping[str, Any]
    """Settings of the local Azure that are not the default."""
    refusal: str
    """The message of a 501."""


JOURNAL: list[Seen] = []
"""Everything that any local Azure of this process was asked."""


class Watch:
    """Stands between the server and the application; keeps what it saw and what was wrong with answers."""

    def __init__(self, application: Any, azure: Azure) -> None:
        self._application, self._azure = application, azure
        self.problems: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        arm = scope["path"].strip("/").split("/")[0].lower() in ARM_ROOTS
        held: list[Any] = []

        async def note(message: Any) -> None:
            """Write an answer down before the client has it, or the test could be over first."""
            held.append(message)
            if arm and (message["type"] != "http.response.body" or message.get("more_body")):
                return
            if held[0]["type"] == "http.response.start":
                content = b"".join(part.get("body", b"") for part in held) if arm else b""
                self._note(scope, held[0]["status"], json.loads(content) if content else None, arm=arm)
            while held:
                await send(held.pop(0))

        await self._application(scope, receive, note)

    def _note(self, scope: Any, status: int, body: Any, *, arm: bool) -> None:
        what = self._arm(scope, status, body) if arm else _other(scope)
        if what is None:
            return
        refusal = body["error"]["message"] if arm and status == HTTPStatus.NOT_IMPLEMENTED else ""
        now, default = asdict(self._azure.settings), asdict(Settings())
        changed = {name: value for name, value in now.items() if value != default[name]}
        JOURNAL.append(Seen(_client(scope), *what, status, changed, refusal))

    def _arm(self, scope: Any, status: int, body: Any) -> tuple[str, str] | None:
        """Name type and operation (None: a look at a running operation), and judge the answer."""
        method, target = scope["method"], parse(scope["raw_path"].decode("latin-1"))
        polled = self._polled(target)
        type_, operation = _named(method, target) if polled is None else (polled, "GET")
        declared = self._azure.types.get(type_)
        if declared is not None:
            type_ = declared.type
            written = {f"POST {name}".lower(): f"POST {name}" for name in action_names(declared)}
            operation = written.get(operation.lower(), operation)
        if status >= HTTPStatus.BAD_REQUEST:
            found = _bad_error(body, status)
        elif polled is not None and "status" in (body or {}):
            found = iter(())
        else:
            version = parse_qs(scope["query_string"].decode("latin-1").lower()).get("api-version", [""])[0]
            found = _bad_answer(type_, operation, body, version)
        self.problems += [f"{method} {scope['path']} {status}: {problem}" for problem in found]
        return (type_, operation) if polled is None else None

    def _polled(self, target: Target) -> str | None:
        """Type of the resource whose operation is looked at; None: this is no such look."""
        kinds = {replies.STATUSES.lower(), replies.RESULTS.lower()}
        if target.at is None or target.at.type.rpartition("/")[2].lower() not in kinds:
            return None
        operation = self._azure.operations.find(target.at.name)
        return "" if operation is None else operation.resource.type


def _named(method: str, target: Target) -> tuple[str, str]:
    if target.at is not None and target.tail is None and target.namespace is None:
        return target.at.type, method
    if target.tail is None:
        return "Microsoft.Resources/providers", method
    if method == "GET":
        return target.tail_type, "LIST"
    at = ResourceId("Microsoft.Resources/providers", target.namespace) if target.namespace else target.at
    return "" if at is None else at.type, f"{method} {target.tail}"


def _bad_answer(type_: str, operation: str, body: Any, version: str) -> Iterator[str]:
    try:
        facts = arm_types.resource(type_)
    except arm_types.UnknownType:
        return
    if body is None:
        return
    if operation.startswith("POST "):
        found = facts.action_problems(operation.removeprefix("POST "), body)
        yield from (f"{problem.path}: {problem.message}" for problem in found)
        return
    for one in body["value"] if operation == "LIST" else [body]:
        if not one.get("id", "").startswith("/") or not one.get("name") or one.get("type", "").lower() != type_.lower():
            yield f"id, name or type is missing or wrong: {one.get('id')}, {one.get('name')}, {one.get('type')}"
        for problem in facts.problems(one, name=one.get("name"), response=True):
            if problem.code == "unknown" and version != facts.version.lower():
                continue  # what another version has, its types would have to say
            yield f"{problem.path}: {problem.message}"


def _bad_error(body: Any, status: int) -> Iterator[str]:
    if body is None and status == HTTPStatus.NOT_FOUND:  # the answer to HEAD
        return
    error = (body or {}).get("error") or {}
    if not (isinstance(error.get("code"), str) and isinstance(error.get("message"), str)):
        yield f"no ARM error: {body}"


def _other(scope: Any) -> tuple[str, str]:
    """Name what is asked of the authority or of a storage account."""
    segments = scope["path"].strip("/").split("/")
    if segments[0].lower() == "metadata":
        return "Cloud metadata", "GET endpoints"
    if segments[1:] == ["v2.0", ".well-known", "openid-configuration"]:
        return "Microsoft Entra ID", "GET openid-configuration"
    if segments[1:] == ["oauth2", "v2.0", "token"]:
        return "Microsoft Entra ID", "POST token"
    host = dict(scope["headers"]).get(b"host", b"").decode()
    if ".vault." in host:
        return "Keys of vaults", f"{scope['method']} {segments[-1]}"
    level = len([part for part in segments if part]) - (".blob." not in host)
    comp = re.search(r"(?:^|&)comp=([a-z]+)", scope["query_string"].decode("latin-1"))
    asked = f"?comp={comp[1]}" if comp else ""
    copied = " (copy)" if any(name == b"x-ms-copy-source" for name, _ in scope["headers"]) else ""
    return "Blob service", f"{scope['method']} {_LEVELS[min(max(level, 0), 2)]}{asked}{copied}"


def _client(scope: Any) -> str:
    agent = dict(scope["headers"]).get(b"user-agent", b"").decode("latin-1")
    found = _CLIENT.search(agent)
    return _ML_CLIENT if _ML_CLIENT in agent else f"azure-{found[1]}" if found else ""
