"""What a local Azure was asked in a test, by whom, and whether each answer fits ARM's own types.

Owns the reading of requests and answers on their way. Expects nothing of its own: shapes come from `azml.facts`.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from azml.facts import arm_types
from azml_local.app import ARM_ROOTS
from azml_local.arm import replies
from azml_local.arm.ids import ResourceId, Target, parse
from azml_local.azure import Azure

_CLIENT = re.compile(r"azsdk-python-([a-z-]+)/")
_ML_CLIENT = "azure-ai-ml"
_LEVELS = {0: "account", 1: "container", 2: "blob"}


@dataclass(frozen=True, order=True)
class Seen:
    """One request that was answered: `operation` is a method, LIST, or POST and an action."""

    client: str
    type: str
    operation: str
    status: int


class Watch:
    """Stands between the server and the application; keeps what it saw and what was wrong with answers."""

    def __init__(self, application: Any, azure: Azure) -> None:
        self._application, self._azure = application, azure
        self.seen: list[Seen] = []
        self.problems: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        arm, status, content = scope["path"].strip("/").split("/")[0].lower() in ARM_ROOTS, 0, b""

        async def keep(message: Any) -> None:
            nonlocal status, content
            status = message.get("status", status)
            if arm:
                content += message.get("body", b"")
            await send(message)

        await self._application(scope, receive, keep)
        what = self._arm(scope, status, content) if arm else _other(scope)
        if what is not None:
            self.seen.append(Seen(_client(scope), *what, status))

    def _arm(self, scope: Any, status: int, content: bytes) -> tuple[str, str] | None:
        """Name type and operation (None: a look at an operation), and judge the answer."""
        method, target = scope["method"], parse(scope["raw_path"].decode("latin-1"))
        body = json.loads(content) if content else None
        followed = self._followed(target)
        type_, operation = (followed, "GET") if followed else _named(method, target)
        declared = self._azure.types.get(type_)
        type_ = type_ if declared is None else declared.type
        where = f"{method} {scope['path']} {status}"
        found = _bad_error(body, status) if status >= 400 else _bad_answer(type_, operation, body)  # noqa: PLR2004
        if not (target.tail is None and _is_poll(target) and "status" in (body or {})):
            self.problems += [f"{where}: {problem}" for problem in found]
        return None if _is_poll(target) else (type_, operation)

    def _followed(self, target: Target) -> str | None:
        """Type of the resource that a look at an operation's result shows."""
        if not _is_poll(target) or target.at is None:
            return None
        operation = self._azure.operations.find(target.at.name)
        return None if operation is None else operation.resource.type


def _named(method: str, target: Target) -> tuple[str, str]:
    if target.at is not None and target.tail is None and target.namespace is None:
        return target.at.type, method
    if target.tail is None:
        return "Microsoft.Resources/providers", method
    if method == "GET":
        return target.tail_type, "LIST"
    at = ResourceId("Microsoft.Resources/providers", target.namespace) if target.namespace else target.at
    return "" if at is None else at.type, f"{method} {target.tail}"


def _is_poll(target: Target) -> bool:
    kinds = {replies.STATUSES.lower(), replies.RESULTS.lower()}
    return target.at is not None and target.at.type.rpartition("/")[2].lower() in kinds


def _bad_answer(type_: str, operation: str, body: Any) -> Iterator[str]:
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
            yield f"{problem.path}: {problem.message}"


def _bad_error(body: Any, status: int) -> Iterator[str]:
    if body is None and status == 404:  # noqa: PLR2004 - the answer to HEAD
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
    level = len([part for part in segments if part]) - (".blob." not in host)
    comp = re.search(r"(?:^|&)comp=([a-z]+)", scope["query_string"].decode("latin-1"))
    return "Blob service", f"{scope['method']} {_LEVELS[min(max(level, 0), 2)]}{f'?comp={comp[1]}' if comp else ''}"


def _client(scope: Any) -> str:
    agent = dict(scope["headers"]).get(b"user-agent", b"").decode("latin-1")
    found = _CLIENT.search(agent)
    return _ML_CLIENT if _ML_CLIENT in agent else f"azure-{found[1]}" if found else ""
