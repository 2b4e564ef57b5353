"""azure-identity: every way to a token that needs no cloud but this one, and what is refused."""

import socket
from collections.abc import Iterator

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential, DefaultAzureCredential, EnvironmentCredential
from azure.mgmt.resource.resources import ResourceManagementClient

from tests.contract.clients import refused
from tests.unit.local.support import Running

SCOPES = [
    "https://management.azure.com/.default",
    "https://storage.azure.com/.default",
    "https://ml.azure.com/.default",
    "https://iothubs.azure.net/.default",
]


@pytest.fixture
def variables(azure: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """What azure-identity reads (its EnvironmentCredential) and what requests trusts."""
    who = azure.azure.identity
    found = {
        "AZURE_AUTHORITY_HOST": azure.url,
        "AZURE_TENANT_ID": who.tenant_id,
        "AZURE_CLIENT_ID": who.client_id,
        "AZURE_CLIENT_SECRET": who.client_secret,
        "REQUESTS_CA_BUNDLE": str(azure.home.bundle),
    }
    for name, value in found.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every host that is asked for while the test runs."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def recorded(host: str, *more: object, **named: object) -> object:
        asked.append(host)
        return real(host, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", recorded)
    yield asked
    assert set(asked) <= {"127.0.0.1", "localhost"}


class TestCredentials:
    @pytest.mark.parametrize("kind", [EnvironmentCredential, DefaultAzureCredential])
    @pytest.mark.usefixtures("variables")
    def test_by_variables(self, azure: Running, lookups: list[str], kind: type[DefaultAzureCredential]) -> None:
        with kind(disable_instance_discovery=True) as credential:
            for scope in [*SCOPES, f"{azure.url}/.default"]:
                assert credential.get_token(scope).token.count(".") == 2
        assert lookups

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_by_secret(self, azure: Running, host: str) -> None:
        """The certificate is good for both names; one that is not would be refused (and cost 4.8 s)."""
        who, authority = azure.azure.identity, azure.url.replace("127.0.0.1", host)
        more = {"authority": authority, "disable_instance_discovery": True, "connection_verify": str(azure.home.ca)}
        with ClientSecretCredential(who.tenant_id, who.client_id, who.client_secret, **more) as credential:
            assert credential.get_token(SCOPES[0]).token

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [("client_secret", "AADSTS7000215"), ("client_id", "AADSTS700016"), ("tenant_id", "AADSTS90002")],
    )
    def test_what_is_wrong_is_refused(self, azure: Running, wrong: str, code: str) -> None:
        who = azure.azure.identity
        given = {name: getattr(who, name) for name in ("tenant_id", "client_id", "client_secret")}
        given[wrong] = "00000000-0000-0000-0000-000000000000"
        more = {"authority": azure.url, "disable_instance_discovery": True, "connection_verify": str(azure.home.ca)}
        with (
            ClientSecretCredential(**given, **more) as credential,
            pytest.raises(ClientAuthenticationError, match=code),
        ):
            credential.get_token(SCOPES[0])


def test_a_token_for_another_service_is_not_arms(azure: Running) -> None:
    more = {"base_url": azure.url, "connection_verify": str(azure.home.ca), "credential_scopes": [SCOPES[1]]}
    with (
        azure.credential as credential,
        ResourceManagementClient(credential, azure.azure.identity.subscription_id, **more) as arm,
        pytest.raises(ClientAuthenticationError) as error,
    ):
        list(arm.resource_groups.list())
    assert refused(error) == (401, "InvalidAuthenticationTokenAudience")


@pytest.mark.usefixtures("variables")
def test_the_scope_of_the_public_cloud_is_taken(azure: Running) -> None:
    """Without `credential_scopes` the clients ask for the public cloud's."""
    with (
        DefaultAzureCredential(disable_instance_discovery=True) as credential,
        ResourceManagementClient(credential, azure.azure.identity.subscription_id, base_url=f"{azure.url}/") as arm,
    ):
        assert isinstance(list(arm.resource_groups.list()), list)
