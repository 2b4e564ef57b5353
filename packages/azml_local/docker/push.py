"""Pushing by the OCI distribution specification: what a registry has already is not sent again.

Owns one repository's conversation: the bearer flow of registries, uploads, and what a refusal says, in the words in
which Docker tells it. Layers come first and the manifest last, so that whoever stops it leaves nothing half.
"""

import base64
import re
import urllib.parse
from collections.abc import Callable, Iterable
from typing import Any

from azml_local.docker.credentials import Credential
from azml_local.docker.image import MANIFEST, Image
from azml_local.docker.pushed import Pushed
from azml_local.docker.references import Reference
from azml_local.stand_in.errors import Refused
from azml_local.stand_in.http import Answer, Body, Http

_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
Report = Callable[[str], None]
"""Takes one line of progress."""


def push(image: Image, goal: Reference, credential: Credential, pushed: Pushed, report: Report) -> str:
    """Push an image under its name; the manifest's digest. Raises `Refused`."""
    repository = _Repository(goal, credential)
    try:
        report(f"The push refers to repository [{goal.name}]")
        for layer in image.layers:
            with pushed.alone(goal.host, layer.digest, goal.repository) as source:
                done = repository.send(layer.digest, layer.size, layer.pieces, source)
            report(f"{layer.short}: {done}")
        content = image.config.content
        repository.send(image.config.digest, len(content), lambda: [content], None)
        repository.tag(image.manifest.content)
    finally:
        repository.close()
    report(f"{goal.tag}: digest: {image.manifest.digest} size: {len(image.manifest.content)}")
    return image.manifest.digest


class _Repository:
    def __init__(self, goal: Reference, credential: Credential) -> None:
        self._http = Http("docker")
        self._goal, self._credential = goal, credential
        self._base = f"https://{goal.host}/v2/{goal.repository}"
        self._authorization, self._scopes = "", [f"repository:{goal.repository}:pull,push"]

    def close(self) -> None:
        self._http.close()

    def send(self, digest: str, size: int, pieces: Callable[[], Iterable[bytes]], source: str | None) -> str:
        """Upload a blob unless it is there, or may be taken from the repository `source`; what was done."""
        if self._ask("HEAD", f"{self._base}/blobs/{digest}", {200, 404}).status == 200:
            return "Layer already exists"
        begun = self._begin(digest, source)
        if begun.status == 201:
            return f"Mounted from {source}"
        place = urllib.parse.urljoin(self._base, begun.headers.get("location", ""))
        goal = f"{place}{'&' if '?' in place else '?'}digest={urllib.parse.quote(digest)}"
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        try:
            self._ask("PUT", goal, {201}, headers, pieces)
        except Refused:
            self._forget(place)
            raise
        return "Pushed"

    def tag(self, manifest: bytes) -> None:
        """Put the manifest under the image's tag: from then on the image is there."""
        headers = {"Content-Type": MANIFEST}
        self._ask("PUT", f"{self._base}/manifests/{self._goal.tag}", {201}, headers, manifest)

    def _begin(self, digest: str, source: str | None) -> Answer:
        """Open an upload (202), or have the blob taken from another repository (201)."""
        uploads = f"{self._base}/blobs/uploads/"
        if source is None:
            return self._ask("POST", uploads, {202})
        if (scope := f"repository:{source}:pull") not in self._scopes:
            self._scopes.append(scope)
            self._authorization = ""  # a token says what it is good for
        return self._ask("POST", f"{uploads}?{urllib.parse.urlencode({'mount': digest, 'from': source})}", {201, 202})

    def _forget(self, upload: str) -> None:
        try:
            self._ask("DELETE", upload, {204})
        except Refused:
            return  # it is gone, or the registry is; why the upload failed is what counts

    def _ask(
        self, method: str, url: str, expected: set[int], headers: dict[str, str] | None = None, body: Body = None
    ) -> Answer:
        answer = self._send(method, url, headers, body)
        if answer.status == 401 and self._authorize(answer.headers.get("www-authenticate", "")):
            answer = self._send(method, url, headers, body)
        if answer.status not in expected:
            raise Refused(_words(answer))
        return answer

    def _send(self, method: str, url: str, headers: dict[str, str] | None, body: Body) -> Answer:
        given = {"Authorization": self._authorization} if self._authorization else {}
        return self._http.request(method, url, given | (headers or {}), body)

    def _authorize(self, challenge: str) -> bool:
        """Get what the registry asks for; whether there is something new to try."""
        basic = self._basic()
        kind = challenge.partition(" ")[0].lower()
        if kind == "basic":
            new, self._authorization = self._authorization != basic and bool(basic), basic
            return new
        told = dict(_CHALLENGE.findall(challenge))
        if kind != "bearer" or "realm" not in told:
            return False
        query = [("service", told.get("service", "")), *(("scope", scope) for scope in self._scopes)]
        url = f"{told['realm']}?{urllib.parse.urlencode(query)}"
        answer = self._http.request("GET", url, {"Authorization": basic} if basic else {})
        found: Any = answer.json if isinstance(answer.json, dict) else {}
        token = found.get("token") or found.get("access_token")
        if answer.status != 200 or not token:
            raise Refused(_words(answer))
        new, self._authorization = self._authorization != f"Bearer {token}", f"Bearer {token}"
        return new

    def _basic(self) -> str:
        if not self._credential.username:
            return ""
        pair = f"{self._credential.username}:{self._credential.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


def _words(answer: Answer) -> str:
    """Say an answer of a registry as Docker does: `unauthorized: authentication required`."""
    errors = answer.json.get("errors") if isinstance(answer.json, dict) else None
    if isinstance(errors, list) and errors and all(isinstance(one, dict) for one in errors):
        return "\n".join(f"{_code(one)}: {one.get('message', '')}" for one in errors)
    if answer.status == 401:
        return "unauthorized: authentication required"
    return f"unexpected status from the registry: {answer.status} {answer.text[:200]}".strip()


def _code(error: dict[str, Any]) -> str:
    return str(error.get("code", "unknown")).lower().replace("_", " ")
