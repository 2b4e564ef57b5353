"""A machine of made-up programs: `build.py` runs for real, in its own process, and finds only what is put there."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ENGINE = Path(__file__).parents[3] / "engine"

PULUMI = """#!{python}
import sys
print({answer!r})
sys.exit({code})
"""

GO = """#!{python}
import os, pathlib, signal, sys, time
log = pathlib.Path({log!r})
with log.open("a") as calls:
    calls.write(" ".join(sys.argv[1:]) + " CGO_ENABLED=" + os.environ.get("CGO_ENABLED", "") + "\\n")
if sys.argv[1] == "env":
    print({version!r})
    print({toolchain!r})
if sys.argv[1] == "list":
    print({module!r})
if sys.argv[1] == "build":
    output = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as good as what Go does: it first finishes what it compiles
    (pathlib.Path(os.environ["GOTMPDIR"]) / "object").touch()
    print("go: downloading example.com/one v1.0.0")
    print("example.com/one/two", flush=True)
    (output / "half").touch()
    time.sleep({seconds})
    (output / "half").unlink()
    print({says!r})
    if {code}:
        sys.exit({code})
    for name in ("pulumi", "pulumi-language-python"):
        (output / name).write_text("#!/bin/sh\\n")
        (output / name).chmod(0o755)
"""


@dataclass
class Machine:
    """PATH with nothing but what a test puts on it, a home and a cache."""

    root: Path
    engine: Path = ENGINE
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bin.mkdir(parents=True)
        self.environment |= {"PATH": str(self.bin), "HOME": str(self.root / "home"), "AZML_CACHE": str(self.cache)}

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def builds(self) -> list[str]:
        log = self.root / "go.log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line for line in lines if line.startswith("build")]

    def program(self, path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def install_pulumi(self, answer: str, *, host: bool = True, code: int = 0, folder: Path | None = None) -> Path:
        folder = folder or self.bin
        if host:
            self.program(folder / "pulumi-language-python", "#!/bin/sh\n")
        return self.program(folder / "pulumi", PULUMI.format(python=sys.executable, answer=answer, code=code))

    def install_go(
        self, version: str = "go1.26.8", toolchain: str = "local", seconds: float = 0, says: str = "", code: int = 0
    ) -> None:
        module = self.root / "module"
        executor = module / "python" / "cmd" / "pulumi-language-python-exec"
        executor.parent.mkdir(parents=True, exist_ok=True)
        executor.write_text("print('runs programs')\n")
        executor.chmod(0o444)  # as in Go's module cache
        text = GO.format(
            python=sys.executable,
            log=str(self.root / "go.log"),
            version=version,
            toolchain=toolchain,
            module=str(module),
            seconds=seconds,
            says=says,
            code=code,
        )
        self.program(self.bin / "go", text)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(self.engine / "build.py"), *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell that starts pytest in the background has it ignored, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        assert "Traceback" not in err
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[str], Machine]:
    """Makes a machine with an engine folder of its own that a test may change."""

    def make(name: str) -> Machine:
        engine = tmp_path / name / "engine"
        shutil.copytree(ENGINE, engine, ignore=shutil.ignore_patterns("__pycache__"))
        return Machine(tmp_path / name / "machine", engine)

    return make
