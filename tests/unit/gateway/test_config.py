import json
import subprocess
import sys
from pathlib import Path

import pytest

from azml_gateway.config import Auth, ConfigError, DeploymentConfig, load

GOOD = {
    "endpoint": "churn",
    "listen": {"port": 31000},
    "admin_socket": "/run/churn.sock",
    "auth": {"mode": "key", "keys": ["one", "two"]},
    "traffic": {"blue": 100},
    "deployments": {"blue": {"instances": ["127.0.0.1:5001"]}},
}


def written(directory: Path, data: object) -> Path:
    file = directory / "gateway.json"
    file.write_text(data if isinstance(data, str) else json.dumps(data))
    return file


def test_what_is_not_said_has_the_defaults_of_arm(tmp_path: Path) -> None:
    config = load(written(tmp_path, GOOD))
    assert config.deployments["blue"] == DeploymentConfig(("127.0.0.1:5001",), "/score", 5, 1, 0.5)
    assert config.host == "127.0.0.1"
    assert config.auth == Auth("key", ("one", "two"))


def test_zero_is_a_value(tmp_path: Path) -> None:
    data = GOOD | {"deployments": {"blue": {"max_queue_wait_s": 0}}, "traffic": {"blue": 0}}
    config = load(written(tmp_path, data))
    assert config.deployments["blue"].max_queue_wait_s == 0
    assert config.traffic == {"blue": 0}


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    data = {
        "endpoint": "",
        "listen": {"port": 70000},
        "auth": {"mode": "token", "verify": "nowhere"},
        "traffic": {"blue": 60, "green": 60},
        "deployments": {"blue": {"instances": ["localhost"], "max_concurrent": 0, "request_timeout": 5}},
        "colour": "red",
    }
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, data))
    lines = str(caught.value).splitlines()
    wrong = [
        "endpoint: ''",
        "port: 70000",
        "admin_socket: ''",
        "verify: 'nowhere'",
        "traffic: {",
        "'localhost'",
        "max_concurrent: 0",
    ]
    for each in [*wrong, "request_timeout: 5", "colour"]:
        assert sum(each in line for line in lines) == 1, each
    assert len(lines) == 9


def test_a_key_is_never_repeated_in_a_message(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, GOOD | {"auth": {"mode": "key", "keys": ["s3cret", 5]}}))
    assert "keys" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(("text", "why"), [("{", "not JSON"), ("[]", "not an object"), (None, "cannot be read")])
def test_an_unreadable_file_says_why(tmp_path: Path, text: str | None, why: str) -> None:
    file = tmp_path / "missing.json" if text is None else written(tmp_path, text)
    with pytest.raises(ConfigError, match=why):
        load(file)


def test_a_gateway_with_an_unusable_config_ends_with_the_reason_and_no_traceback(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD | {"traffic": {"blue": 101}})
    ended = subprocess.run(
        [sys.executable, "-m", "azml_gateway", "--config", str(file)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.strip() == f"{file}: traffic: blue: 101 is not allowed; allowed: 0 to 100"
