"""Who may do what: the token flow of Azure/acr docs/AAD-OAuth.md and Token-BasicAuth.md, and scope maps."""

import base64
import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from azml_local.registry import Password
from azml_local.registry.rules import hash_of
from tests.support.registry_client import Client, basic, digest_of
from tests.unit.local.registry.conftest import ADMIN, Served, user

ARM, DATA = "https://management.azure.com", b"data"
NULL = "00000000-0000-0000-0000-000000000000"
CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


@pytest.fixture(scope="module", autouse=True)
def image(module_registry: Served) -> None:
    """Team's image; another one is there too."""
    module_registry.client().push_image("other/model", "v1", DATA)
    module_registry.client().push_image("team/model", "v1", DATA)


@pytest.fixture
def stranger(registry: Served) -> Iterator[Client]:
    with Client(registry.host, registry.ca) as found:
        yield found


def challenge(client: Client, method: str, path: str, **headers: str) -> Mapping[str, str]:
    answer = client.send(method, path, **headers)
    assert (answer.status, answer.codes) == (401, ["UNAUTHORIZED"])
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    return dict(CHALLENGE.findall(answer.headers["WWW-Authenticate"]))


def token(client: Client, authorization: str, *scopes: str) -> str:
    """Ask as docker does."""
    query = urlencode([("service", client.host), *(("scope", scope) for scope in scopes)])
    return str(client.ok("GET", f"/oauth2/token?{query}", authorization=authorization).json["access_token"])


def post(client: Client, path: str, **form: str) -> Any:
    kind = "application/x-www-form-urlencoded"
    return client.send("POST", path, urlencode({"service": client.host, **form}), content_type=kind)


def claims(text: str) -> dict[str, Any]:
    part = text.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v2/", None),
        ("GET", "/v2/team/model/manifests/v1", "repository:team/model:pull"),
        ("HEAD", f"/v2/team/model/blobs/{digest_of(DATA)}", "repository:team/model:pull"),
        ("POST", "/v2/team/model/blobs/uploads/", "repository:team/model:pull,push"),
        ("PUT", "/v2/team/model/manifests/v1", "repository:team/model:pull,push"),
        ("DELETE", f"/v2/team/model/manifests/{digest_of(DATA)}", "repository:team/model:delete"),
        ("GET", "/v2/team/model/tags/list", "repository:team/model:metadata_read"),
        ("GET", "/v2/_catalog", "registry:catalog:*"),
        ("DELETE", "/acr/v1/team/model/_tags/v1", "repository:team/model:delete"),
    ],
)
def test_the_challenge_says_what_to_ask_for(stranger: Client, method: str, path: str, scope: str | None) -> None:
    if method == "HEAD":
        header = stranger.send(method, path).headers["WWW-Authenticate"]
        told: Mapping[str, str] = dict(CHALLENGE.findall(header))
    else:
        told = challenge(stranger, method, path)
    assert told["realm"] == f"https://{stranger.host}/oauth2/token"
    assert (told["service"], told.get("scope")) == (stranger.host, scope)


def test_a_token_for_what_was_asked(stranger: Client) -> None:
    made = token(stranger, ADMIN, "repository:team/model:pull")
    found = claims(made)
    assert found["access"] == [{"type": "repository", "name": "team/model", "actions": ["pull"]}]
    assert found["exp"] - found["iat"] == 75 * 60  # the example of AAD-OAuth.md
    bearer = f"Bearer {made}"
    assert stranger.send("GET", "/v2/team/model/manifests/v1", authorization=bearer).status == 200
    for method, path in (("POST", "/v2/team/model/blobs/uploads/"), ("GET", "/v2/other/model/manifests/v1")):
        assert challenge(stranger, method, path, authorization=bearer)["error"] == "insufficient_scope"


def test_several_scopes(stranger: Client) -> None:
    made = token(stranger, ADMIN, "repository:team/model:pull", "repository:other/model:pull,push")
    assert len(claims(made)["access"]) == 2
    joined = token(stranger, ADMIN, "repository:team/model:pull repository:other/model:pull,push")
    assert len(claims(joined)["access"]) == 2


def test_by_microsoft_entra(registry: Served, stranger: Client) -> None:
    entra = registry.tokens.issue(ARM)
    refresh = post(stranger, "/oauth2/exchange", grant_type="access_token", access_token=entra).json["refresh_token"]
    scope = "repository:team/model:metadata_read"
    made = post(stranger, "/oauth2/token", grant_type="refresh_token", refresh_token=refresh, scope=scope)
    bearer = f"Bearer {made.json['access_token']}"
    assert stranger.ok("GET", "/v2/team/model/tags/list", authorization=bearer).json["tags"] == ["v1"]
    # docker login with the null GUID
    assert token(stranger, basic(NULL, refresh), scope)
    assert stranger.send("GET", "/v2/", authorization=basic(NULL, refresh)).status == 200
    access = basic(NULL, made.json["access_token"])
    assert stranger.send("GET", "/v2/team/model/tags/list", authorization=access).status == 200
    assert stranger.send("GET", "/v2/team/model/manifests/v1", authorization=access).status == 403


def test_a_managed_identity_has_what_its_roles_have(registry: Served, stranger: Client) -> None:
    entra = registry.tokens.issue(ARM, more={"oid": "Puller", "xms_mirid": "/subscriptions/s/…/puller"})
    form = {"grant_type": "access_token", "access_token": entra}
    assert post(stranger, "/oauth2/exchange", **form).codes == ["UNAUTHORIZED"], "it has none"
    registry.rule(identities={"puller": frozenset({"pull", "metadata_read"})}, audiences=(ARM,))
    refresh = post(stranger, "/oauth2/exchange", **form).json["refresh_token"]
    made = token(stranger, basic(NULL, refresh), "repository:team/model:pull,push", "registry:catalog:*")
    assert claims(made)["access"] == [{"type": "repository", "name": "team/model", "actions": ["pull"]}]
    registry.rule(audiences=(ARM,))
    assert stranger.send("GET", "/v2/team/model/tags/list", authorization=basic(NULL, refresh)).status == 403, "taken"


@pytest.mark.parametrize("bad", ["", "x.y.z", "audience", "expired", "refresh"])
def test_a_bad_entra_token(registry: Served, stranger: Client, bad: str) -> None:
    made = {
        "audience": registry.tokens.issue("https://storage.azure.com"),
        "expired": registry.tokens.issue(ARM, -1),
        "refresh": registry.tokens.issue("registry/team", 60, {"grant_type": "refresh_token"}),
    }.get(bad, bad)
    answer = post(stranger, "/oauth2/exchange", grant_type="access_token", access_token=made)
    assert (answer.status, answer.codes) == (401, ["UNAUTHORIZED"])


def test_tokens_are_for_one_registry_and_one_purpose(registry: Served, stranger: Client) -> None:
    everything = {"access": [{"type": "repository", "name": "team/model", "actions": ["*"]}]}
    for audience, more in (
        ("registry/other", {"grant_type": "access_token", **everything}),
        ("registry/team", {}),  # what Entra would give somebody who asks for this audience
        ("registry/team", {"grant_type": "refresh_token"}),
        (ARM, {"grant_type": "access_token", **everything}),
    ):
        bearer = f"Bearer {registry.tokens.issue(audience, 60, more)}"
        told = challenge(stranger, "GET", "/v2/team/model/manifests/v1", authorization=bearer)
        assert told["error"] == "invalid_token"


@pytest.mark.parametrize(
    "authorization",
    [basic("team", "wrong"), basic("TEAM", ""), basic("nobody", "secret"), basic(NULL, "secret"), "Basic !", "Basic",
     "Bearer x", "Digest x"],
)  # fmt: skip
def test_wrong_credentials(stranger: Client, authorization: str) -> None:
    challenge(stranger, "GET", "/v2/", authorization=authorization)
    assert stranger.send("GET", "/oauth2/token", authorization=authorization).status == 401


def test_no_admin_while_it_is_off(registry: Served, stranger: Client) -> None:
    registry.rule()
    assert stranger.send("GET", "/v2/", authorization=ADMIN).status == 401


class TestScopeMaps:
    """container-registry-repository-scoped-permissions."""

    ACTIONS = ("pull", "push", "delete", "metadata_read")

    def tries(self, client: Client, name: str, authorization: str) -> dict[str, int]:
        """Status of each kind of operation."""
        path = f"/v2/{name}"
        asked = {
            "pull": ("GET", f"{path}/manifests/v1"),
            "push": ("POST", f"{path}/blobs/uploads/"),
            "delete": ("DELETE", f"{path}/manifests/{digest_of(b'not there')}"),
            "metadata_read": ("GET", f"{path}/tags/list"),
        }
        return {
            what: client.send(method, at, authorization=authorization).status for what, (method, at) in asked.items()
        }

    @pytest.mark.parametrize("how", ["basic", "bearer"])
    def test_a_token_does_what_its_map_grants(self, registry: Served, stranger: Client, how: str) -> None:
        reader = user("pw", ("team/*", "pull"), ("team/*", "metadata_read"))
        registry.rule(users={"reader": reader})
        credentials = basic("Reader", "pw")  # names in any case
        for name, good in (("team/model", True), ("other/model", False)):
            authorization = credentials
            if how == "bearer":
                authorization = f"Bearer {token(stranger, credentials, f'repository:{name}:*')}"
            found = self.tries(stranger, name, authorization)
            refused = 403 if how == "basic" else 401
            assert found["push"] == found["delete"] == refused
            assert found["pull"] == found["metadata_read"] == (200 if good else refused)

    def test_push_needs_read_too(self, registry: Served, stranger: Client) -> None:
        registry.rule(users={"a": user("pw", ("team/model", "push"))})
        assert self.tries(stranger, "team/model", basic("a", "pw"))["push"] == 403
        registry.rule(users={"a": user("pw", ("team/model", "push"), ("team/model", "pull"))})
        assert self.tries(stranger, "team/model", basic("a", "pw"))["push"] == 202

    def test_a_name_is_the_whole_name(self, registry: Served, stranger: Client) -> None:
        registry.rule(users={"a": user("pw", ("team/mode", "pull"), ("eam/model", "pull"), ("team.model", "pull"))})
        assert self.tries(stranger, "team/model", basic("a", "pw"))["pull"] == 403

    def test_never_the_catalog(self, registry: Served, stranger: Client) -> None:
        registry.rule(users={"a": user("pw", ("*", "pull"), ("*", "metadata_read"))})
        assert stranger.send("GET", "/v2/_catalog", authorization=basic("a", "pw")).status == 403
        assert claims(token(stranger, basic("a", "pw"), "registry:catalog:*"))["access"] == []

    def test_a_mount_needs_its_source(self, registry: Served, stranger: Client) -> None:
        path = f"/v2/mine/blobs/uploads/?mount={digest_of(DATA)}&from=team/model"
        own = (("mine", "pull"), ("mine", "push"))
        registry.rule(users={"a": user("pw", *own), "b": user("pw", *own, ("team/model", "pull"))})
        assert stranger.send("POST", path, authorization=basic("a", "pw")).status == 202
        assert stranger.send("POST", path, authorization=basic("b", "pw")).status == 201

    @pytest.mark.parametrize("change", [{"enabled": False}, {"expiry": time.time() - 1}])
    def test_disabled_or_expired(self, registry: Served, stranger: Client, change: dict[str, Any]) -> None:
        registry.rule(users={"a": user("pw", ("team/model", "pull"), **change)})
        assert stranger.send("GET", "/v2/", authorization=basic("a", "pw")).status == 401


class TestAnonymous:
    def test_pull(self, registry: Served, stranger: Client) -> None:
        registry.rule(anonymous_pull=True)
        told = challenge(stranger, "GET", "/v2/team/model/manifests/v1")
        made = stranger.ok("GET", f"/oauth2/token?{urlencode(told)}").json["access_token"]
        assert stranger.send("GET", "/v2/team/model/manifests/v1", authorization=f"Bearer {made}").status == 200

    def test_nothing_but_pull(self, registry: Served, stranger: Client) -> None:
        registry.rule(anonymous_pull=True)
        scopes = urlencode([("scope", "repository:a:pull,push,delete"), ("scope", "registry:catalog:*")])
        made = stranger.ok("GET", f"/oauth2/token?{scopes}").json["access_token"]
        assert claims(made)["access"] == [{"type": "repository", "name": "a", "actions": ["pull"]}]

    def test_not_unless_it_is_on(self, stranger: Client) -> None:
        assert stranger.send("GET", "/oauth2/token?scope=repository:a:pull").status == 401


def test_nothing_secret_is_in_the_log(registry: Served, stranger: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        made = token(stranger, ADMIN, "repository:team/model:pull,push")
        answer = stranger.ok("POST", "/v2/team/model/blobs/uploads/", authorization=f"Bearer {made}")
        post(stranger, "/oauth2/token", grant_type="password", username="team", password="secret")
    assert "POST team/v2/team/model/blobs/uploads/ 202" in caplog.text
    for secret in ("secret", made, answer.headers["Location"].partition("_state=")[2], ADMIN.split()[1]):
        assert secret not in caplog.text


def test_hashes_of_passwords_are_kept() -> None:
    kept = Password(hash_of("secret"))
    assert "secret" not in repr(kept)
    assert kept.fits("secret")
    assert not kept.fits("Secret")
