"""Who may call: the endpoint's keys, or tokens that somebody else vouches for.

Keys are compared in constant time, both of them every time. A token is shown to the verifier named in the config (any
HTTP server: `GET /` with the caller's Authorization header; 200 accepts) and a yes is remembered for `cache_s`, so that
an endpoint keeps answering at full speed. Issuing either is not done here.
"""

import asyncio
import hashlib
import hmac
from typing import Protocol

from azml_gateway import answers, upstream
from azml_gateway.config import Auth

VERIFY_TIMEOUT_S = 5
CACHED_TOKENS = 1024


class Authenticator(Protocol):
    """Lets a request through or raises `Refusal`."""

    async def check(self, authorization: bytes | None) -> None:
        """Judge the value of the Authorization header."""


def _bearer(authorization: bytes | None) -> bytes:
    scheme, _, credential = (authorization or b"").partition(b" ")
    credential = credential.strip()
    if scheme.lower() != b"bearer" or not credential:
        raise answers.bad_header()
    return credential


class KeyAuthenticator:
    """Any of the endpoint's keys."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = [key.encode() for key in keys]

    async def check(self, authorization: bytes | None) -> None:
        """Raise `Refusal` unless the bearer is one of the keys."""
        credential = _bearer(authorization)
        matches = [hmac.compare_digest(credential, key) for key in self._keys]
        if not any(matches):
            raise answers.denied("key")


class TokenAuthenticator:
    """A token that the verifier accepts."""

    def __init__(self, verify: str, cache_s: float) -> None:
        self._verify = verify
        self._cache_s = cache_s
        self._good_until: dict[bytes, float] = {}

    async def check(self, authorization: bytes | None) -> None:
        """Raise `Refusal` unless the verifier accepts the token, or did within `cache_s`."""
        token = hashlib.sha256(_bearer(authorization)).digest()
        now = asyncio.get_running_loop().time()
        if self._good_until.get(token, 0) > now:
            return
        if not await self._ask(authorization or b""):
            raise answers.denied("token")
        if len(self._good_until) >= CACHED_TOKENS:
            self._good_until.clear()
        self._good_until[token] = now + self._cache_s

    async def _ask(self, authorization: bytes) -> bool:
        headers = [(b"host", b"localhost"), (b"authorization", authorization)]
        try:
            async with asyncio.timeout(VERIFY_TIMEOUT_S):
                exchange = await upstream.send(self._verify, b"GET", b"/", headers, b"")
                await exchange.head()
        except (TimeoutError, upstream.ConnectError, upstream.BrokenAnswerError) as error:
            raise answers.Refusal(
                503, "The token cannot be checked right now: its verifier does not answer."
            ) from error
        exchange.abort()
        return exchange.status == 200


class NoAuthenticator:
    """Whoever reaches the service may call it."""

    async def check(self, authorization: bytes | None) -> None:
        """Let everybody through."""


def authenticator(auth: Auth) -> Authenticator:
    """Make the authenticator that a config asks for."""
    if auth.mode == "key":
        return KeyAuthenticator(auth.keys)
    if auth.mode == "none":
        return NoAuthenticator()
    return TokenAuthenticator(auth.verify, auth.cache_s)
