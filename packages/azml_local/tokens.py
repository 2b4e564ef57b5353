"""Tokens: the authority that issues them to clients, and the check that nobody comes in without one.

Owns the OpenID document, client credentials, and signed tokens (JWT, HS256 with the home's own key, so they outlive a
restart). Any scope is granted; a service refuses a token that is for another one. Deliberately decides nothing else
about what a caller may do.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, Literal

from azml_local.home import Identity

LIFETIME = 3600
"""Seconds."""
ARM = ("https://management.azure.com", "https://management.core.windows.net")
STORAGE = "https://storage.azure.com"
ML = "https://ml.azure.com"
KEY_VAULT = "https://vault.azure.net"
"""What tokens are for, as clients ask (azure-core, azure-storage-blob, azure-ai-ml, Go's azkeys)."""
MANAGED = "xms_mirid"
"""The claim that a managed identity's tokens have, and others have not: its ARM id."""


class BadToken(Exception):  # noqa: N818 - says what is bad
    """A token that is not good: `reason` is expired, foreign (not ours) or audience (for another service)."""

    def __init__(self, reason: Literal["expired", "foreign", "audience"], audience: str = "") -> None:
        super().__init__(reason)
        self.reason, self.audience = reason, audience


class Tokens:
    """Issues and verifies tokens of one local Azure."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._key = bytes.fromhex(identity.signing_key)

    def issue(self, audience: str, lifetime: float = LIFETIME, more: Mapping[str, Any] | None = None) -> str:
        """Make a token for an audience, good for `lifetime` seconds, with `more` claims."""
        now = int(time.time())
        who = self._identity
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{who.tenant_id}/",
            "tid": who.tenant_id,
            "oid": who.object_id,
            "sub": who.object_id,
            "appid": who.client_id,
            "idtyp": "app",
            "iat": now,
            "nbf": now,
            "exp": int(now + lifetime),
            "ver": "1.0",
            **(more or {}),
        }
        head = f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(claims)}"
        return f"{head}.{_base64(self._sign(head))}"

    def verify(self, token: str, *audiences: str) -> Mapping[str, Any]:
        """Read the claims of a token that we issued, that is still good, and for one of the services named.

        Raises `BadToken`.
        """
        head, _, signature = token.rpartition(".")
        if not hmac.compare_digest(_base64(self._sign(head)).encode(), signature.encode()):
            raise BadToken("foreign")
        claims: dict[str, Any] = json.loads(_decode(head.partition(".")[2]))
        if claims["exp"] <= time.time():
            raise BadToken("expired")
        if claims["aud"].rstrip("/") not in audiences:
            raise BadToken("audience", claims["aud"])
        return claims

    def derive(self, text: str) -> bytes:
        """Make a key for another purpose out of the home's own."""
        return self._sign(f"derived from {text}")

    def _sign(self, text: str) -> bytes:
        return hmac.new(self._key, text.encode(), hashlib.sha256).digest()


def openid_configuration(base_url: str, tenant: str) -> dict[str, Any]:
    """Build the document that clients read first."""
    at = f"{base_url}/{tenant}"
    return {
        "token_endpoint": f"{at}/oauth2/v2.0/token",
        "authorization_endpoint": f"{at}/oauth2/v2.0/authorize",
        "issuer": f"{at}/v2.0",
        "jwks_uri": f"{at}/discovery/v2.0/keys",
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "response_types_supported": ["token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["HS256"],
    }


def grant(tokens: Tokens, identity: Identity, tenant: str, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    """Answer a token request: status and body, refusals with Microsoft Entra's codes."""
    if tenant.lower() != identity.tenant_id:
        return _refusal(400, "invalid_request", 90002, f"Tenant '{tenant}' not found.")
    if form.get("grant_type") != "client_credentials":
        return _refusal(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
    if form.get("client_id", "").lower() != identity.client_id:
        text = f"Application with identifier '{form.get('client_id', '')}' was not found in the directory."
        return _refusal(400, "unauthorized_client", 700016, text)
    if not hmac.compare_digest(form.get("client_secret", "").encode(), identity.client_secret.encode()):
        return _refusal(401, "invalid_client", 7000215, "Invalid client secret provided.")
    audience = form.get("scope", "").removesuffix("/.default")
    body = {"token_type": "Bearer", "expires_in": LIFETIME, "ext_expires_in": LIFETIME}
    return 200, {**body, "access_token": tokens.issue(audience)}


def _refusal(status: int, error: str, code: int, text: str) -> tuple[int, dict[str, Any]]:
    return status, {"error": error, "error_description": f"AADSTS{code}: {text}", "error_codes": [code]}


def _encode(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
