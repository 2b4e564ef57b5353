"""The client of ARM: requests with a token, retries, long-running operations.

Owns what the provider's own client does with answers, and its words for errors. Where that one waits 10 or 30 seconds
between polls and 20, 60, 120 before it tries again, this one waits `POLL` and `RETRIES`: a local Azure is near.
"""

import json
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any, Literal

from azml_local.azure_native.errors import ArmError, OperationFailed, Stopped, TimedOut
from azml_local.stand_in.errors import Refused
from azml_local.stand_in.http import Answer, Http

POLL = 1.0
"""Seconds between polls where the answer does not say."""
RETRIES = (1.0, 3.0, 7.0)
"""Seconds before each further try where the answer does not say."""
DEFAULT_TIMEOUT = 120 * 60.0
"""Seconds an operation may take: the provider's own limit (`customTimeouts` sets another)."""
_AGAIN = (408, 429, 500, 502, 503, 504)
_FAILED = ("failed", "canceled", "cancelled")
_TERMINAL = ("succeeded", *_FAILED)


class Limit:
    """How long an operation may go on: until its deadline, or until the update is cancelled."""

    def __init__(self, cancelled: threading.Event, seconds: float = 0.0) -> None:
        self._cancelled = cancelled
        self._end = time.monotonic() + (seconds or DEFAULT_TIMEOUT)

    def check(self) -> None:
        """Raise `Stopped` where it is over, `TimedOut` where it was too long."""
        if self._cancelled.is_set():
            raise Stopped("context canceled")
        if time.monotonic() >= self._end:
            raise TimedOut("operation timed out")

    def sleep(self, seconds: float) -> None:
        """Wait, at most until it is over, then `check`."""
        self._cancelled.wait(min(seconds, max(0.0, self._end - time.monotonic())))
        self.check()


class Arm:
    """ARM at one address. `token(renew)` gives a bearer token, a new one where the last was refused."""

    def __init__(self, url: str, http: Http, token: Callable[[bool], str]) -> None:
        self._url = url.rstrip("/")
        self._http = http
        self._token = token

    def get(self, id_: str, version: str, limit: Limit) -> dict[str, Any]:
        """Read. Raises `ArmError` on anything but 200."""
        answer = self._request("GET", self._at(id_, version), limit)
        if answer.status != 200:
            raise _error(answer)
        return _object(answer)

    def peek(self, id_: str, version: str, limit: Limit) -> Answer:
        """Ask whether something is there, whatever the answer."""
        return self._request("GET", self._at(id_, version), limit)

    def write(
        self, method: Literal["PUT", "PATCH"], id_: str, version: str, body: Mapping[str, Any], limit: Limit
    ) -> dict[str, Any]:
        """Write and wait until it is done; gives what ARM shows then.

        Raises `ArmError` where ARM refused, `OperationFailed` where it accepted and did not finish.
        """
        answer = self._request(method, self._at(id_, version), limit, body)
        if answer.status not in (200, 201, 202):
            raise _error(answer)
        try:
            self._finish(answer, self._at(id_, version), limit)
            return _object(answer)
        except Refused as error:
            raise OperationFailed(str(error)) from error

    def delete(self, id_: str, version: str, limit: Limit) -> None:
        """Delete and wait until it is gone; what is gone already is fine."""
        answer = self._request("DELETE", self._at(id_, version), limit)
        if answer.status == 404:
            return
        if answer.status not in (200, 202, 204):
            raise _error(answer)
        self._finish(answer, None, limit)

    def _finish(self, answer: Answer, resource: str | None, limit: Limit) -> None:
        """Wait for the operation that an answer announces; `resource` (none: it is being deleted) is asked last."""
        place, read = _announced(answer, resource)
        state, wait = _state(answer), _retry_after(answer) or 0.0
        while place is not None:
            limit.sleep(wait)
            answer = self._request("GET", urllib.parse.urljoin(self._url + "/", place), limit)
            if answer.status == 404 and resource is None:
                return
            if answer.status >= 400:
                raise _error(answer)
            state, wait = read(answer), _retry_after(answer) or POLL
            if state in _TERMINAL:
                break
        if state in _FAILED:
            raise _error(answer)

    def _request(self, method: str, url: str, limit: Limit, body: Mapping[str, Any] | None = None) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        for retry in (*RETRIES, None):
            limit.check()
            answer = self._authorized(method, url, data)
            if retry is None or not _is_transient(answer):
                break
            limit.sleep(_retry_after(answer) or retry)
        return answer

    def _authorized(self, method: str, url: str, data: bytes | None) -> Answer:
        for renew in (False, True):
            headers = {"Authorization": f"Bearer {self._token(renew)}", "Accept": "application/json"}
            if data is not None:
                headers["Content-Type"] = "application/json; charset=utf-8"
            answer = self._http.request(method, url, headers, data)
            if answer.status != 401:
                break
        return answer

    def _at(self, id_: str, version: str) -> str:
        return f"{self._url}/{id_.lstrip('/')}?{urllib.parse.urlencode({'api-version': version})}"


def _object(answer: Answer) -> dict[str, Any]:
    return answer.json if isinstance(answer.json, dict) else {}


def _status(answer: Answer) -> str:
    """State that a status document tells."""
    status = _object(answer).get("status")
    if not isinstance(status, str):
        raise Refused(f"the response from polling does not contain a status: {answer.text[:200]}")
    return status.lower()


def _state(answer: Answer) -> str:
    """State that a resource tells of itself; empty where it tells none."""
    properties = _object(answer).get("properties")
    state = properties.get("provisioningState") if isinstance(properties, dict) else None
    return state.lower() if isinstance(state, str) else ""


def _progress(answer: Answer) -> str:
    """State of an operation that is followed at the resource itself, or at a place that answers 202 while it runs."""
    return _state(answer) or ("running" if answer.status == 202 else "succeeded")


def _announced(answer: Answer, resource: str | None) -> tuple[str | None, Callable[[Answer], str]]:
    """Where to follow an operation (None: it is over) and how to read what is found there."""
    for header in ("azure-asyncoperation", "operation-location"):
        if header in answer.headers:
            return answer.headers[header], _status
    if "location" in answer.headers:
        return answer.headers["location"], _progress
    return (None if _state(answer) in ("", *_TERMINAL) else resource), _progress


def _is_transient(answer: Answer) -> bool:
    if answer.status == 409:
        return _code_and_message(answer)[0] == "AnotherOperationInProgress"
    return answer.status in _AGAIN


def _error(answer: Answer) -> ArmError:
    return ArmError(answer.status, *_code_and_message(answer))


def _code_and_message(answer: Answer) -> tuple[str, str]:
    error = _object(answer).get("error")
    error = error if isinstance(error, dict) else {}
    return str(error.get("code") or ""), str(error.get("message") or answer.text)


def _retry_after(answer: Answer) -> float | None:
    for header, unit in (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return float(answer.headers[header]) * unit
        except (KeyError, ValueError):
            continue
    return None
