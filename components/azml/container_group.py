"""What a container service becomes: the inputs of its container group, in azure-native's names.

Owns the group's layout: one container, the settings of the image's entry as variables, keys as secure ones, the
certificate as a secret volume. Deliberately registers no resource (`container_service`).
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi

from azml.arm_words import IDENTITY_TYPES
from azml.spec.container_service import ContainerServiceSpec
from azml.spec.online_deployment import ReadinessProbeSpec
from azml.spec.secrets import PulumiSecret
from azml.spec.tls import TlsSpec

Values = dict[str, Any]
CERTIFICATES = "certificate"
MOUNT = "/etc/azml/tls"
CERTIFICATE_FILE, KEY_FILE = "tls.crt", "tls.key"
RESTART = {"always": "Always", "on_failure": "OnFailure", "never": "Never"}
PROBE_PATH = "/"
"""Answered without a key, by the scoring server itself."""


@dataclass(frozen=True)
class Pull:
    """How the image comes from its registry."""

    server: pulumi.Input[str]
    username: pulumi.Input[str] | None = None
    password: pulumi.Input[str] | None = None
    identity: str | None = None

    @property
    def inputs(self) -> Values:
        """The credential, in azure-native's names."""
        said = {
            "server": self.server,
            "username": self.username,
            "password": self.password,
            "identity": self.identity,
        }
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True)
class Keys:
    """What clients show."""

    primary: pulumi.Output[str]
    secondary: pulumi.Output[str]


def group(
    spec: ContainerServiceSpec,
    image: pulumi.Input[str],
    pull: Pull | None,
    keys: Keys | None,
    insights_key: pulumi.Input[str] | None,
) -> Values:
    """All that makes one, but its name, its place, its label and its tags."""
    container = {
        "name": spec.name,
        "image": image,
        "resources": {"requests": {"cpu": spec.cpu, "memoryInGB": spec.memory_gb}},
        "ports": _ports(spec),
        "environmentVariables": _variables(spec, keys, insights_key),
        "livenessProbe": _probe(spec, spec.liveness_probe),
        "readinessProbe": _probe(spec, spec.readiness_probe),
    }
    whole: Values = {
        "osType": "Linux",
        "sku": "Standard",
        "priority": spec.priority.capitalize(),
        "restartPolicy": RESTART[spec.restart_policy],
        "containers": [container],
    }
    if spec.has_address:
        whole["ipAddress"] = {"type": "Private" if spec.subnet else "Public", "ports": _ports(spec)}
    if spec.ssl is not None:
        container["volumeMounts"] = [{"name": CERTIFICATES, "mountPath": MOUNT, "readOnly": True}]
        whole["volumes"] = [{"name": CERTIFICATES, "secret": _files(spec.ssl)}]
    if pull is not None:
        whole["imageRegistryCredentials"] = [pull.inputs]
    if spec.subnet is not None:
        whole["subnetIds"] = [{"id": spec.subnet}]
    if spec.identity is not None:
        assigned = [identity.resource_id for identity in spec.identity.user_assigned_identities]
        ids = {"userAssignedIdentities": assigned} if assigned else {}
        whole["identity"] = {"type": IDENTITY_TYPES[spec.identity.type].replace(",", ", "), **ids}
    if spec.zones:
        whole["zones"] = list(spec.zones)
    return whole


def certificate(ssl: TlsSpec) -> str:
    """The certificate's text."""
    return ssl.cert_file.read_text(encoding="ascii")


def _ports(spec: ContainerServiceSpec) -> list[Values]:
    return [{"port": spec.listens_on, "protocol": "TCP"}]


def _probe(spec: ContainerServiceSpec, probe: ReadinessProbeSpec) -> Values:
    scheme = "http" if spec.ssl is None else "https"
    return {
        "httpGet": {"path": PROBE_PATH, "port": spec.listens_on, "scheme": scheme},
        "initialDelaySeconds": probe.initial_delay,
        "periodSeconds": probe.period,
        "timeoutSeconds": probe.timeout,
        "successThreshold": probe.success_threshold,
        "failureThreshold": probe.failure_threshold,
    }


def _variables(spec: ContainerServiceSpec, keys: Keys | None, insights_key: pulumi.Input[str] | None) -> list[Values]:
    """The user's own, then those of the entry (`azml_gateway.container_settings`); by name, so that order is none."""
    requests = spec.request_settings
    plain: Mapping[str, str] = {
        "AZML_PORT": str(spec.listens_on),
        "AZML_AUTH_MODE": spec.auth_mode,
        "AZML_MAX_CONCURRENT_REQUESTS": str(requests.max_concurrent_requests_per_instance),
        "AZML_REQUEST_TIMEOUT_S": f"{requests.request_timeout_ms / 1000:g}",
        "AZML_MAX_QUEUE_WAIT_S": f"{requests.max_queue_wait_ms / 1000:g}",
    }
    secret: dict[str, pulumi.Input[str]] = {}
    if keys is not None:
        secret |= {"AZML_PRIMARY_KEY": keys.primary, "AZML_SECONDARY_KEY": keys.secondary}
    if spec.ssl is not None:
        files = {"AZML_TLS_CERT_FILE": CERTIFICATE_FILE, "AZML_TLS_KEY_FILE": KEY_FILE}
        plain = {**plain, **{name: f"{MOUNT}/{file}" for name, file in files.items()}}
    if insights_key is not None:  # azureml-inference-server-http's own names
        plain, secret = {**plain, "AML_APP_INSIGHTS_ENABLED": "true"}, {**secret, "AML_APP_INSIGHTS_KEY": insights_key}
    for name, value in spec.environment_variables.items():
        if isinstance(value, PulumiSecret):
            secret[name] = secret_of(value)
        else:
            plain = {**plain, name: str(value)}
    found: dict[str, Values] = {name: {"name": name, "value": value} for name, value in plain.items()}
    found |= {name: {"name": name, "secureValue": value} for name, value in secret.items()}
    return [found[name] for name in sorted(found)]


def secret_of(pointer: PulumiSecret) -> pulumi.Output[str]:
    """A secret of the project."""
    return pulumi.Config().require_secret(pointer.secret)


def _files(ssl: TlsSpec) -> Values:
    """Files of the volume, as ARM wants them: base64. The key is a secret wherever it comes from."""
    key = ssl.key_file
    text = pulumi.Output.secret(key.read_text(encoding="ascii")) if isinstance(key, Path) else secret_of(key)
    return {CERTIFICATE_FILE: _encoded(certificate(ssl)), KEY_FILE: text.apply(_encoded)}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
