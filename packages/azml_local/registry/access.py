"""Who asks, and what they may do: ACR's tokens (`/oauth2/exchange`, `/oauth2/token`) and Basic authentication.

Owns principals, scopes and the tokens of this data plane. Refresh tokens are good for three hours, access tokens for 75
minutes, as ACR's are (Azure/acr, docs/AAD-OAuth.md: the claims of its examples). An access token says what it is good
for; everything else is looked up anew for every request.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from azml_local.registry.errors import RegistryError
from azml_local.registry.rules import EVERYTHING, READING, Rules, User
from azml_local.tokens import MANAGED, BadToken, Tokens

REFRESH_S, ACCESS_S = 3 * 3600, 75 * 60
NOBODY = "00000000-0000-0000-0000-000000000000"
"""User name that goes with a refresh token as password (`az acr login`)."""
_HELP = "visit https://aka.ms/acr/authorization for more information."


@dataclass(frozen=True)
class Need:
    """What a request needs: an action on a repository, or on the catalog."""

    kind: str
    name: str
    action: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}:{self.action}"


class Principal:
    """Somebody who may do things; by default everything."""

    def actions(self, _kind: str, _name: str) -> frozenset[str]:
        """Give the actions on a repository or the catalog; `*` is all."""
        return EVERYTHING


class Anonymous(Principal):
    """Nobody in particular, of a registry with anonymous pull."""

    def actions(self, kind: str, _name: str) -> frozenset[str]:
        """Only reading of repositories."""
        return READING if kind == "repository" else frozenset()


class Scoped(Principal):
    """A token of the registry."""

    def __init__(self, user: User) -> None:
        self._user = user

    def actions(self, kind: str, name: str) -> frozenset[str]:
        """What its scope map has; never the catalog (container-registry-repository-scoped-permissions)."""
        if kind != "repository":
            return frozenset()
        return frozenset().union(*(grant.actions for grant in self._user.grants if grant.covers(name)))


class Assigned(Principal):
    """A managed identity, with the roles that it was assigned."""

    def __init__(self, actions: frozenset[str]) -> None:
        self._actions = actions

    def actions(self, kind: str, _name: str) -> frozenset[str]:
        """What its roles have, in every repository; never the catalog, unless they have everything."""
        return self._actions if kind == "repository" or self._actions == EVERYTHING else frozenset()


class Bearer(Principal):
    """The holder of an access token."""

    def __init__(self, access: Iterable[Mapping[str, Any]]) -> None:
        self._access = {(one["type"], one["name"]): frozenset(one["actions"]) for one in access}

    def actions(self, kind: str, name: str) -> frozenset[str]:
        """What the token was made for."""
        return self._access.get((kind, name), frozenset())


class Access:
    """Decides for one registry. `address` is the host and port that clients know it by."""

    def __init__(self, tokens: Tokens, rules: Rules, address: str) -> None:
        self._tokens, self.rules, self._address = tokens, rules, address
        self._audience = f"registry/{rules.name.lower()}"

    def refuse_outsider(self, client: str) -> None:
        """Raise 403 where the registry's network rules do not let this machine in."""
        if not self.rules.reachable:
            text = (
                f"client with IP '{client}' is not allowed access. Refer https://aka.ms/acr/firewall to grant access."
            )
            raise RegistryError("DENIED", text)

    def principal(self, authorization: str, *needs: Need) -> Principal:
        """Find who asks, and hold them to what the request needs. Raises 401 with the challenge, or 403."""
        scheme, _, credentials = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return self._bearer(credentials, needs)
        if scheme.lower() != "basic":
            raise self._challenge(needs)
        principal = self._basic(credentials)
        if principal is None:
            raise self._challenge(needs)
        if any(not may(principal, need) for need in needs):
            raise RegistryError("DENIED", "requested access to the resource is denied", _detail(needs))
        return principal

    def token(self, authorization: str, form: Mapping[str, str], scopes: Iterable[str]) -> str:
        """Make an access token for as much of the scopes as may be had. Raises 401 for bad credentials."""
        principal = self._asking(authorization, form)
        access = [_granted(principal, scope) for text in scopes for scope in text.split() if scope.count(":") >= 2]
        return self.access_token([one for one in access if one["actions"]])

    def access_token(self, access: list[dict[str, Any]]) -> str:
        """Make an access token for `[{type, name, actions}]`."""
        claims = {"grant_type": "access_token", "access": access}
        return self._tokens.issue(self._audience, ACCESS_S, claims)

    def exchange(self, form: Mapping[str, str]) -> str:
        """Make a refresh token for the holder of a Microsoft Entra token. Raises 400 and 401.

        A managed identity is held to its roles, and has to have one; everybody else may do everything.
        """
        if form.get("grant_type") != "access_token":
            raise RegistryError("UNSUPPORTED", "grant_type must be access_token", status=400)
        try:
            claims = self._tokens.verify(form.get("access_token", ""), *self.rules.audiences)
        except BadToken as error:
            raise RegistryError("UNAUTHORIZED", f"authentication failed: the access token is {error.reason}") from error
        identity = {name: claims[name] for name in ("oid", MANAGED) if MANAGED in claims}
        if identity and not self.rules.identities.get(identity["oid"].lower()):
            raise RegistryError("UNAUTHORIZED", f"authentication required, {_HELP}")
        return self._tokens.issue(self._audience, REFRESH_S, {"grant_type": "refresh_token", **identity})

    def _asking(self, authorization: str, form: Mapping[str, str]) -> Principal:
        scheme, _, credentials = authorization.partition(" ")
        found: Principal | None = None
        if scheme.lower() == "basic":
            found = self._basic(credentials)
        elif form.get("grant_type") == "refresh_token":
            found = self._refreshed(form.get("refresh_token", ""))
        elif form.get("grant_type") == "password":
            found = self._known(form.get("username", ""), form.get("password", ""))
        elif not form.get("grant_type") and self.rules.anonymous_pull:
            found = Anonymous()
        if found is None:
            raise RegistryError("UNAUTHORIZED", f"authentication required, {_HELP}")
        return found

    def _basic(self, credentials: str) -> Principal | None:
        try:
            name, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return self._known(name, password)

    def _known(self, name: str, password: str) -> Principal | None:
        if name == NOBODY:
            return self._refreshed(password)
        if name.lower() == self.rules.name.lower():
            return Principal() if any(known.fits(password) for known in self.rules.admin) else None
        user = self.rules.users.get(name.lower())
        good = user is not None and user.enabled and any(known.fits(password) for known in user.passwords)
        return Scoped(user) if user is not None and good else None

    def _refreshed(self, token: str) -> Principal | None:
        """Find the holder of a refresh token, or of an access token: docker can log in with either."""
        if (claims := self._claims(token, "access_token")) is not None:
            return Bearer(claims["access"])
        claims = self._claims(token, "refresh_token")
        if claims is not None and MANAGED in claims:
            return Assigned(self.rules.identities.get(claims["oid"].lower(), frozenset()))
        return None if claims is None else Principal()

    def _bearer(self, token: str, needs: tuple[Need, ...]) -> Principal:
        claims = self._claims(token, "access_token")
        if claims is None:
            raise self._challenge(needs, "invalid_token")
        holder = Bearer(claims["access"])
        if any(not may(holder, need) for need in needs):
            raise self._challenge(needs, "insufficient_scope")
        return holder

    def _claims(self, token: str, kind: str) -> Mapping[str, Any] | None:
        try:
            claims = self._tokens.verify(token, self._audience)
        except BadToken:
            return None
        return claims if claims.get("grant_type") == kind else None

    def _challenge(self, needs: tuple[Need, ...], error: str = "") -> RegistryError:
        said = f'Bearer realm="https://{self._address}/oauth2/token",service="{self._address}"'
        if needs:
            said += f',scope="{" ".join(map(str, needs))}"'
        if error:
            said += f',error="{error}"'
        text = f"authentication required, {_HELP}"
        return RegistryError("UNAUTHORIZED", text, _detail(needs), headers={"WWW-Authenticate": said})


def may(principal: Principal, need: Need) -> bool:
    """Tell whether somebody may do something. `pull,push` needs both."""
    has = principal.actions(need.kind, need.name)
    return "*" in has or has.issuperset(need.action.split(","))


def _granted(principal: Principal, scope: str) -> dict[str, Any]:
    kind, _, rest = scope.partition(":")
    name, _, asked = rest.rpartition(":")
    has, wanted = principal.actions(kind, name), set(asked.split(","))
    granted = wanted if "*" in has else has if "*" in wanted else wanted & has
    return {"type": kind, "name": name, "actions": sorted(granted)}


def _detail(needs: tuple[Need, ...]) -> list[dict[str, str]] | None:
    return [{"Type": need.kind, "Name": need.name, "Action": need.action} for need in needs] or None
