"""The entry of a serving image, with Microsoft's own scoring server and the diabetes sample behind it.

Expected answer: `samples/diabetes/sample-answer.json`, what the model says in plain Python.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import trustme
import uv

from azml_gateway.config import ConfigError
from azml_gateway.container_settings import read
from azml_local.scoring.conda import read as read_conda
from azml_local.scoring.environments import Environments, cache

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "samples" / "diabetes"
REQUEST = (SAMPLE / "sample-request.json").read_bytes()
ANSWER = json.loads((SAMPLE / "sample-answer.json").read_text())
KEYS = {"AZML_PRIMARY_KEY": "the-primary-key", "AZML_SECONDARY_KEY": "the-secondary-key"}
SCORE = """
import os, pathlib, time
def init(): pass
def run(data):
    pathlib.Path("began").touch()
    time.sleep(float(os.environ.get("SLEEP", 0)))
    return dict(os.environ)
"""


@dataclass
class Image:
    """What an image holds, as folders."""

    python: Path
    packages: Path
    folder: Path

    def variables(self, **more: str) -> dict[str, str]:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": f"{self.packages}:{ROOT / 'packages'}",
            "AML_APP_ROOT": str(self.folder / "code"),
            "AZUREML_ENTRY_SCRIPT": "score.py",
            "AZUREML_MODEL_DIR": str(SAMPLE),
            "AZML_LISTEN": f"127.0.0.1:{port}",
            **more,
        }

    @contextlib.contextmanager
    def run(self, **more: str) -> Iterator["Running"]:
        variables = self.variables(**more)
        log = self.folder / f"{variables['AZML_LISTEN'].rpartition(':')[2]}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [self.python, "-m", "azml_gateway.container"], env=variables, stdout=output, stderr=output
            )
        try:
            yield Running(process, log, f"{variables['AZML_LISTEN']}")
        finally:
            process.kill()
            process.wait()


@dataclass
class Running:
    """One container."""

    process: subprocess.Popen[bytes]
    log: Path
    address: str

    def wait_until_it_listens(self) -> "Running":
        while "Listening on" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        return self

    def call(
        self, key: str = "", path: str = "/score", tls: ssl.SSLContext | None = None, body: bytes | None = REQUEST
    ) -> tuple[int, object]:
        url = f"{'http' if tls is None else 'https'}://{self.address}{path}"
        headers = {"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})}
        try:
            request = urllib.request.Request(url, data=body, headers=headers)
            with urllib.request.urlopen(request, timeout=60, context=tls) as answer:
                text = answer.read().decode()
                return answer.status, json.loads(text) if text[:1] in "[{" else text
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def waiting(self) -> socket.socket:
        """A connection with a request that is not answered."""
        host, _, port = self.address.partition(":")
        while True:
            made = socket.create_connection((host, int(port)), timeout=0.5)
            made.sendall(b"GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
            try:
                made.recv(1)
            except TimeoutError:
                return made
            made.close()

    def end(self) -> int:
        return self.process.wait(60)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    conda = read_conda((SAMPLE / "conda.yml").read_text())
    environment = asyncio.run(Environments(cache()).ready(conda, lambda _: None))
    folder = tmp_path_factory.mktemp("image")
    python, packages = environment / "bin" / "python", folder / "packages"
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python", python, "--target", packages]
    subprocess.run([*command, "httptools", "uvloop"], check=True)
    (folder / "code").mkdir()
    (folder / "code" / "score.py").write_text(SCORE)
    return Image(python, packages, folder)


def test_it_answers_who_shows_a_key(image: Image, tmp_path: Path) -> None:
    far = tmp_path / ("a-long-name/" * 10)  # longer than the address of a socket may be
    far.mkdir(parents=True)
    with image.run(**KEYS, **CODE, TMPDIR=str(far)) as container:
        container.wait_until_it_listens()
        assert container.call("the-primary-key") == (200, ANSWER)
        assert container.call("the-secondary-key") == (200, ANSWER)
        assert container.call("another-key")[0] == 401
        assert container.call()[0] == 401
        assert container.call(path="/", body=None) == (200, "Healthy")
        status, document = container.call("the-primary-key", "/swagger.json", body=None)
        assert (status, isinstance(document, dict) and document["swagger"]) == (200, "2.0")
        own = psutil.Process(container.process.pid)
        family = [own, *own.children(recursive=True)]
        argv = " ".join(word for each in family for word in each.cmdline())
        # Containers of a group share the loopback interface: whoever is not asked for a key must not be found there.
        listening = {at.laddr for one in family for at in one.net_connections("inet") if at.status == "LISTEN"}
        assert [f"{host}:{port}" for host, port in listening] == [container.address]
        container.process.send_signal(signal.SIGTERM)
        assert container.end() == 0
        assert not list(far.iterdir())
        log = container.log.read_text()
    assert "/score" in log  # the scoring server's own lines
    assert not any(key in f"{log}{argv}" for key in KEYS.values())


def test_tls_and_nobody_asked_for_a_key(image: Image, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    for number, blob in enumerate(certificate.cert_chain_pems):
        blob.write_to_path(tmp_path / "cert.pem", append=number > 0)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    files = {"AZML_TLS_CERT_FILE": str(tmp_path / "cert.pem"), "AZML_TLS_KEY_FILE": str(tmp_path / "key.pem")}
    with image.run(AZML_AUTH_MODE="none", **files) as container:
        container.wait_until_it_listens()
        assert container.call(tls=trusting)[0] == 200
        with pytest.raises(urllib.error.URLError):
            container.call(tls=ssl.create_default_context())  # who does not trust the authority
        with pytest.raises(OSError, match=r"."):
            container.call()  # no HTTP


def test_callers_wait_until_it_is_said_to_be_ready(image: Image, tmp_path: Path) -> None:
    pipe, inner = tmp_path / "ready", image.variables()["AZML_LISTEN"]
    os.mkfifo(pipe)
    with image.run(**KEYS, **CODE, AZML_PROBE_LISTEN=inner, AZML_READY_PIPE=str(pipe)) as container:
        container.wait_until_it_listens()
        for _ in range(2):
            waiting = container.waiting()
            assert Running(container.process, container.log, inner).call(path="/", body=None) == (200, "Healthy")
            pipe.write_bytes(b"1")
            with waiting:
                waiting.settimeout(60)
                assert waiting.recv(1) == b"H", "who waited is answered"
            assert container.call("the-primary-key") == (200, ANSWER)
            pipe.write_bytes(b"0")


def test_a_request_under_way_is_answered_before_the_end_and_sees_no_key(image: Image) -> None:
    (image.folder / "code" / "began").unlink(missing_ok=True)
    with image.run(**KEYS, SLEEP="1") as container:
        container.wait_until_it_listens()
        answers: list[tuple[int, object]] = []
        asking = threading.Thread(target=lambda: answers.append(container.call("the-primary-key")))
        asking.start()
        while not (image.folder / "code" / "began").exists():
            time.sleep(0.02)
        container.process.send_signal(signal.SIGTERM)
        asking.join()
        assert container.end() == 0
    ((status, seen),) = answers
    assert status == 200
    assert isinstance(seen, dict)
    assert seen["SLEEP"] == "1"
    assert not KEYS.keys() & seen.keys()


def test_limits_are_kept_and_it_ends_with_the_scoring_server(image: Image) -> None:
    with image.run(AZML_AUTH_MODE="none", SLEEP="1", AZML_REQUEST_TIMEOUT_S="0.2") as container:
        assert container.wait_until_it_listens().call()[0] == 408
        (server,) = psutil.Process(container.process.pid).children()
        server.kill()
        assert container.end() == 128 + signal.SIGKILL
        assert "ended with exit code 137 while it served" in container.log.read_text()


def test_code_that_does_not_start_ends_it(image: Image, tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text("import no_such_module\ndef init(): pass\ndef run(data): pass\n")
    with image.run(**KEYS, AML_APP_ROOT=str(tmp_path)) as container:
        assert container.end() == 3  # gunicorn's: a worker failed to boot
        log = container.log.read_text()
    assert "No module named 'no_such_module'" in log
    assert "before it was ready" in log


def test_nothing_outlives_a_killed_container(image: Image) -> None:
    with image.run(**KEYS) as container:
        container.wait_until_it_listens()
        below = psutil.Process(container.process.pid).children(recursive=True)
        container.process.kill()
        _, alive = psutil.wait_procs(below, timeout=30)
        assert not alive


def test_all_of_it_is_one_group_of_processes(image: Image, tmp_path: Path) -> None:
    """Where no kernel ends what is left of a container, whoever runs it ends its group, with what init() started."""
    (tmp_path / "score.py").write_text(
        "import subprocess\ndef init(): subprocess.Popen(['sleep', '60'])\ndef run(data): pass\n"
    )
    with image.run(**KEYS, AML_APP_ROOT=str(tmp_path)) as container:
        below = psutil.Process(container.wait_until_it_listens().process.pid).children(recursive=True)
        assert "sleep" in [one.name() for one in below]
        assert {os.getpgid(one.pid) for one in below} == {os.getpgid(container.process.pid)}
        for one in below:
            one.kill()


CODE = {"AML_APP_ROOT": str(SAMPLE / "code"), "AZUREML_ENTRY_SCRIPT": "score.py"}


def test_every_wrong_variable_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    wrong = {
        "AZML_PORT": "70000",
        "AZML_AUTH_MODE": "keys",
        "AZML_PRIMARY_KEY": "very secret\n",
        "AZML_TLS_CERT_FILE": str(tmp_path / "cert.pem"),
        "AZML_MAX_CONCURRENT_REQUESTS": "1.5",
        "AZML_REQUEST_TIMEOUT_S": "0",
        "AZML_MAX_QUEUE_WAIT_S": "nan",
        "AML_APP_ROOT": str(tmp_path),
        "AZUREML_ENTRY_SCRIPT": "score.py",
    }
    with pytest.raises(ConfigError) as caught:
        read(wrong)
    lines = str(caught.value).splitlines()
    named = [next(name for name in [*wrong, "AZML_TLS_KEY_FILE"] if line.startswith(name)) for line in lines]
    assert sorted(named) == sorted({*wrong, "AZML_TLS_KEY_FILE"} - {"AZML_TLS_CERT_FILE", "AML_APP_ROOT"})
    assert "very secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "AZML_PRIMARY_KEY is not set"),
        ({"AZML_SECONDARY_KEY": "b"}, "AZML_PRIMARY_KEY is not set"),
        ({"AZML_AUTH_MODE": "none", **KEYS}, "asks for no key"),
        ({**KEYS, "AZML_LISTEN": "5001"}, "AZML_LISTEN=5001"),
        ({**KEYS, "AZML_PROBE_LISTEN": "127.0.0.1:5002"}, "AZML_READY_PIPE is not set"),
        ({**KEYS, "AZML_PROBE_LISTEN": "127.0.0.1:5002", "AZML_READY_PIPE": "/dev/null"}, "AZML_READY_PIPE=/dev/null"),
        ({**KEYS, "AZML_LISTEN": "localhost:0"}, "AZML_LISTEN=localhost:0"),
        ({**KEYS, "AZUREML_ENTRY_SCRIPT": "other.py"}, "AZUREML_ENTRY_SCRIPT=other.py"),
        ({**KEYS, "AZUREML_ENTRY_SCRIPT": ""}, "AZUREML_ENTRY_SCRIPT is not set"),
    ],
)
def test_what_a_variable_may_not_be(variables: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read({**CODE, **variables})
    assert said in str(caught.value)


def test_files_of_another_key_are_refused(tmp_path: Path) -> None:
    files = {}
    for name in ("AZML_TLS_CERT_FILE", "AZML_TLS_KEY_FILE"):
        certificate = trustme.CA().issue_cert("127.0.0.1")
        blob = certificate.private_key_pem if "KEY" in name else certificate.cert_chain_pems[0]
        blob.write_to_path(tmp_path / name)
        files[name] = str(tmp_path / name)
    with pytest.raises(ConfigError, match="KEY_VALUES_MISMATCH"):
        read({**CODE, **KEYS, **files})


def test_defaults_listen_everywhere_and_ask_for_a_key() -> None:
    settings = read({**CODE, **KEYS})
    assert (settings.host, settings.port, settings.tls) == ("0.0.0.0", 5001, None)
    assert read({**CODE, **KEYS, "AZML_PORT": "80"}).port == 80
    assert settings.auth.keys == tuple(KEYS.values())


def test_the_program_says_it_on_stderr_and_ends_with_2() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "azml_gateway.container"], env={"PATH": ""}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "AZML_PRIMARY_KEY is not set" in ended.stderr
    assert "Traceback" not in ended.stderr
