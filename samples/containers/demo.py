"""`make demo-containers`: where a model can run. One stack, one `up`, on a local Azure of its own.

    python samples/containers/demo.py [FOLDER]      FOLDER is emptied; .azml/demo-containers if none is given

Owns the table at the end: each place with its address and what it predicts. The program exits with 1 where one of them
says something else than plain Python does. Everything is done as a person would: `azml up --local`, `azml invoke`.
"""

import json
import math
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azml_cli.engine import bin_dir
from azml_cli.project import Project

SAMPLES = Path(__file__).resolve().parents[1]
AZML = Path(sys.executable).parent / "azml"
TOLERANCE = 1e-5
"""onnxruntime computes in single precision."""


@dataclass(frozen=True)
class Place:
    """Where a model runs, under which name, and what it is asked."""

    name: str
    model: str
    where: str
    request: str


PLACES = (
    Place("diabetes", "diabetes (scikit-learn)", "managed online endpoint", "diabetes/sample-request.json"),
    Place("diabetes-test", "diabetes (scikit-learn)", "Container Instances", "diabetes/sample-request.json"),
    Place("wine-test", "wine (ONNX)", "Container Instances", "onnx/sample-request.json"),
)


class Failed(Exception):  # noqa: N818 - says what is the case
    """A command went wrong."""


def azml(project: Path, *arguments: str) -> str:
    """Run a command as a person would; what it printed. Raises `Failed`."""
    done = subprocess.run([AZML, *arguments], cwd=project, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"azml {' '.join(arguments)}\n{done.stdout}{done.stderr}")
    return done.stdout


def addresses(project: Path) -> dict[str, str]:
    """Where each of them answers: an output of the stack."""
    engine = bin_dir()
    command = [engine / "pulumi", "stack", "output", "scoring_uris", "--json", "--stack", "local"]
    environment = Project(project).pulumi_environment(engine)
    told = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=True).stdout
    return dict(json.loads(told))


def same(answer: Any, expected: Any) -> bool:
    """Whether two answers are the same numbers."""
    if isinstance(expected, list):
        return len(answer) == len(expected) and all(map(same, answer, expected))
    return math.isclose(answer, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def first(answer: Any) -> str:
    """The first prediction, short."""
    row = answer[0]
    return ", ".join(f"{number:.3f}" for number in (row if isinstance(row, list) else [row]))


def shown(project: Path) -> bool:
    """Ask every place and print the table; whether all of them say what plain Python does."""
    rows, good = [("where", "name", "model", "first prediction", "as plain Python", "address")], True
    uris = addresses(project)
    for place in PLACES:
        asked = project.parent / place.request
        answer = json.loads(azml(project, "invoke", place.name, "--request", str(asked)))
        expected = json.loads(Path(str(asked).replace("request", "answer")).read_text(encoding="utf-8"))
        agrees = same(answer, expected)
        good = good and agrees
        rows.append((place.where, place.name, place.model, first(answer), "yes" if agrees else "NO", uris[place.name]))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return good


def fresh(folder: Path) -> Path:
    """A copy of the samples in a folder that is emptied; the project in it."""
    project = folder / "containers"
    if project.is_dir():  # of a demo that was killed
        stop(project)
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("containers", "diabetes", "onnx"):
        shutil.copytree(SAMPLES / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".azml"))
    return project


def stop(project: Path) -> None:
    """Stop its local Azure."""
    subprocess.run([AZML, "local", "stop"], cwd=project, capture_output=True, check=False)


def main(folder: Path) -> int:
    """Bring the estate up in a folder of its own and ask it; nothing of it runs afterwards."""
    project = fresh(folder)
    try:
        print("azml up --local: one stack, three services", flush=True)
        azml(project, "up", "--local")
        print()
        return 0 if shown(project) else 1
    except Failed as error:
        print(f"\nThis is not how it has to be: {error}")
        return 1
    finally:
        stop(project)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".azml/demo-containers").resolve()))
