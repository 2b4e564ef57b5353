"""What probes run: how it ends, and that nothing of it stays."""

import asyncio
import os
from pathlib import Path

import psutil
import pytest

from azml_local.containers import asking
from tests.unit.local.support import until


@pytest.mark.parametrize(("command", "good"), [("true", True), ("exit 3", False), ("sleep 300", False)])
def test_a_command_says_by_its_end_whether_all_is_well(tmp_path: Path, command: str, *, good: bool) -> None:
    assert asyncio.run(asking.run(["/bin/sh", "-c", command], os.environ, tmp_path, 1)) is good


@pytest.mark.parametrize("last", ["wait", "true"], ids=["that takes too long", "that ends"])
def test_what_a_command_starts_ends_with_it(tmp_path: Path, last: str) -> None:
    command = f"sleep 300 & echo $! > child; {last}"
    asyncio.run(asking.run(["/bin/sh", "-c", command], os.environ, tmp_path, 1))
    child = int((tmp_path / "child").read_text())
    until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)
