"""A container service: exactly these registrations, in the names of the typed SDK's own classes.

Expected names: pulumi-azure-native 3.29's `containerinstance`. Variables are read by the entry of a serving image.
"""

import base64
from pathlib import Path
from typing import Any

import pytest
import trustme
from pulumi.runtime import rpc

import azml
from azml.component import InvalidArgs
from azml_gateway.container_settings import read
from tests.support.planned import SUBSCRIPTION, Registered, planned

GROUP = f"{SUBSCRIPTION}/resourceGroups/g"
IMAGE = f"cr.azurecr.io/diabetes@sha256:{'0' * 64}"
ACI = "azure-native:containerinstance:ContainerGroup"
IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u"
PULL = {"login_server": "cr.azurecr.io", "username": "pull", "password": "p"}


def service(config: dict[str, Any] | None = None, **more: Any) -> list[Registered]:
    args = {"name": "diabetes-test", "image": IMAGE, "resource_group_id": GROUP, "location": "eastus", **more}
    return planned(lambda: azml.ContainerService("diabetes-test", args), config)  # type: ignore[arg-type]


def of(made: list[Registered], type_: str) -> Registered:
    (found,) = [one for one in made if one.type.rpartition(":")[2] == type_]
    return found


def plain(value: Any) -> Any:
    """Without the engine's wrapping of secrets."""
    if isinstance(value, dict):
        return plain(value["value"]) if rpc._special_sig_key in value else {k: plain(v) for k, v in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def variables(made: list[Registered]) -> dict[str, str]:
    (container,) = plain(of(made, "ContainerGroup").inputs)["containers"]
    return {one["name"]: one.get("value", one.get("secureValue")) for one in container["environmentVariables"]}


def test_exactly_these_registrations() -> None:
    made = service(**PULL, tags={"a": "b"})
    assert [one.type for one in made] == [
        "azml:index:ContainerService", "azml:index:ContainerTrial", "azml:index:ServiceKeys", ACI,
    ]  # fmt: skip
    group, trial = of(made, "ContainerGroup"), of(made, "ContainerTrial")
    assert "diabetes-test-trial" in group.waits_for, "what does not pass its trial never gets there"
    said = plain(group.inputs)
    probe = {
        "httpGet": {"path": "/", "port": 5001, "scheme": "http"},
        "initialDelaySeconds": 10, "periodSeconds": 10, "timeoutSeconds": 2,
        "successThreshold": 1, "failureThreshold": 30,
    }  # fmt: skip
    (container,) = said.pop("containers")
    container.pop("environmentVariables")
    assert container == {
        "name": "diabetes-test", "image": IMAGE, "ports": [{"port": 5001, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": 1, "memoryInGB": 1.5}}, "livenessProbe": probe, "readinessProbe": probe,
    }  # fmt: skip
    label = said["ipAddress"].pop("dnsNameLabel")
    assert label.startswith("diabetes-test-")
    assert said == {
        "resourceGroupName": "g", "containerGroupName": "diabetes-test", "location": "eastus", "tags": {"a": "b"},
        "osType": "Linux", "sku": "Standard", "priority": "Regular", "restartPolicy": "Always",
        "ipAddress": {"type": "Public", "ports": [{"port": 5001, "protocol": "TCP"}]},
        "imageRegistryCredentials": [{"server": "cr.azurecr.io", "username": "pull", "password": "p"}],
    }  # fmt: skip
    tried = plain(trial.inputs)
    assert (tried["name"], tried["service"], tried["resourceGroupId"]) == (
        "diabetes-test-trial",
        "diabetes-test",
        GROUP,
    )
    assert "dnsNameLabel" not in tried["group"]["ipAddress"], "a label is taken once in a region"
    assert "tags" not in tried["group"], "another tag is no reason to try again"


def test_the_sdk_knows_every_name() -> None:
    from pulumi._types import input_type_py_to_pulumi_names
    from pulumi_azure_native import containerinstance

    from azml.azure_containers import AzureContainerGroup

    said = plain(of(service(**PULL, identity={"type": "system_assigned"}, zones=["1"]), "ContainerGroup").inputs)

    def known(class_: Any) -> set[str]:
        return set(input_type_py_to_pulumi_names(class_).values())

    assert set(said) <= known(containerinstance.ContainerGroupArgs)
    (container,) = said["containers"]
    assert set(container) <= known(containerinstance.ContainerArgs)
    assert set(container["livenessProbe"]) <= known(containerinstance.ContainerProbeArgs)
    assert set(container["livenessProbe"]["httpGet"]) <= known(containerinstance.ContainerHttpGetArgs)
    assert set(container["resources"]["requests"]) <= known(containerinstance.ResourceRequestsArgs)
    assert set(said["ipAddress"]) <= known(containerinstance.IpAddressArgs)
    assert set(said["imageRegistryCredentials"][0]) <= known(containerinstance.ImageRegistryCredentialArgs)
    assert containerinstance.ContainerGroup.pulumi_type == AzureContainerGroup.token


def test_the_entry_of_the_image_reads_its_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the entry's own reader: what the service sets is what the gateway then does."""
    (tmp_path / "score.py").touch()
    config = {"one": "first", "two": "second"}
    settings = {"request_timeout_ms": 90_000, "max_concurrent_requests_per_instance": 4, "max_queue_wait_ms": 250}
    made = service(
        config, primary_key={"secret": "one"}, secondary_key={"secret": "two"}, port=8080, request_settings=settings
    )
    assert not [one for one in made if one.type.endswith("ServiceKeys")], "both were given"
    told = read({**variables(made), "AML_APP_ROOT": str(tmp_path), "AZUREML_ENTRY_SCRIPT": "score.py"})
    assert (told.port, told.auth.keys) == (8080, ("first", "second"))
    limits = told.limits
    assert (limits.request_timeout_s, limits.max_concurrent, limits.max_queue_wait_s) == (90, 4, 0.25)


def test_secrets_are_secure_values_and_secret_in_state() -> None:
    made = service({"token": "hunter2", "one": "k"}, primary_key={"secret": "one"},
                   environment_variables={"OPEN": 1, "TOKEN": {"secret": "token"}})  # fmt: skip
    containers = of(made, "ContainerGroup").inputs["containers"]
    assert rpc._special_sig_key in containers, "the mocks' way to say that something in it is a secret"
    by_name = {one["name"]: one for one in plain(containers)[0]["environmentVariables"]}
    assert by_name["OPEN"] == {"name": "OPEN", "value": "1"}
    for name, value in (("TOKEN", "hunter2"), ("AZML_PRIMARY_KEY", "k")):
        assert by_name[name] == {"name": name, "secureValue": value}


def test_nobody_is_asked_for_a_key() -> None:
    made = service(auth_mode="none")
    assert [one.type for one in made] == ["azml:index:ContainerService", "azml:index:ContainerTrial", ACI]
    assert variables(made)["AZML_AUTH_MODE"] == "none"
    assert not [name for name in variables(made) if name.endswith("_KEY")]


def test_a_certificate_is_a_secret_volume(tmp_path: Path) -> None:
    leaf = trustme.CA().issue_cert("models.contoso.com")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "c.pem")
    leaf.private_key_pem.write_to_path(tmp_path / "k.pem")
    files = {"cert_file": str(tmp_path / "c.pem"), "key_file": str(tmp_path / "k.pem")}
    made = service(ssl={**files, "cname": "models.contoso.com"})
    group = of(made, "ContainerGroup").inputs
    (volume,) = plain(group["volumes"])
    held = {name: base64.b64decode(text) for name, text in volume["secret"].items()}
    assert held == {"tls.crt": (tmp_path / "c.pem").read_bytes(), "tls.key": (tmp_path / "k.pem").read_bytes()}
    assert rpc._special_sig_key in group["volumes"]
    (container,) = plain(group["containers"])
    assert container["volumeMounts"] == [{"name": "certificate", "mountPath": "/etc/azml/tls", "readOnly": True}]
    assert container["livenessProbe"]["httpGet"] == {"path": "/", "port": 8443, "scheme": "https"}
    assert variables(made)["AZML_TLS_KEY_FILE"] == "/etc/azml/tls/tls.key"
    trial = of(made, "ContainerTrial").inputs
    assert (trial["cname"], trial["certificate"]) == ("models.contoso.com", (tmp_path / "c.pem").read_text())


def test_a_private_service_has_no_label() -> None:
    subnet = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
    group = plain(of(service(subnet=subnet), "ContainerGroup").inputs)
    assert (group["ipAddress"]["type"], group["subnetIds"]) == ("Private", [{"id": subnet}])
    assert "dnsNameLabel" not in group["ipAddress"]


def test_a_spot_service_has_no_address() -> None:
    group = plain(of(service(priority="spot", location="westus"), "ContainerGroup").inputs)
    assert (group["priority"], "ipAddress" in group) == ("Spot", False)


def test_an_identity_pulls_where_no_token_does() -> None:
    identity = {"type": "user_assigned", "user_assigned_identities": [{"resource_id": IDENTITY}]}
    group = plain(of(service(login_server="cr.azurecr.io", identity=identity), "ContainerGroup").inputs)
    assert group["imageRegistryCredentials"] == [{"server": "cr.azurecr.io", "identity": IDENTITY}]
    assert group["identity"] == {"type": "UserAssigned", "userAssignedIdentities": [IDENTITY]}
    assert "imageRegistryCredentials" not in plain(of(service(), "ContainerGroup").inputs)


def test_requests_and_logs_to_application_insights() -> None:
    insights = f"{GROUP}/providers/Microsoft.Insights/components/i"
    made = service(app_insights_enabled=True, application_insights_id=insights)
    assert variables(made)["AML_APP_INSIGHTS_ENABLED"] == "true"
    assert of(made, "Component").exists
    with pytest.raises(InvalidArgs, match="application_insights_id"):
        service(app_insights_enabled=True)


def test_wrong_arguments_are_all_said() -> None:
    with pytest.raises(InvalidArgs) as caught:
        service(cpu=0.1, port=20001)
    assert "cpu: is too small" in str(caught.value)
    assert "port: is a port that Container Instances keep for themselves" in str(caught.value)
