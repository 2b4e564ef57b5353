"""Pulling by the OCI distribution specification: manifests and blobs over HTTPS, with the bearer flow of registries.

A managed identity first gives its Microsoft Entra token for one of the registry, as clients of ACR do
(`/oauth2/exchange`; Azure/acr, docs/AAD-OAuth.md).

Owns one registry's conversation. What is kept of it is `images`'. Calls block: run them in a thread. Asks loopback
only: what an image of another registry would need is not here anyway.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from azml_local.containers.contract import Credential, PullIdentity
from azml_local.containers.references import Reference

INDEX = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFEST = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
LOOPBACK = ("127.0.0.1", "localhost")
_MANIFEST_MAX = 4 << 20
"""Bytes; what registries must take at least, and most take at most (distribution specification 1.1)."""
_PIECE = 1 << 20
_AGENT = "azml-local"
_NOBODY = "00000000-0000-0000-0000-000000000000"
"""User name beside a token that was got for a Microsoft Entra token."""
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


class PullFailed(Exception):  # noqa: N818 - says what became of it
    """An image cannot be pulled; the text says why, in a registry's words where there are any."""


class Puller:
    """Pulls from the registry of one reference; leave the block to close its connections."""

    def __init__(self, reference: Reference, credential: Credential | PullIdentity | None, bundle: Path) -> None:
        from azure.core import PipelineClient
        from azure.core.pipeline.policies import RedirectPolicy, RetryPolicy, SensitiveHeaderCleanupPolicy

        self._reference, self._credential, self._token = reference, credential, ""
        policies = [RedirectPolicy(), RetryPolicy(retry_total=2), SensitiveHeaderCleanupPolicy()]
        base = f"https://{reference.registry}"
        self._client: Any = PipelineClient(
            base, policies=policies, connection_verify=str(bundle), connection_data_block_size=_PIECE
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._client.close()

    def manifest(self, version: str) -> tuple[str, dict[str, Any]]:
        """Give digest and content of a manifest; of an index, those of its image for this kind of machine."""
        digest, found = self._manifest(version)
        if found.get("mediaType") in INDEX or "manifests" in found:
            chosen = [one for one in found["manifests"] if one.get("platform", {}).get("architecture") == "amd64"]
            if not chosen:
                raise PullFailed(f"{self._reference.repository} has no image for linux/amd64")
            digest, found = self._manifest(str(chosen[0]["digest"]))
        return digest, found

    def blob(self, digest: str, target: Path, size: int) -> None:
        """Download a blob into a file; raises where its content is not what its digest says."""
        response = self._get(f"blobs/{digest}", {})
        hashed, taken = hashlib.sha256(), 0
        with response, target.open("wb") as file:
            for piece in response.iter_raw():
                hashed.update(piece)
                taken += len(piece)
                if taken > size:
                    break
                file.write(piece)
        if taken != size or f"sha256:{hashed.hexdigest()}" != digest:
            raise PullFailed(f"the blob {digest} of {self._reference.repository} has other content than its digest")

    def _manifest(self, version: str) -> tuple[str, dict[str, Any]]:
        with self._get(f"manifests/{version}", {"Accept": ", ".join((*MANIFEST, *INDEX))}) as response:
            content: bytes = b"".join(response.iter_raw())
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if len(content) > _MANIFEST_MAX or (":" in version and version != digest):
            raise PullFailed(f"the manifest {version} of {self._reference.repository} is not what its digest says")
        try:
            found = json.loads(content)
        except ValueError as error:
            raise PullFailed(f"the manifest {version} of {self._reference.repository} is no JSON") from error
        return digest, found

    def _get(self, path: str, headers: Mapping[str, str]) -> Any:
        url = f"/v2/{self._reference.repository}/{path}"
        response = self._send(url, headers)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            self._authenticate(response)
            response = self._send(url, headers)
        if response.status_code != HTTPStatus.OK:
            text = response.read().decode(errors="replace").strip()[:500]
            response.close()
            raise PullFailed(f"{self._reference.registry}{url} answered {response.status_code}: {text}")
        return response

    def _send(self, url: str, headers: Mapping[str, str], form: dict[str, str] | None = None) -> Any:
        from azure.core.exceptions import AzureError
        from azure.core.rest import HttpRequest

        if self._reference.registry.partition(":")[0] not in LOOPBACK:
            raise PullFailed(f"the registry {self._reference.registry} is not of the local Azure")
        authorization = {"Authorization": self._token} if self._token else {}
        url = url if url.startswith("https://") else f"https://{self._reference.registry}{url}"
        headers = {"User-Agent": _AGENT, "Accept-Encoding": "identity", **headers, **authorization}
        request = HttpRequest("GET" if form is None else "POST", url, headers=headers, data=form)
        try:
            return self._client.send_request(request, stream=True)
        except AzureError as error:
            raise PullFailed(f"{self._reference.registry} does not answer: {error}") from error

    def _authenticate(self, response: Any) -> None:
        """Follow the challenge: a bearer token from its realm, or basic authentication."""
        challenge = response.headers.get("WWW-Authenticate", "")
        response.close()
        basic = self._basic()
        asked = dict(_CHALLENGE.findall(challenge))
        if not challenge.lower().startswith("bearer") or "realm" not in asked:
            self._token = basic
            return
        from urllib.parse import urlencode, urlsplit

        if (urlsplit(asked["realm"]).hostname or "") not in LOOPBACK:
            raise PullFailed(f"the registry sends for tokens to {asked['realm']}, which is not of the local Azure")
        query = urlencode({name: asked[name] for name in ("service", "scope") if name in asked})
        self._token = basic
        with self._send(f"{asked['realm']}?{query}", {}) as answer:
            if answer.status_code != HTTPStatus.OK:
                raise PullFailed(f"unauthorized: {self._reference.registry} gives {self._who} no token")
            granted = json.loads(answer.read())
        self._token = f"Bearer {granted.get('access_token') or granted.get('token')}"

    def _basic(self) -> str:
        if self._credential is None:
            return ""
        if isinstance(self._credential, Credential):
            pair = f"{self._credential.username}:{self._credential.password}"
        else:
            pair = f"{_NOBODY}:{self._exchanged(self._credential)}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    def _exchanged(self, identity: PullIdentity) -> str:
        """Get the registry's token for an identity's."""
        form = {
            "grant_type": "access_token",
            "service": self._reference.registry,
            "access_token": identity.token(),
        }
        with self._send("/oauth2/exchange", {}, form) as answer:
            if answer.status_code != HTTPStatus.OK:
                raise PullFailed(
                    f"unauthorized: {self._reference.registry} gives {self._who} no token; it needs the role AcrPull "
                    "on the registry"
                )
            return str(json.loads(answer.read())["refresh_token"])

    @property
    def _who(self) -> str:
        if self._credential is None:
            return "an anonymous client"
        if isinstance(self._credential, Credential):
            return f"'{self._credential.username}'"
        return f"the identity '{self._credential.name}'"
