"""Configuration: which cloud, who, and never anything but the loopback."""

from contextlib import closing

import pytest

from azml_local.azure_native.account import configure
from azml_local.stand_in.errors import Refused
from tests.support.behaviours import behaves
from tests.support.provider_client import Client, Failure
from tests.support.tiny_arm import TinyArm

GROUP = "azure-native:resources:ResourceGroup"


@behaves("Configure", "provider.go: Configure")
def test_it_answers_that_it_previews_and_honours_autonaming(arm: TinyArm, unconfigured: Client) -> None:
    """It says that it previews and honours `autonaming`."""
    answer = unconfigured.configure()
    assert answer.supportsPreview
    assert answer.supports_autonaming_configuration
    assert not answer.acceptSecrets


@pytest.mark.parametrize(
    "manager",
    ["https://management.azure.com/", "http://10.0.0.1:8443", "http://0.0.0.0:1", "https://127.0.0.1.evil.test"],
)
def test_only_the_loopback_is_taken(arm: TinyArm, unconfigured: Client, manager: str) -> None:
    """Refuses to configure against anything but loopback."""
    arm.manager = manager
    with pytest.raises(Failure, match="talks to a local Azure only"):
        unconfigured.configure()


@pytest.mark.parametrize("name", ["ARM_CLOUD_METADATA_URL", "AZURE_AUTHORITY_HOST"])
def test_no_address_beyond_the_loopback_is_even_asked(arm: TinyArm, name: str) -> None:
    environment = {**arm.environment, name: "https://login.microsoftonline.com/"}
    with pytest.raises(Refused, match=r"https://login.microsoftonline.com/ is not on the loopback"):
        configure({}, environment)
    assert arm.tokens == 0


def test_an_operation_cannot_lead_away_from_the_loopback(arm: TinyArm, client: Client) -> None:
    """The token must not go where a header says."""
    away = {"Azure-AsyncOperation": "https://example.test/operations/1"}
    arm.script("PUT", "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg", (201, away, {}))
    with pytest.raises(Failure, match=r"example.test/operations/1 is not on the loopback"):
        client.create(GROUP, {"resourceGroupName": "rg", "location": "x"})


def test_localhost_and_ipv6_are_loopback_too(arm: TinyArm) -> None:
    port = arm.url.rpartition(":")[2]
    named = {**arm.environment, "ARM_CLOUD_METADATA_URL": f"http://localhost:{port}/metadata/endpoints"}
    with closing(configure({}, named)) as account:
        assert account.subscription_id == arm.environment["AZURE_SUBSCRIPTION_ID"]
    with pytest.raises(Refused, match=r"no answer from the local Azure at http://\[::1\]:1"):
        configure({}, {**arm.environment, "ARM_CLOUD_METADATA_URL": "http://[::1]:1/"})


def test_without_a_local_azure_the_message_says_what_to_do(arm: TinyArm) -> None:
    with pytest.raises(Refused, match=r"ARM_CLOUD_METADATA_URL is not set \(`azml local start`\)"):
        configure({}, {})
    stopped = {**arm.environment, "ARM_CLOUD_METADATA_URL": "http://127.0.0.1:1/metadata/endpoints"}
    with pytest.raises(Refused, match=r"no answer from the local Azure at http://127.0.0.1:1: .*`azml local start`"):
        configure({}, stopped)
    with pytest.raises(Refused, match="is not the metadata of a cloud: status 404"):
        configure({}, {**arm.environment, "ARM_CLOUD_METADATA_URL": f"{arm.url}/nothing"})


def test_everything_that_is_missing_is_named_at_once(arm: TinyArm) -> None:
    only = {"ARM_CLOUD_METADATA_URL": arm.environment["ARM_CLOUD_METADATA_URL"], "AZURE_TENANT_ID": "t"}
    with pytest.raises(Refused, match="not set: AZURE_SUBSCRIPTION_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET"):
        configure({}, only)


@behaves("Configure", "provider.go: getConfig")
def test_config_goes_before_arm_variables_before_azure_ones(arm: TinyArm) -> None:
    """Config goes before environment variables."""
    environment = {**arm.environment, "ARM_SUBSCRIPTION_ID": "from-arm"}
    with closing(configure({}, environment)) as account:
        assert account.subscription_id == "from-arm"
    with closing(configure({"subscriptionId": "from-config"}, environment)) as account:
        assert account.subscription_id == "from-config"


def test_a_wrong_secret_is_told(arm: TinyArm, monkeypatch: pytest.MonkeyPatch, unconfigured: Client) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "wrong")
    unconfigured.configure()
    with pytest.raises(Failure, match=r"no token from .*/oauth2/v2.0/token: no") as caught:
        unconfigured.create(GROUP, {"resourceGroupName": "rg", "location": "x"})
    assert "wrong" not in caught.value.message


def test_calls_before_configuration_are_told(unconfigured: Client) -> None:
    with pytest.raises(Failure, match="not configured yet"):
        unconfigured.check(GROUP, {"location": "x"})
