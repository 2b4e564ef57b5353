"""Keys of vaults: what plain RSA-OAEP encrypts with the key's numbers, the service decrypts, and its own."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from azml_local.tunnel import Tunnel
from tests.unit.local.support import Arm, Running

SHA = {"RSA-OAEP": hashes.SHA1(), "RSA-OAEP-256": hashes.SHA256()}
Ask = Callable[..., requests.Response]


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture(scope="module")
def vault(local: Running) -> str:
    with Arm(local) as arm:
        return arm.vault(arm.group())


@pytest.fixture(scope="module")
def ask(local: Running, vault: str) -> Iterator[Ask]:
    """A request to the vault by the address that ARM shows, through the proxy that knows it."""
    with Tunnel(local.url, local.home.root) as tunnel, requests.Session() as session, Arm(local) as arm:
        address = arm.ok("GET", vault)["properties"]["vaultUri"]
        session.proxies, session.verify = {"https": tunnel.variables["HTTPS_PROXY"]}, str(local.home.ca)
        session.trust_env = False
        token = local.azure.tokens.issue("https://vault.azure.net")

        def send(method: str, path: str, body: Any = None, token: str = token) -> requests.Response:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            return session.request(method, f"{address}{path}?api-version=7.4", json=body, headers=headers)

        yield send


@pytest.fixture(scope="module")
def key(ask: Ask) -> dict[str, Any]:
    made = ask("POST", "keys/pulumi/create", {"kty": "RSA"})
    assert made.status_code == 200
    return dict(made.json()["key"])


@pytest.mark.parametrize("algorithm", SHA)
@pytest.mark.parametrize(("forth", "back"), [("encrypt", "decrypt"), ("wrapKey", "UNWRAPKEY")])
def test_it_is_rsa_oaep(ask: Ask, key: dict[str, Any], algorithm: str, forth: str, back: str) -> None:
    numbers = RSAPublicNumbers(*(int.from_bytes(decoded(key[name]), "big") for name in "en"))
    assert numbers.n.bit_length() == 2048
    padding = OAEP(MGF1(SHA[algorithm]), SHA[algorithm], None)
    theirs = numbers.public_key().encrypt(b"\0 a key of 32 bytes, in plain form", padding)
    plain = ask("POST", f"keys/pulumi/{back}", {"alg": algorithm, "value": encoded(theirs)}).json()
    assert (plain["kid"], decoded(plain["value"])) == (key["kid"], b"\0 a key of 32 bytes, in plain form")
    ours = [ask("POST", f"keys/pulumi/{forth}", {"alg": algorithm, "value": encoded(b"x")}).json() for _ in range(2)]
    assert ours[0]["value"] != ours[1]["value"], "OAEP is random"
    version = key["kid"].rpartition("/")[2]
    for one in ours:
        again = ask("POST", f"keys/pulumi/{version}/{back}", {"alg": algorithm, "value": one["value"]}).json()
        assert decoded(again["value"]) == b"x"


def test_a_new_version_is_the_one_without_a_version(ask: Ask) -> None:
    old, new = (ask("POST", "keys/turned/create", {"kty": "RSA"}).json()["key"]["kid"] for _ in range(2))
    assert ask("GET", "keys/turned").json()["key"]["kid"] == new
    asked = {"alg": "RSA-OAEP-256", "value": encoded(b"x")}
    ciphered = ask("POST", old.partition(".net/")[2] + "/encrypt", asked).json()["value"]
    wrong = ask("POST", "keys/turned/decrypt", {**asked, "value": ciphered})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "BadParameter")
    right = ask("POST", old.partition(".net/")[2] + "/decrypt", {**asked, "value": ciphered})
    assert decoded(right.json()["value"]) == b"x"


def test_without_a_token_it_says_where_one_is_to_be_had(ask: Ask, local: Running) -> None:
    """As Go's azkeys takes it: the resource's host is the end of the vault's (KeyVaultChallengePolicy)."""
    for token in ("", local.azure.tokens.issue("https://storage.azure.com"), local.azure.tokens.issue("x", -1)):
        refused = ask("POST", "keys/pulumi/decrypt", token=token)
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "Unauthorized")
        where = f'authorization="{local.url}/{local.azure.identity.tenant_id}"'
        assert refused.headers["www-authenticate"] == f'Bearer {where}, resource="https://vault.azure.net"'


VALUE = {"alg": "RSA-OAEP-256", "value": "eA"}


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "keys/nobody", None, 404, "KeyNotFound"),
        ("GET", "keys/pulumi/0123", None, 404, "KeyNotFound"),
        ("POST", "keys/k/create", {"kty": "EC"}, 501, "NotImplemented"),
        ("POST", "keys/k/create", {"kty": "RSA", "key_size": 1024}, 400, "BadParameter"),
        ("POST", "keys/pulumi/sign", VALUE, 501, "NotImplemented"),
        ("POST", "keys/pulumi/encrypt", VALUE | {"alg": "A256GCM"}, 501, "NotImplemented"),
        ("POST", "keys/pulumi/encrypt", VALUE | {"value": "A" * 400}, 400, "BadParameter"),
        ("POST", "keys/pulumi/encrypt", VALUE | {"value": "é"}, 400, "BadParameter"),
        ("POST", "keys/pulumi/encrypt", {"alg": "RSA-OAEP"}, 400, "BadParameter"),
        ("POST", "keys/pulumi/encrypt", [], 400, "BadParameter"),
        ("GET", "secrets/one", None, 501, "NotImplemented"),
        ("DELETE", "keys/pulumi", None, 501, "NotImplemented"),
    ],
)
def test_what_it_refuses(ask: Ask, method: str, path: str, body: Any, status: int, code: str) -> None:
    answer = ask(method, path, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_key_does_what_it_was_made_for(ask: Ask) -> None:
    ask("POST", "keys/narrow/create", {"kty": "RSA", "key_ops": ["encrypt"]})
    assert ask("POST", "keys/narrow/encrypt", VALUE).status_code == 200
    refused = ask("POST", "keys/narrow/decrypt", VALUE)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "Forbidden")


def test_a_recovered_vault_has_its_keys(ask: Ask, arm: Arm, vault: str, key: dict[str, Any]) -> None:
    body = arm.ok("GET", vault)
    arm.ok("DELETE", vault)
    assert ask("GET", "keys/pulumi").json()["error"]["code"] == "VaultNotFound"
    body["properties"]["createMode"] = "recover"
    arm.ok("PUT", vault, body)
    assert ask("GET", "keys/pulumi").json()["key"] == key
    assert "PRIVATE" not in arm.send("GET", vault).text()
