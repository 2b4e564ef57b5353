"""Manifests: OCI image specification 1.1; distribution specification 1.1, "Pushing manifests", "Content management"."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.support import registry_client
from tests.support.registry_client import OCI_INDEX, OCI_MANIFEST, Client, digest_of

CONFIG, LAYER = b'{"os":"linux"}', b"layer"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture
def repository(client: Client) -> str:
    name = f"manifests/{uuid4().hex[:8]}"
    for blob in (CONFIG, LAYER):
        client.push_blob(name, blob)
    return name


def put(client: Client, repository: str, document: Any, reference: str = "t", kind: str = OCI_MANIFEST) -> Any:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return client.send("PUT", f"/v2/{repository}/manifests/{reference}", content, content_type=kind)


def good(**more: Any) -> dict[str, Any]:
    return registry_client.image(CONFIG, LAYER, **more)


@pytest.mark.parametrize("kind", [OCI_MANIFEST, DOCKER])
def test_what_was_pushed_is_pulled_byte_by_byte(client: Client, repository: str, kind: str) -> None:
    content = json.dumps(good(mediaType=kind), indent=3).encode() + b"\n"
    answer = put(client, repository, content, kind=kind)
    assert (answer.status, answer.headers["Docker-Content-Digest"]) == (201, digest_of(content))
    assert answer.headers["Location"] == f"/v2/{repository}/manifests/{digest_of(content)}"
    assert client.ok("GET", f"/v2/{repository}/manifests/t").content == content


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(schemaVersion=1), "schemaVersion"),
        (lambda d: d.pop("config"), "config"),
        (lambda d: d.update(layers={}), "layers"),
        (lambda d: d["layers"][0].update(digest="sha256:1"), "layers[0].digest"),
        (lambda d: d["layers"][0].update(size=-1), "layers[0].size"),
        (lambda d: d["layers"][0].update(size="5"), "layers[0].size"),
        (lambda d: d["config"].update(mediaType="no type"), "config.mediaType"),
        (lambda d: d.update(mediaType=OCI_INDEX), "mediaType"),
        (lambda d: d.update(annotations=[]), "annotations"),
        (lambda d: d.update(subject={"digest": "x"}), "subject.digest"),
    ],
)
def test_what_a_manifest_must_have(
    client: Client, repository: str, change: Callable[[dict[str, Any]], Any], said: str
) -> None:
    document = good()
    change(document)
    answer = put(client, repository, document)
    assert (answer.status, answer.codes) == (400, ["MANIFEST_INVALID"])
    assert said in answer.json["errors"][0]["message"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"null", b"[" * 100_000])
def test_what_is_no_manifest(client: Client, repository: str, content: bytes) -> None:
    assert put(client, repository, content).codes == ["MANIFEST_INVALID"]


def test_only_known_media_types(client: Client, repository: str) -> None:
    kind = "application/vnd.docker.distribution.manifest.v1+json"
    assert put(client, repository, good(), kind=kind).codes == ["MANIFEST_INVALID"]


def test_all_that_is_missing_is_named(client: Client, repository: str) -> None:
    document = registry_client.image(CONFIG, b"absent 1", LAYER, b"absent 2")
    answer = put(client, repository, document)
    assert (answer.status, answer.codes) == (404, ["MANIFEST_BLOB_UNKNOWN"])
    assert answer.json["errors"][0]["detail"] == [{"digest": digest_of(one)} for one in (b"absent 1", b"absent 2")]
    assert client.send("GET", f"/v2/{repository}/manifests/t").status == 404


def test_a_layer_that_is_elsewhere_may_be_missing(client: Client, repository: str) -> None:
    document = good()
    document["layers"].append({**registry_client.descriptor("a/b", b"foreign"), "urls": ["https://example.com/x"]})
    assert put(client, repository, document).status == 201


def test_by_digest(client: Client, repository: str) -> None:
    content = json.dumps(good()).encode()
    assert put(client, repository, content, digest_of(content)).status == 201
    answer = put(client, repository, content, digest_of(b"another"))
    assert (answer.status, answer.codes) == (400, ["DIGEST_INVALID"])
    assert client.ok("GET", f"/v2/{repository}/tags/list").json["tags"] == []


def test_at_most_4_mib(client: Client, repository: str) -> None:
    document = good(annotations={"x": ""})
    room = (4 << 20) - len(json.dumps(document))
    assert put(client, repository, good(annotations={"x": "y" * room})).status == 201
    answer = put(client, repository, good(annotations={"x": "y" * (room + 1)}))
    assert (answer.status, answer.codes) == (413, ["SIZE_INVALID"])


def test_an_index_needs_its_images(client: Client, repository: str) -> None:
    content = json.dumps(good()).encode()
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [registry_client.descriptor(OCI_MANIFEST, content)],
    }
    assert put(client, repository, document, kind=OCI_INDEX).codes == ["MANIFEST_BLOB_UNKNOWN"]
    put(client, repository, content, digest_of(content))
    assert put(client, repository, document, kind=OCI_INDEX).status == 201


def test_a_tag_moves(client: Client, repository: str) -> None:
    digests = [put(client, repository, good(annotations={"n": n})).headers["Docker-Content-Digest"] for n in "12"]
    assert client.ok("HEAD", f"/v2/{repository}/manifests/t").headers["Docker-Content-Digest"] == digests[1]
    assert client.send("HEAD", f"/v2/{repository}/manifests/{digests[0]}").status == 200


class TestDelete:
    """ "Content management"."""

    def test_a_manifest_goes_with_its_tags(self, client: Client, repository: str) -> None:
        digest = put(client, repository, good(), "a").headers["Docker-Content-Digest"]
        put(client, repository, good(), "b")
        put(client, repository, good(annotations={"n": "1"}), "c")
        assert client.send("DELETE", f"/v2/{repository}/manifests/{digest}").status == 202
        assert client.ok("GET", f"/v2/{repository}/tags/list").json["tags"] == ["c"]
        answer = client.send("DELETE", f"/v2/{repository}/manifests/{digest}")
        assert (answer.status, answer.codes) == (404, ["MANIFEST_UNKNOWN"])

    def test_a_tag_is_deleted_by_acrs_own_api(self, client: Client, repository: str) -> None:
        digest = put(client, repository, good()).headers["Docker-Content-Digest"]
        assert client.send("DELETE", f"/v2/{repository}/manifests/t").codes == ["UNSUPPORTED"]
        assert client.send("DELETE", f"/acr/v1/{repository}/_tags/t").status == 202
        assert client.send("DELETE", f"/acr/v1/{repository}/_tags/t").status == 404
        assert client.send("HEAD", f"/v2/{repository}/manifests/{digest}").status == 200

    def test_blobs(self, client: Client, repository: str) -> None:
        assert client.send("DELETE", f"/v2/{repository}/blobs/{digest_of(LAYER)}").status == 202
        assert client.send("HEAD", f"/v2/{repository}/blobs/{digest_of(LAYER)}").status == 404
        assert client.send("DELETE", f"/v2/{repository}/blobs/{digest_of(LAYER)}").codes == ["BLOB_UNKNOWN"]
        assert put(client, repository, good()).codes == ["MANIFEST_BLOB_UNKNOWN"]


class TestReferrers:
    """ "Listing referrers", "Pushing manifests with subject"."""

    def test_what_refers_to_an_image_is_listed(self, client: Client, repository: str) -> None:
        image = json.dumps(good()).encode()
        subject = registry_client.descriptor(OCI_MANIFEST, image)
        path = f"/v2/{repository}/referrers/{digest_of(image)}"
        assert client.ok("GET", path).json["manifests"] == []
        kinds = ["application/x.sbom", "application/x.signature"]
        for kind in kinds:  # before what they refer to is there
            signature = good(artifactType=kind, subject=subject, annotations={"of": kind})
            answer = put(client, repository, signature, digest_of(json.dumps(signature).encode()))
            assert (answer.status, answer.headers["OCI-Subject"]) == (201, digest_of(image))
        put(client, repository, image)
        answer = client.ok("GET", path)
        assert answer.headers["Content-Type"] == OCI_INDEX
        listed = [(one["artifactType"], one["annotations"]["of"]) for one in answer.json["manifests"]]
        assert listed == [(kind, kind) for kind in kinds]
        filtered = client.ok("GET", f"{path}?artifactType={kinds[1]}")
        assert filtered.headers["OCI-Filters-Applied"] == "artifactType"
        assert [one["artifactType"] for one in filtered.json["manifests"]] == [kinds[1]]

    def test_without_artifact_type_it_is_that_of_the_config(self, client: Client, repository: str) -> None:
        subject = registry_client.descriptor(OCI_MANIFEST, b"whatever")
        put(client, repository, good(subject=subject))
        found = client.ok("GET", f"/v2/{repository}/referrers/{digest_of(b'whatever')}").json["manifests"]
        assert [one["artifactType"] for one in found] == ["application/vnd.oci.image.config.v1+json"]

    def test_they_go_with_their_subject(self, client: Client, repository: str) -> None:
        digest = put(client, repository, good()).headers["Docker-Content-Digest"]
        subject = registry_client.descriptor(OCI_MANIFEST, json.dumps(good()).encode())
        refers = put(client, repository, good(subject=subject), "sig").headers["Docker-Content-Digest"]
        client.ok("DELETE", f"/v2/{repository}/manifests/{digest}")
        assert client.send("HEAD", f"/v2/{repository}/manifests/{refers}").status == 404


class TestLists:
    """ "Listing tags"; the catalog is the docker registry's."""

    def test_tags_in_lexical_order_page_by_page(self, client: Client, repository: str) -> None:
        for tag in ("b", "C", "a10", "a2", "D", "1"):
            put(client, repository, good(), tag)
        whole = ["1", "a10", "a2", "b", "C", "D"]
        assert client.ok("GET", f"/v2/{repository}/tags/list").json == {"name": repository, "tags": whole}
        path, pages = f"/v2/{repository}/tags/list?n=4", []
        while path:
            answer = client.ok("GET", path)
            pages.append(answer.json["tags"])
            link = answer.headers.get("Link", "")
            assert not link or link.endswith('; rel="next"')
            path = link.partition(">")[0].removeprefix("<")
        assert pages == [whole[:4], whole[4:]]
        assert client.ok("GET", f"/v2/{repository}/tags/list?last=a2").json["tags"] == ["b", "C", "D"]

    def test_none_were_asked_for(self, client: Client, repository: str) -> None:
        put(client, repository, good())
        answer = client.ok("GET", f"/v2/{repository}/tags/list?n=0")
        assert (answer.json["tags"], answer.headers.get("Link")) == ([], None)

    @pytest.mark.parametrize("number", ["-1", "x", "1.5"])
    def test_a_number_is_a_number(self, client: Client, repository: str, number: str) -> None:
        put(client, repository, good())
        assert client.send("GET", f"/v2/{repository}/tags/list?n={number}").status == 400

    def test_the_catalog(self, client: Client, repository: str) -> None:
        put(client, repository, good())
        whole = client.ok("GET", "/v2/_catalog").json["repositories"]
        assert repository in whole
        assert whole == sorted(whole)
        page = client.ok("GET", "/v2/_catalog?n=1")
        assert page.json["repositories"] == whole[:1]


def test_acrs_own_view(client: Client, repository: str) -> None:
    """Shapes: azure-containerregistry 1.2.0 (`_generated`)."""
    digest = put(client, repository, good(), "one").headers["Docker-Content-Digest"]
    put(client, repository, good(annotations={"n": "1"}), "two")
    about = client.ok("GET", f"/acr/v1/{repository}").json
    assert (about["imageName"], about["manifestCount"], about["tagCount"]) == (repository, 2, 2)
    tags = client.ok("GET", f"/acr/v1/{repository}/_tags?orderby=timedesc").json["tags"]
    assert [tag["name"] for tag in tags] == ["two", "one"]
    assert client.ok("GET", f"/acr/v1/{repository}/_tags/one").json["tag"]["digest"] == digest
    of_one = client.ok("GET", f"/acr/v1/{repository}/_manifests/{digest}").json["manifest"]
    assert (of_one["tags"], of_one["mediaType"]) == (["one"], OCI_MANIFEST)
    assert of_one["imageSize"] == len(json.dumps(good())) + len(CONFIG) + len(LAYER)
    pages = client.ok("GET", f"/acr/v1/{repository}/_manifests?orderby=timedesc&n=1")
    rest = client.ok("GET", pages.headers["Link"].partition(">")[0].removeprefix("<")).json["manifests"]
    assert [one["digest"] for one in rest] == [digest]
    gone = client.send("DELETE", f"/acr/v1/{repository}")
    assert (gone.status, sorted(gone.json["tagsDeleted"])) == (202, ["one", "two"])
    assert client.send("GET", f"/acr/v1/{repository}").codes == ["NAME_UNKNOWN"]
