"""How soon something happens: the CLI, the local Azure, the first prediction."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import azml_local
from tests.bench.report import ratios, seconds, show
from tests.support.clone import Clone

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1200)]


def test_cli_start(root: Path) -> None:
    azml = root / ".venv/bin/azml"

    def ours() -> None:
        subprocess.run([azml, "--help"], stdout=subprocess.DEVNULL, check=True)

    def typer() -> None:
        subprocess.run([sys.executable, "-c", "import typer"], check=True)

    def command() -> None:
        subprocess.run([azml, "schema", "--help"], stdout=subprocess.DEVNULL, check=True)

    def bare() -> None:
        subprocess.run([sys.executable, "-c", "import azml_cli.__main__"], check=True)

    show("CLI start (every command's module, no command run)", ratios(bare, typer, 20), 1.5, "× import typer")
    show("azml --help", ratios(ours, typer, 10), 1.5, "× import typer")
    show("azml schema --help, for which typer loads pydantic", ratios(command, typer, 10), 1.5, "× import typer")


def test_memory_of_an_idle_local_azure(tmp_path: Path) -> None:
    figures = []
    for run in range(3):
        home = tmp_path / str(run)
        azml_local.start(home, lambda _: None)
        time.sleep(2)
        main = psutil.Process(azml_local.status(home).pid)
        processes = [main, *main.children(recursive=True)]
        figures.append(sum(p.memory_info().rss for p in processes) / 1e6)
        azml_local.stop(home)
    show("local Azure, no deployment", figures, 120, "MB")


@pytest.mark.engine
def test_warm_up(tmp_path: Path, engine: Path) -> None:
    clone = Clone.make(tmp_path, engine)
    assert clone.up().returncode == 0, "fills the caches"

    def up() -> None:
        done = clone.up()
        assert done.returncode == 0, done.stdout + done.stderr

    figures = []
    try:
        for _ in range(3):
            assert clone.destroy().returncode == 0
            clone.azml("local", "stop")
            figures += seconds(up, 1)
    finally:
        clone.azml("local", "stop")
    show("make up, warm, empty stack, local Azure stopped", figures, 15, "s")
