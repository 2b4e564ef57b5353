"""Passwords of registry tokens, and numbers of images, against a local registry that plain HTTPS looks into.

Expected: the OCI distribution and image specifications for what is in the registry; ACR's documents for who may what
(container-registry-repository-scoped-permissions).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from azml.facts.container_registries import PUSH_ACTIONS
from azml.resources.errors import Refused
from azml.resources.image_alias import MADE_FROM, ImageAliasHandler
from azml.resources.registry_api import Repository
from azml.resources.registry_credential import ACR, RegistryCredentialHandler
from azml.resources.wire import UNKNOWN
from tests.support.registry_client import Client, basic
from tests.unit.resources.conftest import Azure

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Registry:
    """A registry of the local Azure with a token that pushes to one repository."""

    azure: Azure
    id: str
    server: str
    token: str
    credential: dict[str, Any]
    repository: str
    digests: dict[str, str] = field(default_factory=dict)

    def client(self) -> Client:
        state = self.credential
        authorization = basic(state["username"], state["password"])
        return Client(self.server, str(self.azure.theirs.running.home.ca), authorization=authorization)

    def push(self, content: str) -> str:
        """Push an image as pulumi-docker would; its reference by digest."""
        with self.client() as client:
            digest = client.push_image(
                self.repository, f"content-{content}", content.encode(), annotations={"c": content}
            )
        return f"{self.server}/{self.repository}@{digest}"

    def inputs(self, image: str, **more: Any) -> dict[str, Any]:
        state = self.credential
        given = {"username": state["username"], "password": state["password"], "registryId": self.id}
        return ImageAliasHandler().check({**given, "image": image, "repository": self.repository, **more})

    def up(self, image: str, state: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """Give an image its number, as the engine would: create, or update where there is a state."""
        handler, inputs = ImageAliasHandler(), self.inputs(image, **more)
        work = self.azure.work("urn:pulumi:dev::p::azml:index:ServingImage$azml:index:ImageAlias::churn-alias")
        return handler.create(work, inputs) if state is None else handler.update(work, state, inputs, state)

    def tags(self) -> dict[str, str]:
        """Every counting tag and its digest."""
        with self.client() as client:
            found = client.ok("GET", f"/v2/{self.repository}/tags/list").json["tags"]
            return {
                tag: client.ok("HEAD", f"/v2/{self.repository}/manifests/{tag}").headers["Docker-Content-Digest"]
                for tag in found
                if tag.isdecimal()
            }


@pytest.fixture(scope="module", name="make")
def _make(shared: Azure) -> Callable[[], Registry]:
    group = shared.theirs.group()
    id_ = f"{group}/providers/Microsoft.ContainerRegistry/registries/cr{uuid4().hex[:12]}"
    made = shared.arm.put(id_, ACR, {"location": "eastus", "sku": {"name": "Standard"}}, shared.work())

    def make() -> Registry:
        name = f"team/churn-{uuid4().hex[:6]}"
        token = f"push-{uuid4().hex[:6]}"
        actions = [f"repositories/{name}/{verb}" for verb in PUSH_ACTIONS]
        scope = shared.arm.put(f"{id_}/scopeMaps/{token}", ACR, {"properties": {"actions": actions}}, shared.work())
        body = {"properties": {"scopeMapId": scope["id"], "status": "enabled"}}
        token_id = shared.arm.put(f"{id_}/tokens/{token}", ACR, body, shared.work())["id"]
        state = RegistryCredentialHandler().create(shared.work(), {"tokenId": token_id})
        return Registry(shared, id_, made["properties"]["loginServer"], token_id, state, name)

    return make


@pytest.fixture(name="registry")
def _registry(make: Callable[[], Registry], azure: Azure) -> Registry:
    return make()


def test_numbers_count_pushes_and_stay_with_their_image(registry: Registry) -> None:
    first, second = registry.push("a"), registry.push("b")
    state = registry.up(first)
    assert state["alias"] == f"{registry.repository}:1"
    state = registry.up(second, state)
    assert state["alias"] == f"{registry.repository}:2"
    assert (
        registry.up(first, state)["alias"] == f"{registry.repository}:1"
    )  # the content of before: its number of before
    assert registry.tags() == {"1": first.partition("@")[2], "2": second.partition("@")[2]}


def test_the_commit_is_attached_and_makes_no_other_image(registry: Registry) -> None:
    image = registry.push("a")
    registry.up(image, revision=COMMIT)
    registry.up(image, revision="f" * 40)  # equal content at another commit: nothing new
    with registry.client() as client:
        digest = image.partition("@")[2]
        (found,) = client.ok("GET", f"/v2/{registry.repository}/referrers/{digest}").json["manifests"]
    assert found["artifactType"] == MADE_FROM
    assert found["annotations"] == {"org.opencontainers.image.revision": COMMIT}


def test_what_was_retagged_behind_our_back_is_noticed_and_set_again(registry: Registry) -> None:
    first, second = registry.push("a"), registry.push("b")
    state = registry.up(first)
    handler, work = ImageAliasHandler(), registry.azure.work()
    assert handler.drift(work, registry.inputs(first), state) == {}
    with Repository(registry.server, registry.repository, *_user(registry)) as theirs:
        theirs.tag(second.partition("@")[2], "1")
    assert "set again" in handler.drift(work, registry.inputs(first), state)["alias"]
    assert registry.up(first, state)["alias"].endswith(":1")
    assert registry.tags() == {"1": first.partition("@")[2]}


def test_an_image_that_was_deleted_is_noticed_and_how_it_comes_back(registry: Registry) -> None:
    image = registry.push("a")
    state = registry.up(image)
    with Repository(registry.server, registry.repository, *_user(registry)) as theirs:
        theirs.delete(image.partition("@")[2])
    assert "was deleted" in ImageAliasHandler().drift(registry.azure.work(), registry.inputs(image), state)["alias"]
    with pytest.raises(Refused) as caught:
        registry.up(image, state)
    urn = "urn:pulumi:dev::p::azml:index:ServingImage$docker:index/image:Image::churn"
    assert f"pulumi up --replace '{urn}'" in str(caught.value)
    assert ImageAliasHandler().read(registry.azure.work(), "", registry.inputs(image)) is None


def test_the_newest_stay_and_what_is_in_use(registry: Registry) -> None:
    images = [registry.push(content) for content in "abcdef"]
    group = registry.id.partition("/providers/")[0]
    run = f"{group}/providers/Microsoft.ContainerInstance/containerGroups/runs-{uuid4().hex[:6]}"
    container = {
        "name": "c",
        "properties": {"image": images[1], "resources": {"requests": {"cpu": 1, "memoryInGB": 1}}},
    }
    body = {"location": "eastus", "properties": {"osType": "Linux", "containers": [container]}}
    registry.azure.theirs.send("PUT", run, body)
    state: dict[str, Any] | None = None
    for image in images:
        state = registry.up(image, state, keep=2, used=[f"{registry.repository}:3", "other:1"])
    assert state is not None
    assert state["alias"].endswith(":6")
    assert sorted(registry.tags()) == ["2", "3", "5", "6"]  # 2 runs, 3 is pinned, 5 and 6 are the newest
    with registry.client() as client:
        gone = images[0].partition("@")[2]
        assert client.send("GET", f"/v2/{registry.repository}/manifests/{gone}").status == 404
    registry.azure.theirs.send("DELETE", run)
    assert registry.up(registry.push("g"), state)["alias"].endswith(":7")  # without keep: nothing goes
    assert sorted(registry.tags()) == ["2", "3", "5", "6", "7"]


def test_a_preview_of_another_image_knows_no_number(registry: Registry) -> None:
    state = registry.up(registry.push("a"))
    inputs = {**registry.inputs("x"), "image": UNKNOWN}
    assert ImageAliasHandler().preview(inputs, state)["alias"] is UNKNOWN
    assert ImageAliasHandler().drift(registry.azure.work(), inputs, state) == {}
    assert ImageAliasHandler().preview(registry.inputs(state["image"]), state)["alias"] == state["alias"]


def test_a_token_reaches_its_repositories_only(make: Callable[[], Registry], registry: Registry) -> None:
    other = make()
    image = other.push("a")
    with pytest.raises(Refused, match=r"HTTP 40[13]"):
        registry.up(image, repository=other.repository)


def test_a_registry_that_does_not_answer_spoils_no_preview(registry: Registry) -> None:
    state = registry.up(registry.push("a"))
    nowhere = {**registry.inputs(state["image"].replace(registry.server, "127.0.0.1:1"))}
    handler = ImageAliasHandler()
    assert handler.drift(registry.azure.work(), nowhere, {**state, "image": nowhere["image"]}) == {}
    assert registry.azure.said[-1][0] == "warning"


def test_a_password_that_was_made_anew_elsewhere_is_made_again(registry: Registry) -> None:
    handler, work = RegistryCredentialHandler(), registry.azure.work()
    inputs, state = {"tokenId": registry.token}, registry.credential
    assert handler.drift(work, inputs, state) == {}
    later = {**state, "created": "2020-01-01T00:00:00.1234567Z"}  # ours was an earlier one
    assert "made anew" in handler.drift(work, inputs, later)["created"]
    registry.credential = handler.update(work, inputs, inputs, state)
    assert registry.credential["password"] != state["password"]
    registry.push("a")
    with registry.client() as client:
        old = client.send("GET", "/v2/", authorization=basic(state["username"], state["password"]))
    assert old.status == 401


def test_a_token_that_is_gone(registry: Registry) -> None:
    handler, inputs = RegistryCredentialHandler(), {"tokenId": registry.token}
    registry.azure.arm.delete(registry.token, ACR, registry.azure.work())
    assert "gone" in handler.drift(registry.azure.work(), inputs, registry.credential)
    assert handler.read(registry.azure.work(), registry.token, inputs) is None


def _user(registry: Registry) -> tuple[str, str]:
    return registry.credential["username"], registry.credential["password"]
