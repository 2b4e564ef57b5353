"""The gateway's config file: its shape, its defaults, and every reason to refuse it, at once.

```json
{"endpoint": "churn",
 "listen": {"host": "127.0.0.1", "port": 31000},
 "admin_socket": "/run/churn.sock",
 "counts": "/var/lib/churn/counts",
 "auth": {"mode": "key", "keys": ["primary", "secondary"]},
 "traffic": {"blue": 90, "green": 10},
 "mirror": {"shadow": 5},
 "deployments": {"blue": {"instances": ["127.0.0.1:5001"], "request_timeout_s": 5}}}
```

`counts`, a folder for the counts of each second (`azml_gateway.counts`), may be left out: nothing is written then.
Names in `traffic` and `mirror` need not exist in `deployments` yet. Reading the file is all that happens here.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

MAX_REQUEST_BYTES = 100 * 1024 * 1024
"""Limit of a request body: that of azureml-fe, the v1 front end. The managed front end's is not documented."""


class ConfigError(Exception):
    """The file cannot be used; the text names every problem."""


@dataclass(frozen=True)
class Auth:
    """`key`: a bearer key, one of `keys`. `token`: a bearer token that `verify` (see `azml_gateway.auth`) accepts.

    `none`: everybody may call; only a container (`container_settings`) can be told so.
    """

    mode: Literal["key", "token", "none"]
    keys: tuple[str, ...] = ()
    verify: str = ""
    cache_s: float = 30


@dataclass(frozen=True)
class DeploymentConfig:
    """Where a deployment's instances listen (`host:port` or `unix:/path`) and what they bear. Defaults are ARM's."""

    instances: tuple[str, ...] = ()
    scoring_route: str = "/score"
    request_timeout_s: float = 5
    max_concurrent: int = 1
    max_queue_wait_s: float = 0.5


@dataclass(frozen=True)
class Config:
    """Everything the gateway is told. `traffic` and `mirror` are percent by deployment."""

    endpoint: str
    host: str
    port: int
    admin_socket: str
    auth: Auth
    traffic: Mapping[str, int]
    mirror: Mapping[str, int]
    deployments: Mapping[str, DeploymentConfig]
    max_request_bytes: int = MAX_REQUEST_BYTES
    drain_s: int = 30
    counts: Path | None = None


def load(path: Path) -> Config:
    """Read and check the file. Raises `ConfigError`."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not JSON: {error}") from error
    fields = _Fields(data, str(path))
    config = _config(fields)
    if fields.problems:
        raise ConfigError("\n".join(fields.problems))
    return config


def _config(root: "_Fields") -> Config:
    listen = root.map("listen")
    config = Config(
        endpoint=root.text("endpoint"),
        host=listen.text("host", "127.0.0.1"),
        port=int(listen.number("port", None, lambda n: 0 <= n <= 65535, "a port from 0 to 65535")),
        admin_socket=root.text("admin_socket"),
        auth=_auth(root.map("auth")),
        traffic=root.percents("traffic"),
        mirror=root.percents("mirror"),
        deployments={name: _deployment(root.map("deployments").map(name)) for name in root.map("deployments").names()},
        max_request_bytes=int(root.number("max_request_bytes", MAX_REQUEST_BYTES, _positive, "more than 0")),
        drain_s=int(root.number("drain_s", 30, _not_negative, "0 or more seconds")),
        counts=Path(root.text("counts")) if "counts" in root.names() else None,
    )
    root.only(
        "endpoint", "listen", "admin_socket", "auth", "traffic", "mirror", "deployments", "max_request_bytes",
        "drain_s", "counts",
    )  # fmt: skip
    listen.only("host", "port")
    return config


def _auth(auth: "_Fields") -> Auth:
    mode = auth.text("mode")
    auth.only("mode", "keys", "verify", "cache_s")
    if mode == "key":
        return Auth("key", keys=auth.texts("keys", required=True))
    if mode == "token":
        return Auth(
            "token", verify=auth.address("verify"), cache_s=auth.number("cache_s", 30, _not_negative, "0 or more")
        )
    auth.problem("mode", mode, "key, token")
    return Auth("key")


def _deployment(item: "_Fields") -> DeploymentConfig:
    item.only("instances", "scoring_route", "request_timeout_s", "max_concurrent", "max_queue_wait_s")
    return DeploymentConfig(
        instances=tuple(item.checked_address("instances", value) for value in item.texts("instances")),
        scoring_route=item.text("scoring_route", "/score"),
        request_timeout_s=item.number("request_timeout_s", 5, _positive, "more than 0 seconds"),
        max_concurrent=int(item.number("max_concurrent", 1, lambda n: n >= 1, "1 or more")),
        max_queue_wait_s=item.number("max_queue_wait_s", 0.5, _not_negative, "0 or more seconds"),
    )


def _positive(number: float) -> bool:
    return number > 0


def _not_negative(number: float) -> bool:
    return number >= 0


class _Fields:
    """A JSON object being read: wrong values are noted in `problems` and replaced, so that all are found in one go."""

    def __init__(self, data: Any, path: str, problems: list[str] | None = None) -> None:
        self.problems: list[str] = [] if problems is None else problems
        self._path = path
        self._data: dict[str, Any] = data if isinstance(data, dict) else {}
        if not isinstance(data, dict):
            self.problems.append(f"{path}: {data!r} is not an object")

    def problem(self, name: str, value: object, allowed: str) -> None:
        self.problems.append(f"{self._path}: {name}: {value!r} is not allowed; allowed: {allowed}")

    def names(self) -> list[str]:
        return list(self._data)

    def only(self, *allowed: str) -> None:
        for name in self._data.keys() - set(allowed):
            self.problem(name, self._data[name], f"only the fields {', '.join(allowed)}")

    def map(self, name: str) -> "_Fields":
        return _Fields(self._data.get(name, {}), f"{self._path}: {name}", self.problems)

    def text(self, name: str, default: str = "") -> str:
        value = self._data.get(name, default)
        if not isinstance(value, str) or not value:
            self.problem(name, value, "text")
            return default
        return value

    def texts(self, name: str, *, required: bool = False) -> tuple[str, ...]:
        value = self._data.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self.problems.append(
                f"{self._path}: {name}: must be a list of texts"
            )  # the values may be keys: not repeated
            return ()
        if required and not value:
            self.problem(name, value, "at least one")
        return tuple(value)

    def number(self, name: str, default: float | None, accept: Callable[[float], bool], allowed: str) -> float:
        value = self._data.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not accept(value):
            self.problem(name, value, allowed)
            return 1 if default is None else default
        return value

    def percents(self, name: str) -> dict[str, int]:
        shares = self.map(name)
        accepted = {
            each: int(shares.number(each, None, lambda n: 0 <= n <= 100, "0 to 100")) for each in shares.names()
        }
        if sum(accepted.values()) > 100:
            self.problem(name, accepted, "a sum of 100 at most")
        return accepted

    def address(self, name: str) -> str:
        return self.checked_address(name, self.text(name))

    def checked_address(self, name: str, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not (value.startswith("unix:/") or (host and port.isdecimal())):
            self.problem(name, value, "host:port or unix:/path")
        return value
