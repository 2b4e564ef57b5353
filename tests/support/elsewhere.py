"""azml as a stranger has it: the wheel, installed into an environment of its own, in a folder that is no clone."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import uv

from azml_local.scoring.conda import read
from azml_local.scoring.environments import Environments, cache
from tests.support.clone import ROOT, Clone

SAMPLE = ROOT / "samples" / "diabetes"
_PREDICT = """
import json, sys, joblib
print(json.dumps(joblib.load(sys.argv[1]).predict(json.load(open(sys.argv[2]))["data"]).tolist()))
"""


def build(kind: str, source: Path, folder: Path) -> Path:
    """A distribution (`wheel` or `sdist`) of a tree, made by what the lock has: nothing is fetched."""
    command = ["build", "-q", f"--{kind}", "--no-build-isolation", "--python", sys.executable]
    run(uv.find_uv_bin(), *command, "--out-dir", folder, source, cwd=folder.parent)
    (made,) = folder.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return made


def environment_of(folder: Path, *requirements: str) -> Path:
    """A new virtual environment with these in it, in the versions of the lock; its Python."""
    run(uv.find_uv_bin(), "venv", "-q", "--python", sys.executable, folder, cwd=folder.parent)
    python = folder / "bin" / "python"
    install = ["pip", "install", "-q", "--python", python, "-c", ROOT / "requirements.txt", *requirements]
    run(uv.find_uv_bin(), *install, cwd=folder.parent)
    return python


def run(*command: object, cwd: Path, **variables: str) -> str:
    """What a command prints that must succeed, in a shell that knows nothing of this clone."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd, env=outside(**variables), capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def outside(**variables: str) -> dict[str, str]:
    """The environment of such a shell."""
    ours = ("PYTHON", "VIRTUAL_ENV", "AZURE_", "ARM_", "PULUMI_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = [part for part in os.environ["PATH"].split(os.pathsep) if not Path(part).is_relative_to(ROOT)]
    if engine := os.environ.get("AZML_ENGINE_BIN"):
        path.insert(0, engine)
    return kept | {"PATH": os.pathsep.join(path), "NO_COLOR": "1"} | variables


def predicted() -> list[float]:
    """What the sample's model says of the sample's request, in plain Python with the model's own libraries."""
    conda = read((SAMPLE / "conda.yml").read_text())
    python = asyncio.run(Environments(cache()).ready(conda, lambda _: None)) / "bin" / "python"
    said = run(
        python, "-W", "ignore", "-c", _PREDICT,
        SAMPLE / "model" / "diabetes.joblib", SAMPLE / "sample-request.json", cwd=SAMPLE,
    )  # fmt: skip
    return list(json.loads(said))


@dataclass(frozen=True)
class Elsewhere(Clone):
    """A folder with azml in its own `.venv`."""

    def azml(self, *arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.root / ".venv" / "bin" / "azml", *arguments],
            cwd=self.root, env=outside(), capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    def arm_keys(self, endpoint_id: str) -> str:
        """The primary key of an endpoint."""
        return str(self._arm("POST", f"{endpoint_id}/listKeys", "2025-12-01")["primaryKey"])
