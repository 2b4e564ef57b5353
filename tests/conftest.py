"""What every test may ask for: the repository, and the real engine."""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]
settings.register_profile("unhurried", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("unhurried")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Modules and tests stay until the end: to look for garbage among them is half of what collecting them costs."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def engine() -> Path:
    """Folder with `pulumi` and its Python host, as `make up` finds or builds them."""
    if given := os.environ.get("AZML_ENGINE_BIN"):
        return Path(given)
    built = subprocess.run([sys.executable, ROOT / "engine" / "build.py"], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return Path(built.stdout.splitlines()[-1])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what tests did not run of what they are about, though they passed."""
    passed = terminalreporter.stats.get("passed", [])
    for what in [text for report in passed for name, text in report.user_properties if name == "not run"]:
        terminalreporter.write_line(f"not run: {what}")
