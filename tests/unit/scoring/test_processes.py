"""What a local Azure that was killed left running is ended at the next start, and nothing else is."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from azml_local.scoring import DataPlane
from azml_local.scoring.processes import Process, Processes
from tests.support.scoring_plane import until

# As user code does: a process of its own, that the kernel does not end with its parent.
MODULE = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "processes.json"


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        yield process
        process.kill()


def with_child(tmp_path: Path, record: Path, scenario: Callable[[Process, psutil.Process], None]) -> int:
    """Play a scenario with a child and what the child started, as the record has them; how the child ended."""

    async def run() -> int:
        (tmp_path / "user_code.py").write_text(MODULE)
        log = tmp_path / "log"
        processes = Processes(record)
        with log.open("w") as file:
            child = await processes.start(
                sys.executable, ["user_code"], cwd=tmp_path, variables={"PYTHONPATH": str(tmp_path)}, log=file.fileno()
            )
        try:
            await until(lambda: log.read_text().endswith("\n"))
            await asyncio.to_thread(scenario, child, psutil.Process(int(log.read_text())))
        finally:
            await processes.end(child, 0)
        assert child.returncode is not None
        return child.returncode

    return asyncio.run(run())


def is_over(process: psutil.Process) -> bool:
    """Whether it runs no more; who has to collect it may take a while."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def is_over_soon(process: psutil.Process, limit_s: float = 3) -> bool:
    deadline = time.monotonic() + limit_s
    while not (over := is_over(process)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return over


def next_start(record: Path) -> None:
    asyncio.run(DataPlane(record.parent, lambda *_: False).close())


def test_what_survived_is_ended_at_the_next_start(tmp_path: Path, record: Path) -> None:
    def scenario(child: Process, grandchild: psutil.Process) -> None:
        next_start(record)
        assert is_over_soon(grandchild)

    assert with_child(tmp_path, record, scenario) == -signal.SIGKILL


def test_what_survived_its_parent_is_ended_too(tmp_path: Path, record: Path) -> None:
    def scenario(child: Process, grandchild: psutil.Process) -> None:
        child.kill()
        assert not is_over_soon(grandchild, 0.3)
        next_start(record)
        assert is_over_soon(grandchild)

    with_child(tmp_path, record, scenario)


def test_a_stranger_who_got_the_number_is_spared(
    tmp_path: Path, record: Path, stranger: subprocess.Popen[bytes]
) -> None:
    """As after a boot, or in a new container with the old record: started later, under a number that is recorded."""

    def scenario(child: Process, grandchild: psutil.Process) -> None:
        record.write_text(record.read_text().replace(f'"{child.pid}"', f'"{stranger.pid}"'))
        next_start(record)
        assert not is_over_soon(grandchild, 0.3)  # not in a recorded group any more: the record was read as it is now
        with pytest.raises(subprocess.TimeoutExpired):
            stranger.wait(0.3)

    with_child(tmp_path, record, scenario)


def test_a_record_from_before_the_boot_says_nothing(tmp_path: Path, record: Path) -> None:
    def scenario(child: Process, grandchild: psutil.Process) -> None:
        old = json.loads(record.read_text())
        old["groups"] = {group: psutil.boot_time() - 1 for group in old["groups"]}
        record.write_text(json.dumps(old))
        next_start(record)
        assert not is_over_soon(grandchild, 0.3)

    with_child(tmp_path, record, scenario)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"groups": []}', '{"mark": "", "groups": {"PID": 0}}'])
def test_a_damaged_record_stops_nobody(record: Path, stranger: subprocess.Popen[bytes], text: str) -> None:
    record.write_text(text.replace("PID", str(stranger.pid)))
    next_start(record)
    assert stranger.poll() is None
    assert not record.exists()


def test_a_record_without_marks_ends_nobody(record: Path, stranger: subprocess.Popen[bytes]) -> None:
    """The form that an earlier version wrote."""
    record.write_text(json.dumps({str(stranger.pid): psutil.Process(stranger.pid).create_time() - 1}))
    next_start(record)
    with pytest.raises(subprocess.TimeoutExpired):
        stranger.wait(0.3)
