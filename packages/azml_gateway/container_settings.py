"""What a container of a serving image is told, by environment variables: each with its default, all problems at once.

    AZML_PORT                     port to listen on, on every interface (5001)
    AZML_LISTEN                   HOST:PORT to listen on instead
    AZML_PROBE_LISTEN, AZML_READY_PIPE        HOST:PORT where probes are answered, and the named pipe that says when
                                  callers are (`held_port`): both or none; for who runs containers without a network
    AZML_AUTH_MODE                key (default): a bearer key is asked for; none: everybody may call
    AZML_PRIMARY_KEY, AZML_SECONDARY_KEY      the keys; the second may be left out
    AZML_TLS_CERT_FILE, AZML_TLS_KEY_FILE     PEM files: both or none; with them it speaks HTTPS only
    AZML_MAX_CONCURRENT_REQUESTS  requests that the model works on at once (1); as many may wait
    AZML_REQUEST_TIMEOUT_S        seconds until a request is answered with 408 (5)
    AZML_MAX_QUEUE_WAIT_S         seconds that a request waits for its turn (0.5)
    AML_APP_ROOT, AZUREML_ENTRY_SCRIPT        the code's folder, and the script in it; set by the image

Values of keys are never repeated. Deliberately starts nothing (`container`).
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from azml_gateway.config import Auth, Config, ConfigError, DeploymentConfig
from azml_gateway.held_port import Held

PORT = 5001
"""Port of the scoring server in Azure ML's own images."""
SECRETS = ("AZML_PRIMARY_KEY", "AZML_SECONDARY_KEY")
"""Variables that the scoring code has no business with."""
NAME = "service"
"""What the one deployment behind the gateway is called."""
DRAIN_S = 20
"""Seconds that running requests get after SIGTERM. Kubernetes kills 30 s after it, unless told otherwise; the scoring
server needs the rest."""


@dataclass(frozen=True)
class Settings:
    """What a container is told."""

    host: str
    port: int
    held: Held | None
    auth: Auth
    tls: ssl.SSLContext | None
    limits: DeploymentConfig
    code: Path
    script: str

    def config(self, address: str) -> Config:
        """Make the gateway's config for a scoring server at `address`."""
        limits = self.limits
        deployment = DeploymentConfig(
            instances=(address,),
            request_timeout_s=limits.request_timeout_s,
            max_concurrent=limits.max_concurrent,
            max_queue_wait_s=limits.max_queue_wait_s,
        )
        return Config(NAME, self.host, self.port, "", self.auth, {NAME: 100}, {}, {NAME: deployment}, drain_s=DRAIN_S)


def read(variables: Mapping[str, str]) -> Settings:
    """Read the variables. Raises `ConfigError` with a line for each problem."""
    found = _Variables(variables)
    host, port = found.listen()
    code, script = found.code()
    defaults = DeploymentConfig()
    settings = Settings(
        host=host,
        port=port,
        held=found.held(),
        auth=found.auth(),
        tls=found.tls(),
        limits=DeploymentConfig(
            max_concurrent=int(found.number("AZML_MAX_CONCURRENT_REQUESTS", defaults.max_concurrent, 1, whole=True)),
            request_timeout_s=found.number("AZML_REQUEST_TIMEOUT_S", defaults.request_timeout_s, 0.001),
            max_queue_wait_s=found.number("AZML_MAX_QUEUE_WAIT_S", defaults.max_queue_wait_s, 0),
        ),
        code=code,
        script=script,
    )
    if found.problems:
        raise ConfigError("\n".join(found.problems))
    return settings


class _Variables:
    """Environment variables being read: wrong ones are noted, so that all are found in one go. Empty is absent."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self._given = {name: value for name, value in variables.items() if value}

    def listen(self) -> tuple[str, int]:
        if "AZML_LISTEN" not in self._given:
            return "0.0.0.0", self._port("AZML_PORT", self._given.get("AZML_PORT", str(PORT)))  # noqa: S104
        return self._address("AZML_LISTEN")

    def held(self) -> Held | None:
        names = ("AZML_PROBE_LISTEN", "AZML_READY_PIPE")
        if not self._both_or_none(names, "the other of the two for readiness"):
            return None
        pipe = Path(self._given[names[1]])
        if not pipe.is_fifo():
            self._wrong(names[1], str(pipe), "the path of a named pipe")
        return Held(*self._address(names[0]), pipe)

    def auth(self) -> Auth:
        mode = self._given.get("AZML_AUTH_MODE", "key")
        keys = tuple(self._given[name] for name in SECRETS if name in self._given)
        if mode == "none":
            if keys:
                self.problems.append("AZML_AUTH_MODE=none asks for no key: leave AZML_PRIMARY_KEY out, or set key")
            return Auth("none")
        if mode != "key":
            self._wrong("AZML_AUTH_MODE", mode, "key, none")
        elif SECRETS[0] not in self._given:
            self.problems.append(
                "AZML_PRIMARY_KEY is not set: callers show a key. To let everybody call, set AZML_AUTH_MODE=none"
            )
        for name in SECRETS:
            if not all(" " < letter <= "~" for letter in self._given.get(name, "")):
                self.problems.append(
                    f"{name} (not shown) has characters that no header holds; allowed: ASCII, no space"
                )
        return Auth("key", keys=keys)

    def tls(self) -> ssl.SSLContext | None:
        names = ("AZML_TLS_CERT_FILE", "AZML_TLS_KEY_FILE")
        if not self._both_or_none(names, "the other of the two TLS files"):
            return None
        files = {name: self._given[name] for name in names}
        certificate, key = files.values()
        missing = [name for name, file in files.items() if not Path(file).is_file()]
        for name in missing:
            self._wrong(name, files[name], "the path of a PEM file in the container")
        return None if missing else self._context(certificate, key)

    def number(self, name: str, default: float, least: float, *, whole: bool = False) -> float:
        text = self._given.get(name)
        if text is None:
            return default
        try:
            value = int(text) if whole else float(text)
        except ValueError:
            value = least - 1
        if not least <= value < float("inf"):
            self._wrong(name, text, f"a {'whole ' if whole else ''}number, {least:g} or more")
            return default
        return value

    def code(self) -> tuple[Path, str]:
        root, script = Path(self._given.get("AML_APP_ROOT", ".")), self._given.get("AZUREML_ENTRY_SCRIPT", "")
        if not script:
            self.problems.append("AZUREML_ENTRY_SCRIPT is not set: the scoring script, relative to AML_APP_ROOT")
        elif not (root / script).is_file():
            self._wrong("AZUREML_ENTRY_SCRIPT", script, f"a file in AML_APP_ROOT, {root}")
        return root, script

    def _context(self, certificate: str, key: str) -> ssl.SSLContext | None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(certificate, key, password="")  # which keeps OpenSSL from asking a terminal
        except (ssl.SSLError, OSError, ValueError) as error:
            why = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
            self.problems.append(
                f"AZML_TLS_CERT_FILE {certificate} and AZML_TLS_KEY_FILE {key} cannot be used: {why}; "
                "allowed: a PEM certificate with its chain, and its private key without a password"
            )
            return None
        return context

    def _both_or_none(self, names: tuple[str, str], other: str) -> bool:
        """Whether both are set; one alone is a problem."""
        missing = [name for name in names if name not in self._given]
        if len(missing) == 1:
            self.problems.append(f"{missing[0]} is not set, and {other} is: set both, or none")
        return not missing

    def _address(self, name: str) -> tuple[str, int]:
        host, colon, port = self._given[name].rpartition(":")
        if not (host and colon):
            self._wrong(name, self._given[name], "HOST:PORT, as in 127.0.0.1:5001")
            return "", 0
        return host.strip("[]"), self._port(name, port)

    def _port(self, name: str, text: str) -> int:
        if text.isdecimal() and text.isascii() and 1 <= int(text) <= 65535:
            return int(text)
        self._wrong(name, self._given.get(name, text), "a port from 1 to 65535")
        return 0

    def _wrong(self, name: str, value: str, allowed: str) -> None:
        self.problems.append(f"{name}={value} is not allowed; allowed: {allowed}")
