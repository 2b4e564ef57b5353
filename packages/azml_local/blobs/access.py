"""Who may use the data plane: bearer tokens, shared keys, shared access signatures.

Owns the check of one request against its account. A valid token may do everything, unless the settings ask for roles.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from azml_local.arm.store import Resource
from azml_local.azure import Azure
from azml_local.blobs import sas
from azml_local.blobs.errors import BlobError
from azml_local.namespaces.authorization import roles_of
from azml_local.tokens import STORAGE, BadToken, Tokens

_WRITERS = {"Storage Blob Data Contributor", "Storage Blob Data Owner"}
_READERS = {"Storage Blob Data Reader"}
_READING = set("rl")
"""SAS letters for reading and listing."""
_REASONS = {
    "expired": "Lifetime validation failed. The token is expired.",
    "foreign": "Signature validation failed.",
    "audience": "Audience validation failed. Audience did not match.",
}


@dataclass(frozen=True)
class Place:
    """What a request is about: account, and container and blob where there are any (else empty)."""

    account: Resource
    container: str
    blob: str

    @property
    def level(self) -> str:
        """What an account SAS calls it: service, container or object."""
        return "o" if self.blob else "c" if self.container else "s"


def refuse_stranger(request: Request, place: Place, needed: str, azure: Azure) -> None:
    """Raise `BlobError` unless the request may do what the SAS letters `needed` stand for (any one of them)."""
    tokens = azure.tokens
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        claims = _refuse_bad_token(credentials, place.account.id.name, tokens)
        _refuse_without_role(azure, claims["oid"], place.account, needed)
    elif scheme.lower() in ("sharedkey", "sharedkeylite"):
        _refuse_without_keys(place.account)
        _refuse_bad_key(request, place, credentials)
    elif "sig" in request.query_params:
        query = dict(request.query_params)
        _refuse_bad_signature(query, place, tokens)
        sas.refuse_missing_permission(query, needed, place.level)
    else:
        raise BlobError(
            401,
            "NoAuthenticationInformation",
            "Server failed to authenticate the request. Please refer to the information in the www-authenticate "
            "header.",
        )


def _refuse_bad_signature(query: Mapping[str, str], place: Place, tokens: Tokens) -> None:
    at = (place.account.id.name, place.container, place.blob)
    if "skoid" in query:
        sas.refuse_bad_sas(query, sas.delegation_texts(query, *at), [sas.delegation_key(tokens, query)])
        return
    _refuse_without_keys(place.account)
    text = sas.account_text(query, at[0]) if "ss" in query else sas.service_text(query, *at)
    sas.refuse_bad_sas(query, [text], place.account.hidden["keys"])


def _refuse_without_role(azure: Azure, principal: str, account: Resource, needed: str) -> None:
    seconds = azure.settings.blob_roles_after_seconds
    if seconds is None:
        return
    has = roles_of(azure, principal, account.id, older_than=seconds)
    if not has.intersection(_WRITERS if set(needed) - _READING else _WRITERS | _READERS):
        raise BlobError(
            403,
            "AuthorizationPermissionMismatch",
            "This request is not authorized to perform this operation using this permission.",
        )


def _refuse_bad_token(token: str, account: str, tokens: Tokens) -> Mapping[str, Any]:
    try:
        return tokens.verify(token, STORAGE, f"https://{account}.blob.core.windows.net")
    except BadToken as error:
        reason = _REASONS[error.reason]
        raise BlobError(
            401, "InvalidAuthenticationInfo", f"Server failed to authenticate the request. {reason}"
        ) from error


def _refuse_without_keys(account: Resource) -> None:
    if account.properties.get("allowSharedKeyAccess") is False:
        raise BlobError(
            403,
            "KeyBasedAuthenticationNotPermitted",
            "Key based authentication is not permitted on this storage account.",
        )


def _refuse_bad_key(request: Request, place: Place, credentials: str) -> None:
    account, _, signature = credentials.partition(":")
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = parse_qsl(request.scope["query_string"].decode(), keep_blank_values=True)
    text = sas.shared_key_text(request.method, headers, account, request.scope["raw_path"].decode(), query)
    good = account == place.account.id.name and any(
        hmac.compare_digest(sas.sign(key, text).encode(), signature.encode()) for key in place.account.hidden["keys"]
    )
    if not good:
        raise BlobError(
            403,
            "AuthenticationFailed",
            "Server failed to authenticate the request. Make sure the value of Authorization header is formed "
            "correctly including the signature.",
        )
