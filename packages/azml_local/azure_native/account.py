"""Who acts where: the provider's configuration.

Owns the order config, `ARM_*`, `AZURE_*`, the cloud's metadata and the token. Refuses every cloud that is not on this
machine's loopback: the stand-in must never be able to touch Azure.
"""

import base64
import json
import threading
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from azml_local.azure_native.arm import Arm, Limit
from azml_local.azure_native.errors import ArmError
from azml_local.stand_in.errors import Refused
from azml_local.stand_in.http import Http, refuse_unless_local

_METADATA = "ARM_CLOUD_METADATA_URL"
_GROUP_VERSION = "2020-10-01"
"""API version in which the provider asks where a group is."""


@dataclass
class Account:
    """A client of a local Azure: whose it is, and ARM for it."""

    subscription_id: str
    tenant_id: str
    client_id: str
    location: str | None
    """Default location of what is made, where one is configured."""
    arm: Arm
    tokens: "Tokens"

    _locations: dict[str, str] = field(default_factory=dict)

    def close(self) -> None:
        """Close the connections."""
        self.tokens.http.close()

    def location_of_group(self, inputs: Mapping[str, Any], limit: Limit) -> Any:
        """Look up where the resource group is: unknown while its name is, None where there is no such group."""
        group = inputs.get("resourceGroupName")
        if not isinstance(group, str):
            return group
        if group not in self._locations:
            id_ = f"/subscriptions/{self.subscription_id}/resourceGroups/{group}"
            try:
                self._locations[group] = str(self.arm.get(id_, _GROUP_VERSION, limit)["location"])
            except (ArmError, KeyError):
                return None
        return self._locations[group]

    @property
    def object_id(self) -> str:
        """The object id of the principal that acts, as its token tells it."""
        payload = self.tokens.get().split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["oid"])


@dataclass
class Tokens:
    """Bearer tokens by client credentials, kept until shortly before they end."""

    http: Http
    authority: str
    tenant_id: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str
    _token: str = field(default="", repr=False)
    _until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def get(self, renew: bool = False) -> str:
        """Give a token, the kept one unless `renew`. Raises `Refused` where the authority says no."""
        with self._lock:
            if renew or time.monotonic() >= self._until:
                self._fetch()
            return self._token

    def _fetch(self) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "scope": self.scope,
        }
        url = f"{self.authority.rstrip('/')}/{self.tenant_id}/oauth2/v2.0/token"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self.http.request("POST", url, headers, urllib.parse.urlencode(form).encode())
        body = answer.json if isinstance(answer.json, dict) else {}
        if "access_token" not in body:
            raise Refused(f"no token from {url}: {body.get('error_description') or f'status {answer.status}'}")
        self._token = str(body["access_token"])
        self._until = time.monotonic() + float(body.get("expires_in", 0)) - 60.0


def configure(config: Mapping[str, str], environment: Mapping[str, str]) -> Account:
    """Find the local Azure and the account on it. Raises `Refused` with everything that is missing."""
    url = environment.get(_METADATA, "")
    if not url:
        raise Refused(f"the azure-native stand-in needs a local Azure: {_METADATA} is not set (`azml local start`)")
    found = {
        name: config.get(key) or environment.get(f"ARM_{name}") or environment.get(f"AZURE_{name}") or ""
        for name, key in (
            ("SUBSCRIPTION_ID", "subscriptionId"),
            ("TENANT_ID", "tenantId"),
            ("CLIENT_ID", "clientId"),
            ("CLIENT_SECRET", "clientSecret"),
        )
    }
    missing = [f"AZURE_{name}" for name, value in found.items() if not value]
    if missing:
        raise Refused(f"not set: {', '.join(missing)}; the local Azure's environment has them (`azml local start`)")
    http = Http("azure-native")
    try:
        manager, login = _cloud(http, url)
        authority = environment.get("AZURE_AUTHORITY_HOST") or login
        refuse_unless_local(authority, "azure-native")
        refuse_unless_local(manager, "azure-native")
    except Refused:
        http.close()
        raise
    tokens = Tokens(
        http,
        authority,
        found["TENANT_ID"],
        found["CLIENT_ID"],
        found["CLIENT_SECRET"],
        scope=f"{manager.rstrip('/')}/.default",
    )
    return Account(
        subscription_id=found["SUBSCRIPTION_ID"],
        tenant_id=found["TENANT_ID"],
        client_id=found["CLIENT_ID"],
        location=config.get("location") or None,
        arm=Arm(manager, http, tokens.get),
        tokens=tokens,
    )


def _cloud(http: Http, url: str) -> tuple[str, str]:
    """Address of ARM and of the login authority, from the cloud's metadata (one object, or a list of clouds)."""
    answer = http.request("GET", url, {"Accept": "application/json"})
    clouds: Any = answer.json
    cloud = clouds[0] if isinstance(clouds, list) and clouds else clouds
    try:
        return str(cloud["resourceManager"]), str(cloud["authentication"]["loginEndpoint"])
    except (KeyError, TypeError) as error:
        raise Refused(f"{url} is not the metadata of a cloud: status {answer.status}, {answer.text[:200]}") from error
