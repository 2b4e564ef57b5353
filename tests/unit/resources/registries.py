"""A registry of the local Azure for tests of images: pushed to as pulumi-docker does, looked into by plain HTTPS."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from azml.facts.container_registries import PUSH_ACTIONS
from azml.resources.image_alias import ImageAliasHandler
from azml.resources.registry_api import Repository
from azml.resources.registry_credential import ACR, RegistryCredentialHandler
from tests.support.registry_client import Client, basic

if TYPE_CHECKING:
    from tests.unit.resources.conftest import Azure


@dataclass
class Registry:
    """A registry of the local Azure with a token that pushes to one repository."""

    azure: "Azure"
    id: str
    server: str
    token: str
    credential: dict[str, Any]
    repository: str

    @property
    def user(self) -> tuple[str, str]:
        """The token and its password."""
        return self.credential["username"], self.credential["password"]

    def client(self) -> Client:
        state = self.credential
        authorization = basic(state["username"], state["password"])
        return Client(self.server, str(self.azure.theirs.running.home.ca), authorization=authorization)

    def push(self, content: str) -> str:
        """Push an image as pulumi-docker would, under the tag of its content; its reference by digest."""
        made = hashlib.sha256(content.encode()).hexdigest()
        with self.client() as client:
            digest = client.push_image(self.repository, made[:20], content.encode(), labels={"azml.manifest": made})
        return f"{self.server}/{self.repository}@{digest}"

    def push_theirs(self, tag: str) -> str:
        """Push an image that azml did not build; its digest."""
        with self.client() as client:
            return client.push_image(self.repository, tag, tag.encode())

    def tag(self, image: str, *tags: str) -> None:
        """Set tags by hand."""
        with Repository(self.server, self.repository, *self.user) as theirs:
            for tag in tags:
                theirs.tag(image.partition("@")[2], tag)

    def inputs(self, image: str, **more: Any) -> dict[str, Any]:
        state = self.credential
        given = {"username": state["username"], "password": state["password"], "registryId": self.id}
        return ImageAliasHandler().check({**given, "image": image, "repository": self.repository, **more})

    def up(self, image: str, state: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """Give an image its number, as the engine would: create, or update where there is a state."""
        handler, inputs = ImageAliasHandler(), self.inputs(image, **more)
        work = self.azure.work("urn:pulumi:dev::p::azml:index:ServingImage$azml:index:ImageAlias::churn-alias")
        return handler.create(work, inputs) if state is None else handler.update(work, state, inputs, state)

    def referrers(self, image: str) -> list[dict[str, Any]]:
        """What is attached to an image."""
        with self.client() as client:
            path = f"/v2/{self.repository}/referrers/{image.partition('@')[2]}"
            return list(client.ok("GET", path).json["manifests"])

    def tags(self) -> dict[str, str]:
        """Every tag and its digest, but those of content."""
        with self.client() as client:
            found = client.ok("GET", f"/v2/{self.repository}/tags/list").json["tags"]
            return {
                tag: client.ok("HEAD", f"/v2/{self.repository}/manifests/{tag}").headers["Docker-Content-Digest"]
                for tag in found
                if len(tag) != 20
            }


def registries(shared: "Azure") -> Callable[..., Registry]:
    """Make a registry; each call gives another repository of it, with a token that may do this there."""
    group = shared.theirs.group()
    id_ = f"{group}/providers/Microsoft.ContainerRegistry/registries/cr{uuid4().hex[:12]}"
    made = shared.arm.put(id_, ACR, {"location": "eastus", "sku": {"name": "Standard"}}, shared.work())

    def make(verbs: Sequence[str] = PUSH_ACTIONS) -> Registry:
        name = f"team/churn-{uuid4().hex[:6]}"
        token = f"push-{uuid4().hex[:6]}"
        actions = [f"repositories/{name}/{verb}" for verb in verbs]
        scope = shared.arm.put(f"{id_}/scopeMaps/{token}", ACR, {"properties": {"actions": actions}}, shared.work())
        body = {"properties": {"scopeMapId": scope["id"], "status": "enabled"}}
        token_id = shared.arm.put(f"{id_}/tokens/{token}", ACR, body, shared.work())["id"]
        state = RegistryCredentialHandler().create(shared.work(), {"tokenId": token_id})
        return Registry(shared, id_, made["properties"]["loginServer"], token_id, state, name)

    return make
