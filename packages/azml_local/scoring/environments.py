"""Environments: a conda file made into a virtual environment, once, for every project on this machine.

Owns the cache (`environments/<hash>` in the user cache): what is built is complete or not there, and builds of the same
thing wait for each other, across processes. Deliberately compiles no bytecode: that costs 7 s for scikit-learn, and an
instance's first start does it for the modules that it really imports (3 s, once). Reading conda files is `conda`'s.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path

import uv

from azml.facts.inference_images import BRINGS_SERVER, SERVER
from azml_local.scoring.conda import CondaFile
from azml_local.scoring.contract import DeploymentFailed, Report
from azml_local.scoring.processes import LAUNCHER

_LAYOUT = 1
"""Part of the hash: raised when environments are built in another way."""

_CAUSES = (
    (r"(\S+) was not found in the (?:package registry|provided package locations)",
     "no package of that name is on the Python package index; a package that only conda has must be replaced"),
    (r"error sending request|dns error|Could not connect|Failed to fetch|tls|certificate",
     "the package index cannot be reached: check the network, a proxy, or UV_DEFAULT_INDEX"),
    (r"No space left on device", "the disk is full"),
    (r"requires-python|Requires-Python|does not satisfy Python|current Python version",
     "a package does not support this Python version: change `python=` in the conda file, or the package's version"),
    (r"no wheels with a matching|has no wheels|Failed to build|build backend|build_wheel",
     "a package has no wheel for this machine and cannot be compiled here: choose a version that has one"),
    (r"No solution found when resolving", "the versions asked for exclude each other, or do not exist: relax one"),
)  # fmt: skip


def cache() -> Path:
    """The folder that all projects share: `$AZML_CACHE`, or `azml` in the user's cache folder."""
    own = os.environ.get("AZML_CACHE")
    if own:
        return Path(own) / "environments"
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "azml" / "environments"


class Environments:
    """Builds and finds environments below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def ready(self, conda: CondaFile, report: Report) -> Path:
        """Return the environment's folder, built if need be. Raises `DeploymentFailed` (ImageBuildFailure)."""
        for note in conda.notes:
            report(note)
        python = await _interpreter(conda.python, report)
        lines = list(conda.requirements)
        if not any(BRINGS_SERVER.match(line) for line in lines):
            lines.append(SERVER)
        recipe = {"layout": _LAYOUT, "python": python, "machine": platform.machine(), "requirements": lines}
        key = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:20]
        made = self._root / key
        if _usable(made):
            return made
        self._root.mkdir(parents=True, exist_ok=True)
        async with _alone(self._root / f"{key}.lock", report):
            if not _usable(made):
                await self._build(made, python, lines, report)
        return made

    async def _build(self, made: Path, python: str, lines: list[str], report: Report) -> None:
        for left in self._root.glob(f".{made.name}.*"):  # of a build that was killed
            shutil.rmtree(left, ignore_errors=True)
        shutil.rmtree(made, ignore_errors=True)
        building = Path(tempfile.mkdtemp(prefix=f".{made.name}.", dir=self._root))
        requirements = building / "requirements.txt"
        requirements.write_text("\n".join(lines) + "\n", encoding="utf-8")
        environment = building / "environment"
        try:
            report(f"building the environment: {len(lines)} requirements")
            await _uv("venv", "--quiet", "--relocatable", "--python", python, str(environment))
            await _uv(
                "pip", "install", "--python", str(environment), "--requirements", str(requirements), report=report
            )
            requirements.rename(environment / "requirements.txt")
            environment.rename(made)
        finally:
            shutil.rmtree(building, ignore_errors=True)


def _usable(environment: Path) -> bool:
    """An environment whose interpreter was since removed is none."""
    return (environment / "bin" / "python").exists()


async def _interpreter(wanted: str | None, report: Report) -> str:
    """Find an interpreter of the wanted version on this machine; without one, ours does, and the log says so."""
    ours = getattr(sys, "_base_executable", sys.executable)
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    exact = None if wanted is None else re.fullmatch(r"==(\d+\.\d+)(\..*)?", wanted)
    request = exact[1] if exact else wanted
    if request in (None, minor):
        return str(ours)
    try:
        found = await _uv("python", "find", "--no-project", str(request))
    except DeploymentFailed:
        report(f"no Python {request} on this machine (see `uv python list`): Python {minor} is used instead")
        return str(ours)
    return found.strip()


@contextlib.asynccontextmanager
async def _alone(path: Path, report: Report) -> AsyncIterator[None]:
    """Hold a lock file; polls, so that waiting can be cancelled."""
    with path.open("w") as file:
        said = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not said:
                    report("waiting for another build of the same environment")
                    said = True
                await asyncio.sleep(0.2)
        yield


async def _uv(*arguments: str, report: Report | None = None) -> str:
    """Run uv; its output. Raises `DeploymentFailed` with its last lines and the likely cause."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(LAUNCHER),
        str(os.getpid()),
        "-",
        uv.find_uv_bin(),
        *arguments,
        cwd="/",  # no project's settings
        env=_build_variables(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None  # noqa: S101 - tells the type checker what PIPE means
    assert process.stderr is not None  # noqa: S101
    last: deque[str] = deque(maxlen=30)
    try:
        output = asyncio.create_task(process.stdout.read())
        async for raw in process.stderr:
            line = raw.decode(errors="replace").rstrip()
            last.append(line)
            if report is not None and re.match(r"(Resolved|Prepared|Installed) \d", line):
                report(line)
        text = (await output).decode()
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code != 0:
        raise DeploymentFailed("ImageBuildFailure", _failure(list(last)))
    return text


def _failure(lines: list[str]) -> str:
    text = "\n".join(lines)
    cause = next((cause for pattern, cause in _CAUSES if re.search(pattern, text)), None)
    likely = "" if cause is None else f"Likely cause: {cause}.\n"
    return f"The environment cannot be built from the conda file.\n{likely}Last lines of the build:\n{text}"


def _build_variables() -> dict[str, str]:
    """Select what uv may need of our variables (indexes, proxies, caches): not our identity, nor Python's settings."""
    hidden = ("AZURE_", "ARM_", "PYTHON", "VIRTUAL_ENV", "CONDA_", "PULUMI_")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return ours | {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "NO_COLOR": "1"}
