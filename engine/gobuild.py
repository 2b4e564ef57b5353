"""Builds the engine's programs with Go, and explains why that failed.

Owns what is built and with which options, all read from go.mod and the sources beside this file. Does not decide
whether to build, nor where the result is kept.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from progress import Progress

HERE = Path(__file__).resolve().parent
SDK = "github.com/pulumi/pulumi/sdk/v3"
PACKAGES = ("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", "./cmd/pulumi-language-python")
EXECUTOR = "pulumi-language-python-exec"
PROGRAMS = ("pulumi", "pulumi-language-python", EXECUTOR)

# readonly: a build never rewrites go.mod or go.sum of the clone. -v names each package once it is compiled.
FLAGS = ("-mod=readonly", "-buildvcs=false", "-trimpath", "-v")
# Without C neither a compiler nor headers are needed, and the programs do not depend on this system's C library.
SETTINGS = {"CGO_ENABLED": "0", "GO111MODULE": "on", "GOWORK": "off"}

CAUSES = {
    r"no space left on device|disk quota exceeded": (
        "The disk is full. A first build needs about 5 GB, most of it for Go's own caches "
        "(`go env GOMODCACHE GOCACHE` says where)."
    ),
    r"signal: killed|cannot allocate memory|out of memory": (
        "The machine ran out of memory. Close other programs, or compile one package at a time: GOFLAGS=-p=1."
    ),
    r"dial tcp|proxyconnect|no such host|i/o timeout|TLS handshake|x509:|connection re(?:fused|set)|\b(?:4|5)\d\d ": (
        "Go could not fetch the modules. Check the network; where it needs a proxy, set HTTPS_PROXY, or GOPROXY to a "
        "mirror of Go modules."
    ),
}
"""What the output of a failed build shows, and what to tell the user then. The first that fits counts."""


class EngineError(Exception):
    """There is no engine to be had; the text is for the user."""


def build(go: str, directory: Path) -> None:
    """Builds all programs into bin/ of a new directory. Raises EngineError; OSError where that cannot be written."""
    programs, work = directory / "bin", directory / "work"
    programs.mkdir(parents=True)
    work.mkdir()
    version = pinned(SDK)
    link = f"-s -w -X {SDK}/go/common/version.Version={version}"
    # 3.5 minutes were measured on 2 cores with empty caches; with full ones it is seconds.
    with Progress(
        f"Building the Pulumi engine {version} with Go. This happens once, for all clones, "
        "and usually takes 3 to 4 minutes on 2 cores."
    ) as progress:
        _run([go, "build", *FLAGS, "-ldflags", link, "-o", f"{programs}{os.sep}", *PACKAGES], work, progress)
        module = _run([go, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", SDK], work, progress)
    shutil.rmtree(work)
    executor = programs / EXECUTOR
    shutil.copyfile(Path(module[-1]) / "python" / "cmd" / EXECUTOR, executor)
    executor.chmod(0o755)
    print(f"Built the Pulumi engine in {progress.elapsed}.", file=sys.stderr)


def sources() -> list[Path]:
    """The files that a build depends on."""
    programs = (file for file in HERE.glob("cmd/**/*.go") if not file.name.endswith("_test.go"))
    return [HERE / "go.mod", HERE / "go.sum", *sorted(programs)]


def pinned(module: str) -> str:
    """The version of a module that go.mod requires, such as v3.259.0."""
    return _go_mod(rf"^(?:require)?\s*{re.escape(module)} (v\S+)")


def needed_go() -> tuple[int, ...]:
    """The oldest Go that go.mod allows, such as (1, 25, 11)."""
    return tuple(map(int, _go_mod(r"^go (\S+)").split(".")))


def _go_mod(pattern: str) -> str:
    found = re.search(pattern, (HERE / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        raise EngineError(f"{HERE / 'go.mod'} is damaged: nothing in it matches {pattern}")
    return found[1]


class _Output:
    """The output of a Go command: what it is doing now, and its last lines."""

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=1000)
        self.downloaded = 0
        self.compiled = 0

    def read(self, lines: Iterable[str]) -> None:
        for line in map(str.rstrip, lines):
            if line.startswith("go: downloading"):
                self.downloaded += 1
            elif re.fullmatch(r"[\w.~/-]+/[\w.~/-]+", line) and not line.startswith("/"):
                self.compiled += 1
            elif line:
                self.lines.append(line)

    @property
    def doing(self) -> str:
        if self.compiled:
            return f"compiling ({self.compiled} packages)"
        return f"fetching modules ({self.downloaded})" if self.downloaded else "looking at what has to be compiled"


def _run(command: list[str], work: Path, progress: Progress) -> list[str]:
    """Runs Go in the folder of go.mod; returns what it printed. Raises EngineError with the likely cause.

    When this process is interrupted, Go and its compilers are killed together: asked to end, Go may first finish what
    it does. Its half-made files are in `work`, and its caches are written in a way that bears it.
    """
    output = _Output()
    process = subprocess.Popen(
        command,
        cwd=HERE,
        env=os.environ | SETTINGS | {"GOTMPDIR": str(work)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    with process:
        reader = threading.Thread(target=output.read, args=(process.stdout,))
        reader.start()
        try:
            while _is_running(process):
                progress.tick(output.doing)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            reader.join()
    if process.returncode:
        raise EngineError(explain(list(output.lines)))
    return list(output.lines)


def _is_running(process: subprocess.Popen[str]) -> bool:
    try:
        process.wait(timeout=0.2)
    except subprocess.TimeoutExpired:
        return True
    return False


def explain(lines: list[str]) -> str:
    """What to tell about a build that failed: the likely cause where there is one, and Go's last lines."""
    text = "\n".join(lines)
    cause = next((f"\n{remedy}" for sign, remedy in CAUSES.items() if re.search(sign, text)), "")
    last = "\n".join(f"  {line}" for line in lines[-6:])
    return f"the Pulumi engine could not be built.{cause}\nGo's last lines:\n{last}"
