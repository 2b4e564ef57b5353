"""The local Azure as a background process: started once, found again, ended with all its children.

Owns who starts and stops (one at a time, by a lock on a file), what a client's environment looks like, and what is
known without asking the server. The server itself is `serve`.
"""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from azml_local import answering
from azml_local.extra import missing
from azml_local.home import Home

_READY_S, _STOP_S, _STEP_S = 10.0, 10.0, 0.02
_LAST_LINES = 15
_LOG_BYTES = 5 << 20


class NotRunning(Exception):  # noqa: N818 - says what is the case
    """The local Azure does not run, or did not come up; the message says what to do."""


@dataclass(frozen=True)
class Status:
    """What is known of a local Azure; `endpoints` and `container_groups` also while it does not run."""

    running: bool
    pid: int | None
    url: str | None
    memory_mb: float
    """Of the server and all its children."""
    endpoints: list[dict[str, Any]]
    """`{id, name, workspace, state, scoring_uri, memory_mb, deployments}`, each deployment `{name, state, instances,
    traffic, memory_mb}`.
    """
    container_groups: list[dict[str, Any]]
    """`{id, name, state, restarts, image, addresses, memory_mb}`; the state is None while nothing runs."""


def environment(home: Path) -> dict[str, str]:
    """Variables that point official clients, azml's own and the engine's plugins at a running local Azure.

    Raises `NotRunning`.
    """
    server = _server(Home(home))
    url, bundle = server["url"], server["bundle"]
    beside = [part for part in os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")).split(",") if part]
    direct = ",".join([*beside, *(host for host in ("127.0.0.1", "localhost") if host not in beside)])
    return {
        "AZURE_AUTHORITY_HOST": url,
        "AZURE_TENANT_ID": server["tenant_id"],
        "AZURE_CLIENT_ID": server["client_id"],
        "AZURE_CLIENT_SECRET": server["client_secret"],
        "AZURE_SUBSCRIPTION_ID": server["subscription_id"],
        "ARM_SUBSCRIPTION_ID": server["subscription_id"],
        "ARM_CLOUD_METADATA_URL": f"{url}/metadata/endpoints?api-version=2019-05-01",
        "REQUESTS_CA_BUNDLE": bundle,
        "CURL_CA_BUNDLE": bundle,
        "SSL_CERT_FILE": bundle,
        "NO_PROXY": direct,
        "no_proxy": direct,
    }


def start(home: Path, report: Callable[[str], None]) -> None:
    """Start the local Azure unless it runs; back when it is ready. Raises `NotRunning` with the last log lines."""
    if absent := missing():
        raise NotRunning(f"The local Azure is not installed: {', '.join(absent)}.\nAdd it: pip install 'azml[local]'")
    at = Home(home.absolute())
    at.make()
    with _alone(at):
        _until(lambda: _running(at) is None or _answers(at), _READY_S)  # it may just be dying
        if _running(at) is not None:
            return
        at.server.unlink(missing_ok=True)  # of a process that was killed
        port = at.identity().port
        report("starting")
        log = at.logs / "server.log"
        if log.exists() and log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        with open(log, "ab", opener=_private) as output:
            before = output.tell()
            pid = _launch(at, output)
        _wait_ready(at, pid, log, before)
        if port not in (0, at.identity().port):
            report(
                f"port {port} is taken by another program: the local Azure is now at {_server(at)['url']}. "
                "Shells with the old address need `azml local env` again"
            )


def stop(home: Path) -> bool:
    """End the local Azure and all its children; whether it ran."""
    at = Home(home.absolute())
    if not at.root.is_dir():
        return False
    with _alone(at):
        pid = _running(at)
        if pid is None:
            return False
        tree = _tree(pid)
        os.kill(pid, signal.SIGTERM)
        if not _until(lambda: _running(at) is None, _STOP_S):
            os.kill(pid, signal.SIGKILL)
            _until(lambda: _running(at) is None, _STOP_S)
        for process in tree:  # what a killed server could not end itself
            if process.is_running():
                process.kill()
        at.server.unlink(missing_ok=True)
        return True


def status(home: Path) -> Status:
    """Look without starting anything."""
    at = Home(home.absolute())
    pid = _running(at) if at.root.is_dir() else None
    processes = _tree(pid) if pid is not None else []
    url = json.loads(at.server.read_text())["url"] if pid is not None and at.server.exists() else None
    total = sum(map(answering.memory, processes))
    with answering.store_of(at) as store:
        found = (answering.endpoints(at, store, processes), answering.container_groups(at, store, processes))
    return Status(pid is not None, pid, url, total, *found)


def reset(home: Path) -> None:
    """Stop, and forget every resource, blob and log. Address, ids, settings and certificates stay."""
    stop(home)
    at = Home(home.absolute())
    if not at.root.is_dir():
        return
    with _alone(at):
        for suffix in ("", "-wal", "-shm"):
            at.database.with_name(at.database.name + suffix).unlink(missing_ok=True)
        for folder in (at.blobs, at.registries, at.online, at.containers, at.logs):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    with open(home.starting, "a", encoding="utf-8", opener=_private) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _running(home: Home) -> int | None:
    """Process id of the server: the one that holds the home's lock. A stale file or a reused id does not fool it."""
    try:
        file = home.lock.open("r+", encoding="utf-8")
    except FileNotFoundError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = file.read()
            return int(text) if text else None
    return None


def _answers(home: Home) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", int(_server(home)["url"].rpartition(":")[2])), timeout=1):
            return True
    except (NotRunning, OSError):
        return False


def _server(home: Home) -> dict[str, str]:
    if _running(home) is None:
        raise NotRunning("The local Azure does not run. Start it: azml local start")
    try:
        server: dict[str, str] = json.loads(home.server.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotRunning("The local Azure does not run. Start it: azml local start") from None
    return server


def _launch(home: Home, output: IO[bytes]) -> int:
    """Start the server as nobody's child: whoever started it need not live on, nor look after it."""
    command = [sys.executable, "-m", "azml_local", "--home", str(home.root)]
    launched = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=output,
        cwd=home.root,
        start_new_session=True,
        check=True,
    )
    return int(launched.stdout)


def _wait_ready(home: Home, pid: int, log: Path, before: int) -> None:
    """Back when it answers. Raises `NotRunning` with the end of what the log has since byte `before`."""
    import psutil

    def ended() -> bool:
        try:
            return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return True

    _until(lambda: home.server.exists() or ended(), _READY_S)
    if home.server.exists():
        return
    what = "ended at once" if ended() else f"was not ready after {_READY_S:g} s"
    for process in _tree(pid):
        process.kill()
    lines = log.read_bytes()[before:].decode(errors="replace").splitlines()[-_LAST_LINES:]
    raise NotRunning("\n".join([f"The local Azure {what}. The end of {log}:", *lines]))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(_STEP_S)
    return True


def _tree(pid: int) -> list[Any]:
    import psutil

    try:
        server = psutil.Process(pid)
        return [server, *server.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
