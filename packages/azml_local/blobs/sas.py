"""Shared access signatures and shared keys: what an account key signs.

Owns the strings to sign (service SAS of a container or blob, account SAS, SharedKey header) and their check. Public
documents: "Create a service SAS", "Create an account SAS", "Authorize with Shared Key" (Azure Storage REST reference).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from azml_local.blobs.errors import BlobError

VERSION = "2022-11-02"
_SINCE_ENCRYPTION_SCOPE = "2020-12-06"
_SIGNED_HEADERS = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)


def sign(key: str, text: str) -> str:
    """Sign a text with an account key (base64), as base64."""
    return base64.b64encode(hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()).decode()


def container_sas(key: str, account: str, container: str, permissions: str, lifetime: timedelta) -> str:
    """Make a SAS for all blobs of a container."""
    now = datetime.now(UTC)
    query = {
        "sv": VERSION,
        "sr": "c",
        "sp": permissions,
        "st": _time(now - timedelta(minutes=5)),
        "se": _time(now + lifetime),
        "spr": "https",
    }
    return urlencode({**query, "sig": sign(key, service_text(query, account, container, ""))})


def service_text(query: Mapping[str, str], account: str, container: str, blob: str) -> str:
    """Write what a service SAS signs."""
    resource = f"/blob/{account}/{container}" + (f"/{blob}" if query.get("sr") == "b" else "")
    signed = [query.get("sp"), query.get("st"), query.get("se"), resource, query.get("si"), query.get("sip")]
    signed += [query.get("spr"), query.get("sv"), query.get("sr"), query.get("snapshot")]
    if query.get("sv", "") >= _SINCE_ENCRYPTION_SCOPE:
        signed.append(query.get("ses"))
    signed += [query.get(name) for name in ("rscc", "rscd", "rsce", "rscl", "rsct")]
    return "\n".join(value or "" for value in signed)


def account_text(query: Mapping[str, str], account: str) -> str:
    """Write what an account SAS signs."""
    names = ["sp", "ss", "srt", "st", "se", "sip", "spr", "sv"]
    if query.get("sv", "") >= _SINCE_ENCRYPTION_SCOPE:
        names.append("ses")
    return "\n".join([account, *(query.get(name) or "" for name in names), ""])


def shared_key_text(
    method: str, headers: Mapping[str, str], account: str, raw_path: str, query: Sequence[tuple[str, str]]
) -> str:
    """Write what a SharedKey header signs. `raw_path` is the path as sent, still encoded."""
    standard = [headers.get(name, "") for name in _SIGNED_HEADERS]
    standard[2] = "" if standard[2] == "0" else standard[2]
    own = sorted((name, value.strip()) for name, value in headers.items() if name.startswith("x-ms-"))
    resource = f"/{account}{raw_path}"
    parameters = sorted((name.lower(), value) for name, value in query)
    return "\n".join(
        [method, *standard]
        + [f"{name}:{value}" for name, value in own]
        + [resource, *(f"{name}:{value}" for name, value in parameters)]
    )


def refuse_bad_sas(query: Mapping[str, str], keys: Sequence[str], account: str, container: str, blob: str) -> None:
    """Raise 403 for a SAS that no key of the account signed, or that is not valid now."""
    is_account = "ss" in query
    text = account_text(query, account) if is_account else service_text(query, account, container, blob)
    if not any(hmac.compare_digest(sign(key, text).encode(), query.get("sig", "").encode()) for key in keys):
        raise _failed("Signature did not match.")
    now = datetime.now(UTC)
    if "se" not in query or _parse(query["se"]) <= now or ("st" in query and _parse(query["st"]) > now):
        raise _failed(f"Signature not valid in the specified time frame: Start [{query.get('st', '')}] - "
                      f"Expiry [{query.get('se', '')}].")  # fmt: skip


def refuse_missing_permission(query: Mapping[str, str], needed: str, level: str) -> None:
    """Raise 403 unless the SAS grants one of the letters `needed` on the `level` (s, c, o) of resource."""
    if "ss" in query and ("b" not in query["ss"] or level not in query.get("srt", "")):
        raise BlobError(
            403,
            "AuthorizationResourceTypeMismatch",
            "This request is not authorized to perform this operation using this resource type.",
        )
    service_container = "ss" not in query and level == "c" and needed != "l"
    if service_container or not set(needed) & set(query.get("sp", "")):
        raise BlobError(
            403,
            "AuthorizationPermissionMismatch",
            "This request is not authorized to perform this operation using this permission.",
        )


def _failed(detail: str) -> BlobError:
    return BlobError(
        403,
        "AuthenticationFailed",
        f"Server failed to authenticate the request. Make sure the value of the Authorization header or the SAS is "
        f"formed correctly including the signature. {detail}",
    )


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _parse(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _failed(f"'{text}' is no time.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
