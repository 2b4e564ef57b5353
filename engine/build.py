"""Finds the Pulumi engine for azml, and has it built once where none is installed.

    python engine/build.py               prints the folder that holds `pulumi`; builds the engine if there is none
    python engine/build.py --find-only   the same, but never builds

The folder is the last line on stdout; everything for people to read goes to stderr. Exit 0: the folder; 1: there is no
engine, and the message says what to do; 130: interrupted.

This file owns which engine is used and where a built one lies: an official `pulumi` on PATH that is new enough wins,
then a built one in the user's cache. How it is built is in gobuild.py. Neither runs the engine, and neither needs more
than Python: they must work before azml's environment exists.
"""

import argparse
import contextlib
import hashlib
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import gobuild
from progress import Progress

OLDEST = (3, 250)
"""Oldest official Pulumi that azml is known to run on."""
PULUMI_PAGE = "https://www.pulumi.com/docs/install/"
GO_PAGE = "https://go.dev/doc/install"


class NotUsableError(Exception):
    """Why something found or not found on PATH does not do."""


def main(arguments: list[str]) -> int:
    """Prints the engine's folder. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Prints the folder of the Pulumi engine; builds it if there is none.")
    parser.add_argument("--find-only", action="store_true", help="never build: exit 1 if there is no engine yet")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        print(find(may_build=not options.find_only))
    except gobuild.EngineError as error:
        print(f"azml: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("azml: interrupted. The next run uses what has been compiled so far.", file=sys.stderr)
        return 130
    return 0


def find(*, may_build: bool) -> Path:
    """The folder that holds `pulumi` and its Python language host. Raises EngineError."""
    try:
        return installed()
    except NotUsableError as reason:
        engine = cache() / f"{gobuild.pinned('github.com/pulumi/pulumi/pkg/v3')}-{fingerprint()}"
        if not is_complete(engine):
            if not may_build:
                message = f"there is no Pulumi engine yet: {reason}. `python {sys.argv[0]}` builds it."
                raise gobuild.EngineError(message) from None
            build(engine, go_for(reason))
        return engine / "bin"


def installed() -> Path:
    """The folder of the `pulumi` on PATH. Raises NotUsableError."""
    command = shutil.which("pulumi")
    if command is None:
        raise NotUsableError("no pulumi on PATH")
    answer = _ask(command, "version")
    version = re.search(r"v?(\d+)\.(\d+)\.\d\S*", answer)
    if version is None:
        raise NotUsableError(f"{command} does not answer `pulumi version`")
    if (int(version[1]), int(version[2])) < OLDEST:
        raise NotUsableError(f"{command} is {version[0]}, older than {_dotted(OLDEST)}")
    # The engine also looks beside its own file, wherever the link on PATH points.
    places = [os.environ.get("PATH", ""), str(Path(command).parent), str(Path(command).resolve().parent)]
    if shutil.which("pulumi-language-python", path=os.pathsep.join(places)) is None:
        raise NotUsableError(f"{command} has no pulumi-language-python beside it")
    return Path(command).parent


def go_for(reason: NotUsableError) -> str:
    """The Go that builds the engine. Raises EngineError, which names both ways to an engine."""
    try:
        return go()
    except NotUsableError as no_go:
        raise gobuild.EngineError(
            f"there is no Pulumi engine: {reason}; {no_go}. Two ways out:\n"
            f"  - install Pulumi {_dotted(OLDEST)} or newer: {PULUMI_PAGE}\n"
            f"  - install Go {_dotted(gobuild.needed_go())} or newer, and azml builds the engine itself, "
            f"once, in 3 to 4 minutes: {GO_PAGE}"
        ) from None


def go() -> str:
    """A Go that is new enough, or fetches one: Go does from 1.21 on, unless forbidden. Raises NotUsableError."""
    if os.name == "nt":
        raise NotUsableError("on Windows none is built")
    command = shutil.which("go")
    if command is None:
        raise NotUsableError("no Go on PATH to build one")
    version, _, toolchain = _ask(command, "env", "GOVERSION", "GOTOOLCHAIN").partition("\n")
    numbers = tuple(map(int, re.findall(r"\d+", version)))
    if numbers >= gobuild.needed_go() or (numbers >= (1, 21) and not toolchain.startswith("local")):
        return command
    raise NotUsableError(f"{command} is {version or 'of unknown version'}, too old to build one")


def cache() -> Path:
    """The folder of built engines, which all clones share."""
    chosen = os.environ.get("AZML_CACHE")
    caches = os.environ.get("XDG_CACHE_HOME")
    base = Path(chosen) if chosen else (Path(caches) if caches else Path.home() / ".cache") / "azml"
    return base.expanduser().absolute() / "engine"


def fingerprint() -> str:
    """What a built engine depends on beside its version: sources, build options, kind of machine."""
    digest = hashlib.sha256(repr((gobuild.FLAGS, gobuild.SETTINGS, sys.platform, platform.machine())).encode())
    for source in gobuild.sources():
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def is_complete(engine: Path) -> bool:
    """Whether every program of an engine is there."""
    return all(os.access(engine / "bin" / program, os.X_OK) for program in gobuild.PROGRAMS)


def build(engine: Path, go_command: str) -> None:
    """Builds beside the final place and renames, so that an engine is there whole or not at all. Raises EngineError."""
    try:
        engine.parent.mkdir(parents=True, exist_ok=True)
        with _alone(engine.parent / ".lock"):
            if is_complete(engine):
                return
            unfinished = engine.parent / ".unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            try:
                gobuild.build(go_command, unfinished)
                shutil.rmtree(engine, ignore_errors=True)
                unfinished.rename(engine)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
    except OSError as error:
        raise gobuild.EngineError(
            f"the engine cannot be put into {engine.parent}: {error.strerror}. "
            "Set AZML_CACHE to a folder that can be written and has 1 GB free."
        ) from error


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Holds a lock that ends with this process, however it ends."""
    with path.open("w") as lock:
        if not _locked(lock.fileno()):
            with Progress("Another azml is building the Pulumi engine: waiting for it.") as progress:
                while not _locked(lock.fileno()):
                    progress.tick("waiting")
                    time.sleep(0.2)
        yield


def _locked(descriptor: int) -> bool:
    import fcntl  # not on Windows, where an installed engine is found all the same

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _ask(*command: str) -> str:
    """What a program prints, from a neutral folder: a go.mod of the user's must not choose the version of Go."""
    environment = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        asked = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=60, env=environment, cwd=Path.home().anchor
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return asked.stdout.strip()


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
