"""Tokens and what clients read first: azure-identity against the authority, and ARM's refusals without a token."""

import time
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential

from azml_local import serve
from azml_local.home import Home
from azml_local.scoring.contract import Endpoint
from azml_local.tokens import BadToken, Tokens
from tests.unit.local.support import Arm, Running


@pytest.mark.parametrize(
    "scope",
    ["https://management.azure.com/.default", "https://storage.azure.com/.default", "https://ml.azure.com/.default"],
)
def test_any_scope(local: Running, scope: str) -> None:
    with local.credential as credential:
        token = credential.get_token(scope)
    assert token.expires_on > time.time() + 3000
    audience = scope.removesuffix("/.default")
    assert local.azure.tokens.verify(token.token, audience)["aud"] == audience


def test_a_wrong_secret(local: Running) -> None:
    who = local.azure.identity
    options = {"authority": local.url, "disable_instance_discovery": True, "connection_verify": str(local.home.ca)}
    for client, secret, code in ((who.client_id, "wrong", "7000215"), (who.tenant_id, who.client_secret, "700016")):
        credential = ClientSecretCredential(who.tenant_id, client, secret, **options)
        with credential, pytest.raises(ClientAuthenticationError, match=f"AADSTS{code}"):
            credential.get_token("https://management.azure.com/.default")


def get(local: Running, path: str, token: str | None = None) -> tuple[int, Any]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = requests.get(local.url + path, headers=headers, verify=str(local.home.ca), timeout=10)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("none", "AuthenticationFailed"),
        ("foreign", "InvalidAuthenticationToken"),
        ("tampered", "InvalidAuthenticationToken"),
        ("expired", "ExpiredAuthenticationToken"),
        ("of another service", "InvalidAuthenticationTokenAudience"),
    ],
)
def test_nobody_comes_in_without_a_good_token(local: Running, kind: str, code: str) -> None:
    good = local.azure.tokens.issue("https://management.azure.com")
    token = {
        "none": None,
        "foreign": "a.b.c",
        "tampered": good[:-4] + "AAAA",
        "expired": local.azure.tokens.issue("https://management.azure.com", lifetime=-1),
        "of another service": local.azure.tokens.issue("https://storage.azure.com"),
    }[kind]
    status, body = get(local, "/subscriptions?api-version=2022-12-01", token)
    assert (status, body["error"]["code"]) == (401, code)
    assert get(local, "/subscriptions?api-version=2022-12-01", good)[0] == 200


def test_a_token_is_a_jwt_that_any_library_reads(local: Running) -> None:
    import jwt

    token = local.azure.tokens.issue("https://storage.azure.com")
    key = bytes.fromhex(local.azure.identity.signing_key)
    claims = jwt.decode(token, key, algorithms=["HS256"], audience="https://storage.azure.com")
    assert claims["tid"] == local.azure.identity.tenant_id


def test_keys_differ_from_home_to_home(local: Running) -> None:
    import dataclasses

    other = Tokens(dataclasses.replace(local.azure.identity, signing_key="00" * 32))
    with pytest.raises(BadToken):
        other.verify(local.azure.tokens.issue("x"), "x")


def test_metadata_has_every_key_that_a_client_needs(local: Running, arm: Arm) -> None:
    """Any of these missing, azure-ai-ml silently falls back to the public cloud."""
    status, clouds = get(local, "/metadata/endpoints?api-version=2019-05-01")
    (cloud,) = clouds
    assert status == 200
    assert cloud["name"] != "AzureCloud"
    assert cloud["resourceManager"] == f"{local.url}/"
    assert cloud["authentication"]["loginEndpoint"].startswith(local.url)
    assert cloud["suffixes"]["storage"].startswith("core.")
    assert cloud["portal"]


@pytest.mark.parametrize(
    ("mode", "audience", "good"),
    [
        ("AADToken", "https://ml.azure.com", True),
        ("AADToken", "https://management.azure.com", False),
        ("AMLToken", "{id}", True),
        ("AMLToken", "https://ml.azure.com", False),
        ("AMLToken", "{id}x", False),
    ],
)
def test_who_may_call_an_endpoint(tmp_path: Path, mode: Any, audience: str, good: bool) -> None:
    home = Home(tmp_path)
    home.make()
    identity = home.identity()
    endpoint = Endpoint("/an/id", "name", mode, ("", ""))
    token = Tokens(identity).issue(audience.format(id=endpoint.id))
    assert serve.may_call(Tokens(identity), endpoint, token) == good
