"""Shared access signatures and shared keys: what an account key signs.

Owns the strings to sign (service SAS of a container or blob, by key or by user delegation; account SAS; SharedKey
header) and their check. Public documents: "Create a service SAS", "Create a user delegation SAS", "Create an account
SAS", "Authorize with Shared Key" (Azure Storage REST reference).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from azml_local.blobs.errors import BlobError
from azml_local.tokens import Tokens

VERSION = "2022-11-02"
_SINCE_ENCRYPTION_SCOPE = "2020-12-06"
_PROTOCOL = ("sip", "spr", "sv", "sr", "snapshot")
_KEY = ("skoid", "sktid", "skt", "ske", "sks", "skv")
_DELEGATION = (*_KEY, "saoid", "suoid", "scid")
_DELEGATED_TO = ("skdutid", "sduoid")
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


def container_sas(key: str, account: str, container: str, lifetime: timedelta) -> str:
    """Make a SAS, signed by an account key, for everything with the blobs of a container."""
    query = _container_query(lifetime)
    return urlencode({**query, "sig": sign(key, service_text(query, account, container, ""))})


def delegation_sas(tokens: Tokens, oid: str, tenant: str, account: str, container: str, lifetime: timedelta) -> str:
    """Make the same, signed in the name of a user: for accounts whose keys may not be used."""
    query = _container_query(lifetime)
    query |= {"skoid": oid, "sktid": tenant, "skt": query["st"], "ske": query["se"], "sks": "b", "skv": VERSION}
    text = delegation_texts(query, account, container, "")[0]
    return urlencode({**query, "sig": sign(delegation_key(tokens, query), text)})


def delegation_key(tokens: Tokens, query: Mapping[str, str]) -> str:
    """Give the user delegation key that a SAS names; it can be made again from its name, so none is stored."""
    return base64.b64encode(tokens.derive("\n".join(query.get(name, "") for name in _KEY))).decode()


def _container_query(lifetime: timedelta) -> dict[str, str]:
    now = datetime.now(UTC)
    start, end = _time(now - timedelta(minutes=5)), _time(now + lifetime)
    return {"sv": VERSION, "sr": "c", "sp": "racwdl", "st": start, "se": end, "spr": "https"}


def service_text(query: Mapping[str, str], account: str, container: str, blob: str) -> str:
    """Write what a service SAS signs."""
    scope = ("ses",) if query.get("sv", "") >= _SINCE_ENCRYPTION_SCOPE else ()
    return _service_text(query, (account, container, blob), ("si",), (*_PROTOCOL, *scope))


def delegation_texts(query: Mapping[str, str], account: str, container: str, blob: str) -> Sequence[str]:
    """Write what a user delegation SAS signs, in each form that storage versions since 2020-12-06 have."""
    at, after = (account, container, blob), (*_PROTOCOL, "ses")
    return [
        _service_text(query, at, _DELEGATION, after),
        _service_text(query, at, (*_DELEGATION, *_DELEGATED_TO), after),
        _service_text(query, at, (*_DELEGATION, *_DELEGATED_TO), (*after, "srh", "srq")),
    ]


def _service_text(query: Mapping[str, str], at: tuple[str, str, str], by: Sequence[str], more: Sequence[str]) -> str:
    account, container, blob = at
    resource = f"/blob/{account}/{container}" + (f"/{blob}" if query.get("sr") == "b" else "")
    names = (*by, *more, "rscc", "rscd", "rsce", "rscl", "rsct")
    signed = [query.get("sp"), query.get("st"), query.get("se"), resource, *(query.get(name) for name in names)]
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


def refuse_bad_sas(query: Mapping[str, str], texts: Sequence[str], keys: Sequence[str]) -> None:
    """Raise 403 for a SAS whose signature is none of the texts by one of the keys, or that is not valid now."""
    given = query.get("sig", "").encode()
    if not any(hmac.compare_digest(sign(key, text).encode(), given) for key in keys for text in texts):
        raise _failed("Signature did not match.")
    for first, last in (("st", "se"), ("skt", "ske")):
        start, end = query.get(first), query.get(last)
        if (end is None and last == "se") or not _is_now(start, end):
            raise _failed(f"Signature not valid in the specified time frame: Start [{start}] - Expiry [{end}].")


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


def _is_now(start: str | None, end: str | None) -> bool:
    now = datetime.now(UTC)
    return (start is None or _parse(start) <= now) and (end is None or now < _parse(end))


def _parse(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _failed(f"'{text}' is no time.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
