"""Refusals in the envelope of the distribution specification (section "Error Codes")."""

import json
from collections.abc import Mapping
from typing import Any

STATUS = {
    "BLOB_UNKNOWN": 404,
    "BLOB_UPLOAD_INVALID": 400,
    "BLOB_UPLOAD_UNKNOWN": 404,
    "DENIED": 403,
    "DIGEST_INVALID": 400,
    "MANIFEST_BLOB_UNKNOWN": 404,
    "MANIFEST_INVALID": 400,
    "MANIFEST_UNKNOWN": 404,
    "NAME_INVALID": 400,
    "NAME_UNKNOWN": 404,
    "SIZE_INVALID": 400,
    "TAG_INVALID": 400,
    "TAG_UNKNOWN": 404,
    "UNAUTHORIZED": 401,
    "UNSUPPORTED": 405,
}
"""HTTP status of a code where a refusal does not say another one."""


class RegistryError(Exception):
    """A refusal: the specification's code, a message for people, and a detail."""

    def __init__(
        self, code: str, message: str, detail: Any = None, *, status: int = 0, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.detail = code, message, detail
        self.status, self.headers = status or STATUS[code], headers or {}

    def document(self) -> bytes:
        """Write it the way the specification has it."""
        return json.dumps({"errors": [{"code": self.code, "message": self.message, "detail": self.detail}]}).encode()
