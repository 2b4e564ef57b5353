"""Passwords of registry tokens, and numbers of images, against a local registry that plain HTTPS looks into.

Expected: the OCI distribution and image specifications for what is in the registry; ACR's documents for who may what
(container-registry-repository-scoped-permissions).
"""

import hashlib
from collections.abc import Callable
from threading import Event
from typing import Any
from uuid import uuid4

import pytest

from azml.facts.container_registries import PUSH_ACTIONS
from azml.resources import image_numbers
from azml.resources.errors import Refused
from azml.resources.image_alias import MADE_FROM, ImageAliasHandler
from azml.resources.images_in_use import images_in_use
from azml.resources.registry_api import Repository
from azml.resources.registry_credential import ACR, RegistryCredentialHandler
from azml.resources.wire import UNKNOWN
from azml.resources.work import Work
from tests.support.registry_client import basic
from tests.unit.resources.conftest import Azure
from tests.unit.resources.registries import Registry

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(name="registry")
def _registry(repositories: Callable[..., Registry], azure: Azure) -> Registry:
    return repositories()


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
    (found,) = registry.referrers(image)
    assert found["artifactType"] == MADE_FROM
    assert found["annotations"] == {"org.opencontainers.image.revision": COMMIT}


def test_what_was_retagged_behind_our_back_is_noticed_and_set_again(registry: Registry) -> None:
    first, second = registry.push("a"), registry.push("b")
    state = registry.up(first)
    registry.up(second)
    handler, work = ImageAliasHandler(), registry.azure.work()
    assert handler.drift(work, registry.inputs(first), state) == {}
    assert handler.drift(work, registry.inputs(second), state) == {}, "a new image is no drift"
    registry.tag(second, "1")
    assert "set again" in handler.drift(work, registry.inputs(first), state)["alias"]
    assert registry.up(first, state)["alias"].endswith(":1")
    assert registry.tags() == {"1": first.partition("@")[2], "2": second.partition("@")[2]}
    registry.push_theirs("1")  # an image of somebody else's, which was never counted
    assert "set again" in handler.drift(work, registry.inputs(first), state)["alias"]
    assert registry.up(first, state)["alias"].endswith(":1")


def test_the_commit_is_told_also_where_the_first_update_was_killed(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = registry.push("a")
    with monkeypatch.context() as patch:
        patch.setattr(Repository, "tag", killed)
        with pytest.raises(KeyboardInterrupt):
            registry.up(image, revision=COMMIT)
    assert registry.up(image, revision=COMMIT)["alias"].endswith(":1")
    assert [one["annotations"] for one in registry.referrers(image)] == [{"org.opencontainers.image.revision": COMMIT}]


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_an_image_that_was_deleted_is_noticed_and_how_it_comes_back(registry: Registry) -> None:
    image = registry.push("a")
    state = registry.up(image)
    with Repository(registry.server, registry.repository, *registry.user) as theirs:
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


def test_what_people_tagged_or_pushed_stays(registry: Registry) -> None:
    tagged, plain, twice, current = (registry.push(content) for content in "abcd")
    state: dict[str, Any] | None = None
    for image in (tagged, plain, twice):
        state = registry.up(image, state)
    registry.tag(tagged, "golden", "v1.0")
    registry.tag(twice, "2")  # which of its numbers is azml's cannot be told, and 2 is nobody's any more
    theirs = registry.push_theirs("4")
    state = registry.up(current, state, keep=1)
    ids = [one.partition("@")[2] for one in (tagged, twice, current)]
    assert registry.tags() == {"golden": ids[0], "v1.0": ids[0], "2": ids[1], "3": ids[1], "4": theirs, "5": ids[2]}
    assert any("golden, v1.0" in text for _, text in registry.azure.said)
    registry.up(current, state, keep=1)
    assert len(registry.tags()) == 6, "and so it stays"
    with registry.client() as client:
        path = f"/v2/{registry.repository}/manifests"
        assert client.send("GET", f"{path}/{hashlib.sha256(b'a').hexdigest()[:20]}").status == 200
        assert client.send("GET", f"{path}/{hashlib.sha256(b'b').hexdigest()[:20]}").status == 200


def test_the_image_of_the_program_stays_however_old_its_number(registry: Registry) -> None:
    first, second = registry.push("a"), registry.push("b")
    state = registry.up(second, registry.up(first))
    registry.up(first, state, keep=1)  # taken back by git revert
    assert registry.tags() == {"1": first.partition("@")[2], "2": second.partition("@")[2]}


def test_nothing_goes_where_nobody_sees_what_runs(registry: Registry) -> None:
    state = registry.up(registry.push("a"))
    elsewhere = registry.id.replace(registry.id.split("/")[2], str(uuid4()))
    registry.up(registry.push("b"), state, keep=1, registryId=elsewhere)
    assert sorted(registry.tags()) == ["1", "2"]
    assert "what runs cannot be seen" in registry.azure.said[-1][1]


def test_what_the_registry_does_not_delete_fails_no_update(repositories: Callable[..., Registry], azure: Azure) -> None:
    """An image that people locked, or a token that may not delete: the new image has its number all the same."""
    registry = repositories([verb for verb in PUSH_ACTIONS if verb != "content/delete"])
    state = registry.up(registry.push("b"), registry.up(registry.push("a")), keep=1)
    assert state["alias"].endswith(":2")
    assert sorted(registry.tags()) == ["1", "2"]
    severity, said = azure.said[-1]
    assert (severity, f"{registry.repository}:1 stays" in said, "DENIED" in said) == ("warning", True, True)


def test_an_image_without_a_tag_is_the_latest(registry: Registry) -> None:
    """As docker reads a reference that services, base images and containers may have."""
    state = registry.up(registry.push("a"))
    registry.tag(state["image"], "latest")
    registry.up(registry.push("b"), state, keep=1, used=[f"{registry.server}/{registry.repository}"])
    assert sorted(registry.tags()) == ["1", "2", "latest"]


def test_containers_that_run_before_the_others_are_in_use() -> None:
    """containerGroups of 2023-05-01: containers, initContainers, each with `properties.image`."""

    class Listed:
        def list_all(self, path: str, version: str) -> list[dict[str, Any]]:
            assert (path.split("/")[2], version) == ("s", "2023-05-01")
            one, two = ({"name": name, "properties": {"image": name}} for name in ("a:1", "b:2"))
            return [{"properties": {"containers": [one], "initContainers": [two, {"name": "c", "properties": {}}]}}]

    work = Work(Listed, "urn:pulumi:dev::p::t::n", Event(), lambda *_: None)  # type: ignore[arg-type]
    registry = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/r"
    assert images_in_use(work, registry) == {"a:1", "b:2"}


def test_what_a_number_is() -> None:
    """As azml writes them; all else is a tag of people's."""
    tags = {"2": "b", "1": "a", "10": "c", "007": "a", "v3": "a", "1.0": "a", "latest": "b"}
    assert list(image_numbers.numbers(tags).items()) == [(1, "a"), (2, "b"), (10, "c")]
    assert image_numbers.of(tags, "a") == [1]


def test_many_numbers_take_no_more_requests(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    send = Repository._send

    def counted(self: Repository, method: str, path: str, **more: Any) -> Any:
        sent.append(method)
        return send(self, method, path, **more)

    monkeypatch.setattr(Repository, "_send", counted)
    first = registry.push("a")
    registry.up(first)
    few = len(sent)
    registry.up(first, {"image": first, "alias": f"{registry.repository}:1"})
    assert sent.count("PUT") == 1, "what is as it was left is not set again"
    registry.tag(registry.push("b"), *map(str, range(2, 30)))
    sent.clear()
    last = registry.push("c")
    assert registry.up(last)["alias"].endswith(":30")
    assert len(sent) == few


def test_a_list_of_tags_has_pages(registry: Registry) -> None:
    """A page has 100 entries where nobody says how many (as `az acr` asks)."""
    image = registry.push("a")
    names = {f"v{number}" for number in range(120)}
    registry.tag(image, *names)
    with Repository(registry.server, registry.repository, *registry.user) as repository:
        assert repository.tags().keys() >= names


def test_a_preview_of_another_image_knows_no_number(registry: Registry) -> None:
    state = registry.up(registry.push("a"))
    inputs = {**registry.inputs("x"), "image": UNKNOWN}
    assert ImageAliasHandler().preview(inputs, state)["alias"] is UNKNOWN
    assert ImageAliasHandler().drift(registry.azure.work(), inputs, state) == {}
    assert ImageAliasHandler().preview(registry.inputs(state["image"]), state)["alias"] == state["alias"]


def test_a_token_reaches_its_repositories_only(repositories: Callable[..., Registry], registry: Registry) -> None:
    other = repositories()
    image = other.push("a")
    with pytest.raises(Refused, match=r"HTTP 40[13].*The token may not do this here, or its password was made anew"):
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
