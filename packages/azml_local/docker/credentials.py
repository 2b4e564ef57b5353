"""Whose name a push goes under: the resource's credentials, or else the Docker config file's."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from azml_local.docker import references
from azml_local.docker.inputs import Registry
from azml_local.stand_in.errors import Refused


@dataclass(frozen=True)
class Credential:
    """A user name and a password; empty texts where nobody gave any."""

    username: str = ""
    password: str = field(default="", repr=False)


def find(registry: Registry, image: str, environment: Mapping[str, str]) -> tuple[Credential, str | None]:
    """Find the credential for an image's push, and a warning for the user. Raises `Refused`."""
    host = references.host_for_credentials(registry.server, image)
    if registry.username and registry.password:
        return Credential(registry.username, registry.password), None
    warning = None
    if registry.password:
        warning = "username was not set, although password was; using host credentials file"
    elif registry.username:
        warning = "password was not set, although username was; using host credentials file"
    return _of_the_config_file(host, environment), warning


def _of_the_config_file(host: str, environment: Mapping[str, str]) -> Credential:
    folder = environment.get("DOCKER_CONFIG") or str(Path(environment.get("HOME", ""), ".docker"))
    path = Path(folder, "config.json")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        if host in config.get("credHelpers", {}) or config.get("credsStore"):
            raise Refused(
                f"NotImplemented: {path} keeps the credentials for {host} in a helper program, which the docker "
                "stand-in does not run; give registry.username and registry.password"
            )
        auth = config.get("auths", {}).get(host, {}).get("auth", "")
        username, _, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except OSError:
        return Credential()
    except (ValueError, AttributeError, TypeError, binascii.Error) as error:
        raise Refused(f"{path} is no Docker config file: {error}") from error
    return Credential(username, password)
